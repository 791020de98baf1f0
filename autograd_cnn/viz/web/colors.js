// --- colours of numbers ---------------------------------------------------------------------------

import { color } from "./elements.js";

export const NOT_FINITE = -128;

/** @param {string} text such as "#0072b2" */
const channels = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));

/** A colour for each of the 256 bytes: from negative over zero to positive, and one for "not finite". */
export function colorTable() {
    const [negative, zero, positive, none] = ["--negative", "--zero", "--positive", "--not-finite"].map((name) =>
        channels(color(name)),
    );
    return Array.from({ length: 256 }, (_, byte) => {
        const value = byte - 128;
        if (value === NOT_FINITE) return none;
        const end = value < 0 ? negative : positive;
        return zero.map((from, i) => Math.round(from + ((end[i] - from) * Math.abs(value)) / 127));
    });
}

/** @overload @param {HTMLCanvasElement} canvas @returns {CanvasRenderingContext2D} */
/** @overload @param {OffscreenCanvas} canvas @returns {OffscreenCanvasRenderingContext2D} */
/** What paints on a canvas. @param {HTMLCanvasElement | OffscreenCanvas} canvas */
export function contextOf(canvas) {
    const found = canvas.getContext("2d");
    if (!found) throw new Error("this browser has no canvas to paint on");
    return found;
}
