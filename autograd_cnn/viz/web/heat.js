// --- arrays as pictures ---------------------------------------------------------------------------

import { NOT_FINITE, colorTable, contextOf } from "./colors.js";
import { color, html, svg } from "./elements.js";
import { short } from "./numbers.js";

/**
 * Planes of an array as bytes in base64, each of them `scale / 127`; a cell is the mean of a block.
 *
 * @typedef {{planes: number, rows: number, columns: number, scale: number, block: number[], cells: string}} Picture
 * @typedef {[number[], number]} Mark an element to point out, by its index, and its weight
 * @typedef {{min?: number, max?: number, mean?: number, std?: number, norm?: number, bad?: number,
 *   histogram?: number[], picture?: Picture}} Summary what is known of an array
 */

const BETWEEN = 4;
/**
 * How planes are put beside each other: those of one image in full rows.
 *
 * @param {Picture} picture
 * @param {number[]} shape
 * @param {number} width
 */
function gridOf(picture, shape, width) {
    const group = shape.at(-3) ?? 1;
    const fitting = [4, 3, 5, 2].find((count) => group % count === 0);
    const across = picture.planes === 1 ? 1 : Math.min(picture.planes, fitting ?? Math.ceil(Math.sqrt(picture.planes)));
    const room = (width - (across - 1) * BETWEEN) / across;
    const down = Math.ceil(picture.planes / across);
    const cell = Math.min(room / picture.columns, 320 / (down * picture.rows), 22);
    return { across, cell: cell > 2 ? Math.floor(cell) : cell };
}

/** By which key: so many planes, rows and columns on. @type {Record<string, number[]>} */
const CELLS = {
    ArrowLeft: [0, 0, -1],
    ArrowRight: [0, 0, 1],
    ArrowUp: [0, -1, 0],
    ArrowDown: [0, 1, 0],
    PageUp: [-1, 0, 0],
    PageDown: [1, 0, 0],
};

export class HeatMap {
    /**
     * @param {Picture} picture
     * @param {number[]} shape of the array
     * @param {number} width what there is room for
     * @param {Mark[]} marks
     */
    constructor(picture, shape, width, marks) {
        const bytes = Uint8Array.from(atob(picture.cells), (char) => char.charCodeAt(0));
        this.cells = new Int8Array(bytes.buffer);
        this.picture = picture;
        this.shape = shape;
        this.marks = marks;
        const { across, cell } = gridOf(picture, shape, width);
        this.across = across;
        this.cell = cell;
        this.down = Math.ceil(picture.planes / this.across);
        this.cursor = [0, 0, 0];
        /** The element that is picked. @type {number[] | null} */
        this.picked = null;
        this.canvas = html("canvas", {
            tabindex: 0,
            role: "img",
            "aria-label": this.describe(),
            onpointermove: (/** @type {PointerEvent} */ event) => this.point(event),
            onclick: () => this.pick(),
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
        });
        this.caption = html("figcaption", { "aria-live": "polite" }, this.scaleText());
        this.element = html("figure", { class: "heat" }, this.canvas, this.caption);
        this.paint();
    }

    describe() {
        const { planes, rows, columns } = this.picture;
        const counted = `${planes} ${planes === 1 ? "plane" : "planes"} of ${rows} by ${columns} cells`;
        return `heat map, ${counted}; arrow keys read them`;
    }

    scaleText() {
        const [down, right] = this.picture.block;
        const means = down * right > 1 ? `, means of ${down} × ${right}` : "";
        const beyond = this.marks.filter(([index]) => !this.cellOf(index)).length;
        const missing = beyond ? `; ${beyond} pointed out in planes beyond these` : "";
        return `±${short(this.picture.scale)}${means}${missing}`;
    }

    /** Point out other elements. @param {Mark[]} marks */
    mark(marks) {
        this.marks = marks;
        this.paint();
    }

    /** Where a plane begins. @param {number} plane */
    corner(plane) {
        const { rows, columns } = this.picture;
        return [
            (plane % this.across) * (columns * this.cell + BETWEEN),
            Math.floor(plane / this.across) * (rows * this.cell + BETWEEN),
        ];
    }

    paint() {
        const { planes, rows, columns } = this.picture;
        const table = colorTable();
        const dense = window.devicePixelRatio || 1;
        const width = this.across * (columns * this.cell + BETWEEN) - BETWEEN;
        const height = this.down * (rows * this.cell + BETWEEN) - BETWEEN;
        this.canvas.width = Math.ceil(width * dense);
        this.canvas.height = Math.ceil(height * dense);
        this.canvas.style.width = `${width}px`;
        this.canvas.style.height = `${height}px`;
        const brush = contextOf(this.canvas);
        brush.scale(dense, dense);
        brush.imageSmoothingEnabled = false;
        brush.strokeStyle = color("--frame");
        const plane = new OffscreenCanvas(columns, rows);
        for (let p = 0; p < planes; p++) {
            const image = new ImageData(columns, rows);
            for (let i = 0; i < rows * columns; i++)
                image.data.set([...table[this.cells[p * rows * columns + i] + 128], 255], 4 * i);
            contextOf(plane).putImageData(image, 0, 0);
            const [x, y] = this.corner(p);
            brush.drawImage(plane, x, y, columns * this.cell, rows * this.cell);
            brush.strokeRect(x, y, columns * this.cell, rows * this.cell);
        }
        this.outline(brush);
    }

