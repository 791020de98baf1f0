// --- how much room an open frame takes ------------------------------------------------------------
//
// Graphviz laid out each frame with those inner ones open that are open at first. Unfolding or folding
// another one stretches or shrinks the axes of the frame around it, where the inner frame lies, and moves
// what lies beyond. That keeps the order along both axes and leaves all other boxes their room, so nothing
// can come to overlap, and readers find things where they were.

import { DATA, FRAMES } from "./data.js";

/**
 * @typedef {import("./data.js").Frame} Frame
 * @typedef {import("./data.js").Phase} Phase
 * @typedef {import("./data.js").Point} Point
 * @typedef {import("./data.js").Centred} Centred
 *
 * @typedef {(value: number) => number} Axis
 * @typedef {Record<Phase, number>} Widths
 * @typedef {{y: Axis} & Record<Phase, Axis>} Axes
 * @typedef {{layout: import("./data.js").Layout, axes: Axes, pieces: number, widths: Widths, height: number, spine: Widths}} Size
 * how many pieces a wire's curves are cut into, so that bent axes can bend them
 * @typedef {{from: number, to: number, size: number}} Part
 */

export const HEADER = DATA.spacing.header;
export const MARGIN = DATA.spacing.margin;
/** The frames that Graphviz laid out open. */
export const OPEN = new Set(DATA.unfolded);
export const RIGHT = DATA.direction === "right";
/** What an open frame leaves free before its contents; its title is above them, whichever way the graph runs. */
export const BEFORE = RIGHT ? { x: HEADER, y: MARGIN } : { x: MARGIN, y: HEADER };

/** @type {Axis} */
const same = (value) => value;

/** A piecewise linear map that gives parts their size, and more where that of others over them is larger. @param {Part[]} parts @returns {Axis} */
export function stretched(parts) {
    const cuts = [...new Set(parts.flatMap((part) => [part.from, part.to]))].sort((a, b) => a - b);
    let image = cuts[0];
    const knots = cuts.map((cut, i) => {
        const before = cuts[i - 1];
        const covering = parts.filter((part) => i > 0 && part.from <= before && part.to >= cut);
        const rate = covering.length ? Math.max(...covering.map((part) => part.size / (part.to - part.from))) : 1;
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
export function measured(frame, unfolded, known) {
    const before = known.get(frame.index);
    if (before) return before;
    const layout = DATA.layouts[frame.layout];
    const parts = { y: /** @type {Part[]} */ ([]), forward: /** @type {Part[]} */ ([]), backward: /** @type {Part[]} */ ([]) };
    /** @type {Set<number>} */
    const moving = new Set();
    frame.slots.forEach(([kind, of, phase], i) => {
        if (kind !== "frame" || !(unfolded.has(of) || OPEN.has(of))) return;
        const [x, y, width, height] = layout.boxes[i];
        const anchor = anchorOf(FRAMES[of], phase, layout.boxes[i]);
        const [before, after, along] = roomOf(FRAMES[of], phase, layout.boxes[i], unfolded, known);
        parts.y.push({ from: y - height / 2, to: y + height / 2, size: along });
        parts[phase].push({ from: x - width / 2, to: anchor, size: before });
        parts[phase].push({ from: anchor, to: x + width / 2, size: after });
        moving.add(i);
    });
    const changes = [...parts.y, ...parts.forward, ...parts.backward].map(({ from, to, size }) => size - (to - from));
    const shrinks = changes.some((change) => change < -0.2);
    const bent = shrinks || changes.some((change) => change > 0.2);
    if (shrinks)
        frame.slots.forEach(([, , phase], i) => {
            if (moving.has(i)) return;
            const [x, y, width, height] = layout.boxes[i];
            parts.y.push({ from: y - height / 2, to: y + height / 2, size: height });
            parts[phase].push({ from: x - width / 2, to: x + width / 2, size: width });
        });
    const axes = bent
        ? { y: stretched(parts.y), forward: stretched(parts.forward), backward: stretched(parts.backward) }
        : { y: same, forward: same, backward: same };
    const widths = /** @type {Widths} */ ({});
    const phases = phasesOf(layout.widths);
    const room = frame.parent < 0 && phases.length < 2 ? 0 : frame.room - BEFORE.x - MARGIN;
    for (const phase of phases)
        widths[phase] = Math.max(axes[phase](layout.widths[phase]), RIGHT ? 0 : room);
    const height = Math.max(axes.y(layout.height), RIGHT ? room : 0);
    const size = { layout, axes, pieces: shrinks ? 16 : bent ? 4 : 1, widths, height, spine: spine(frame, axes, widths) };
    known.set(frame.index, size);
    return size;
}

/**
 * Where across its box in a layout an inner frame is held: where the main stream of values enters it.
 *
 * @param {Frame} frame
 * @param {Phase} phase
 * @param {Centred} box
 */
export function anchorOf(frame, phase, [x, , width]) {
    if (!OPEN.has(frame.index)) return x;
    const entry = entryOf(frame, phase);
    const spine = entry < 0 ? (width - BEFORE.x - MARGIN) / 2 : DATA.layouts[frame.layout].boxes[entry][0];
    return x - width / 2 + BEFORE.x + spine;
}

/**
 * How much room an inner frame takes before that place, after it, and along the pass.
 *
 * @param {Frame} frame
 * @param {Phase} phase
 * @param {Centred} box
 * @param {Set<number>} unfolded
 * @param {Map<number, Size>} known
 */
function roomOf(frame, phase, box, unfolded, known) {
    if (!unfolded.has(frame.index)) {
        const [width, height] = foldedSize(frame, box);
        return [width / 2, width / 2, height];
    }
    const { widths, height, spine } = measured(frame, unfolded, known);
    return [spine[phase] + BEFORE.x, widths[phase] - spine[phase] + MARGIN, height + BEFORE.y + MARGIN];
}

/** The size of a frame when it is folded, given its box in a layout. @param {Frame} frame @param {Centred} box @returns {Point} */
export const foldedSize = (frame, [, , width, height]) => frame.folded ?? [width, height];

/** The slot at which values enter a pass of a frame, or leave it; -1 if none do. @param {Frame} frame @param {Phase} phase */
const entryOf = (frame, phase) =>
    ["in", "out"].map((way) => frame.slots.findIndex((slot) => slot[0] === way && slot[2] === phase)).find((i) => i >= 0) ?? -1;

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
        const entry = entryOf(frame, phase);
        found[phase] = entry < 0 ? widths[phase] / 2 : axes[phase](DATA.layouts[frame.layout].boxes[entry][0]);
    }
    return found;
}
