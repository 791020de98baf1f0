// --- finding nodes and modules --------------------------------------------------------------------

import { FRAMES, halfKey, NODES, titleOf } from "./data.js";

/**
 * @typedef {import("./data.js").GraphNode} GraphNode
 * @typedef {{key: string, name: string, place: string}} Found
 * @typedef {{name: string, text: string, shape: number[]}} Told what is known of a thing; text has no capitals
 */

/** What the field calls things, and parts of the names that they have here. @type {Record<string, string[]>} */
const MEANT = {
    activation: ["elu", "sigmoid", "tanh", "silu", "softplus", "mish", "hardswish"],
    affine: ["linear", "matmul"],
    avgpool: ["mean_pool"],
    averagepool: ["mean_pool", "avgpool"],
    batchnorm: ["batch_norm"],
    bn: ["batch_norm", "batchnorm"],
    cat: ["concatenate"],
    concat: ["concatenate"],
    conv: ["correlate2d"],
    convolution: ["correlate2d", "conv"],
    crossentropy: ["cross_entropy"],
    deconvolution: ["correlate2d_wrt_input", "convtranspose"],
    dense: ["linear", "matmul"],
    dot: ["matmul", "linear"],
    fc: ["linear", "matmul"],
    flatten: ["reshape"],
    gemm: ["matmul", "linear"],
    layernorm: ["layer_norm"],
    loss: ["cross_entropy"],
    matmul: ["linear", "einsum"],
    maxpool: ["max_pool"],
    nonlinearity: ["elu", "sigmoid", "tanh", "silu", "softplus", "mish", "hardswish"],
    normalization: ["norm"],
    normalisation: ["norm"],
    pooling: ["pool"],
    recurrent: ["rnn", "lstm", "gru"],
    residual: ["add"],
    rnn: ["lstm", "gru"],
    shortcut: ["add"],
    slice: ["getitem"],
    subsampling: ["pool", "subsample"],
    swish: ["silu"],
    view: ["reshape"],
};

/** Whole shapes, as in (2, 6, 14, 14), and lengths that follow each other in one, as in 28x28. */
const SHAPE = /\(\s*\d+(?:\s*,\s*\d+)*\s*,?\s*\)|\d+(?:\s*[x×,]\s*\d+)+/g;

/**
 * What a text asks for: words, and shapes, as the numbers between commas.
 *
 * @param {string} text
 */
function asked(text) {
    const shapes = (text.match(SHAPE) ?? []).map((each) => {
        const lengths = `,${(each.match(/\d+/g) ?? []).join(",")},`;
        return each.startsWith("(") ? `(${lengths})` : lengths;
    });
    const words = text.toLowerCase().replace(SHAPE, " ").split(/\s+/).filter(Boolean);
    return { words, shapes };
}

/**
 * How well a thing fits a word: 0 by the beginning of its name, 1 by its name, 2 by what the field calls it,
 * 3 by anything else that is known of it; null if it does not fit.
 *
 * @param {string} word
 * @param {Told} told
 */
export function distance(word, { name, text }) {
    if (name.startsWith(word)) return 0;
    if (name.includes(word)) return 1;
    if (Object.hasOwn(MEANT, word) && MEANT[word].some((other) => name.includes(other))) return 2;
    return text.includes(word) ? 3 : null;
}

/**
 * What fits all words and shapes of a text, the best first.
 *
 * @param {string} text
 * @returns {Found[]}
 */
export function find(text) {
    const { words, shapes } = asked(text);
    if (!words.length && !shapes.length) return [];
    const found = [...modules(), ...nodes()].flatMap(({ told, ...each }) => {
        const lengths = `(,${told.shape.join(",")},)`;
        const far = words.map((word) => distance(word, told));
        const fits = shapes.every((shape) => lengths.includes(shape)) && !far.includes(null);
        return fits ? [{ each, far: Math.max(0, ...far.map(Number)) }] : [];
    });
    return found.sort((a, b) => a.far - b.far).map(({ each }) => each);
}

/** @returns {Generator<Found & {told: Told}>} */
function* modules() {
    for (const frame of FRAMES.slice(1)) {
        const place = `module ${frame.path}`;
        const name = frame.title.toLowerCase();
        const told = { name, text: `${place} ${name}`.toLowerCase(), shape: [] };
        yield { key: halfKey(frame, frame.members[0].phase), name: frame.title, place, told };
    }
}

/** @returns {Generator<Found & {told: Told}>} */
function* nodes() {
    for (const node of NODES) {
        const name = titleOf(node);
        const place = `${node.id} ${node.form} ${node.module}`;
        const text = `${name} ${place} ${node.kind} ${node.phase} ${node.problem ?? ""}`.toLowerCase();
        yield { key: `n${node.index}`, name, place, told: { name: name.toLowerCase(), text, shape: node.shape } };
    }
}
