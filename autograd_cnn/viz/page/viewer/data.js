// --- what the page was made from ------------------------------------------------------------------

const DATA = JSON.parse(document.getElementById("graph").textContent);
const NODES = DATA.nodes;
const FRAMES = DATA.frames;

const nodeOf = (id) => NODES[Number(id.slice(1))];
const halfKey = (frame, phase) => `f${frame.index}.${phase}`;

// The frames around a node or a frame, the innermost first; the whole graph is none of them.
function framesAround(index) {
    const found = [];
    for (let at = index; at > 0; at = FRAMES[at].parent) found.push(at);
    return found;
}

function prepare() {
    FRAMES.forEach((frame, index) => Object.assign(frame, { index, children: [], members: [] }));
    FRAMES.forEach((frame) => frame.parent >= 0 && FRAMES[frame.parent].children.push(frame));
    NODES.forEach((node, index) => Object.assign(node, { index, operands: [], users: [], rules: [] }));
    for (const [source, target, argument] of DATA.edges) {
        NODES[target].operands.push({ node: NODES[source], argument });
        NODES[source].users.push({ node: NODES[target], argument });
    }
    for (const node of NODES) {
        if (node.pair) nodeOf(node.pair).rules.push(node);
        for (const frame of framesAround(node.frame)) FRAMES[frame].members.push(node);
    }
}

// --- numbers as text ------------------------------------------------------------------------------

// Three digits and a prefix: 1.88 M, 512, 37.6 k.
function quantity(value, unit) {
    const power = value < 1000 ? 0 : Math.min(Math.floor(Math.log10(value) / 3), 5);
    return `${Number((value / 1000 ** power).toPrecision(3))} ${["", "k", "M", "G", "T", "P"][power]}${unit}`.trim();
}

const short = (value) => (value === null || value === undefined ? "unknown" : String(Number(value.toPrecision(4))));

function shapeText(shape) {
    if (!shape.length) return "scalar";
    return `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
}

const titleOf = (node) => (node.kind === "gradient" ? `∂ ${node.name}` : node.name);

// --- making elements ------------------------------------------------------------------------------

// Text is only ever set as text, so that no name can become markup.
function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
        if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
        else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
    }
    element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
}

const html = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const byId = (id) => document.getElementById(id);
