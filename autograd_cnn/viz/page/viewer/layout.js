// --- where everything is --------------------------------------------------------------------------
//
// Graphviz laid out each frame with its inner frames folded. Unfolding one stretches the axes of the
// frame around it, where the inner frame lies, and moves what lies beyond. Stretching keeps the order
// along both axes, so nothing can come to overlap, and readers find things where they were.

const HEADER = 20;
const MARGIN = 9;
const GAP = 60;

// A piecewise linear map that leaves room for parts: {from, to, size}.
function stretched(parts) {
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
        if (next < 0) return knots.at(-1).image + value - knots.at(-1).cut;
        return knots[next].image - knots[next].rate * (knots[next].cut - value);
    };
}

// The size of an unfolded frame's contents, and its stretched axes.
function measured(frame, unfolded, known) {
    if (known.has(frame.index)) return known.get(frame.index);
    const layout = DATA.layouts[frame.layout];
    const parts = { y: [], forward: [], backward: [] };
    frame.slots.forEach(([kind, of, phase], i) => {
        if (kind !== "frame" || !unfolded.has(of)) return;
        const inner = measured(FRAMES[of], unfolded, known);
        const [x, y, width, height] = layout.boxes[i];
        parts.y.push({ from: y - height / 2, to: y + height / 2, size: inner.height + HEADER + MARGIN });
        parts[phase].push({ from: x - width / 2, to: x, size: inner.spine[phase] + MARGIN });
        parts[phase].push({ from: x, to: x + width / 2, size: inner.widths[phase] - inner.spine[phase] + MARGIN });
    });
    const axes = { y: stretched(parts.y), forward: stretched(parts.forward), backward: stretched(parts.backward) };
    const widths = {};
    for (const [phase, width] of Object.entries(layout.widths)) widths[phase] = axes[phase](width);
    const size = { layout, axes, widths, height: axes.y(layout.height), spine: spine(frame, axes, widths) };
    known.set(frame.index, size);
    return size;
}

// Where the main stream of values enters each pass of a frame, so that it runs straight from outside.
function spine(frame, axes, widths) {
    const found = {};
    for (const phase of Object.keys(widths)) {
        const entry = ["in", "out"]
            .map((way) => frame.slots.findIndex((slot) => slot[0] === way && slot[2] === phase))
            .find((i) => i >= 0);
        found[phase] =
            entry === undefined ? widths[phase] / 2 : axes[phase](DATA.layouts[frame.layout].boxes[entry][0]);
    }
    return found;
}

// All that is visible for a set of unfolded frames:
// boxes, by key ("n3" for a node, "f2.forward" for a pass of a frame), and wires between them.
class Scene {
    constructor(unfolded) {
        this.unfolded = unfolded;
        this.boxes = new Map();
        this.wires = [];
        this.crossings = new Map();
        this.sizes = new Map();
        const { widths, height } = measured(FRAMES[0], unfolded, this.sizes);
        const phases = ["forward", "backward"].filter((phase) => phase in widths);
        const top = phases.length > 1 ? HEADER : 0;
        this.height = height + top + 2 * MARGIN;
        this.width = -GAP;
        this.columns = [];
        const origins = {};
        for (const phase of phases) {
            const column = { phase, x: this.width + GAP, y: 0, width: widths[phase] + 2 * MARGIN, height: this.height };
            origins[phase] = [column.x + MARGIN, top + MARGIN];
            this.width = column.x + column.width;
            if (phases.length > 1) this.columns.push(column);
        }
        this.place(FRAMES[0], origins);
    }

    // Place the contents of an unfolded frame, given where each of its passes begins.
    place(frame, origins) {
        const { layout, axes, height } = this.sizes.get(frame.index);
        const moved = (phase, [x, y]) => [origins[phase][0] + axes[phase](x), origins[phase][1] + axes.y(y)];
        const inner = new Map();
        const centres = frame.slots.map(([kind, of, phase], i) => {
            const centre = moved(phase, layout.boxes[i]);
            const [, , width, boxHeight] = layout.boxes[i];
            if (kind === "node") this.addBox(`n${of}`, centre, width, boxHeight, { node: NODES[of] });
            else if (kind === "frame") this.addFrame(FRAMES[of], phase, centre, width, boxHeight, inner);
            else {
                const upper = (kind === "in") === (phase === "forward");
                const y = origins[phase][1] + (upper ? -HEADER : height + MARGIN);
                this.crossings.set(`${frame.index}.${kind}.${of}`, [centre[0], y]);
            }
            return centre;
        });
        for (const [index, starts] of inner) this.place(FRAMES[index], starts);
        frame.wires.forEach(([source, target, value], i) => {
            const phase = frame.slots[source][2];
            const spline = inner.size ? finer(layout.wires[i]) : layout.wires[i];
            const start = this.end(frame, source, value, "out", centres[source], spline[0], layout.boxes[source]);
            const end = this.end(frame, target, value, "in", centres[target], spline.at(-1), layout.boxes[target]);
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

    addBox(key, [x, y], width, height, more) {
        this.boxes.set(key, { key, x: x - width / 2, y: y - height / 2, width, height, ...more });
    }

    addFrame(frame, phase, centre, width, height, inner) {
        const key = halfKey(frame, phase);
        const open = this.unfolded.has(frame.index);
        if (open) {
            const size = this.sizes.get(frame.index);
            width = size.widths[phase] + 2 * MARGIN;
            height = size.height + HEADER + MARGIN;
            const start = [centre[0] - size.spine[phase], centre[1] - height / 2 + HEADER];
            inner.set(frame.index, { ...inner.get(frame.index), [phase]: start });
            centre = [start[0] - MARGIN + width / 2, centre[1]];
        }
        this.addBox(key, centre, width, height, { frame, phase, open });
    }

    // Where a wire ends at a slot, and what is there; a crossing has a lead to the frame's border.
    end(frame, slot, value, way, centre, point, [x, y]) {
        const [kind, of, phase] = frame.slots[slot];
        if (kind === "in" || kind === "out")
            return { at: centre, border: this.crossings.get(`${frame.index}.${kind}.${of}`) };
        const key = kind === "node" ? `n${of}` : halfKey(FRAMES[of], phase);
        if (kind === "frame" && this.unfolded.has(of))
            return { at: this.crossings.get(`${of}.${way}.${value}`), inside: key };
        return { key, at: [centre[0] + point[0] - x, centre[1] + point[1] - y] };
    }
}

// The same spline in pieces of a quarter: stretched axes bend it, and its handles alone would cut corners.
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

// Cut a Bézier curve in two (de Casteljau).
function split([a, b, c, d], share) {
    const mix = ([x1, y1], [x2, y2]) => [x1 + share * (x2 - x1), y1 + share * (y2 - y1)];
    const [ab, bc, cd] = [mix(a, b), mix(b, c), mix(c, d)];
    const [abc, bcd] = [mix(ab, bc), mix(bc, cd)];
    const middle = mix(abc, bcd);
    return [
        [a, ab, abc, middle],
        [middle, bcd, cd, d],
    ];
}

// Move the end of a spline to where it belongs, and its handle with it.
function pull(points, end, handle, to) {
    const [x, y] = points[end];
    points[handle] = [points[handle][0] + to[0] - x, points[handle][1] + to[1] - y];
    points[end] = to;
}

// A little more than the rectangle around points; a straight wire has an extent, too.
function boundsOf(points) {
    const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
    const [x, y] = [Math.min(...xs) - MARGIN, Math.min(...ys) - HEADER];
    return { x, y, width: Math.max(...xs) + MARGIN - x, height: Math.max(...ys) + HEADER - y };
}
