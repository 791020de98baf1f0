// --- mouse and touch ------------------------------------------------------------------------------

import { canvas, pan, zoom } from "./camera.js";
import { boxAt } from "./drawing.js";
import { choose, toggle } from "./selection.js";

/** Those that are down. @type {Map<number, PointerEvent>} */
const pointers = new Map();
let moved = 0;

/** @param {PointerEvent} event */
function pointerDown(event) {
    pointers.set(event.pointerId, event);
    moved = 0;
}

/** One pointer pans, two zoom. @param {PointerEvent} event */
function pointerMove(event) {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    moved += Math.abs(dx) + Math.abs(dy);
    const other = [...pointers.values()].find((each) => each.pointerId !== event.pointerId);
    if (!other) pan(dx, dy);
    else {
        const far = (/** @type {PointerEvent} */ each) =>
            Math.hypot(each.clientX - other.clientX, each.clientY - other.clientY);
        const bounds = canvas.getBoundingClientRect();
        zoom(far(event) / Math.max(far(before), 1), other.clientX - bounds.left, other.clientY - bounds.top);
    }
    pointers.set(event.pointerId, event);
    if (moved > 4 && !canvas.hasPointerCapture(event.pointerId)) canvas.setPointerCapture(event.pointerId);
}

/** Whether an event is on the triangle that folds. @param {MouseEvent} event */
const onToggle = (event) => /** @type {Element} */ (event.target).closest(".toggle") !== null;

/** @param {MouseEvent} event */
function clicked(event) {
    if (moved > 4) return;
    const box = boxAt(event);
    if (box?.frame && onToggle(event)) toggle(box.frame);
    else choose(box?.key ?? null, { focus: true });
}

/** @param {MouseEvent} event */
function doubleClicked(event) {
    const box = boxAt(event);
    if (box?.frame && !onToggle(event)) toggle(box.frame);
}

/** @param {WheelEvent} event */
function turned(event) {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), event.offsetX, event.offsetY);
}

canvas.addEventListener("pointerdown", pointerDown);
canvas.addEventListener("pointermove", pointerMove);
for (const end of /** @type {const} */ (["pointerup", "pointercancel", "pointerleave"]))
    canvas.addEventListener(end, (event) => pointers.delete(event.pointerId));
canvas.addEventListener("click", clicked);
canvas.addEventListener("dblclick", doubleClicked);
canvas.addEventListener("wheel", turned, { passive: false });
