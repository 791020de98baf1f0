// --- what is selected, and what that lights up ----------------------------------------------------

import { pan, camera, overview, reveal } from "./camera.js";
import { FRAMES, framesAround, nodeOf, nodeOfKey, NODES } from "./data.js";
import { draw, focusOn, sceneNow, shownFor } from "./drawing.js";
import { state, tell } from "./state.js";

/** @typedef {import("./data.js").GraphNode} GraphNode */
/** @typedef {import("./data.js").Frame} Frame */

/**
 * Select a box by its key, unfolding what hides it; null selects nothing.
 *
 * @param {string | null} key
 * @param {{closely?: boolean, focus?: boolean, told?: GraphNode}} options what the panel tells of, if not of the box
 */
export function choose(key, { closely = false, focus = false, told } = {}) {
    const node = nodeOfKey(key);
    state.selected = node ? node.id : key; // of a chip the node, so that all its chips light up
    if (key) unfoldTo(key);
    const box = key ? sceneNow().find(key) : undefined;
    if (box) reveal([box, ...(state.step !== null && told ? counterparts(told) : [])], closely);
    state.told = told ?? node ?? box?.frame ?? null;
    tell("changed");
    tell("told");
    if (box && focus) focusOn(box.key);
}

/** What is level with a node in the other pass: its rules, or else those of the closest that has some. @param {GraphNode} node */
function counterparts(node) {
    if (node.pair) return [shownFor(nodeOf(node.pair))];
    const far = (/** @type {GraphNode} */ other) => Math.abs(other.index - node.index);
    const level = NODES.filter((other) => other.rules.length).sort((a, b) => far(a) - far(b));
    return level.slice(0, 1).map((other) => shownFor(other.rules[0]));
}

/** @param {string} key */
function unfoldTo(key) {
    const inner = nodeOfKey(key)?.frame ?? FRAMES[Number.parseInt(key.slice(1), 10)].parent;
    const hidden = framesAround(inner).filter((frame) => !state.unfolded.has(frame));
    if (hidden.length && !sceneNow().boxes.has(key)) {
        hidden.forEach((frame) => state.unfolded.add(frame));
        draw();
    }
}

// --- folding --------------------------------------------------------------------------------------

/** Fold or unfold a frame; its upper left corner stays where it is. @param {Frame} frame */
export function toggle(frame) {
    const before = [...sceneNow().boxes.values()].find((box) => box.frame === frame);
    if (!before) return;
    const { unfolded, selected } = state;
    if (unfolded.has(frame.index)) unfolded.delete(frame.index);
    else unfolded.add(frame.index);
    draw();
    const after = sceneNow().boxes.get(before.key);
    if (after) pan((before.x - after.x) * camera.scale, (before.y - after.y) * camera.scale);
    if (selected && !sceneNow().find(selected)) state.selected = before.key;
    const box = state.selected && sceneNow().find(state.selected);
    tell("changed");
    if (!box || !box.frame) return;
    state.told = box.frame;
    tell("told");
}

export function foldAll() {
    state.unfolded.clear();
    draw();
    choose(null);
    overview();
}

export function unfoldAll() {
    FRAMES.slice(1).forEach((frame) => state.unfolded.add(frame.index));
    draw();
    if (state.selected) return choose(state.selected, { closely: true });
    choose(null);
    overview();
}
