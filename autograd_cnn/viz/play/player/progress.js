// --- how far a panel has come ---------------------------------------------------------------------

import { ARRAYS, cellsAt, isInside, lengthOf } from "./data.js";

/**
 * The products that a step adds, in order; those of a scattered step are for a cell each.
 *
 * @param {import("./data.js").Walk} walk
 * @param {number} step
 */
export function terms(walk, step) {
    return walk.products.flatMap(({ sign, factors }) => {
        const read = factors.map((cells) => cellsAt(cells, step).map((index) => ARRAYS[cells.array].values[index]));
        const length = Math.max(...read.map((values) => values.length));
        return Array.from({ length }, (_, i) =>
            read.reduce((product, values) => product * values[values.length === 1 ? 0 : i], sign),
        );
    });
}

/** The arrays that a panel fills, after some of its steps. */
export class Progress {
    /** @param {import("./data.js").Panel} panel */
    constructor(panel) {
        this.panel = panel;
        this.length = lengthOf(panel);
        this.step = 0;
        /** @type {Map<string, Float64Array>} */
        this.filled = new Map();
        this.reset();
    }

    reset() {
        this.step = 0;
        for (const { target } of this.panel.walks)
            this.filled.set(target.array, new Float64Array(ARRAYS[target.array].values.length).fill(NaN));
    }

    /** Which walk a step belongs to, and its number there. @param {number} step */
    locate(step) {
        for (const walk of this.panel.walks) {
            if (step < walk.target.starts.length) return { walk, step };
            step -= walk.target.starts.length;
        }
        throw new RangeError("there is no such step");
    }

    /** @param {number} to how many steps have been taken then */
    goTo(to) {
        to = Math.min(to, this.length);
        if (to < this.step) this.reset();
        for (; this.step < to; this.step++) this.take(this.step);
    }

    /** A cell is NaN until something is added to it. @param {number} number */
    take(number) {
        const { walk, step } = this.locate(number);
        const out = /** @type {Float64Array} */ (this.filled.get(walk.target.array));
        const targets = cellsAt(walk.target, step);
        if (walk.values) {
            out[targets[0]] = walk.values[step];
            return;
        }
        const added = terms(walk, step);
        if (targets.length === 1) {
            const sum = added.reduce((total, term) => total + term, 0);
            out[targets[0]] = walk.adds ? (out[targets[0]] || 0) + sum : sum;
        } else targets.forEach((index, i) => (out[index] = (out[index] || 0) + added[i]));
    }

    /** The largest difference of an array from the engine's, where the border does not count. @param {string} name */
    difference(name) {
        const array = ARRAYS[name];
        const inside = isInside(array);
        const out = /** @type {Float64Array} */ (this.filled.get(name));
        let most = 0;
        array.values.forEach((value, index) => {
            if (inside(index) && !Object.is(value, out[index])) most = Math.max(most, Math.abs(out[index] - value));
        });
        return most;
    }
}
