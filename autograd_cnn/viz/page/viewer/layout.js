// --- where everything is --------------------------------------------------------------------------
//
// All of this counts y along the passes and x across them. A graph that runs to the right is turned at the end.

import { anchorOf, BEFORE, foldedSize, MARGIN, measured, OPEN, RIGHT } from "./axes.js";
import { DATA, FRAMES, halfKey, nodeOfKey, NODES } from "./data.js";
import { boundsOf, courseOf, finer, LEAD, split } from "./splines.js";

/**
 * @typedef {import("./data.js").Frame} Frame
 * @typedef {import("./data.js").GraphNode} GraphNode
 * @typedef {import("./data.js").Phase} Phase
 * @typedef {import("./data.js").Point} Point
 * @typedef {import("./data.js").Centred} Centred
 * @typedef {import("./splines.js").End} End
 * @typedef {import("./axes.js").Size} Size
 *
 * @typedef {{x: number, y: number, width: number, height: number}} Area
 * @typedef {Area & {key: string, phase: Phase, open: boolean, node: GraphNode, frame: null, chip?: string}} NodeBox
 * a node's own box, or a chip that says what it stands for
 * @typedef {Area & {key: string, phase: Phase, open: boolean, node: null, frame: Frame}} FrameBox a pass of a frame
 * @typedef {NodeBox | FrameBox} Box
 *
 * @typedef {object} Wire
 * @property {number[]} values the nodes whose values it carries
 * @property {Phase} phase
 * @property {string} d
 * @property {string} [from] the key of the box it begins at; without, it comes out of an open frame
 * @property {string} [to]
 * @property {string} [into] the key of the open frame that it ends at
 * @property {Area} bounds
 * @property {Point} label where the number of its values stands
 * @property {Path2D} [path] what a painter has made of it
 * @typedef {Partial<Record<Phase, Point>>} Origins
 */

/** The passes in the order in which they lie side by side. @type {Phase[]} */
const PHASES = RIGHT ? ["backward", "forward"] : ["forward", "backward"];

/** @param {Point} point @returns {Point} */
const pointTurned = ([x, y]) => (RIGHT ? [y, x] : [x, y]);

/** @param {Area} area @returns {Area} */
const areaTurned = ({ x, y, width, height }) =>
    RIGHT ? { x: y, y: x, width: height, height: width } : { x, y, width, height };

/** Where a short text is beside the middle of a wire, whose tip it would cover. @param {Point[]} curve @param {string} text @returns {Point} */
function beside(curve, text) {
    const [x, y] = split(curve, 1 / 2)[0][3];
    const [right, down] = [0, 1].map((axis) => Math.abs(curve[3][axis] - curve[0][axis]));
    return down > right ? [x + 5 + 3 * text.length, y] : [x, y - 9];
}

/** The key of a chip begins like that of its node. @param {Frame} frame @param {number} slot */
const chipKey = (frame, slot) => `n${frame.slots[slot][1]}@${frame.index}.${slot}`;

/**
 * All that is visible for a set of unfolded frames:
 * boxes, by key ("n3" for a node, "f2.forward" for a pass of a frame), and wires between them.
 */
export class Scene {
    /** @param {Set<number>} unfolded */
    constructor(unfolded) {
        this.unfolded = unfolded;
        /** @type {Map<string, Box>} */
        this.boxes = new Map();
        /** @type {Wire[]} */
        this.wires = [];
        /** @type {Map<string, Point>} where values cross the border of an open frame */
        this.crossings = new Map();
        /** @type {Map<number, Size>} */
        this.sizes = new Map();
        /** @type {Map<number, NodeBox[]>} by the nodes that they stand for */
        this.chips = new Map();
        const { widths, height } = measured(FRAMES[0], unfolded, this.sizes);
        const phases = PHASES.filter((phase) => phase in widths);
        const free = phases.length > 1 ? { x: BEFORE.x - MARGIN, y: BEFORE.y - MARGIN } : { x: 0, y: 0 };
        const along = height + free.y + 2 * MARGIN;
        let across = -DATA.spacing.gap;
        /** @type {(Area & {phase: Phase})[]} */
        this.columns = [];
        const origins = /** @type {Origins} */ ({});
        for (const phase of phases) {
            const column = { x: across + DATA.spacing.gap, y: 0, width: widths[phase] + free.x + 2 * MARGIN, height: along };
            origins[phase] = [column.x + free.x + MARGIN, free.y + MARGIN];
            across = column.x + column.width;
            if (phases.length > 1) this.columns.push({ phase, ...areaTurned(column) });
        }
        const [width, length] = pointTurned([across, along]);
        this.width = width;
        this.height = length;
        this.place(FRAMES[0], origins);
    }

