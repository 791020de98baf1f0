// --- why an element is what it is -----------------------------------------------------------------

import { html } from "../../web/elements.js";
import { HeatMap } from "../../web/heat.js";
import { DATA, nodeOf, titleOf } from "./data.js";

/**
 * @typedef {import("./data.js").GraphNode} GraphNode
 * @typedef {import("./data.js").Answer} Answer
 * @typedef {import("../../web/heat.js").Mark} Mark
 */

const FEW = 64;
const ROOM = 170; // for a picture of an operand, in pixels

/** The operation that computed the value of a node, or its gradient. @param {GraphNode} node @param {boolean} gradient */
function madeBy(node, gradient) {
    if (gradient) return DATA.explanations?.gradients[node.id];
    return ["gradient", "output"].includes(node.kind) ? node.operands[0]?.node.id : node.id;
}

/**
 * Where the answer for an element appears, below the pictures of a node; empty where the page answers nothing.
 *
 * @param {GraphNode} node
 * @param {{element: HTMLElement, gradient: boolean}[]} pictures in which elements are picked
 */
export function whySection(node, pictures) {
    const { explanations } = DATA;
    if (!explanations || ["parameter", "input", "constant"].includes(node.kind) && !madeBy(node, true)) return "";
    const place = html("section", { class: "why", "aria-live": "polite" });
    const answered = pictures.filter(({ gradient }) => (madeBy(node, gradient) ?? "") in explanations.nodes);
    for (const { element, gradient } of answered) {
        element.addEventListener("pick", (event) => {
            const index = /** @type {CustomEvent<number[] | null>} */ (event).detail;
            if (index) answer(place, madeBy(node, gradient) ?? "", flatOf(index, node.shape));
        });
        element.classList.add("answers");
    }
    if (!answered.length) say(place, `Not explained: this page has answers for some arrays of at most ${explanations.limit} elements.`);
    else if (node.shape.length < 2) choices(place, node, answered[0].gradient);
    else say(place, "Click a cell to see why it is what it is.");
    return place;
}

/** @param {HTMLElement} place @param {string} text */
const say = (place, text) => place.replaceChildren(html("p", { class: "quiet" }, text));

/** Elements of what has no picture. @param {HTMLElement} place @param {GraphNode} node @param {boolean} gradient */
function choices(place, node, gradient) {
    const id = madeBy(node, gradient) ?? "";
    const count = Math.min(node.count, FEW);
    const below = html("div");
    const buttons = Array.from({ length: count }, (_, flat) => html("button", { onclick: () => answer(below, id, flat) }, `[${flat}]`));
    if (count > 1) place.append(html("div", { class: "choices", role: "group", "aria-label": "Elements" }, buttons));
    place.append(below);
    answer(below, id, 0);
}

/** @param {HTMLElement} place @param {string} id of the operation @param {number} flat which element */
function answer(place, id, flat) {
    const told = /** @type {Answer} */ (DATA.explanations?.nodes[id]);
    const { title, what, rows, rest } = told.elements[flat];
    const maps = told.operands.map(([argument, operand]) => mapOf(argument, operand));
    const all = rows.flatMap(([, places]) => places);
    const point = (/** @type {[number, number][]} */ places) =>
        maps.forEach((map, i) => map?.heat.mark(places.filter(([of]) => of === i).map(([, at]) => [indexOf(at, map.shape), 1])));
    place.replaceChildren(
        html("h3", {}, "Why"),
        html("p", { class: "asked" }, title),
        html("p", {}, what),
        html("div", { class: "operands" }, maps.map((map) => map?.element)),
        html(
            "ol",
            {},
            rows.map(([text, places]) =>
                html(
                    "li",
                    {
                        tabindex: 0,
                        onpointerenter: () => point(places),
                        onfocus: () => point(places),
                        onpointerleave: () => point(all),
                        onblur: () => point(all),
                    },
                    text,
                ),
            ),
        ),
        rest ? html("p", { class: "quiet" }, rest) : "",
    );
    point(all);
}

/** The picture of an operand. @param {string} argument @param {string | null} id */
function mapOf(argument, id) {
    const node = id ? nodeOf(id) : undefined;
    const picture = node?.value?.picture;
    if (!node || !picture) return undefined;
    const heat = new HeatMap(picture, node.shape, ROOM, []);
    const element = html("div", {}, html("small", {}, `${argument}: ${titleOf(node)} (${node.id})`), heat.element);
    return { heat, element, shape: node.shape };
}

/** @param {number[]} index @param {number[]} shape */
const flatOf = (index, shape) => index.reduce((sum, each, axis) => sum * shape[axis] + each, 0);

/** @param {number} flat @param {number[]} shape */
function indexOf(flat, shape) {
    const index = [];
    for (let axis = shape.length - 1, left = flat; axis >= 0; axis--) {
        index.unshift(left % shape[axis]);
        left = Math.floor(left / shape[axis]);
    }
    return index;
}
