// --- an array on the board: a table of numbers, or heat where it is large -------------------------

import { colorTable, contextOf } from "../../web/colors.js";
import { color, html } from "../../web/elements.js";
import { ARRAYS, isInside } from "./data.js";
import { at, brief } from "./words.js";

/** @typedef {{indices: number[], role: string}} Light cells to point out, and as what */

const APART = 5;
const STRONGEST = 0.45; // of the colour behind a number, so that it can be read

/** By a value's share of the largest. @param {number[][]} table @param {number} share */
const shade = (table, share) => table[Number.isFinite(share) ? Math.round(Math.max(-1, Math.min(share, 1)) * 127) + 128 : 0];

class Board {
    /** @param {string} name @param {string} role */
    constructor(name, role) {
        this.name = name;
        this.array = ARRAYS[name];
        this.inside = isInside(this.array);
        const { shape } = this.array;
        this.columns = shape[shape.length - 1] ?? 1;
        this.rows = shape[shape.length - 2] ?? 1;
        this.planes = shape.slice(0, -2).reduce((product, length) => product * length, 1);
        this.caption = html("figcaption", {}, html("b", { class: role }, name), ` ${this.array.text}`);
        this.element = html("figure", { "data-array": name });
    }

    label() {
        const planes = this.planes > 1 ? `${this.planes} planes of ` : "";
        return `${this.name}, ${this.array.text}: ${planes}${this.rows} by ${this.columns}`;
    }
}

export class Table extends Board {
    /** @param {string} name @param {string} role */
    constructor(name, role) {
        super(name, role);
        /** @type {HTMLTableCellElement[]} */
        this.cells = [];
        const { shape } = this.array;
        const group = shape.length > 3 ? shape[shape.length - 3] : this.planes; // those of a filter have their own row
        const rows = Array.from({ length: this.planes / group }, () =>
            html("div", { class: "planes" }, Array.from({ length: group }, () => this.table())),
        );
        this.tables = html("div", { class: "tables" }, rows);
        this.element.append(this.caption, this.tables);
        const longest = Math.max(...Array.from(this.array.values, (value) => brief(value).length));
        for (const cell of this.cells) cell.style.minWidth = `${longest + 1.5}ch`;
        /** How wide it is, in letters' heights, with the cells' padding. */
        this.ems = group * this.columns * (Math.max(2.3, 0.65 * (longest + 1.5)) + 0.6);
        /** What is pointed out, and as what. @type {[HTMLTableCellElement, string][]} */
        this.lit = [];
        this.colors = colorTable();
    }

    table() {
        const rows = Array.from({ length: this.rows }, () => {
            const cells = Array.from({ length: this.columns }, () => {
                const cell = html("td", { class: this.inside(this.cells.length) ? null : "border" });
                this.cells.push(cell);
                return cell;
            });
            return html("tr", {}, cells);
        });
        return html("table", { "aria-label": this.label() }, html("tbody", {}, rows));
    }

    /** @param {ArrayLike<number>} values @param {Uint8Array} [touched] which of them are there, if not all */
    show(values, touched) {
        this.cells.forEach((cell, i) => {
            const empty = touched && !touched[i];
            const text = empty ? "" : brief(values[i]);
            if (cell.textContent !== text) cell.textContent = text;
            cell.classList.toggle("zero", text === "0");
            const share = Math.abs(values[i]) === Infinity ? 0 : values[i] / this.array.scale;
            cell.style.backgroundColor = empty ? "" : `rgb(${shade(this.colors, share).join(" ")} / ${STRONGEST})`;
        });
    }

    /** @param {Light[]} lights */
    light(lights) {
        for (const [cell, role] of this.lit) cell.classList.remove(role);
        this.lit = [];
        for (const { indices, role } of lights)
            for (const index of indices) {
                this.cells[index].classList.add(role);
                this.lit.push([this.cells[index], role]);
            }
        if (this.lit.length && this.tables.scrollWidth > this.tables.clientWidth) this.follow();
    }

    /** Where the table is wider than the screen, bring what is pointed out into view, from its left on. */
    follow() {
        const all = this.lit.map(([cell]) => cell.getBoundingClientRect());
        const { left, right } = this.tables.getBoundingClientRect();
        const before = Math.min(...all.map((each) => each.left)) - left;
        const beyond = Math.max(...all.map((each) => each.right)) - right;
        if (before < 0 || beyond > 0) this.tables.scrollLeft += before < 0 ? before : Math.min(before, beyond);
    }

    repaint() {
        this.colors = colorTable();
    }
}

