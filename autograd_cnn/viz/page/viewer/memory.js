// --- what is kept for the backward pass, over the steps -------------------------------------------

import { byId, html, svg } from "../../web/elements.js";
import { quantity } from "../../web/numbers.js";
import { stepTo } from "./bar.js";
import { titleOf } from "./data.js";
import { state, when } from "./state.js";
import { FIRING, KEPT } from "./timeline.js";

const curve = byId("memory", SVGSVGElement);
const most = KEPT.reduce((a, b) => Math.max(a, b));
const peak = KEPT.indexOf(most);
const hand = svg("path", { class: "hand" });

/** A curve that is level from step to step, over a base that is 1. */
function area() {
    const levels = KEPT.map((kept, step) => `H${step}V${1 - kept / most}`);
    return `M0 1${levels.join("")}V1z`;
}

/** Step to where the curve is pressed or dragged. @param {PointerEvent} event */
function point(event) {
    if (!event.buttons) return;
    const { left, width } = curve.getBoundingClientRect();
    stepTo(Math.round(((event.clientX - left) / width) * FIRING.length));
}

if (most) {
    const told = `${quantity(most, "B")} at ${titleOf(FIRING[peak - 1])}`;
    curve.setAttribute("viewBox", `0 0 ${FIRING.length} 1`);
    curve.setAttribute("aria-label", `Kept for the backward pass after each step; at most ${told}, step ${peak}`);
    curve.append(svg("path", { class: "kept", d: area() }), hand);
    const text = `kept: at most ${told}`;
    byId("peak", HTMLElement).append(
        html("button", { class: "text", title: `${text}, step ${peak}`, onclick: () => stepTo(peak) }, text),
    );
    curve.addEventListener("pointerdown", point);
    curve.addEventListener("pointermove", point);
    when("changed", () => hand.setAttribute("d", state.step === null ? "" : `M${state.step} 0V1`));
} else byId("track", HTMLElement).classList.add("flat");
