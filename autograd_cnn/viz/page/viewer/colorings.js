// --- colours by a quantity ------------------------------------------------------------------------
//
// Which shade a box has was computed where the page was made; here one of the quantities is picked.

import { byId, html, svg } from "../../web/elements.js";
import { DATA, NODES, titleOf } from "./data.js";
import { choose } from "./selection.js";
import { state, tell } from "./state.js";

/** @typedef {import("./data.js").Coloring} Coloring */

const CHART = { width: 260, height: 56 };
const chooser = byId("coloring", HTMLSelectElement);
const legend = byId("legend", HTMLElement);

/** @param {string} name of the quantity; empty for the kinds of boxes */
export function pick(name) {
    state.coloring = DATA.colorings.find((each) => each.name === name) ?? null;
    chooser.value = state.coloring?.name ?? "";
    showLegend();
    tell("changed");
    tell("told");
}

function showLegend() {
    const { coloring } = state;
    legend.hidden = !coloring;
    if (!coloring) return;
    legend.replaceChildren(
        html("h2", {}, coloring.title),
        html(
            "ul",
            {},
            coloring.legend.map(([text, shade]) => html("li", {}, html("i", { "data-shade": shade }), text)),
        ),
        coloring.depth.length > 1 ? chart(coloring) : "",
    );
}

/** The quantity over the depth of the forward pass, from the input on the left. @param {Coloring} coloring */
function chart(coloring) {
    const { width, height } = CHART;
    const across = width / coloring.depth.length;
    const bars = coloring.depth.map(([index, share], i) => {
        const [shade, text] = coloring.nodes[index];
        const node = NODES[index];
        const tall = Math.max(share * height, 2);
        return svg(
            "rect",
            {
                x: i * across,
                y: height - tall,
                width: Math.max(across - (across > 3 ? 1 : 0), 0.5),
                height: tall,
                "data-shade": shade,
                onclick: () => choose(node.id, { closely: true }),
            },
            svg("title", {}, `${titleOf(node)} (${node.id}) ${node.module}: ${text}`),
        );
    });
    const label = `${coloring.title} over depth, ${coloring.depth.length} bars from the input to the output`;
    return html(
        "figure",
        {},
        svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, bars),
        html("figcaption", {}, html("span", {}, "input"), html("span", {}, "output")),
    );
}

chooser.append(
    html("option", { value: "" }, "kinds of boxes"),
    ...DATA.colorings.map(({ name, title }) => html("option", { value: name }, title)),
);
chooser.addEventListener("change", () => pick(chooser.value));
byId("colored", HTMLElement).hidden = !DATA.colorings.length;
state.coloring = DATA.colorings.find((each) => each.first) ?? null;
chooser.value = state.coloring?.name ?? "";
showLegend();
