// --- the camera -----------------------------------------------------------------------------------

import { byId } from "../../web/elements.js";
import { tell } from "./state.js";

/** @typedef {import("./layout.js").Area} Area */

const READABLE = 0.8;

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

/** Begin with as much as can be read, from the top. */
export function overview() {
    fit();
    const wanted = Math.min(READABLE, (canvas.clientWidth - 40) / extent.width);
    if (camera.scale >= wanted) return;
    zoom(wanted / camera.scale);
    camera.x = Math.max(20, (canvas.clientWidth - extent.width * camera.scale) / 2);
    camera.y = 20;
    look();
}

/** Bring a box into the window, if it is not there. @param {Area} box */
export function reveal(box, closely = false) {
    if (closely && camera.scale < 0.7) camera.scale = 1;
    const [x, y] = [box.x + Math.min(box.width / 2, 200), box.y + Math.min(box.height / 2, 40)].map(
        (each) => each * camera.scale,
    );
    const inside =
        x + camera.x > 60 &&
        x + camera.x < canvas.clientWidth - 60 &&
        y + camera.y > 40 &&
        y + camera.y < canvas.clientHeight - 40;
    if (!inside) {
        camera.x = canvas.clientWidth / 2 - x;
        camera.y = canvas.clientHeight / 2 - y;
    }
    look();
}

/** Where in the scene an event with a place is. @param {{clientX: number, clientY: number}} event @returns {Area} */
export function placeOf(event) {
    const bounds = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left - camera.x, event.clientY - bounds.top - camera.y];
    return { x: x / camera.scale, y: y / camera.scale, width: 0, height: 0 };
}

window.addEventListener("resize", look);
