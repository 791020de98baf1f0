// --- drawing --------------------------------------------------------------------------------------
//
// Each box and wire in and around the window is an element; panning and zooming set one attribute.
// Where there are too many of them to read, a painter takes over, and only what matters most at the
// moment stays an element.

const MANY = 500;
const FAR = 0.35;
const canvas = byId("canvas");
let scene = null;
let region = null; // the part of the scene that has elements
let elements = new Map();
let drawn = new Map();

const kindOf = (node) => (node.kind === "operation" ? node.phase : node.kind);
const membersOf = (box) => (box.node ? [box.node] : box.frame.members.filter((node) => node.phase === box.phase));
const hasProblem = (box) => membersOf(box).some((node) => node.problem);

function boxElement(box) {
    const element = box.frame ? frameElement(box) : nodeElement(box);
    element.setAttribute("transform", `translate(${box.x} ${box.y})`);
    return element;
}

function nodeElement({ key, node, width, height }) {
    const round = ["input", "constant", "output"].includes(node.kind);
    const shape = svg("rect", { width, height, rx: round ? height / 2 : node.kind === "operation" ? 5 : 0 });
    const problem = node.problem ? `, problem: ${node.problem}` : "";
    const label = `${titleOf(node)}, ${node.kind}, ${shapeText(node.shape)}, ${node.phase} pass${problem}`;
    const classes = `box ${kindOf(node)}${node.problem ? " problem" : ""}`;
    return svg(
        "g",
        { class: classes, "data-key": key, role: "button", tabindex: -1, "aria-label": label },
        shape,
        texts(node.lines, width, height),
        SUMS.has(node.index) ? badge(SUMS.get(node.index), width) : "",
    );
}

// Which of the contributions to a gradient an accumulation adds.
const badge = ({ part, parts }, width) => svg("text", { class: "badge", x: width + 4, y: 8 }, `${part}/${parts}`);

function frameElement({ key, frame, phase, width, height, open }) {
    const name = `${frame.path || "graph"} ${frame.title}, module, ${phase} pass, ${frame.members.length} nodes`;
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
    const sign = phase === "backward" ? "∂ " : "";
    if (open) {
        return svg(
            "g",
            { class: `frame ${phase}`, ...attributes },
            svg("rect", { width, height, rx: 6 }),
            toggle,
            svg("text", { x: HEADER - 2, y: 15, class: "title" }, `${sign}${frame.title}`),
        );
    }
    const classes = `box module ${phase}${hasProblem({ frame, phase }) ? " problem" : ""}`;
    return svg(
        "g",
        { class: classes, ...attributes },
        svg("rect", { width, height, rx: 5 }),
        texts(frame.lines[phase], width, height),
        toggle,
    );
}

function texts(lines, width, height) {
    const top = height / 2 - (lines.length - 1) * 7 + 4;
    return svg(
        "text",
        { class: "lines", "text-anchor": "middle" },
        lines.map((line, i) => svg("tspan", { x: width / 2, y: top + 14 * i }, line)),
    );
}

// Show the scene for a set of unfolded frames.
function draw(unfolded) {
    scene = new Scene(unfolded);
    elements = new Map();
    populate();
}

function elementOf(key, make, thing) {
    if (!elements.has(key)) elements.set(key, make(thing));
    return elements.get(key);
}

// Make elements for what is in the window or close to it; the focus stays where it was.
function populate() {
    const focused = document.activeElement?.dataset?.key;
    region = around(camera.window(), 0.5);
    const boxes = [...scene.boxes.values()].filter((box) => overlaps(box, region));
    region.crowded = boxes.length > MANY;
    const kept = region.crowded ? boxes.filter((box) => isMarked(box)) : boxes;
    const wires = region.crowded ? [] : scene.wires.filter((wire) => overlaps(wire.bounds, region));
    drawn = new Map(kept.map((box) => [box.key, { box, element: elementOf(box.key, boxElement, box) }]));
    byId("columns").replaceChildren(...(region.crowded ? [] : scene.columns.map(columnElement)));
    const all = [...drawn.values()];
    byId("frames").replaceChildren(...all.filter(({ box }) => box.open).map(({ element }) => element));
    byId("boxes").replaceChildren(...all.filter(({ box }) => !box.open).map(({ element }) => element));
    byId("wires").replaceChildren(...wires.map((wire) => elementOf(wire, wireElement, wire)));
    dress();
    if (focused) drawn.get(focused)?.element.focus({ preventScroll: true });
}

function around({ x, y, width, height }, share) {
    return {
        x: x - width * share,
        y: y - height * share,
        width: width * (1 + 2 * share),
        height: height * (1 + 2 * share),
    };
}

const overlaps = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
const contains = (a, b) =>
    a.x <= b.x && a.y <= b.y && a.x + a.width >= b.x + b.width && a.y + a.height >= b.y + b.height;

// Let elements say what is selected, what fires and what waits.
function dress() {
    const first = drawn.has(selected) ? selected : drawn.keys().next().value;
    for (const [key, { box, element }] of drawn) {
        const state = stateOfBox(box);
        element.classList.toggle("selected", key === selected);
        for (const name of ["now", "waiting", "freed"]) element.classList.toggle(name, state[name]);
        element.setAttribute("tabindex", key === first ? 0 : -1);
    }
    for (const wire of scene.wires) {
        const element = elements.get(wire);
        for (const [name, on] of Object.entries(element ? stateOfWire(wire) : {})) element.classList.toggle(name, on);
    }
    canvas.classList.toggle("stepping", step !== null);
    byId("links").replaceChildren(...linksOfSelected());
    paint();
}

// Whether a box is kept as an element among many.
const isMarked = (box) => box.key === selected || (!box.open && stateOfBox(box).now);

function columnElement({ phase, x, y, width, height }) {
    return svg(
        "g",
        { class: "column", transform: `translate(${x} ${y})` },
        svg("rect", { width, height, rx: 8 }),
        svg("text", { x: 10, y: 15, class: "title" }, `${phase} pass`),
    );
}

function wireElement({ phase, d, to }) {
    return svg("path", { class: `wire ${phase}`, d, "marker-end": to ? "url(#tip)" : null });
}

// The box that shows a node: its own, or that of the outermost folded frame around it.
function shownFor(node) {
    const folded = framesAround(node.frame)
        .filter((frame) => !scene.unfolded.has(frame))
        .at(-1);
    return scene.boxes.get(folded === undefined ? `n${node.index}` : halfKey(FRAMES[folded], node.phase));
}
