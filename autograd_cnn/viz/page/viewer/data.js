// --- what the page was made from ------------------------------------------------------------------

/**
 * @typedef {import("../../web/heat.js").Summary} Summary
 * @typedef {import("../../web/heat.js").Mark} Mark
 * @typedef {"forward" | "backward"} Phase
 * @typedef {{node: GraphNode, argument: string}} Link
 *
 * @typedef {object} GraphNode what `graph.nodes.GraphNode` says, and what follows from it
 * @property {string} id
 * @property {number} index
 * @property {string} kind
 * @property {string} name
 * @property {string} module the module it is in, with its class
 * @property {string} scope
 * @property {number[]} shape
 * @property {string} form the shape as text
 * @property {string} dtype
 * @property {Phase} phase
 * @property {number} count
 * @property {number} bytes
 * @property {string[]} lines what stands in its box
 * @property {number} frame the innermost one around it, or around the first that uses it
 * @property {boolean} boxed whether it has a box; else chips stand for it, or it stands in the box that uses it
 * @property {string} [pair]
 * @property {Attribute[]} [parameters]
 * @property {number} [saved_bytes]
 * @property {number} [flops]
 * @property {Summary} [value]
 * @property {Summary} [grad]
 * @property {string} [origin]
 * @property {string} [problem]
 * @property {number} [time] in seconds
 * @property {{axis: number, count: number, dead: number[]}} [units]
 * @property {"same" | "changed" | "added" | "removed"} [change]
 * @property {string[]} [changes]
 * @property {Link[]} operands
 * @property {Link[]} users
 * @property {GraphNode[]} rules what the backward pass computes for it
 *
 * @typedef {{name: string, value: string, default: boolean}} Attribute
 * @typedef {"from" | "to"} Way whether a chip's value comes from its node or goes there
 * @typedef {["node" | "frame" | Way | "in" | "out", number, Phase, number]} Slot as in `viz.frames.tree`
 *
 * @typedef {object} Frame a call of a module, or nodes that are told together; the first is the whole graph
 * @property {number} index
 * @property {string} path
 * @property {string} title
 * @property {number} parent
 * @property {Record<Phase, string[]>} lines what stands in its box when it is folded
 * @property {number} layout
 * @property {Slot[]} slots
 * @property {"module" | "repeat" | "unit" | "run" | "sum"} kind
 * @property {number} room that its title takes
 * @property {Point} [folded] its size when it is folded, if it is laid out open
 * @property {[number, number, number[]][]} wires from a slot to a slot, with the numbers of the values
 * @property {Frame[]} children
 * @property {GraphNode[]} members with those of inner frames
 *
 * @typedef {[number, number]} Point
 * @typedef {[number, number, number, number]} Centred the centre, the width and the height
 *
 * @typedef {object} Layout
 * @property {Centred[]} boxes of a frame's slots
 * @property {Point[][]} wires splines
 * @property {number} height
 * @property {Record<Phase, number>} widths
 *
 * @typedef {object} Data what `viz.page.html` writes
 * @property {string} title
 * @property {GraphNode[]} nodes
 * @property {{source: number, target: number, argument: string}[]} edges
 * @property {Frame[]} frames
 * @property {Layout[]} layouts
 * @property {Record<Way, Record<number, string>>} chips what stands on those of each node
 * @property {number[]} unfolded the frames that are at first, and are laid out so
 * @property {{header: number, margin: number, gap: number}} spacing
 * @property {"down" | "right"} direction
 * @property {Record<string, string>} titles of calls, by their scopes
 * @property {Record<string, Attribute[]>} attributes of calls, by their scopes
 * @property {Record<string, {formula: string, defined: string, rules: string[]}>} primitives
 * @property {Record<string, string>} meanings of kinds
 * @property {Record<string, Mark[]>} highlight by the ids of nodes
 * @property {Coloring[]} colorings
 * @property {{limit: number, nodes: Record<string, Answer>, gradients: Record<string, string>} | null} explanations by
 *   the ids of operations; `gradients` has that of the operation that computed the gradient of a node
 * @property {Record<string, string>} shades the fills of those that have one of their own
 *
 * @typedef {[string, string]} Shade what `data-shade` is, and what is said of a box
 *
 * @typedef {object} Answer why the elements of a value are what they are, as `explanations.page` writes it
 * @property {[string, string | null][]} operands names, and nodes
 * @property {{title: string, what: string, rows: [string, [number, number][]][], rest: string}[]} elements each row with
 *   numbers of operands and positions in these
 *
 * @typedef {object} Coloring a quantity by which boxes can be coloured, as `viz.page.colorings` writes it
 * @property {string} name
 * @property {string} title
 * @property {boolean} first whether the page begins with it
 * @property {[string, string][]} legend texts and shades
 * @property {Shade[]} nodes
 * @property {Record<Phase, Shade>[]} frames
 * @property {[number, number][]} depth nodes of the forward pass, and how far up the scale they are
 */

