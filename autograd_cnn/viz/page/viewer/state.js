// --- what the reader looks at ---------------------------------------------------------------------
//
// Whoever changes it says so, and whoever shows it listens: nothing here knows who they are.

export const state = {
    /** The key of the selected box. @type {string | null} */
    selected: null,
    /** What the panel tells of; null is the whole graph. @type {import("./data.js").GraphNode | import("./data.js").Frame | null} */
    told: null,
    /** How many operations have fired; null where nobody is stepping. @type {number | null} */
    step: null,
    /** The quantity by which boxes are coloured; null for their kinds. @type {import("./data.js").Coloring | null} */
    coloring: null,
    /** What is searched. */
    search: "",
    /** The frames that are open. @type {Set<number>} */
    unfolded: new Set(),
};

/** @typedef {"changed" | "told" | "moved"} Change anything of the state; what is told; the camera */

/** @param {Change} change */
export const tell = (change) => document.dispatchEvent(new Event(change));

/** @param {Change} change @param {() => void} listener */
export const when = (change, listener) => document.addEventListener(change, listener);
