// --- drawing --------------------------------------------------------------------------------------
//
// Each box and wire in and around the window is an element; panning and zooming set one attribute.
// Where there are too many of them to read, a painter takes over, and only what matters most at the
// moment stays an element.

import { byId, svg } from "../../web/elements.js";
import { camera, canvas, FAR, placeOf, seen, setExtent } from "./camera.js";
import { FRAMES, framesAround, halfKey, kindOf, nodeOfKey } from "./data.js";
import { HEADER } from "./axes.js";
import { contains, hasProblem, overlaps, Scene } from "./layout.js";
import { stateOfBox, stateOfWire } from "./lights.js";
import { paint } from "./painter.js";
import { shadeOf } from "./shades.js";
import { state, when } from "./state.js";
import { SUMS } from "./timeline.js";

/**
 * @typedef {import("./data.js").GraphNode} GraphNode
 * @typedef {import("./layout.js").Area} Area
 * @typedef {import("./layout.js").Box} Box
 * @typedef {import("./layout.js").NodeBox} NodeBox
 * @typedef {import("./layout.js").FrameBox} FrameBox
 * @typedef {import("./layout.js").Wire} Wire
 */

const MANY = 500;
/** @type {Scene} */
let scene;
export const sceneNow = () => scene;
let region = { x: 0, y: 0, width: 0, height: 0 }; // the part of the scene that has elements
let crowded = false; // whether these are too many
/** What has been made, by what it shows. @type {Map<Box | Wire, SVGElement>} */
let elements = new Map();
/** What is in the document, by its key. @type {Map<string, {box: Box, element: SVGElement}>} */
let drawn = new Map();

/** @param {Box} box */
function boxElement(box) {
    const element = box.frame ? frameElement(box) : nodeElement(box);
    element.setAttribute("transform", `translate(${box.x} ${box.y})`);
    return element;
}

/** @param {NodeBox} box */
function nodeElement(box) {
    const { key, node, width, height, chip } = box;
    if (chip) return chipElement({ ...box, chip });
    const round = ["input", "constant", "output"].includes(node.kind);
    const shape = svg("rect", { width, height, rx: round ? height / 2 : node.kind === "operation" ? 5 : 0 });
    const sum = SUMS.get(node);
    const problem = node.problem ? `, problem: ${node.problem}` : "";
    const number = sum ? ` ${sum.part}/${sum.parts}` : "";
    const label = `${node.lines.join(", ")}${number}: ${node.kind}, ${node.phase} pass${problem}`;
    const classes = `box ${kindOf(node)}${node.problem ? " problem" : ""}`;
    return svg(
        "g",
        { class: classes, "data-key": key, role: "button", tabindex: -1, "aria-label": label },
        shape,
        texts(node.lines, width, height),
        sum ? badge(sum, width) : null,
    );
}

/** A value that comes from elsewhere or goes there. @param {Area & {key: string, node: GraphNode, chip: string}} box */
function chipElement({ key, node, width, height, chip }) {
    const label = `${chip}: ${node.lines.join(", ")}: ${node.kind}, elsewhere`;
    return svg(
        "g",
        { class: `box chip ${kindOf(node)}`, "data-key": key, role: "button", tabindex: -1, "aria-label": label },
        svg("rect", { width, height, rx: height / 2 }),
        texts([chip], width, height),
    );
}

/**
 * Which of the contributions to a gradient an accumulation adds.
 *
 * @param {import("./timeline.js").Sum} sum
 * @param {number} width
 */
const badge = ({ part, parts }, width) => svg("text", { class: "badge", x: width + 4, y: 8 }, `${part}/${parts}`);

