// --- the bar of steps -----------------------------------------------------------------------------

import { byId, visible } from "../../web/elements.js";
import { shownFor } from "./drawing.js";
import { choose } from "./selection.js";
import { state, tell, when } from "./state.js";
import { FIRING, stepText } from "./timeline.js";

const slider = byId("slider", HTMLInputElement);
let playing = 0;

function showStep() {
    slider.value = String(state.step ?? FIRING.length);
    const text = visible(stepText(state.step));
    slider.setAttribute("aria-valuetext", text);
    byId("step", HTMLOutputElement).textContent = text;
}

/** @param {number} to */
export function stepTo(to) {
    state.step = Math.max(0, Math.min(to, FIRING.length));
    if (state.step === 0) return choose(null);
    const node = FIRING[state.step - 1];
    choose(shownFor(node).key, { told: node });
}

export const stepOn = () => stepTo((state.step ?? 0) + 1);
export const stepBack = () => stepTo((state.step ?? FIRING.length + 1) - 1);

export function play() {
    if (playing) {
        clearInterval(playing);
        playing = 0;
    } else {
        if (state.step === FIRING.length) state.step = null;
        playing = setInterval(() => (state.step === FIRING.length ? play() : stepOn()), 700);
    }
    byId("play", HTMLButtonElement).textContent = playing ? "Pause" : "Play";
}

export function leaveSteps() {
    if (playing) play();
    state.step = null;
    tell("changed");
}

slider.max = String(FIRING.length);
slider.addEventListener("input", () => stepTo(Number(slider.value)));
when("changed", showStep);