    /** Frame the cells that the page was asked to point out. @param {CanvasRenderingContext2D} brush */
    outline(brush) {
        brush.strokeStyle = color("--mark");
        brush.lineWidth = 2;
        const picked = this.picked ? [this.picked] : [];
        for (const index of [...this.marks.map(([each]) => each), ...picked]) {
            const place = this.cellOf(index);
            if (!place) continue;
            const [x, y] = this.corner(place[0]);
            brush.strokeRect(
                x + place[2] * this.cell,
                y + place[1] * this.cell,
                Math.max(this.cell, 3),
                Math.max(this.cell, 3),
            );
        }
    }

    /**
     * The plane, row and column in which an element of the array is shown, or null where it is left out.
     *
     * @param {number[]} index
     */
    cellOf(index) {
        const plane = index.slice(0, -2).reduce((sum, each, axis) => sum * this.shape[axis] + each, 0);
        const [row, column] = this.picture.block.map((block, i) => Math.floor(index[index.length - 2 + i] / block));
        return plane < this.picture.planes ? [plane, row, column] : null;
    }

    /** The position of a plane along the axes before its rows and columns. @param {number} plane */
    leading(plane) {
        const leading = [];
        for (let axis = this.shape.length - 3, left = plane; axis >= 0; axis--) {
            leading.unshift(left % this.shape[axis]);
            left = Math.floor(left / this.shape[axis]);
        }
        return leading;
    }

    /** Tell whoever listens which element is picked; a cell that is the mean of several is none. */
    pick() {
        const [plane, row, column] = this.cursor;
        const [down, right] = this.picture.block;
        const detail = down * right === 1 ? [...this.leading(plane), row, column] : null;
        this.picked = detail;
        this.paint();
        this.canvas.dispatchEvent(new CustomEvent("pick", { detail, bubbles: true }));
    }

    // What a cell shows, as people write an index: x[0, 3, 4:6, 0:2] ≈ 0.25.
    read() {
        const [plane, row, column] = this.cursor;
        const { rows, columns, scale, block } = this.picture;
        const leading = this.leading(plane);
        const last = [row, column].map((at, i) => {
            const to = Math.min((at + 1) * block[i], this.shape[this.shape.length - 2 + i]);
            return to - at * block[i] === 1 ? at * block[i] : `${at * block[i]}:${to}`;
        });
        const cell = this.cells[(plane * rows + row) * columns + column];
        const about = short(Number(((cell / 127) * scale).toPrecision(2)));
        const value = cell === NOT_FINITE ? "not finite" : `≈ ${about}`;
        this.caption.textContent = `[${[...leading, ...last].join(", ")}] ${value}`;
    }

    /** @param {PointerEvent} event */
    point(event) {
        const { planes, rows, columns } = this.picture;
        const across = Math.floor(event.offsetX / (columns * this.cell + BETWEEN));
        const down = Math.floor(event.offsetY / (rows * this.cell + BETWEEN));
        const plane = Math.min(down * this.across + across, planes - 1);
        const [x, y] = this.corner(plane);
        const clamp = (/** @type {number} */ value, /** @type {number} */ count) => Math.max(0, Math.min(Math.floor(value / this.cell), count - 1));
        this.cursor = [plane, clamp(event.offsetY - y, rows), clamp(event.offsetX - x, columns)];
        this.read();
    }

    /** @param {KeyboardEvent} event */
    key(event) {
        if (event.key === "Enter") this.pick();
        const step = CELLS[event.key];
        if (!step) return;
        event.preventDefault();
        event.stopPropagation();
        const sizes = [this.picture.planes, this.picture.rows, this.picture.columns];
        this.cursor = this.cursor.map((at, i) => Math.max(0, Math.min(at + step[i], sizes[i] - 1)));
        this.read();
    }
}

/** @param {Summary} summary */
export function histogram(summary) {
    const counts = summary.histogram ?? [];
    const most = Math.max(...counts);
    const bars = counts.map((count, i) => {
        const height = count ? Math.max(1, (40 * count) / most) : 0;
        return svg("rect", { x: i * 10, y: 40 - height, width: 9, height });
    });
    const width = counts.length * 10;
    const label = `histogram from ${short(summary.min)} to ${short(summary.max)}: ${counts.join(", ")}`;
    return html(
        "div",
        { class: "histogram" },
        svg("svg", { viewBox: `0 0 ${width} 41`, preserveAspectRatio: "none", role: "img", "aria-label": label }, bars),
        html("div", { class: "ends" }, html("span", {}, short(summary.min)), html("span", {}, short(summary.max))),
    );
}
