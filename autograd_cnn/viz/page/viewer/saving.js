// --- what is in view, as a picture to keep --------------------------------------------------------

import { byId, color, html, svg } from "../../web/elements.js";
import { contextOf } from "../../web/colors.js";
import { canvas } from "./camera.js";
import { DATA } from "./data.js";
import { state } from "./state.js";

/** What says where things are; all else comes from the page's style. */
const GEOMETRY = ["x", "y", "width", "height", "rx", "d", "transform"];
/** By the element's name: what other programs have to be told of its style. @type {Record<string, string[]>} */
const LOOKS = {
    g: ["opacity"],
    rect: ["fill", "stroke", "stroke-width", "stroke-dasharray"],
    path: ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity"],
    text: ["fill", "font-family", "font-size", "font-weight", "text-anchor"],
};

/** How the texts of the legend are written. */
const FONT = { "font-family": "Helvetica, Arial, sans-serif", "font-size": 11 };
const LINE = 20;

/** The SVG of what is in view: as it looks now, with texts of any size, and without a style sheet. */
export function picture() {
    const { clientWidth: width, clientHeight: seen } = canvas;
    const [legend, rows] = legendElement(width, seen);
    const height = seen + rows * LINE;
    const copy = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
    const tips = svg("defs");
    copy.append(tips, svg("rect", { width, height, fill: color("--paper") }));
    const easel = byId("easel", HTMLCanvasElement);
    if (!easel.hidden) copy.append(svg("image", { href: easel.toDataURL(), width, height: seen }));
    const far = canvas.classList.contains("far");
    canvas.classList.remove("far");
    copy.append(...copied(byId("view", SVGGElement), tips));
    canvas.classList.toggle("far", far);
    // What sticks out of the view must not lie over the legend.
    if (rows) copy.append(svg("rect", { y: seen, width, height: rows * LINE, fill: color("--paper") }), legend);
    return new XMLSerializer().serializeToString(copy);
}

/**
 * What the colours that are picked mean, in rows below the view, and their number.
 *
 * @param {number} width
 * @param {number} top
 * @returns {[SVGGElement, number]}
 */
function legendElement(width, top) {
    const { coloring } = state;
    const group = svg("g", { transform: `translate(0 ${top})` });
    if (!coloring) return [group, 0];
    const brush = contextOf(html("canvas"));
    brush.font = `${FONT["font-size"]}px ${FONT["font-family"]}`;
    let [x, y] = [10, 0];
    for (const [text, shade] of [[coloring.title, ""], ...coloring.legend]) {
        const [before, long] = [shade ? 22 : 0, brush.measureText(text).width];
        if (x > 10 && x + before + long > width - 10) [x, y] = [10, y + LINE];
        if (shade) {
            const dashes = shade === "unknown" ? "4 3" : null;
            const look = { fill: DATA.shades[shade] ?? color("--paper"), stroke: color("--faint"), "stroke-dasharray": dashes };
            group.append(svg("rect", { x, y: y + 4, width: 16, height: 11, ...look }));
        }
        group.append(svg("text", { x: x + before, y: y + 13, fill: color("--ink"), ...FONT }, text));
        x += before + long + 14;
    }
    return [group, y / LINE + 1];
}

/**
 * A copy of an element and what is in it, or nothing where it is out of view.
 *
 * @param {SVGElement} original
 * @param {SVGDefsElement} tips
 * @returns {SVGElement[]}
 */
function copied(original, tips) {
    const [here, all] = [original.getBoundingClientRect(), canvas.getBoundingClientRect()];
    const beside = here.right < all.left || here.left > all.right || here.bottom < all.top || here.top > all.bottom;
    if (beside && original.tagName !== "tspan") return [];
    const copy = /** @type {SVGElement} */ (original.cloneNode(false));
    for (const { name } of [...copy.attributes]) if (!GEOMETRY.includes(name)) copy.removeAttribute(name);
    const style = getComputedStyle(original);
    for (const name of LOOKS[original.tagName] ?? []) {
        const value = style.getPropertyValue(name);
        if (!["none", "1", ""].includes(value) || name === "fill")
            copy.setAttribute(name, value === "rgba(0, 0, 0, 0)" ? "none" : value);
    }
    if (original.hasAttribute("marker-end")) copy.setAttribute("marker-end", `url(#${tipOf(style.stroke, tips)})`);
    for (const child of original.childNodes)
        copy.append(...(child instanceof SVGElement ? copied(child, tips) : [child.cloneNode()]));
    return [copy];
}

/** The name of an arrow's tip in a colour. @param {string} stroke @param {SVGDefsElement} tips */
function tipOf(stroke, tips) {
    const id = `tip-${stroke.replace(/\D+/g, "-")}`;
    if (tips.querySelector(`[id="${id}"]`)) return id;
    const tip = /** @type {SVGElement} */ (byId("tip", SVGMarkerElement).cloneNode(true));
    tip.id = id;
    tip.querySelector("path")?.setAttribute("fill", stroke);
    tips.append(tip);
    return id;
}

/** Under the name of the page's file, where it has one. @param {Blob} content @param {string} suffix */
function save(content, suffix) {
    const name = decodeURIComponent(/([^/]+)\.html$/.exec(location.pathname)?.[1] ?? "graph");
    const link = html("a", { href: URL.createObjectURL(content), download: `${name}.${suffix}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export const saveSvg = () => save(new Blob([picture()], { type: "image/svg+xml" }), "svg");

export async function savePng() {
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(picture())}`;
    await image.decode();
    const dense = Math.max(2, window.devicePixelRatio || 1);
    const sheet = html("canvas", { width: image.width * dense, height: image.height * dense });
    contextOf(sheet).drawImage(image, 0, 0, sheet.width, sheet.height);
    sheet.toBlob((content) => content && save(content, "png"));
}
