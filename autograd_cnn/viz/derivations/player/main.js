// --- the beginning, and what keys and buttons do --------------------------------------------------

import { byId, html } from "../../web/elements.js";
import { listenToKeys, showKeys } from "../../web/keys.js";
import { ABOUT, SCENES, lengthOf } from "./data.js";
import { fit, repaint, setScene, showStep } from "./stage.js";

const LONGEST = 45_000; // milliseconds that a scene plays, a few steps at a time if need be
const TICK = 50;

const state = { scene: 0, step: 1, playing: 0 };
const slider = byId("slider", HTMLInputElement);
const tabs = SCENES.map(({ title }, i) =>
    html("button", { role: "tab", id: `scene-${i}`, "aria-controls": "stage", onclick: () => goTo(i, 1) }, title),
);

/** @param {number} scene */
const steps = (scene) => Math.max(...SCENES[scene].panels.map(lengthOf));

/** @param {number} scene @param {number} step */
function goTo(scene, step) {
    if (scene !== state.scene) {
        state.scene = scene;
        setScene(scene);
        slider.max = String(steps(scene));
        tabs.forEach((tab, i) => tab.setAttribute("aria-selected", String(i === scene)));
        byId("stage", HTMLElement).setAttribute("aria-labelledby", `scene-${scene}`);
    }
    state.step = Math.max(0, Math.min(step, steps(scene)));
    slider.value = String(state.step);
    byId("step", HTMLOutputElement).textContent = `${state.step} of ${steps(scene)}`;
    showStep(state.step); // when all else has the height that it will have
    const hash = `#${scene}@${state.step}`;
    if (hash !== location.hash && location.protocol !== "about:") history.replaceState(null, "", hash);
}

function play() {
    if (state.playing) {
        clearInterval(state.playing);
        state.playing = 0;
    } else {
        const count = steps(state.scene);
        if (state.step === count) goTo(state.scene, 0);
        const each = Math.min(900, LONGEST / count);
        const stride = Math.max(1, Math.round(TICK / each));
        state.playing = setInterval(() => {
            goTo(state.scene, state.step + stride);
            if (state.step === count) play();
        }, Math.max(each, TICK));
    }
    byId("play", HTMLButtonElement).textContent = state.playing ? "Pause" : "Play";
}

/** By key. @type {Record<string, () => void>} */
const ACTIONS = {
    ArrowLeft: () => goTo(state.scene, state.step - 1),
    ArrowRight: () => goTo(state.scene, state.step + 1),
    Home: () => goTo(state.scene, 0),
    End: () => goTo(state.scene, Infinity),
    p: play,
    " ": play,
    "?": () =>
        showKeys({
            "← →": "one step back, one step on",
            "Home End": "before the first step, the last step",
            "p Space": "play, pause",
            [SCENES.map((_, i) => i + 1).join(" ")]: "what is played",
        }),
};
SCENES.forEach((_, i) => (ACTIONS[i + 1] = () => goTo(i, 1)));
listenToKeys(ACTIONS);

const BUTTONS = { first: "Home", back: "ArrowLeft", play: "p", forth: "ArrowRight", last: "End", help: "?" };
for (const [id, key] of Object.entries(BUTTONS)) byId(id, HTMLButtonElement).addEventListener("click", ACTIONS[key]);
slider.addEventListener("input", () => goTo(state.scene, Number(slider.value)));
window.addEventListener("resize", fit);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    repaint();
    showStep(state.step);
});

byId("about", HTMLElement).textContent = ABOUT;
byId("scenes", HTMLElement).append(...tabs);
const [scene, step] = location.hash.slice(1).split("@").map(Number);
state.scene = -1;
if (location.hash && SCENES[scene]) goTo(scene, step || 0);
else goTo(0, 1);