    /** @param {number} frame @returns {Size} */
    sizeOf(frame) {
        return /** @type {Size} */ (this.sizes.get(frame));
    }

    /**
     * Place the contents of an unfolded frame.
     *
     * @param {Frame} frame
     * @param {Origins} origins where each of its passes begins
     */
    place(frame, origins) {
        const { layout, axes, pieces, height } = this.sizeOf(frame.index);
        const origin = (/** @type {Phase} */ phase) => /** @type {Point} */ (origins[phase]);
        /** @type {(phase: Phase, point: Point | Centred) => Point} */
        const moved = (phase, [x, y]) => [origin(phase)[0] + axes[phase](x), origin(phase)[1] + axes.y(y)];
        /** @type {Map<number, Origins>} */
        const inner = new Map();
        const centres = frame.slots.map(([kind, of, phase], i) => {
            const [x, y, width, boxHeight] = layout.boxes[i];
            const centre = moved(phase, [kind === "frame" ? anchorOf(FRAMES[of], phase, layout.boxes[i]) : x, y]);
            if (kind === "node") this.addNode(`n${of}`, phase, NODES[of], centre, width, boxHeight);
            else if (kind === "frame") this.addFrame(FRAMES[of], phase, centre, layout.boxes[i], inner);
            else if (kind === "from" || kind === "to") {
                const key = chipKey(frame, i);
                this.addNode(key, phase, NODES[of], centre, width, boxHeight, DATA.chips[kind][of]);
            } else {
                const upper = (kind === "in") === (phase === "forward");
                const y = origin(phase)[1] + (upper ? -BEFORE.y : height + MARGIN);
                this.crossings.set(`${frame.index}.${kind}.${of}.${phase}`, [centre[0], y]);
            }
            return centre;
        });
        for (const [index, starts] of inner) this.place(FRAMES[index], starts);
        frame.wires.forEach(([source, target, values], i) => {
            const phase = frame.slots[source][2];
            const spline = finer(layout.wires[i], pieces);
            const way = spline.map((point) => moved(phase, point));
            const [first, last] = [0, way.length - 1];
            const ends = [
                this.end(frame, source, target, "out", centres[source], spline[first], layout.boxes[source], way[first]),
                this.end(frame, target, source, "in", centres[target], spline[last], layout.boxes[target], way[last]),
            ];
            const course = courseOf(
                way,
                ends,
                [source, target].map((slot) => ({ centre: centres[slot], size: layout.boxes[slot] })),
            );
            const [start, end] = ends;
            const points = course.map(pointTurned);
            const lead = start.border ? `${pointTurned(start.border)}L` : "";
            const tail = end.border ? `L${pointTurned(end.border)}` : "";
            const half = 3 * Math.floor((points.length - 1) / 6);
            this.wires.push({
                values,
                phase,
                d: `M${lead}${points[0]}C${points.slice(1).join(" ")}${tail}`,
                from: start.key,
                to: end.key,
                into: end.inside,
                bounds: boundsOf(points),
                label: beside(points.slice(half, half + 4), String(values.length)),
            });
        });
    }

    /** The box that shows a node or a frame: of a node without one, its first chip or the first that uses it. @param {string} key @returns {Box | undefined} */
    find(key) {
        const node = nodeOfKey(key);
        const chip = node ? this.chips.get(node.index)?.[0] : undefined;
        return this.boxes.get(key) ?? chip ?? (node && !node.boxed ? this.boxes.get(node.users[0].node.id) : undefined);
    }

