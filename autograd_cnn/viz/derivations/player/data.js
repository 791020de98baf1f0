// --- what the page was made from ------------------------------------------------------------------

/**
 * The integers `base + Σ i · step` for all indices `i` of axes, each `[length, step]`; or a list of them.
 *
 * @typedef {{base: number, axes: [number, number][]} | number[]} Positions
 * @typedef {{array: string, starts: Positions, offsets: Positions}} CellsData
 * @typedef {{array: string, starts: number[], offsets: number[]}} Cells in step t: `starts[t]` plus each offset
 * @typedef {{sign: number, factors: Cells[]}} Product
 * @typedef {{target: Cells, products: Product[], function: string, adds: boolean, values: Float64Array | null,
 *   marks: Cells | null, notes: Record<number, string>}} Walk
 * @typedef {{title: string, text: string, arrays: string[], walks: Walk[]}} Panel
 * @typedef {{title: string, panels: Panel[]}} Scene
 * @typedef {{shape: number[], text: string, border: number[][], values: Float32Array | Float64Array, scale: number,
 *   checked: boolean, heat?: [number, number, number]}} NamedArray whether it is the engine's; of heat, a cell's width and
 *   height, and how many planes stand in a row
 */

/** @param {string} text bytes in base64 */
const buffer = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0)).buffer;

/** @param {Positions} positions @returns {number[]} */
function expanded(positions) {
    if (Array.isArray(positions)) return positions;
    let found = [positions.base];
    for (const [length, step] of positions.axes)
        found = found.flatMap((from) => Array.from({ length }, (_, i) => from + i * step));
    return found;
}

/** @param {CellsData} cells @returns {Cells} */
const cellsOf = ({ array, starts, offsets }) => ({ array, starts: expanded(starts), offsets: expanded(offsets) });

/** @param {any} walk @returns {Walk} */
const walkOf = (walk) => ({
    ...walk,
    target: cellsOf(walk.target),
    products: walk.products.map((/** @type {any} */ product) => ({
        sign: product.sign,
        factors: product.factors.map(cellsOf),
    })),
    marks: walk.marks && cellsOf(walk.marks),
    values: walk.values && new Float64Array(buffer(walk.values)),
});

const RAW = JSON.parse(document.getElementById("graph")?.textContent ?? "");

/** @type {string} */
export const ABOUT = RAW.text;

/** By the symbols that they have in formulas. @type {Record<string, NamedArray>} */
export const ARRAYS = Object.fromEntries(
    Object.entries(RAW.arrays).map(([name, array]) => [
        name,
        { ...array, values: new (array.dtype === "<f4" ? Float32Array : Float64Array)(buffer(array.values)) },
    ]),
);

/** @type {Scene[]} */
export const SCENES = RAW.scenes.map((/** @type {any} */ scene) => ({
    title: scene.title,
    panels: scene.panels.map((/** @type {any} */ panel) => ({ ...panel, walks: panel.walks.map(walkOf) })),
}));

/** @param {Panel} panel */
export const lengthOf = (panel) => panel.walks.reduce((sum, walk) => sum + walk.target.starts.length, 0);

/** The positions of cells in a step. @param {Cells} cells @param {number} step */
export const cellsAt = ({ starts, offsets }, step) => offsets.map((offset) => starts[step] + offset);

/** Which cells are not of the border. @param {NamedArray} array */
export function isInside({ shape, border }) {
    const [rows, columns] = [shape[shape.length - 2] ?? 1, shape[shape.length - 1] ?? 1];
    const [[top, bottom], [left, right]] = border;
    return (/** @type {number} */ index) => {
        const [row, column] = [Math.floor(index / columns) % rows, index % columns];
        return row >= top && row < rows - bottom && column >= left && column < columns - right;
    };
}
