// --- a step in words ------------------------------------------------------------------------------

import { html } from "../../web/elements.js";
import { ARRAYS, cellsAt } from "./data.js";
import { terms } from "./progress.js";

/** @typedef {import("../../web/elements.js").Child} Child */

const MOST = 27; // whole numbers that are written out: a filter of 3 by 3 in three channels
const MOST_LONG = 9;

/** As short as a cell needs it, with a real minus. @param {number} value */
export function brief(value) {
    if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value < 0 ? "−∞" : "∞";
    return String(Number(value.toPrecision(3))).replaceAll("-", "−");
}

/** A number with a minus in brackets. @param {number} value */
const inner = (value) => (value < 0 ? `(${brief(value)})` : brief(value));

/** @param {number[]} shape @param {number} index */
function unraveled(shape, index) {
    const found = [];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
        found.unshift(index % shape[axis]);
        index = Math.floor(index / shape[axis]);
    }
    return found;
}

/** The cells of an array as people write them: x[0, 1:4, 2:7:2]. @param {string} name @param {number[]} indices */
export function at(name, indices) {
    const { shape, values } = ARRAYS[name];
    if (values.length === 1) return name;
    const all = indices.map((index) => unraveled(shape, index));
    const slices = shape.map((_, axis) => {
        const seen = [...new Set(all.map((each) => each[axis]))].sort((one, other) => one - other);
        if (seen.length === 1) return String(seen[0]);
        const step = seen[1] - seen[0];
        return `${seen[0]}:${seen[seen.length - 1] + 1}${step > 1 ? `:${step}` : ""}`;
    });
    return `${name.includes(" ") ? `(${name})` : name}[${slices.join(", ")}]`;
}

/** The colours of the arrays that a walk reads. @param {import("./data.js").Walk} walk */
export function rolesOf(walk) {
    const read = [...new Set(walk.products.flatMap(({ factors }) => factors.map(({ array }) => array)))];
    return new Map(read.map((array, i) => [array, `factor-${i % 3}`]));
}

/** @param {Child[][]} parts @param {string} between */
const joined = (parts, between) => parts.flatMap((part, i) => (i ? [between, ...part] : part));

/**
 * What a step does, as a formula whose parts have the colours of the arrays that they come from.
 *
 * @param {import("./data.js").Walk} walk
 * @param {number} step
 * @returns {Child[]}
 */
export function sentence(walk, step) {
    const roles = rolesOf(walk);
    const colored = (/** @type {string} */ array, /** @type {string} */ text) =>
        html("span", { class: roles.get(array) }, text);
    const targets = cellsAt(walk.target, step);
    const target = html("b", { class: "target" }, at(walk.target.array, targets));
    const formulas = walk.products.map(({ factors }) =>
        joined(factors.map((cells) => [colored(cells.array, at(cells.array, cellsAt(cells, step)))]), " · "),
    );
    const numbers = walk.products.map(({ factors }) =>
        factors.map((cells) => ({
            array: cells.array,
            values: cellsAt(cells, step).map((index) => ARRAYS[cells.array].values[index]),
        })),
    );
    const note = walk.notes[step] ? [" ", html("i", {}, walk.notes[step])] : [];
    if (walk.values) {
        const flat = numbers.flat();
        const read = flat.flatMap(({ array, values }) => values.map((value) => [colored(array, brief(value))]));
        const result = html("b", { class: "target" }, brief(walk.values[step]));
        const [symbols, found] = [formulas, cut(read)].map((parts) =>
            walk.function === "/" ? joined(parts, " / ") : [`${walk.function}(`, ...joined(parts, ", "), ")"],
        );
        return [target, " = ", ...symbols, " = ", ...found, " = ", result, ...note];
    }
    const signs = walk.products.map(({ sign }, i) => (sign < 0 ? " − " : i ? " + " : ""));
    const symbols = formulas.flatMap((formula, i) => [signs[i], ...formula]);
    const start = [target, walk.adds ? " += " : " = ", ...symbols, " = "];
    if (targets.length > 1) {
        const factors = numbers[0].map(({ array, values }) => {
            const listed = cut(values.map((value) => [brief(value)]));
            return [colored(array, values.length > 1 ? `(${joined(listed, ", ").join("")})` : inner(values[0]))];
        });
        return [...start, ...joined(factors, " · "), ...note];
    }
    const written = numbers.flatMap((factors, i) =>
        Array.from({ length: Math.max(...factors.map(({ values }) => values.length)) }, (_, k) => [
            i || k ? (walk.products[i].sign < 0 ? " − " : " + ") : signs[i],
            ...joined(
                factors.map(({ array, values }, j) => {
                    const value = values[values.length === 1 ? 0 : k];
                    return [colored(array, j || i || k ? inner(value) : brief(value))];
                }),
                "·",
            ),
        ]),
    );
    const sum = terms(walk, step).reduce((total, term) => total + term, 0);
    const total = html("b", { class: "target" }, brief(sum));
    const single = written.length === 1 && numbers[0].length === 1;
    return [...start, ...(single ? [] : [...cut(written).flat(), " = "]), total, ...note];
}

/**
 * Leave out what is too much to read.
 *
 * @param {Child[][]} parts
 * @returns {Child[][]}
 */
function cut(parts) {
    const isLong = (/** @type {Child} */ child) => (child instanceof Node ? (child.textContent ?? "") : `${child}`).length > 4;
    const most = parts.some((part) => part.some(isLong)) ? MOST_LONG : MOST;
    const [shown, left] = [parts.slice(0, most), parts.length - most];
    return left > 1 ? [...shown, [` … ${left} more`]] : parts;
}
