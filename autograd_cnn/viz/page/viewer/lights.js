// --- what lights up -------------------------------------------------------------------------------

import { FRAMES, framesAround, halfKey, nodeOfKey, NODES } from "./data.js";
import { membersOf } from "./layout.js";
import { state } from "./state.js";
import { FIRING, isFreed, stateOf } from "./timeline.js";

/**
 * @typedef {import("./data.js").GraphNode} GraphNode
 * @typedef {import("./layout.js").Box} Box
 * @typedef {import("./layout.js").Wire} Wire
 */

/** What a box shows of the step: a folded module waits until the first of its nodes fires. @param {Box} box */
export function stateOfBox(box) {
    const { step } = state;
    if (step === null) return { now: false, waiting: false, freed: false };
    const members = membersOf(box);
    const states = new Set(members.map((node) => stateOf(node, step)));
    const saving = members.filter((node) => node.saved_bytes);
    const freed = saving.length > 0 && saving.every((node) => isFreed(node, step));
    return { now: states.has("now"), waiting: states.size === 1 && states.has("waiting"), freed };
}

/** @param {Wire} wire */
export function stateOfWire(wire) {
    const { step, selected } = state;
    const now = step ? FIRING[step - 1] : null;
    const node = nodeOfKey(selected);
    return {
        waiting: step !== null && wire.values.every((value) => stateOf(NODES[value], step) === "waiting"),
        now: now !== null && leadsTo(wire, now),
        input: node !== null && leadsTo(wire, node),
        result: node !== null && wire.values.includes(node.index),
    };
}

/**
 * Whether a wire carries a value towards a node: to it, into a frame around it, or out of the value's own.
 *
 * @param {Wire} wire
 * @param {GraphNode} node
 */
function leadsTo(wire, node) {
    if (wire.phase !== node.phase || !node.operands.some(({ node: from }) => wire.values.includes(from.index))) return false;
    const keys = [`n${node.index}`, ...framesAround(node.frame).map((frame) => halfKey(FRAMES[frame], node.phase))];
    const end = wire.to ?? wire.into;
    return !end || keys.includes(end);
}
