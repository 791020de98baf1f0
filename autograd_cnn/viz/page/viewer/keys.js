// --- what keys do ---------------------------------------------------------------------------------

import { listenToKeys, showKeys } from "../../web/keys.js";
import { leaveSteps, play, stepBack, stepOn, stepTo } from "./bar.js";
import { fit, pan, zoom } from "./camera.js";
import { nodeOfKey } from "./data.js";
import { focused, sceneNow, shownFor } from "./drawing.js";
import { startSearch } from "./search.js";
import { choose, foldAll, toggle, unfoldAll } from "./selection.js";
import { state } from "./state.js";
import { FIRING } from "./timeline.js";

const KEYS = {
    "← →": "step back, step on",
    "Home End": "before the first step, the last step",
    p: "play, pause",
    "↑ ↓": "along the values: to what it is computed from, to what uses it",
    "Enter Space": "fold or unfold the module",
    Tab: "from the bars to the graph and the panel",
    "/": "search",
    "+ − 0": "zoom in, out, show everything",
    "Shift ←→↑↓": "move the picture",
    "c o": "fold all, unfold all",
    Esc: "leave stepping, select nothing",
    "?": "these keys",
};

/** Follow the values from the selected box: back to what it is computed from, on to what uses it. @param {boolean} on */
function walk(on) {
    const { selected } = state;
    const scene = sceneNow();
    const box = selected ? scene.find(selected) : undefined;
    if (!box) return choose(scene.boxes.keys().next().value ?? null, { focus: true });
    const node = nodeOfKey(selected);
    const next = node
        ? (on ? node.users : node.operands).map((link) => shownFor(link.node).key)
        : scene.wires
              .filter((wire) => wire.from && wire.to && (on ? wire.from : wire.to) === selected)
              .map((wire) => (on ? wire.to : wire.from));
    const other = next.find((key) => key && key !== selected);
    if (other) choose(other, { focus: true });
}

function unfoldSelected() {
    const key = focused() ?? state.selected;
    const box = key ? sceneNow().find(key) : undefined;
    if (box?.frame) toggle(box.frame);
    else if (box) choose(box.key);
}

function leave() {
    if (state.step === null) choose(null);
    else leaveSteps();
}

export const ACTIONS = {
    ArrowRight: stepOn,
    ArrowLeft: stepBack,
    Home: () => stepTo(0),
    End: () => stepTo(FIRING.length),
    p: play,
    ArrowUp: () => walk(false),
    ArrowDown: () => walk(true),
    "Shift+ArrowLeft": () => pan(80, 0),
    "Shift+ArrowRight": () => pan(-80, 0),
    "Shift+ArrowUp": () => pan(0, 80),
    "Shift+ArrowDown": () => pan(0, -80),
    Enter: unfoldSelected,
    " ": unfoldSelected,
    "/": startSearch,
    "+": () => zoom(1.25),
    "=": () => zoom(1.25),
    "-": () => zoom(0.8),
    0: fit,
    c: foldAll,
    o: unfoldAll,
    "?": () => showKeys(KEYS),
    Escape: leave,
};

listenToKeys(ACTIONS);
