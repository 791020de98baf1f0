// --- the minimap: all of the scene in a corner, while the window shows a small part of it ---------

import { byId } from "../../web/elements.js";
import { contextOf } from "../../web/colors.js";
import { canvas, centre, seen } from "./camera.js";
import { kindOf } from "./data.js";
import { sceneNow } from "./drawing.js";
import { hasProblem } from "./layout.js";
import { theme } from "./painter.js";
import { state, when } from "./state.js";

const WIDTH = 160;
const LEAST = 48;
/** How many windows make a scene for which there is a map. */
const LARGE = 4;

const map = byId("minimap", HTMLCanvasElement);
const pen = contextOf(map);
/** What does not change with the camera, and the scene that it shows. */
let picture = new OffscreenCanvas(1, 1);
/** @type {ReturnType<typeof sceneNow> | null} */
let pictured = null;
let across = 1; // pixels for a unit of the scene
let down = 1;

/** Paint all boxes; a scene that is much longer than wide, or wider than long, is squeezed. */
function paintAll() {
    const scene = sceneNow();
    const dense = window.devicePixelRatio || 1;
    const tall = Math.max(LEAST, canvas.clientHeight / 2.5);
    const scale = Math.min(WIDTH / scene.width, tall / scene.height);
    const [width, height] = [scene.width, scene.height].map((size) => Math.max(LEAST, Math.round(size * scale)));
    map.style.width = `${width}px`;
    map.style.height = `${height}px`;
    map.width = Math.round(width * dense);
    map.height = Math.round(height * dense);
    [across, down] = [map.width / scene.width, map.height / scene.height];
    picture = new OffscreenCanvas(map.width, map.height);
    const brush = contextOf(picture);
    const colors = theme();
    for (const box of scene.boxes.values()) {
        const kind = hasProblem(box) ? "problem" : box.node ? kindOf(box.node) : box.phase;
        brush.fillStyle = box.open ? colors.module : colors.kinds[kind].line;
        const [x, y, wide, high] = [box.x * across, box.y * down, box.width * across, box.height * down];
        brush.fillRect(x, y, Math.max(wide, 1), Math.max(high, 1));
        if (!box.open) continue;
        brush.strokeStyle = colors.frame;
        brush.strokeRect(x, y, wide, high);
    }
    pictured = scene;
}

/** Show where the window is, and what is selected. */
function showWindow() {
    const scene = sceneNow();
    const area = seen();
    map.hidden = area.width * area.height * LARGE > scene.width * scene.height;
    if (map.hidden) return;
    if (pictured !== scene) paintAll();
    pen.clearRect(0, 0, map.width, map.height);
    pen.drawImage(picture, 0, 0);
    const box = state.selected ? scene.find(state.selected) : undefined;
    pen.lineWidth = 2 * (window.devicePixelRatio || 1);
    pen.strokeStyle = theme().now;
    if (box)
        pen.strokeRect(box.x * across, box.y * down, Math.max(box.width * across, 3), Math.max(box.height * down, 3));
    pen.strokeStyle = theme().focus;
    const [left, top] = [Math.max(area.x * across, 1), Math.max(area.y * down, 1)];
    const right = Math.min((area.x + area.width) * across, map.width - 1);
    const bottom = Math.min((area.y + area.height) * down, map.height - 1);
    pen.strokeRect(left, top, right - left, bottom - top);
}

/** Go where the map is pressed or dragged. @param {PointerEvent} event */
function go(event) {
    if (!event.buttons) return;
    const dense = map.width / map.clientWidth;
    centre((event.offsetX * dense) / across, (event.offsetY * dense) / down);
}

map.addEventListener("pointerdown", (event) => {
    map.setPointerCapture(event.pointerId);
    go(event);
});
map.addEventListener("pointermove", go);
when("moved", showWindow);
when("changed", showWindow);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    pictured = null;
    showWindow();
});
