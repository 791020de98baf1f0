// --- one scene on the stage: its panels, each with its boards -------------------------------------

import { byId, html } from "../../web/elements.js";
import { Heat, Table } from "./board.js";
import { ARRAYS, SCENES, cellsAt } from "./data.js";
import { Progress } from "./progress.js";
import { brief, rolesOf, sentence } from "./words.js";

const LARGEST = 26; // pixels of numbers in tables
const BESIDE = 24;

class PanelView {
    /** @param {import("./data.js").Panel} panel */
    constructor(panel) {
        this.progress = new Progress(panel);
        this.boards = new Map(
            panel.arrays.map((name) => [name, new (ARRAYS[name].heat ? Heat : Table)(name, this.roleOf(name))]),
        );
        this.words = html("p", { class: "words", "aria-live": "polite" });
        this.shelf = html("div", { class: "boards" }, [...this.boards.values()].map(({ element }) => element));
        this.element = html(
            "section",
            { "aria-label": panel.title },
            html("h2", {}, panel.title),
            html("p", { class: "quiet" }, panel.text),
            this.words,
            this.shelf,
        );
    }

    /** Make numbers as large as there is room for beside each other, or below each other, so that no table is cut. */
    fit() {
        const boards = [...this.boards.values()];
        const tables = boards.filter((board) => board instanceof Table);
        const taken = boards.reduce((sum, board) => sum + BESIDE + (board instanceof Heat ? board.width : 0), 0);
        const ems = tables.reduce((sum, { ems }) => sum + ems, 0);
        const width = this.element.clientWidth;
        const most = width / Math.max(...tables.map(({ ems }) => ems));
        const least = Math.max(12, Math.min(width / 48, 17, most));
        this.shelf.style.fontSize = `${Math.max(least, Math.min((width - taken) / ems, LARGEST))}px`;
    }

    /** @param {string} name */
    roleOf(name) {
        const { walks } = this.progress.panel;
        if (walks.some(({ target }) => target.array === name)) return "target";
        return walks.map((walk) => rolesOf(walk).get(name)).find(Boolean) ?? "";
    }

    /** @param {number} step */
    show(step) {
        const { progress } = this;
        progress.goTo(step);
        for (const [name, board] of this.boards) {
            const filled = progress.filled.get(name);
            board.show((filled ?? ARRAYS[name]).values, filled?.touched);
        }
        const done = step > progress.length;
        /** @type {Map<string, import("./board.js").Light[]>} */
        const lights = new Map();
        if (step && !done) this.lightUp(lights, step - 1);
        for (const [name, board] of this.boards) board.light(lights.get(name) ?? []);
        this.say(step);
    }

    /** @param {Map<string, import("./board.js").Light[]>} lights @param {number} number */
    lightUp(lights, number) {
        const { walk, step } = this.progress.locate(number);
        const roles = rolesOf(walk);
        const add = (/** @type {import("./data.js").Cells} */ cells, /** @type {string} */ role) =>
            lights.set(cells.array, [...(lights.get(cells.array) ?? []), { indices: cellsAt(cells, step), role }]);
        for (const { factors } of walk.products)
            for (const cells of factors) add(cells, /** @type {string} */ (roles.get(cells.array)));
        add(walk.target, "target");
        if (walk.marks) add(walk.marks, "mark");
    }

    /** @param {number} step */
    say(step) {
        const { progress } = this;
        if (!step) return this.words.replaceChildren(`${progress.length} steps`);
        const { walk, step: own } = progress.locate(Math.min(step, progress.length) - 1);
        this.words.replaceChildren(...sentence(walk, own).flatMap((part) => part || []));
        if (step >= progress.length) this.words.append(html("span", { class: "agrees" }, this.agreement()));
    }

    agreement() {
        const checked = [...this.progress.filled.keys()].filter((name) => ARRAYS[name].checked);
        const found = checked.map((name) => `${name} ${brief(this.progress.difference(name))}`);
        return ` Largest difference from the engine's numbers: ${found.join(", ")}.`;
    }
}

/** @type {PanelView[]} */
let views = [];

/** @param {number} scene */
export function setScene(scene) {
    views = SCENES[scene].panels.map((panel) => new PanelView(panel));
    const stage = byId("stage", HTMLElement);
    stage.replaceChildren(...views.map(({ element }) => element));
    stage.classList.toggle("alone", views.length === 1);
    fit();
}

/** @param {number} step */
export function showStep(step) {
    views.forEach((view) => view.show(step));
    if (views.length === 1 && step) follow(views[0], step);
}

/** Where a scene is higher than the screen, bring what is filled into view, below the formula. @param {PanelView} view @param {number} step */
function follow({ progress, boards, words }, step) {
    const stage = byId("stage", HTMLElement);
    const { array } = progress.locate(Math.min(step, progress.length) - 1).walk.target;
    const cell = boards.get(array)?.element.querySelector("td.target, canvas")?.getBoundingClientRect();
    if (!cell) return;
    const before = cell.top - words.getBoundingClientRect().bottom;
    const beyond = cell.bottom + 8 - stage.getBoundingClientRect().bottom;
    if (before < 0 || beyond > 0) stage.scrollTop += before < 0 ? before : Math.min(before, beyond);
}

/** To the window, when its size has changed. */
export const fit = () => views.forEach((view) => view.fit());

/** In other colours. */
export const repaint = () => views.forEach(({ boards }) => boards.forEach((board) => board.repaint()));
