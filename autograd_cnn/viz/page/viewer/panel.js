// --- the panel: what is known of the selected node or module --------------------------------------

import { byId, html } from "../../web/elements.js";
import { HeatMap, histogram } from "../../web/heat.js";
import { quantity, short } from "../../web/numbers.js";
import { DATA, FRAMES, halfKey, kindOf, NODES, nodeOf, titleOf } from "./data.js";
import { outline } from "./outline.js";
import { choose, toggle } from "./selection.js";
import { picked, textOf } from "./shades.js";
import { state, when } from "./state.js";
import { SUMS, sumText } from "./timeline.js";
import { whySection } from "./why.js";

/**
 * @typedef {import("../../web/elements.js").Child} Child
 * @typedef {import("./data.js").GraphNode} GraphNode
 * @typedef {import("./data.js").Frame} Frame
 * @typedef {import("./data.js").Summary} Summary
 * @typedef {import("./data.js").Mark} Mark
 */

const panel = byId("panel", HTMLElement);

/** @param {string} title @param {Child[]} content */
const section = (title, ...content) => html("section", {}, html("h3", {}, title), ...content);

/** @param {GraphNode} node */
function linkTo(node, before = "") {
    return html(
        "button",
        { class: `link ${kindOf(node)}`, onclick: () => choose(`n${node.index}`) },
        `${before}${titleOf(node)}`,
        html("small", {}, ` ${node.id}`),
    );
}

/** @param {Child[]} entries */
const linkList = (entries) => html("div", { class: "links" }, entries);

/** What is known, of what may be. @param {[string, Child][]} pairs */
function facts(pairs) {
    const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
    return html(
        "dl",
        {},
        known.map(([name, value]) => [html("dt", {}, name), html("dd", {}, value)]),
    );
}

/** Text with ``code`` in it, as docstrings have it. @param {string} text */
const prose = (text) => text.split(/``?/).map((part, i) => (i % 2 ? html("code", {}, part) : part));

/** @param {string} scope */
function path(scope) {
    const parts = scope ? scope.split(".") : [];
    return html(
        "nav",
        { class: "path", "aria-label": "Modules around" },
        parts.map((part, i) => {
            const scope = parts.slice(0, i + 1).join(".");
            const title = DATA.titles[scope] ?? part;
            const frame = FRAMES.find((each) => each.path === scope);
            if (!frame) return html("span", {}, title);
            const phase = frame.members[0].phase;
            return html("button", { class: "text", onclick: () => choose(halfKey(frame, phase)) }, title);
        }),
    );
}

// --- a node ---------------------------------------------------------------------------------------

/** @param {GraphNode} node */
function showNode(node) {
    const known = node.kind === "operation" && Object.hasOwn(DATA.primitives, node.name);
    const primitive = known ? DATA.primitives[node.name] : undefined;
    const tag = node.kind === "operation" ? `${node.phase} operation` : node.kind;
    panel.replaceChildren(
        html("h2", {}, titleOf(node), html("span", { class: `tag ${kindOf(node)}` }, tag)),
        path(node.scope),
        node.problem ? html("p", { class: "problem", role: "alert" }, node.problem) : "",
        primitive?.formula ? html("p", { class: "formula" }, prose(primitive.formula)) : "",
        facts([
            ["shape", node.form],
            ["dtype", node.dtype],
            ["bytes", quantity(node.bytes, "B")],
            ["saved", node.saved_bytes === undefined ? "" : `${quantity(node.saved_bytes, "B")} for the backward pass`],
            ["arithmetic", node.flops === undefined ? "" : quantity(node.flops, "FLOP")],
            ...(node.parameters ?? []).map(parameter),
            picked(node),
            ["time", textOf("time", node)],
            ["units", node.units ? unitsText(node.units) : ""],
            ["change", node.change],
            ["changes", node.changes?.join(", ")],
            ["line", node.origin],
            ["defined in", primitive?.defined],
        ]),
        attributesOf(node.scope),
        marks(node),
        ...arrays(node),
        ...connections(node),
        primitive?.rules.length && node.phase === "forward"
            ? section(
                  "Backward rules",
                  primitive.rules.map((rule) => html("pre", { tabindex: 0 }, rule)),
              )
            : "",
    );
}

/** @param {{count: number, dead: number[]}} units */
function unitsText({ count, dead }) {
    const which = dead.slice(0, 12).join(", ") + (dead.length > 12 ? ", …" : "");
    return `${count}, ${dead.length ? `${dead.length} dead: ${which}` : "none dead"}`;
}

/** The attributes of a call, as a node of a file has them. @param {string} scope */
function attributesOf(scope) {
    const known = Object.hasOwn(DATA.attributes, scope) ? DATA.attributes[scope] : [];
    return known.length ? section(`Attributes of ${DATA.titles[scope]}`, facts(known.map(parameter))) : "";
}

/** @param {import("./data.js").Attribute} parameter @returns {[string, string]} */
const parameter = ({ name, value, default: usual }) => [name, usual ? `${value} (default)` : value];

/** The value and, beside it, its gradient: numbers, histogram, picture. @param {GraphNode} node */
function arrays(node) {
    /** @type {[string, Summary | undefined, Mark[]][]} */
    const pairs = [
        ["Value", node.value, DATA.highlight[node.id] ?? []],
        ["Gradient", node.grad, []],
    ];
    const known = pairs.flatMap(([title, summary, marked]) => (summary ? [{ title, summary, marked }] : []));
    if (!known.length)
        return [html("p", { class: "quiet" }, node.kind === "constant" ? "" : "Its value has not been kept.")];
    const width = known.length > 1 ? (panel.clientWidth - 56) / 2 : panel.clientWidth - 40;
    const shown = known.map(({ title, summary, marked }) => ({
        element: section(title, ...array(summary, node, width, marked)),
        gradient: title === "Gradient",
    }));
    return [
        html("div", { class: `arrays of-${known.length}` }, ...shown.map(({ element }) => element)),
        whySection(node, shown),
    ];
}

