// --- numbers as text ------------------------------------------------------------------------------

/**
 * Three digits and a prefix: 1.88 M, 512, 37.6 k.
 *
 * @param {number} value
 * @param {string} unit
 */
export function quantity(value, unit) {
    const rounded = Number(value.toPrecision(3));
    const power = rounded < 1000 ? 0 : Math.min(Math.floor(Math.log10(rounded) / 3), 5);
    return `${Number((value / 1000 ** power).toPrecision(3))} ${["", "k", "M", "G", "T", "P"][power]}${unit}`.trim();
}

/** Four digits. @param {number | null | undefined} value */
export const short = (value) =>
    value === null || value === undefined ? "unknown" : String(Number(value.toPrecision(4)));
