// --- the address: a node, a step, or both, as in #n17@42 ------------------------------------------

import { stepTo } from "./bar.js";
import { nodeOf } from "./data.js";
import { choose } from "./selection.js";
import { state, when } from "./state.js";
import { FIRING } from "./timeline.js";

/** Go where the address says; whether it says anything. */
export function follow() {
    const [, node, at] = /^(n\d+)?(?:@(\d+))?$/.exec(location.hash.slice(1)) ?? [];
    if (at !== undefined) state.step = Math.min(Number(at), FIRING.length);
    const known = node && nodeOf(node);
    if (known) choose(node, { closely: true });
    else if (state.step !== null && at !== undefined) stepTo(state.step);
    return Boolean(known) || at !== undefined;
}

when("changed", () => {
    if (location.protocol === "about:") return; // inside of a notebook there is no address to share
    const { selected, step } = state;
    const hash = `${selected?.startsWith("n") ? selected : ""}${step === null ? "" : `@${step}`}`;
    if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? `#${hash}` : "#");
});
window.addEventListener("hashchange", follow);