/** @param {Summary} summary @param {GraphNode} node @param {number} width @param {Mark[]} marked */
function array(summary, node, width, marked) {
    const { min, max, mean, std, norm, bad, picture } = summary;
    const parts = [];
    if (bad) parts.push(html("p", { class: "problem" }, `${bad} not finite`));
    if (min === undefined) return parts;
    if (min === max) parts.push(html("p", { class: "number" }, `${node.count > 1 ? "all " : ""}${short(min)}`));
    else
        parts.push(
            histogram(summary),
            facts([
                ["mean", short(mean)],
                ["std", short(std)],
                ["norm", short(norm)],
            ]),
        );
    if (picture) parts.push(new HeatMap(picture, node.shape, Math.min(width, 360), marked).element);
    return parts;
}

/** The elements that the page was asked to point out, with their weights. @param {GraphNode} node */
function marks(node) {
    const cells = DATA.highlight[node.id];
    if (!cells) return "";
    const rows = cells.map(([index, weight]) =>
        html("tr", {}, html("td", {}, `[${index.join(", ")}]`), html("td", {}, short(weight))),
    );
    return section(
        "Pointed out",
        html("table", {}, html("tr", {}, html("th", {}, "element"), html("th", {}, "weight")), rows),
    );
}

/** @param {GraphNode} node */
function connections(node) {
    const operands = node.operands.map(({ node: from, argument }) => linkTo(from, argument ? `${argument}: ` : ""));
    const users = [...new Set(node.users.map(({ node: to }) => to))].map((to) => linkTo(to));
    return [
        operands.length ? section("Computed from", linkList(operands)) : "",
        sumText(node) ? html("p", { class: "sum" }, sumText(node)) : "",
        users.length ? section("Used by", linkList(users)) : "",
        node.pair
            ? section(
                  node.kind === "gradient" ? "Gradient of" : "Backward pass of",
                  linkList([linkTo(nodeOf(node.pair))]),
              )
            : "",
        node.rules.length ? section("In the backward pass", linkList(node.rules.map((rule) => linkTo(rule)))) : "",
    ];
}

// --- a module, and the whole graph ----------------------------------------------------------------

/** @param {GraphNode[]} nodes */
function totals(nodes) {
    const members = nodes.filter(({ change }) => change !== "removed");
    const sum = (/** @type {"saved_bytes" | "flops"} */ name) => members.reduce((total, node) => total + (node[name] ?? 0), 0);
    const weights = members.filter((node) => node.kind === "parameter").reduce((total, node) => total + node.count, 0);
    const operations = (/** @type {string} */ phase) => members.filter((node) => node.kind === "operation" && node.phase === phase).length;
    return facts([
        [
            "operations",
            `${operations("forward")} forward${operations("backward") ? `, ${operations("backward")} backward` : ""}`,
        ],
        ["parameters", weights ? weights.toLocaleString("en") : ""],
        ["saved", sum("saved_bytes") ? `${quantity(sum("saved_bytes"), "B")} for the backward pass` : ""],
        ["arithmetic", sum("flops") ? quantity(sum("flops"), "FLOP") : ""],
    ]);
}

/** @param {Frame} frame */
function showFrame(frame) {
    const open = state.unfolded.has(frame.index);
    panel.replaceChildren(
        html("h2", {}, frame.title, html("span", { class: "tag module" }, "module")),
        path(frame.path),
        html(
            "p",
            {},
            html("button", { class: "wide", onclick: () => toggle(frame) }, open ? "Fold (Enter)" : "Unfold (Enter)"),
        ),
        totals(frame.members),
        facts([picked(frame)]),
        attributesOf(frame.path),
        section("Outline", outline(frame.index)),
    );
}

const HELP = [
    "Click a box to see its formula, numbers and pictures.",
    "Click a triangle, or double-click, to fold and unfold a module.",
    "Drag to pan, turn the wheel to zoom;",
    "the arrow keys step through the computation, and ? lists the keys.",
];
const HELP_ON_WHY =
    "This page knows why: click a value or a gradient, and then a cell of its picture, to see the terms that it is the sum of.";
const HELP_ON_SUMS =
    "A number such as 2/3 beside a box says that it adds the second of three contributions to a gradient.";

function showGraph() {
    const kinds = [...new Set(NODES.map(kindOf))];
    panel.replaceChildren(
        html("h2", {}, DATA.title),
        totals(NODES),
        section(
            state.coloring ? "Outlines" : "Colours",
            html(
                "ul",
                { class: state.coloring ? "legend outlines" : "legend" },
                kinds.map((kind) => html("li", {}, html("i", { class: kind }), DATA.meanings[kind] ?? kind)),
            ),
        ),
        section(
            "How to read it",
            html("p", {}, HELP.join(" ")),
            DATA.explanations ? html("p", {}, HELP_ON_WHY) : "",
            SUMS.size ? html("p", {}, HELP_ON_SUMS) : "",
        ),
        section("Outline", outline(0)),
    );
}

function show() {
    const { told } = state;
    if (!told) showGraph();
    else if ("members" in told) showFrame(told);
    else showNode(told);
    panel.scrollTop = 0;
}

when("told", show);
for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", show);
