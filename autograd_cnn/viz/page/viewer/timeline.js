// --- the order of the computation -----------------------------------------------------------------
//
// Operations fire in the order of nodes, forward and then backward; a gradient fires when it is there.

import { NODES, titleOf } from "./data.js";
import { quantity } from "../../web/numbers.js";

/**
 * @typedef {import("./data.js").GraphNode} GraphNode
 * @typedef {{of: GraphNode, part: number, parts: number}} Sum an accumulation, as part of what it adds up to
 */

export const FIRING = NODES.filter((node) => ["operation", "failure", "gradient"].includes(node.kind));
const STEP_OF = new Map(FIRING.map((node, i) => [node, i + 1]));
export const SUMS = sums();
const FREED_AT = freed();
/** The nodes whose saved values are let go of after each step. @type {GraphNode[][]} */
const FREED = Array.from({ length: FIRING.length + 1 }, () => []);
for (const [node, at] of FREED_AT) FREED[at].push(node);
/** Bytes kept for the backward pass after each step. */
export const KEPT = [0];
FIRING.forEach((node, i) => {
    KEPT.push(KEPT[i] + (node.phase === "forward" ? savedBy([node]) : 0) - savedBy(FREED[i + 1]));
});

/**
 * When what each node saved is let go of: after the last of its rules, which run when its gradient is complete.
 * A rule that records nothing has run when the rules of an earlier node begin.
 */
function freed() {
    const found = new Map();
    if (!NODES.some((node) => node.phase === "backward")) return found;
    let step = 0;
    for (const node of [...NODES].reverse()) {
        if (node.phase !== "forward" || node.kind !== "operation") continue;
        const rules = node.rules.filter((rule) => rule.kind === "operation");
        step = Math.max(step, ...rules.map(stepOf));
        if (node.saved_bytes && step) found.set(node, step);
    }
    return found;
}

/** Where a value has several uses, the backward pass adds up what they send back, before the rules run. */
function sums() {
    const found = new Map();
    for (const node of NODES) {
        const most = forwardUses(node).length - 1;
        const added = [];
        for (const rule of node.rules) {
            if (rule.name !== "add" || added.length >= most) break;
            added.push(rule);
        }
        added.forEach((sum, i) => found.set(sum, { of: node, part: i + 2, parts: added.length + 1 }));
    }
    return /** @type {Map<GraphNode, Sum>} */ (found);
}

/** @param {GraphNode} node */
function forwardUses(node) {
    const inForward = (/** @type {GraphNode} */ each) => each.phase === "forward";
    return node.users.filter(({ node: user }) => inForward(node) && inForward(user) && user.kind === "operation");
}

/** What was removed between two graphs saves nothing any more. @param {GraphNode[]} nodes */
function savedBy(nodes) {
    return nodes.reduce((sum, node) => sum + (node.change === "removed" ? 0 : (node.saved_bytes ?? 0)), 0);
}

/** The step at which a node fires; 0 for what is there from the start. @param {GraphNode} node */
export function stepOf(node) {
    return STEP_OF.get(node) ?? 0;
}

/** Whether what a node saved has been let go of. @param {GraphNode} node @param {number} step */
export const isFreed = (node, step) => (FREED_AT.get(node) ?? Infinity) <= step;

/**
 * Whether a node has fired, fires or waits; parameters and inputs are there from the start.
 *
 * @param {GraphNode} node
 * @param {number} step
 */
export function stateOf(node, step) {
    if (step > 0 && FIRING[step - 1] === node) return "now";
    const made = node.kind === "output" ? node.operands.map(({ node: from }) => from) : [node];
    return made.every((each) => stepOf(each) <= step) ? "fired" : "waiting";
}

// --- in words -------------------------------------------------------------------------------------

/** What there is to say of a node's part in sums of gradients. @param {GraphNode} node */
export function sumText(node) {
    const sum = SUMS.get(node);
    if (sum) return `Partial sum: ${contributions(sum)} to the gradient of ${sum.of.name} (${sum.of.id})`;
    const uses = forwardUses(node).length;
    if (uses < 2 || node.kind === "constant") return "";
    return `Fan-out: used ${uses} times; its gradient is the sum of what is sent back.`;
}

/** @param {Sum} sum */
const contributions = ({ part, parts }) => `${part} of ${parts} contributions`;

/** @param {number | null} step */
export function stepText(step) {
    if (step === null) return `${FIRING.length} steps`;
    if (step === 0) return `Step 0 of ${FIRING.length}: nothing has been computed`;
    const node = FIRING[step - 1];
    const sum = SUMS.get(node);
    const words = [`Step ${step} of ${FIRING.length}, ${node.phase}: ${titleOf(node)} (${node.id})`];
    if (sum) words.push(`${contributions(sum)} to ∂ ${sum.of.name}`);
    if (node.phase === "forward" && node.saved_bytes) words.push(`saves ${quantity(node.saved_bytes, "B")}`);
    if (FREED[step].length)
        words.push(
            `frees ${quantity(savedBy(FREED[step]), "B")} of ${FREED[step].map((each) => each.name).join(", ")}`,
        );
    words.push(`${quantity(KEPT[step], "B")} kept for the backward pass`);
    return words.join(" · ");
}