// What `viz.page.columns` writes: a table by columns, and a column, in which a value that many rows have stands once.
/**
 * @typedef {{values: any[], at?: number[], rows?: undefined} | {rows: Table, at: number[], values?: undefined}} Column
 * @typedef {{count: number, fields: Record<string, Column>}} Table
 */

/** @param {Column} column @returns {any[]} */
function columnOf({ values, rows, at }) {
    const all = rows ? rowsOf(rows) : values;
    return at ? at.map((i) => all[i]) : all;
}

/** @param {Table} table @returns {any[]} */
function rowsOf({ count, fields }) {
    const columns = Object.entries(fields).map(([name, column]) => ({ name, all: columnOf(column) }));
    return Array.from({ length: count }, (_, i) =>
        Object.fromEntries(columns.filter(({ all }) => all[i] !== undefined).map(({ name, all }) => [name, all[i]])),
    );
}

/** @returns {Data} */
function read() {
    const data = JSON.parse(document.getElementById("graph")?.textContent ?? "");
    const [frames, slots, wires] = [data.frames, data.slots, data.wires].map(rowsOf);
    let [slot, wire] = [0, 0];
    for (const frame of frames) {
        frame.slots = slots.slice(slot, (slot += frame.slots)).map(({ kind, of, phase, at }) => [kind, of, phase, at]);
        frame.wires = wires
            .slice(wire, (wire += frame.wires))
            .map(({ source, target, values }) => [source, target, values ?? [frame.slots[source][1]]]);
    }
    const colorings = data.colorings.map((/** @type {any} */ each) => ({
        ...each,
        nodes: columnOf(each.nodes),
        frames: rowsOf(each.frames),
    }));
    return { ...data, nodes: rowsOf(data.nodes), edges: rowsOf(data.edges), frames, colorings };
}

export const DATA = read();
export const NODES = DATA.nodes;
export const FRAMES = DATA.frames;

/** @param {string} id */
export const nodeOf = (id) => NODES[Number(id.slice(1))];

/** The node that a key of a box names. @param {string | null} key */
export const nodeOfKey = (key) => (key?.startsWith("n") ? NODES[Number.parseInt(key.slice(1), 10)] : null);

/** @param {Frame} frame @param {Phase} phase */
export const halfKey = (frame, phase) => `f${frame.index}.${phase}`;

/** The kind by which a node is coloured. @param {GraphNode} node @returns {string} */
export const kindOf = (node) => (node.kind === "operation" ? node.phase : node.kind);

/** @param {GraphNode} node */
export const titleOf = (node) => (node.kind === "gradient" ? `∂ ${node.name}` : node.name);

/** The frames around a node or a frame, the innermost first; the whole graph is none of them. @param {number} index */
export function framesAround(index) {
    const found = [];
    for (let at = index; at > 0; at = FRAMES[at].parent) found.push(at);
    return found;
}

FRAMES.forEach((frame, index) => Object.assign(frame, { index, children: [], members: [] }));
FRAMES.forEach((frame) => frame.parent >= 0 && FRAMES[frame.parent].children.push(frame));
NODES.forEach((node, index) => Object.assign(node, { id: `n${index}`, index, operands: [], users: [], rules: [] }));
for (const { source, target, argument } of DATA.edges) {
    NODES[target].operands.push({ node: NODES[source], argument });
    NODES[source].users.push({ node: NODES[target], argument });
}
for (const node of NODES) {
    if (node.pair) nodeOf(node.pair).rules.push(node);
    for (const frame of framesAround(node.frame)) FRAMES[frame].members.push(node);
}
