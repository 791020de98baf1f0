// --- where everything is --------------------------------------------------------------------------
//
// Graphviz laid out each frame with its inner frames folded. Unfolding one stretches the axes of the
// frame around it, where the inner frame lies, and moves what lies beyond. Stretching keeps the order
// along both axes, so nothing can come to overlap, and readers find things where they were.

import { DATA, FRAMES, halfKey, NODES } from "./data.js";

/**
 * @typedef {import("./data.js").Frame} Frame
 * @typedef {import("./data.js").GraphNode} GraphNode
 * @typedef {import("./data.js").Phase} Phase
 * @typedef {import("./data.js").Point} Point
 * @typedef {import("./data.js").Centred} Centred
 *
 * @typedef {{x: number, y: number, width: number, height: number}} Area
 * @typedef {Area & {key: string, phase: Phase, open: boolean, node: GraphNode, frame: null}} NodeBox
 * @typedef {Area & {key: string, phase: Phase, open: boolean, node: null, frame: Frame}} FrameBox a pass of a frame
 * @typedef {NodeBox | FrameBox} Box
 *
 * @typedef {object} Wire
 * @property {number} value the node whose value it carries
 * @property {Phase} phase
 * @property {string} d
 * @property {string} [from] the key of the box it begins at; without, it comes out of an open frame
 * @property {string} [to]
 * @property {string} [into] the key of the open frame that it ends at
 * @property {Area} bounds
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
        parts.y.push({ from: y - height / 2, to: y + height / 2, size: inner.height + HEADER + MARGIN });
        parts[phase].push({ from: x - width / 2, to: x, size: inner.spine[phase] + MARGIN });
        parts[phase].push({ from: x, to: x + width / 2, size: inner.widths[phase] - inner.spine[phase] + MARGIN });
    });
    const axes = { y: stretched(parts.y), forward: stretched(parts.forward), backward: stretched(parts.backward) };
    const widths = /** @type {Widths} */ ({});
    for (const phase of phasesOf(layout.widths)) widths[phase] = axes[phase](layout.widths[phase]);
    const size = { layout, axes, widths, height: axes.y(layout.height), spine: spine(frame, axes, widths) };
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
        const { widths, height } = measured(FRAMES[0], unfolded, this.sizes);
        const phases = phasesOf({ forward: 0, backward: 0 }).filter((phase) => phase in widths);
        const top = phases.length > 1 ? HEADER : 0;
        this.height = height + top + 2 * MARGIN;
        this.width = -GAP;
        /** @type {(Area & {phase: Phase})[]} */
        this.columns = [];
        const origins = /** @type {Origins} */ ({});
        for (const phase of phases) {
            /** @type {Area & {phase: Phase}} */
            const column = { phase, x: this.width + GAP, y: 0, width: widths[phase] + 2 * MARGIN, height: this.height };
            origins[phase] = [column.x + MARGIN, top + MARGIN];
            this.width = column.x + column.width;
            if (phases.length > 1) this.columns.push(column);
        }
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
            if (kind === "node") this.addNode(NODES[of], centre, width, boxHeight);
            else if (kind === "frame") this.addFrame(FRAMES[of], phase, centre, width, boxHeight, inner);
            else {
                const upper = (kind === "in") === (phase === "forward");
                const y = origin(phase)[1] + (upper ? -HEADER : height + MARGIN);
                this.crossings.set(`${frame.index}.${kind}.${of}`, [centre[0], y]);
            }
            return centre;
        });
        for (const [index, starts] of inner) this.place(FRAMES[index], starts);
        frame.wires.forEach(([source, target, value], i) => {
            const phase = frame.slots[source][2];
            const spline = inner.size ? finer(layout.wires[i]) : layout.wires[i];
            const start = this.end(frame, source, value, "out", centres[source], spline[0], layout.boxes[source]);
            const end = this.end(frame, target, value, "in", centres[target], spline[spline.length - 1], layout.boxes[target]);
            const points = spline.map((point) => moved(phase, point));
            pull(points, 0, 1, start.at);
            pull(points, points.length - 1, points.length - 2, end.at);
            const lead = start.border ? `${start.border}L` : "";
            const d = `M${lead}${points[0]}C${points.slice(1).join(" ")}${end.border ? `L${end.border}` : ""}`;
            this.wires.push({
                value,
                phase,
                d,
                from: start.key,
                to: end.key,
                into: end.inside,
                bounds: boundsOf(points),
            });
        });
    }

    /** @param {GraphNode} node @param {Point} centre @param {number} width @param {number} height */
    addNode(node, [x, y], width, height) {
        const area = { x: x - width / 2, y: y - height / 2, width, height };
        const key = `n${node.index}`;
        this.boxes.set(key, { key, ...area, node, frame: null, phase: node.phase, open: false });
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
            width = size.widths[phase] + 2 * MARGIN;
            height = size.height + HEADER + MARGIN;
            /** @type {Point} */
            const start = [centre[0] - size.spine[phase], centre[1] - height / 2 + HEADER];
            inner.set(frame.index, { ...inner.get(frame.index), [phase]: start });
            centre = [start[0] - MARGIN + width / 2, centre[1]];
        }
        const area = { x: centre[0] - width / 2, y: centre[1] - height / 2, width, height };
        this.boxes.set(key, { key, ...area, node: null, frame, phase, open });
    }

    /**
     * Where a wire ends at a slot, and what is there; a crossing has a lead to the frame's border.
     *
     * @param {Frame} frame
     * @param {number} slot
     * @param {number} value
     * @param {"in" | "out"} way
     * @param {Point} centre of the slot, where it is now
     * @param {Point} point the end of the spline in the frame's layout
     * @param {Centred} box of the slot in that layout
     * @returns {{at: Point, key?: string, inside?: string, border?: Point}}
     */
    end(frame, slot, value, way, centre, point, [x, y]) {
        const [kind, of, phase] = frame.slots[slot];
        if (kind === "in" || kind === "out")
            return { at: centre, border: this.crossings.get(`${frame.index}.${kind}.${of}`) };
        const key = kind === "node" ? `n${of}` : halfKey(FRAMES[of], phase);
        if (kind === "frame" && this.unfolded.has(of))
            return { at: /** @type {Point} */ (this.crossings.get(`${of}.${way}.${value}`)), inside: key };
        return { key, at: [centre[0] + point[0] - x, centre[1] + point[1] - y] };
    }
}

