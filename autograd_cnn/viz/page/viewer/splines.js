// --- the courses of wires: Bézier splines, a start and three points a piece ------------------------

/**
 * @typedef {import("./data.js").Point} Point
 * @typedef {import("./data.js").Centred} Centred
 *
 * @typedef {object} End where a wire ends
 * @property {Point} at
 * @property {string} [key] of the box that is there
 * @property {string} [inside] the key of the open frame that is there
 * @property {Point} [border] the end of a lead to the border of the frame around
 * @property {number} [beyond] on which side of an open frame's border the wire comes from, and how far away it turns
 * @property {boolean} [beside] whether it comes from beside the open frame
 */

/** How far from the border of an open frame a wire turns towards where it enters. */
export const LEAD = 8;
/** A little more than the leads to borders. */
const AROUND = 20;

/**
 * The course of a wire between its ends: those at boxes move with these, and to where values cross the border of an
 * open frame it turns shortly before.
 *
 * @param {Point[]} points
 * @param {End[]} ends
 * @param {{centre: Point, size: Centred}[]} boxes
 */
export function courseOf(points, ends, boxes) {
    const last = points.length - 1;
    const [start, end] = ends;
    if (start.beside || end.beside) {
        const [open, small] = start.beside ? [start, boxes[1]] : [end, boxes[0]];
        const away = Math.sign(open.beyond ?? 0);
        const [x, y] = small.centre;
        const level = open.at[1] + (away * LEAD) / 2;
        const corners = [[x, y + (away * small.size[3]) / 2], [x, level], [open.at[0], level], open.at];
        return polyline(/** @type {Point[]} */ (start.beside ? corners.reverse() : corners));
    }
    const edges = [points[0], points[last]];
    for (const [other, i, handle] of /** @type {[End, number, number][]} */ ([
        [start, 0, 1],
        [end, last, last - 1],
    ])) {
        pull(points, i, handle, other.beyond ? [points[i][0], points[i][1] + other.beyond] : other.at);
    }
    const before = start.beyond ? entry(points[0], edges[0][1], start).reverse().slice(0, -1) : [];
    const after = end.beyond ? entry(points[last], edges[1][1], end).slice(1) : [];
    return [...before, ...points, ...after];
}

/**
 * The same spline in small pieces: bent axes bend it, and its handles alone would cut corners.
 *
 * @param {Point[]} spline
 * @param {number} pieces for each of its own
 */
export function finer(spline, pieces) {
    const fine = [spline[0]];
    for (let i = 0; i + 3 < spline.length; i += 3) {
        let rest = spline.slice(i, i + 4);
        for (let left = pieces; left > 1; left--) {
            const [first, then] = split(rest, 1 / left);
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

/**
 * The way into an open frame: sideways where no box is, before the place that was made for the frame, then straight on.
 *
 * @param {Point} from
 * @param {number} edge where this place begins
 * @param {End} end
 * @returns {Point[]}
 */
function entry(from, edge, { at }) {
    const half = (from[1] + edge) / 2;
    /** @type {Point} */
    const turn = [at[0], edge];
    const straight = Math.abs(at[1] - edge) < 1 ? [] : [turn, at, at]; // a piece without length has no direction
    return [from, [from[0], half], [at[0], half], turn, ...straight];
}

/** Straight pieces, as a spline. @param {Point[]} corners */
const polyline = (corners) => corners.flatMap((corner, i) => (i ? [corners[i - 1], corner, corner] : [corner]));

/** A little more than the rectangle around points; a straight wire has an extent, too. @param {Point[]} points */
export function boundsOf(points) {
    const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
    const [x, y] = [Math.min(...xs) - AROUND, Math.min(...ys) - AROUND];
    return { x, y, width: Math.max(...xs) + AROUND - x, height: Math.max(...ys) + AROUND - y };
}
