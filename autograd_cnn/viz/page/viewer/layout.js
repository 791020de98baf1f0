// --- where everything is --------------------------------------------------------------------------
//
// Graphviz laid out each frame with its inner frames folded. Unfolding one stretches the axes of the
// frame around it, where the inner frame lies, and moves what lies beyond. Stretching keeps the order
// along both axes, so nothing can come to overlap, and readers find things where they were.
//
// All of this counts y along the passes and x across them. A graph that runs to the right is turned at the end.

import { DATA, FRAMES, halfKey, nodeOfKey, NODES } from "./data.js";
import { boundsOf, courseOf, finer, LEAD, split } from "./splines.js";

/**
 * @typedef {import("./data.js").Frame} Frame
 * @typedef {import("./data.js").GraphNode} GraphNode
 * @typedef {import("./data.js").Phase} Phase
 * @typedef {import("./data.js").Point} Point
 * @typedef {import("./data.js").Centred} Centred
 * @typedef {import("./splines.js").End} End
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
 * @property {Point} middle
 * @property {Path2D} [path] what a painter has made of it
 *
 * @typedef {(value: number) => number} Axis
 * @typedef {Record<Phase, number>} Widths
 * @typedef {{y: Axis} & Record<Phase, Axis>} Axes
 * @typedef {{layout: import("./data.js").Layout, axes: Axes, widths: Widths, height: number, spine: Widths}} Size
 * @typedef {Partial<Record<Phase, Point>>} Origins
 * @typedef {{from: number, to: number, size: number}} Part
 */

export const HEADER = 20;
export const MARGIN = 9;
const GAP = 60;
const RIGHT = DATA.direction === "right";
/** What an open frame leaves free before its contents; its title is above them, whichever way the graph runs. */
const BEFORE = RIGHT ? { x: HEADER, y: MARGIN } : { x: MARGIN, y: HEADER };
/** The passes in the order in which they lie side by side. @type {Phase[]} */
const PHASES = RIGHT ? ["backward", "forward"] : ["forward", "backward"];

/** @param {Point} point @returns {Point} */
const pointTurned = ([x, y]) => (RIGHT ? [y, x] : [x, y]);

/** @param {Area} area @returns {Area} */
const areaTurned = ({ x, y, width, height }) =>
    RIGHT ? { x: y, y: x, width: height, height: width } : { x, y, width, height };

/** A piecewise linear map that leaves room for parts. @param {Part[]} parts @returns {Axis} */
export function stretched(parts) {
    const cuts = [...new Set(parts.flatMap((part) => [part.from, part.to]))].sort((a, b) => a - b);
    let image = cuts[0];
    const knots = cuts.map((cut, i) => {
        const before = cuts[i - 1];
        const covering = parts.filter((part) => i > 0 && part.from <= before && part.to >= cut);
        const rate = Math.max(1, ...covering.map((part) => part.size / (part.to - part.from)));
        if (i > 0) image += rate * (cut - before);
        return { cut, image, rate };
    });
    return (value) => {
        const next = knots.findIndex((knot) => knot.cut >= value);
        if (!knots.length || next === 0) return value;
        const last = knots[knots.length - 1];
        if (next < 0) return last.image + value - last.cut;
        return knots[next].image - knots[next].rate * (knots[next].cut - value);
    };
}

/**
 * The size of an unfolded frame's contents, and its stretched axes.
 *
 * @param {Frame} frame
 * @param {Set<number>} unfolded
 * @param {Map<number, Size>} known
 * @returns {Size}
 */
function measured(frame, unfolded, known) {
    const before = known.get(frame.index);
    if (before) return before;
    const layout = DATA.layouts[frame.layout];
    const parts = { y: /** @type {Part[]} */ ([]), forward: /** @type {Part[]} */ ([]), backward: /** @type {Part[]} */ ([]) };
    frame.slots.forEach(([kind, of, phase], i) => {
        if (kind !== "frame" || !unfolded.has(of)) return;
        const inner = measured(FRAMES[of], unfolded, known);
        const [x, y, width, height] = layout.boxes[i];
        parts.y.push({ from: y - height / 2, to: y + height / 2, size: inner.height + BEFORE.y + MARGIN });
        parts[phase].push({ from: x - width / 2, to: x, size: inner.spine[phase] + BEFORE.x });
        parts[phase].push({ from: x, to: x + width / 2, size: inner.widths[phase] - inner.spine[phase] + MARGIN });
    });
    const axes = { y: stretched(parts.y), forward: stretched(parts.forward), backward: stretched(parts.backward) };
    const widths = /** @type {Widths} */ ({});
    const room = frame.parent < 0 ? 0 : frame.room - BEFORE.x - MARGIN;
    for (const phase of phasesOf(layout.widths))
        widths[phase] = Math.max(axes[phase](layout.widths[phase]), RIGHT ? 0 : room);
    const height = Math.max(axes.y(layout.height), RIGHT ? room : 0);
    const size = { layout, axes, widths, height, spine: spine(frame, axes, widths) };
    known.set(frame.index, size);
    return size;
}