    /**
     * @param {string} key
     * @param {Phase} phase
     * @param {GraphNode} node
     * @param {Point} centre
     * @param {number} width
     * @param {number} height
     * @param {string} [chip]
     */
    addNode(key, phase, node, [x, y], width, height, chip) {
        const area = areaTurned({ x: x - width / 2, y: y - height / 2, width, height });
        /** @type {NodeBox} */
        const box = { key, ...area, node, frame: null, phase, open: false, chip };
        this.boxes.set(key, box);
        if (chip) this.chips.set(node.index, [...(this.chips.get(node.index) ?? []), box]);
    }

    /**
     * @param {Frame} frame
     * @param {Phase} phase
     * @param {Point} anchor
     * @param {Centred} box in the layout
     * @param {Map<number, Origins>} inner where the contents of open frames begin
     */
    addFrame(frame, phase, anchor, box, inner) {
        const key = halfKey(frame, phase);
        const open = this.unfolded.has(frame.index);
        let [width, height] = foldedSize(frame, box);
        let centre = anchor;
        if (open) {
            const size = this.sizeOf(frame.index);
            width = size.widths[phase] + BEFORE.x + MARGIN;
            height = size.height + BEFORE.y + MARGIN;
            /** @type {Point} */
            const start = [centre[0] - size.spine[phase], centre[1] - height / 2 + BEFORE.y];
            inner.set(frame.index, { ...inner.get(frame.index), [phase]: start });
            centre = [start[0] - BEFORE.x + width / 2, centre[1]];
        }
        const area = areaTurned({ x: centre[0] - width / 2, y: centre[1] - height / 2, width, height });
        this.boxes.set(key, { key, ...area, node: null, frame, phase, open });
    }

    /**
     * Where a wire ends at a slot, and what is there; a crossing has a lead to the frame's border.
     *
     * @param {Frame} frame
     * @param {number} slot
     * @param {number} other the slot at the other end
     * @param {"in" | "out"} way
     * @param {Point} centre of the slot, where it is now
     * @param {Point} point the end of the spline in the frame's layout
     * @param {Centred} box of the slot in that layout
     * @param {Point} now where that end of the spline is now
     * @returns {End}
     */
    end(frame, slot, other, way, centre, point, box, now) {
        const [x, y, , height] = box;
        const [kind, of, phase] = frame.slots[slot];
        if (kind === "in" || kind === "out")
            return { at: centre, border: this.crossings.get(`${frame.index}.${kind}.${of}.${phase}`) };
        const key = kind === "node" ? `n${of}` : kind === "frame" ? halfKey(FRAMES[of], phase) : chipKey(frame, slot);
        const beyond = (way === "in") === (phase === "forward") ? -LEAD : LEAD;
        const moved = (/** @type {Point} */ at) => Math.hypot(at[0] - now[0], at[1] - now[1]) >= 1;
        if (kind === "frame" && this.unfolded.has(of)) {
            const at = /** @type {Point} */ (this.crossings.get(`${of}.${way}.${other}.${phase}`));
            const beside = (point[1] - y) * Math.sign(beyond) < height / 2 - 1;
            return { at, inside: key, ...(moved(at) && { beyond, beside }) };
        }
        if (kind === "frame" && OPEN.has(of)) {
            const [across, along] = foldedSize(FRAMES[of], box).map((length) => length / 2);
            const aside = Math.max(4 - across, Math.min(now[0] - centre[0], across - 4));
            /** @type {Point} */
            const at = [centre[0] + aside, centre[1] + Math.sign(beyond) * along];
            return { key, at, ...(moved(at) && { beyond }) };
        }
        return { key, at: [centre[0] + point[0] - x, centre[1] + point[1] - y] };
    }
}

/** @param {Area} a @param {Area} b */
export const overlaps = (a, b) =>
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** @param {Area} a @param {Area} b */
export const contains = (a, b) =>
    a.x <= b.x && a.y <= b.y && a.x + a.width >= b.x + b.width && a.y + a.height >= b.y + b.height;

/** What is in a box, of its pass. @param {Box} box */
export const membersOf = (box) =>
    box.node ? [box.node] : box.frame.members.filter((node) => node.phase === box.phase);

/** @param {Box} box */
export const hasProblem = (box) => membersOf(box).some((node) => node.problem);