/**
 * The same spline in pieces of a quarter: stretched axes bend it, and its handles alone would cut corners.
 *
 * @param {Point[]} spline
 */
function finer(spline) {
    const fine = [spline[0]];
    for (let i = 0; i + 3 < spline.length; i += 3) {
        let rest = spline.slice(i, i + 4);
        for (const share of [1 / 4, 1 / 3, 1 / 2]) {
            const [first, then] = split(rest, share);
            fine.push(...first.slice(1));
            rest = then;
        }
        fine.push(...rest.slice(1));
    }
    return fine;
}

/** Cut a Bézier curve in two (de Casteljau). @param {Point[]} curve @param {number} share @returns {[Point[], Point[]]} */
export function split([a, b, c, d], share) {
    /** @type {(p: Point, q: Point) => Point} */
    const mix = ([x1, y1], [x2, y2]) => [x1 + share * (x2 - x1), y1 + share * (y2 - y1)];
    const [ab, bc, cd] = [mix(a, b), mix(b, c), mix(c, d)];
    const [abc, bcd] = [mix(ab, bc), mix(bc, cd)];
    const middle = mix(abc, bcd);
    return [
        [a, ab, abc, middle],
        [middle, bcd, cd, d],
    ];
}

/**
 * Move the end of a spline to where it belongs, and its handle with it.
 *
 * @param {Point[]} points
 * @param {number} end
 * @param {number} handle
 * @param {Point} to
 */
function pull(points, end, handle, to) {
    const [x, y] = points[end];
    points[handle] = [points[handle][0] + to[0] - x, points[handle][1] + to[1] - y];
    points[end] = to;
}

/** A little more than the rectangle around points; a straight wire has an extent, too. @param {Point[]} points */
function boundsOf(points) {
    const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
    const [x, y] = [Math.min(...xs) - MARGIN, Math.min(...ys) - HEADER];
    return { x, y, width: Math.max(...xs) + MARGIN - x, height: Math.max(...ys) + HEADER - y };
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