/** @param {FrameBox} box */
function frameElement(box) {
    const { key, frame, phase, width, height, open } = box;
    const shown = open ? frame.title : frame.lines[phase].join(", ");
    const name = `${shown}: module ${frame.path}, ${phase} pass, ${frame.members.length} nodes`;
    const attributes = {
        "data-key": key,
        role: "button",
        tabindex: -1,
        "aria-label": name,
        "aria-expanded": String(open),
    };
    const toggle = svg(
        "g",
        { class: "toggle" },
        svg("rect", { width: HEADER, height: HEADER }),
        svg("path", { d: open ? "M7 9h8l-4 5z" : "M9 7v8l5-4z" }),
    );
    if (open) {
        return svg("g", { class: `frame ${phase}`, ...attributes }, svg("rect", { width, height, rx: 6 }), toggle);
    }
    const classes = `box module ${phase}${hasProblem(box) ? " problem" : ""}`;
    return svg(
        "g",
        { class: classes, ...attributes },
        svg("rect", { width, height, rx: 5 }),
        texts(frame.lines[phase], width, height),
        toggle,
    );
}

/** The title of an open frame, above the wires that run into it. @param {Box} box */
function titleElement({ frame, phase, x, y }) {
    const sign = phase === "backward" ? "∂ " : "";
    return svg("text", { x: x + HEADER - 2, y: y + 15, class: "title" }, `${sign}${frame?.title}`);
}

/** With spaces between the lines, since what is read aloud is in one. @param {string[]} lines @param {number} width @param {number} height */
function texts(lines, width, height) {
    const top = height / 2 - (lines.length - 1) * 7 + 4;
    return svg(
        "text",
        { class: "lines", "text-anchor": "middle" },
        lines.map((line, i) => [i > 0 && " ", svg("tspan", { x: width / 2, y: top + 14 * i }, line)]),
    );
}

/** Show the scene with the frames that are open. */
export function draw() {
    scene = new Scene(state.unfolded);
    setExtent(scene);
    elements = new Map();
    populate();
}

/**
 * @template {Box | Wire} T
 * @param {T} thing
 * @param {(thing: T) => SVGElement} make
 */
function elementOf(thing, make) {
    const found = elements.get(thing) ?? make(thing);
    elements.set(thing, found);
    return found;
}

/** The key of the box that has the focus. */
export const focused = () => /** @type {SVGElement | null} */ (document.activeElement)?.dataset.key;

/** @param {string} key */
export const focusOn = (key) => drawn.get(key)?.element.focus({ preventScroll: true });

/** Make elements for what is in the window or close to it; the focus stays where it was. */
function populate() {
    const before = focused();
    region = around(seen(), 0.5);
    const boxes = [...scene.boxes.values()].filter((box) => overlaps(box, region));
    crowded = boxes.length > MANY;
    const kept = crowded ? boxes.filter(isMarked) : boxes;
    const wires = crowded ? [] : scene.wires.filter((wire) => overlaps(wire.bounds, region));
    drawn = new Map(kept.map((box) => [box.key, { box, element: elementOf(box, boxElement) }]));
    layer("columns").replaceChildren(...(crowded ? [] : scene.columns.map(columnElement)));
    const all = [...drawn.values()];
    layer("frames").replaceChildren(...all.filter(({ box }) => box.open).map(({ element }) => element));
    layer("titles").replaceChildren(...all.filter(({ box }) => box.open).map(({ box }) => titleElement(box)));
    layer("boxes").replaceChildren(...all.filter(({ box }) => !box.open).map(({ element }) => element));
    layer("wires").replaceChildren(...wires.map((wire) => elementOf(wire, wireElement)));
    dress();
    if (before) focusOn(before);
}

/** @param {string} id */
const layer = (id) => byId(id, SVGGElement);

/** @param {Area} area @param {number} share of its size on each side @returns {Area} */
function around({ x, y, width, height }, share) {
    return {
        x: x - width * share,
        y: y - height * share,
        width: width * (1 + 2 * share),
        height: height * (1 + 2 * share),
    };
}

