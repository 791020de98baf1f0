// --- the camera -----------------------------------------------------------------------------------

import { byId } from "../../web/elements.js";
import { tell } from "./state.js";

/** @typedef {import("./layout.js").Area} Area */

const READABLE = 0.8;
/** Where texts are too small to be shown. */
export const FAR = 0.35;

export const canvas = byId("canvas", SVGSVGElement);
export const camera = { x: 0, y: 0, scale: 1 };

/** The size of all that there is to see. @type {{width: number, height: number}} */
let extent = { width: 1, height: 1 };

/** @param {{width: number, height: number}} size */
export function setExtent(size) {
    extent = size;
}

/** The part of the scene that is in the window. @returns {Area} */
export function seen() {
    const { x, y, scale } = camera;
    return { x: -x / scale, y: -y / scale, width: canvas.clientWidth / scale, height: canvas.clientHeight / scale };
}

function look() {
    byId("view", SVGGElement).setAttribute("transform", `translate(${camera.x} ${camera.y}) scale(${camera.scale})`);
    tell("moved");
}

/** @param {number} dx @param {number} dy */
export function pan(dx, dy) {
    camera.x += dx;
    camera.y += dy;
    look();
}

/** Have a place of the scene in the middle of the window. @param {number} x @param {number} y */
export function centre(x, y) {
    camera.x = canvas.clientWidth / 2 - x * camera.scale;
    camera.y = canvas.clientHeight / 2 - y * camera.scale;
    look();
}

/**
 * Zoom so that what is at (x, y) of the window stays there.
 *
 * @param {number} factor
 */
export function zoom(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
    const scale = Math.min(4, Math.max(0.01, camera.scale * factor));
    camera.x = x - ((x - camera.x) * scale) / camera.scale;
    camera.y = y - ((y - camera.y) * scale) / camera.scale;
    camera.scale = scale;
    look();
}

export function fit() {
    const scale = Math.min((canvas.clientWidth - 40) / extent.width, (canvas.clientHeight - 40) / extent.height, 1.25);
    camera.scale = Math.max(scale, 0.01);
    camera.x = (canvas.clientWidth - extent.width * camera.scale) / 2;
    camera.y = (canvas.clientHeight - extent.height * camera.scale) / 2;
    look();
}

/** Begin with as much as can be read, from the top and the left. */
export function overview() {
    fit();
    if (camera.scale >= READABLE) return;
    zoom(READABLE / camera.scale);
    camera.x = Math.max(20, (canvas.clientWidth - extent.width * camera.scale) / 2);
    camera.y = Math.max(20, (canvas.clientHeight - extent.height * camera.scale) / 2);
    look();
}

/**
 * Bring boxes into the window, as far as they are not there: all, if they can still be read, or else the first.
 *
 * @param {Area[]} boxes
 */
export function reveal(boxes, closely = false) {
    if (closely && camera.scale < 0.7) camera.scale = 1;
    const { clientWidth, clientHeight } = canvas;
    const all = hull(boxes.map(core));
    const scale = Math.min(camera.scale, (clientWidth - 20) / all.width, (clientHeight - 20) / all.height);
    const wanted = scale < FAR ? core(boxes[0]) : all;
    if (scale >= FAR) camera.scale = scale;
    camera.x = placed(camera.x, wanted.x, wanted.width, clientWidth, extent.width);
    camera.y = placed(camera.y, wanted.y, wanted.height, clientHeight, extent.height);
    look();
}

/** What has to be seen of a box, and of a number beside it: of a large one its beginning. @param {Area} box @returns {Area} */
function core({ x, y, width, height }) {
    const [left, top] = [Math.max(0, Math.min(width / 2, 200) - 60), Math.max(0, Math.min(height / 2, 40) - 20)];
    return { x: x + left, y: y + top, width: Math.min(width, 120) + 20, height: Math.min(height, 40) };
}

/** @param {Area[]} areas @returns {Area} */
function hull(areas) {
    const [x, y] = [Math.min(...areas.map((each) => each.x)), Math.min(...areas.map((each) => each.y))];
    const right = Math.max(...areas.map((each) => each.x + each.width));
    return { x, y, width: right - x, height: Math.max(...areas.map((each) => each.y + each.height)) - y };
}

/**
 * Where an axis of the scene begins in the window, so that a stretch of it is seen: if all of the axis fits, in the
 * middle; if the stretch is not seen yet, with that in the middle.
 *
 * @param {number} at where it begins now
 * @param {number} from
 * @param {number} size
 * @param {number} room
 * @param {number} whole the length of the axis
 */
function placed(at, from, size, room, whole) {
    const start = at + from * camera.scale;
    if (start >= 10 && start + size * camera.scale <= room - 10) return at;
    if (whole * camera.scale <= room - 20) return (room - whole * camera.scale) / 2;
    return room / 2 - (from + size / 2) * camera.scale;
}

/** Where in the scene an event with a place is. @param {{clientX: number, clientY: number}} event @returns {Area} */
export function placeOf(event) {
    const bounds = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left - camera.x, event.clientY - bounds.top - camera.y];
    return { x: x / camera.scale, y: y / camera.scale, width: 0, height: 0 };
}

// In a frame that is not laid out yet, or hidden, there is no room to begin with.
let room = canvas.clientWidth;
new ResizeObserver(() => {
    if (room) look();
    else overview();
    room = canvas.clientWidth;
}).observe(canvas);
// On paper the picture is as wide as the page, and shows what the window showed.
window.addEventListener("beforeprint", () =>
    canvas.setAttribute("viewBox", `0 0 ${canvas.clientWidth} ${canvas.clientHeight}`),
);
window.addEventListener("afterprint", () => canvas.removeAttribute("viewBox"));