/** @param {Widths} widths of the passes that there are */
const phasesOf = (widths) => /** @type {Phase[]} */ (Object.keys(widths));

/**
 * Where the main stream of values enters each pass of a frame, so that it runs straight from outside.
 *
 * @param {Frame} frame
 * @param {Axes} axes
 * @param {Widths} widths
 */
function spine(frame, axes, widths) {
    const found = /** @type {Widths} */ ({});
    for (const phase of phasesOf(widths)) {
        const entry = ["in", "out"]
            .map((way) => frame.slots.findIndex((slot) => slot[0] === way && slot[2] === phase))
            .find((i) => i >= 0);
        found[phase] =
            entry === undefined ? widths[phase] / 2 : axes[phase](DATA.layouts[frame.layout].boxes[entry][0]);
    }
    return found;
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
        let across = -GAP;
        /** @type {(Area & {phase: Phase})[]} */
        this.columns = [];
        const origins = /** @type {Origins} */ ({});
        for (const phase of phases) {
            const column = { x: across + GAP, y: 0, width: widths[phase] + free.x + 2 * MARGIN, height: along };
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
        const { layout, axes, height } = this.sizeOf(frame.index);
        const origin = (/** @type {Phase} */ phase) => /** @type {Point} */ (origins[phase]);
        /** @type {(phase: Phase, point: Point | Centred) => Point} */
        const moved = (phase, [x, y]) => [origin(phase)[0] + axes[phase](x), origin(phase)[1] + axes.y(y)];
        /** @type {Map<number, Origins>} */
        const inner = new Map();
        const centres = frame.slots.map(([kind, of, phase], i) => {
            const centre = moved(phase, layout.boxes[i]);
            const [, , width, boxHeight] = layout.boxes[i];
            if (kind === "node") this.addNode(`n${of}`, phase, NODES[of], centre, width, boxHeight);
            else if (kind === "frame") this.addFrame(FRAMES[of], phase, centre, width, boxHeight, inner);
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
            const spline = inner.size ? finer(layout.wires[i]) : layout.wires[i];
            const ends = [
                this.end(frame, source, target, "out", centres[source], spline[0], layout.boxes[source]),
                this.end(frame, target, source, "in", centres[target], spline[spline.length - 1], layout.boxes[target]),
            ];
            const course = courseOf(
                spline.map((point) => moved(phase, point)),
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
                middle: split(/** @type {[Point, Point, Point, Point]} */ (points.slice(half, half + 4)), 1 / 2)[0][3],
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
     * @param {Point} centre
     * @param {number} width when it is folded
     * @param {number} height
     * @param {Map<number, Origins>} inner where the contents of open frames begin
     */
    addFrame(frame, phase, centre, width, height, inner) {
        const key = halfKey(frame, phase);
        const open = this.unfolded.has(frame.index);
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
     * @returns {End}
     */
    end(frame, slot, other, way, centre, point, [x, y, , height]) {
        const [kind, of, phase] = frame.slots[slot];
        if (kind === "in" || kind === "out")
            return { at: centre, border: this.crossings.get(`${frame.index}.${kind}.${of}.${phase}`) };
        const key = kind === "node" ? `n${of}` : kind === "frame" ? halfKey(FRAMES[of], phase) : chipKey(frame, slot);
        if (kind === "frame" && this.unfolded.has(of))
            return {
                at: /** @type {Point} */ (this.crossings.get(`${of}.${way}.${other}.${phase}`)),
                inside: key,
                beyond: (way === "in") === (phase === "forward") ? -LEAD : LEAD,
                beside: Math.abs(point[1] - y) < height / 2 - 1,
                area: areaTurned(/** @type {Box} */ (this.boxes.get(key))),
            };
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