/** Let elements say what is selected, what fires and what waits. */
function dress() {
    const { selected, step } = state;
    const first = (selected && scene.find(selected)?.key) ?? drawn.keys().next().value;
    const node = nodeOfKey(selected);
    const users = new Set(node && !node.boxed ? node.users.map((link) => shownFor(link.node).key) : []);
    for (const [key, { box, element }] of drawn) {
        element.classList.toggle("selected", (box.node?.id ?? key) === selected);
        element.classList.toggle("uses", users.has(key));
        const lights = stateOfBox(box);
        for (const [name, on] of Object.entries(lights)) element.classList.toggle(name, on);
        element.setAttribute("aria-current", lights.now ? "step" : String(key === selected));
        const shaded = shadeOf(box);
        if (shaded) element.dataset.shade = shaded.shade;
        else delete element.dataset.shade;
        element.setAttribute("tabindex", key === first ? "0" : "-1");
    }
    for (const wire of scene.wires) {
        const element = elements.get(wire);
        if (!element) continue;
        for (const [name, on] of Object.entries(stateOfWire(wire))) element.classList.toggle(name, on);
    }
    canvas.classList.toggle("stepping", step !== null);
    layer("links").replaceChildren(...linksOfSelected());
    paint(scene, crowded);
}

/** Whether a box is kept as an element among many. @param {Box} box */
const isMarked = (box) => (box.node?.id ?? box.key) === state.selected || (!box.open && stateOfBox(box).now);

/** @param {Area & {phase: string}} column */
function columnElement({ phase, x, y, width, height }) {
    return svg(
        "g",
        { class: "column", transform: `translate(${x} ${y})` },
        svg("rect", { width, height, rx: 8 }),
        svg("text", { x: 10, y: 15, class: "title" }, `${phase} pass`),
    );
}

/** @param {Wire} wire */
function wireElement({ phase, d, to, values, label: [x, y] }) {
    const path = svg("path", { d, "marker-end": to ? "url(#tip)" : null });
    const count = to && values.length > 1 ? svg("text", { x, y: y + 3 }, String(values.length)) : null;
    return svg("g", { class: `wire ${phase}` }, path, count);
}

/** Dashed curves to the other pass: to what the rules read and to the operations that they made. */
function linksOfSelected() {
    const box = state.selected ? scene.find(state.selected) : undefined;
    if (!box?.node || box.chip) return [];
    const { operands, users, phase } = box.node;
    const others = [...operands, ...users].map(({ node }) => node).filter((other) => other.phase !== phase);
    const shown = new Set(others.map(shownFor).filter((other) => other !== box));
    return [...shown].map((other) => {
        const [left, right] = box.x < other.x ? [box, other] : [other, box];
        const [x1, y1, x2, y2] = [left.x + left.width, left.y + left.height / 2, right.x, right.y + right.height / 2];
        const bend = Math.max(40, (x2 - x1) / 2);
        return svg("path", { class: "link", d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` });
    });
}

/** The box that shows a node: its own or what stands for it, or that of the outermost folded frame around it. @param {GraphNode} node */
export function shownFor(node) {
    const folded = framesAround(node.frame)
        .filter((frame) => !scene.unfolded.has(frame))
        .at(-1);
    return /** @type {Box} */ (scene.find(folded === undefined ? node.id : halfKey(FRAMES[folded], node.phase)));
}

/**
 * The box at an event's place; where the painter drew it, the smallest that is there.
 *
 * @param {MouseEvent} event
 * @returns {Box | undefined}
 */
export function boxAt(event) {
    const element = /** @type {Element} */ (event.target).closest("[data-key]");
    const key = element instanceof SVGElement ? element.dataset.key : undefined;
    if (key) return scene.boxes.get(key);
    if (!crowded) return undefined;
    const point = placeOf(event);
    return [...scene.boxes.values()].filter((box) => overlaps(box, point)).sort((a, b) => a.height - b.height)[0];
}

when("moved", () => {
    canvas.classList.toggle("far", camera.scale < FAR);
    if (!contains(region, seen()) || (crowded && region.width > 4 * seen().width)) populate();
    else if (crowded) paint(scene, crowded);
});
when("changed", () => (crowded ? populate() : dress()));
