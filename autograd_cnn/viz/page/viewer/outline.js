// --- the graph as a text: lists within lists, for those who do not see it or like to read it ------

import { html } from "../../web/elements.js";
import { FRAMES, halfKey, kindOf, NODES, titleOf } from "./data.js";
import { choose } from "./selection.js";

/** @typedef {import("./data.js").GraphNode} GraphNode */
/** @typedef {import("./data.js").Frame} Frame */

/** The contents of a frame in the order of the computation; inner frames are made when they are opened. @param {number} index */
export function outline(index) {
    const inner = FRAMES[index].children.map((frame) => ({ at: frame.members[0].index, item: frameItem(frame) }));
    const own = NODES.filter((node) => node.frame === index).map((node) => ({ at: node.index, item: nodeItem(node) }));
    const items = [...inner, ...own].sort((a, b) => a.at - b.at).map(({ item }) => item);
    return html("ul", { class: "outline" }, items);
}

/** @param {GraphNode} node */
function nodeItem(node) {
    const words = `${titleOf(node)} ${node.form}, ${node.kind}, ${node.phase} pass`;
    const attributes = { class: "text", "aria-label": words, onclick: () => choose(`n${node.index}`, { closely: true }) };
    const mark = html("i", { class: kindOf(node) });
    return html("li", {}, html("button", attributes, mark, titleOf(node), html("small", {}, ` ${node.form}`)));
}

/** @param {Frame} frame */
function frameItem(frame) {
    const details = html(
        "details",
        { ontoggle: () => details.querySelector("ul") ?? details.append(outline(frame.index)) },
        html("summary", {}, frame.title, html("small", {}, ` ${frame.members.length} nodes`)),
    );
    const onclick = () => choose(halfKey(frame, frame.members[0].phase), { closely: true });
    return html("li", {}, details, html("button", { class: "text", "aria-label": `Show ${frame.title}`, onclick }, "show"));
}
