// --- what a quantity says of a box ----------------------------------------------------------------

import { DATA } from "./data.js";
import { state } from "./state.js";

/** @typedef {import("./layout.js").Box} Box */

/** What is told of every node, whatever is picked. */
const TOLD = new Set(["bytes", "flops", "time", "change"]);

/** The shade of a box by the quantity that is picked, and its text; null without one. @param {Box} box */
export function shadeOf(box) {
    const { coloring } = state;
    if (!coloring || box.open) return null;
    const [shade, text] = box.node ? coloring.nodes[box.node.index] : coloring.frames[box.frame.index][box.phase];
    return { shade, text };
}

/**
 * What the quantity that is picked says of a node or frame, as its name and a text.
 *
 * @param {import("./data.js").GraphNode | import("./data.js").Frame} thing
 * @returns {[string, string]}
 */
export function picked(thing) {
    const { coloring } = state;
    if (!coloring) return ["", ""];
    if (!("members" in thing)) return [coloring.title, TOLD.has(coloring.name) ? "" : coloring.nodes[thing.index][1]];
    const halves = Object.entries(coloring.frames[thing.index]).filter(([, [, text]]) => text);
    return [coloring.title, halves.map(([phase, [, text]]) => `${text} (${phase})`).join(", ")];
}

/** What a quantity says of a node. @param {string} name @param {import("./data.js").GraphNode} node */
export const textOf = (name, node) => DATA.colorings.find((each) => each.name === name)?.nodes[node.index][1];
