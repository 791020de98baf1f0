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

/**
 * An array that is filled, and which of its cells something has been added to.
 *
 * @typedef {{values: Float64Array, touched: Uint8Array}} Filled
 */

/** The arrays that a panel fills, after some of its steps. */
export class Progress {
    /** @param {import("./data.js").Panel} panel */
    constructor(panel) {
        this.panel = panel;
        this.length = lengthOf(panel);
        this.step = 0;
        /** @type {Map<string, Filled>} */
        this.filled = new Map();
        this.reset();
    }

    reset() {
        this.step = 0;
        for (const { target } of this.panel.walks) {
            const size = ARRAYS[target.array].values.length;
            this.filled.set(target.array, { values: new Float64Array(size), touched: new Uint8Array(size) });
        }
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
        if (to === this.length) this.filled.forEach(({ touched }) => touched.fill(1)); // where nothing arrived, it is 0
    }

    /** @param {number} number */
    take(number) {
        const { walk, step } = this.locate(number);
        const { values, touched } = /** @type {Filled} */ (this.filled.get(walk.target.array));
        const targets = cellsAt(walk.target, step);
        const added = walk.values ? [walk.values[step]] : terms(walk, step);
        targets.forEach((index) => (touched[index] = 1));
        if (targets.length === 1) values[targets[0]] += added.reduce((total, term) => total + term, 0);
        else targets.forEach((index, i) => (values[index] += added[added.length === 1 ? 0 : i]));
    }

    /** The largest difference of an array from the engine's, where the border does not count. @param {string} name */
    difference(name) {
        const array = ARRAYS[name];
        const inside = isInside(array);
        const { values } = /** @type {Filled} */ (this.filled.get(name));
        let most = 0;
        array.values.forEach((value, index) => {
            if (inside(index) && !Object.is(value, values[index])) most = Math.max(most, Math.abs(values[index] - value));
        });
        return most;
    }
}