export class Heat extends Board {
    /** @param {string} name @param {string} role */
    constructor(name, role) {
        super(name, role);
        this.read = html("span", { class: "quiet" });
        this.canvas = html("canvas", {
            role: "img",
            "aria-label": this.label(),
            onpointermove: (/** @type {PointerEvent} */ event) => this.point(event),
            onpointerleave: () => this.read.replaceChildren(),
        });
        this.caption.append(" ", this.read);
        this.element.append(this.caption, this.canvas);
        /** @type {ArrayLike<number>} */
        this.values = [];
        /** @type {Light[]} */
        this.lights = [];
        const [wide, high, across] = this.array.heat ?? [1, 1, 1];
        this.wide = wide;
        this.high = high;
        this.across = across;
        this.width = this.across * (this.columns * this.wide + APART) - APART;
        this.height = Math.ceil(this.planes / this.across) * (this.rows * this.high + APART) - APART;
        this.plane = new OffscreenCanvas(this.columns, this.rows);
    }

    /** @param {ArrayLike<number>} values @param {Uint8Array} [touched] which of them are there, if not all */
    show(values, touched) {
        this.values = values;
        this.touched = touched;
    }

    /** @param {number} index */
    has(index) {
        return !this.touched || this.touched[index] === 1;
    }

    /** @param {Light[]} lights */
    light(lights) {
        this.lights = lights;
        this.repaint();
    }

    /** Where a plane begins. @param {number} plane */
    corner(plane) {
        return [
            (plane % this.across) * (this.columns * this.wide + APART),
            Math.floor(plane / this.across) * (this.rows * this.high + APART),
        ];
    }

    repaint() {
        const dense = window.devicePixelRatio || 1;
        this.canvas.width = Math.ceil(this.width * dense);
        this.canvas.height = Math.ceil(this.height * dense);
        this.canvas.style.width = `${this.width}px`;
        const brush = contextOf(this.canvas);
        brush.scale(dense, dense);
        brush.imageSmoothingEnabled = false;
        const table = colorTable();
        const { wide, high } = this;
        const { scale } = this.array;
        const size = this.rows * this.columns;
        for (let p = 0; p < this.planes; p++) {
            const image = new ImageData(this.columns, this.rows);
            for (let i = 0; i < size; i++) {
                const index = p * size + i;
                if (this.has(index)) image.data.set([...shade(table, this.values[index] / scale), 255], 4 * i);
            }
            contextOf(this.plane).putImageData(image, 0, 0);
            const [x, y] = this.corner(p);
            brush.drawImage(this.plane, x, y, this.columns * wide, this.rows * high);
            brush.strokeStyle = color("--frame");
            brush.strokeRect(x, y, this.columns * wide, this.rows * high);
        }
        brush.lineWidth = 2;
        for (const { indices, role } of this.lights) {
            brush.strokeStyle = color(`--${role}`);
            brush.stroke(this.outline(new Set(indices)));
        }
    }

    /** The edges between these cells and others. @param {Set<number>} indices */
    outline(indices) {
        const { wide, high, columns, rows } = this;
        const path = new Path2D();
        for (const index of indices) {
            const [left, top] = this.corner(Math.floor(index / (rows * columns)));
            const [row, column] = [Math.floor(index / columns) % rows, index % columns];
            const [x, y] = [left + column * wide, top + row * high];
            /** @type {[boolean, number, number, number, number][]} */
            const edges = [
                [row > 0 && indices.has(index - columns), x, y, x + wide, y],
                [row < rows - 1 && indices.has(index + columns), x, y + high, x + wide, y + high],
                [column > 0 && indices.has(index - 1), x, y, x, y + high],
                [column < columns - 1 && indices.has(index + 1), x + wide, y, x + wide, y + high],
            ];
            for (const [inner, x1, y1, x2, y2] of edges) {
                if (inner) continue;
                path.moveTo(x1, y1);
                path.lineTo(x2, y2);
            }
        }
        return path;
    }

    /** @param {PointerEvent} event */
    point(event) {
        const [wide, high] = [this.columns * this.wide + APART, this.rows * this.high + APART];
        const shown = this.canvas.clientWidth / this.width;
        const [x, y] = [event.offsetX / shown, event.offsetY / shown];
        const plane = Math.floor(y / high) * this.across + Math.min(Math.floor(x / wide), this.across - 1);
        const [row, column] = [Math.floor((y % high) / this.high), Math.floor((x % wide) / this.wide)];
        if (plane >= this.planes || row >= this.rows || column >= this.columns) return;
        const index = (plane * this.rows + row) * this.columns + column;
        const text = this.has(index) ? brief(this.values[index]) : "not yet computed";
        this.read.textContent = `${at(this.name, [index])} = ${text}`;
    }
}
