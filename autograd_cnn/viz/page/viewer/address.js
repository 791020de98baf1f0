// --- the address: a node, a step, the colours and what is searched, as in #n17@42&color=time&search=conv

import { stepTo } from "./bar.js";
import { pick } from "./colorings.js";
import { DATA, nodeOf } from "./data.js";
import { searchFor } from "./search.js";
import { choose } from "./selection.js";
import { state, when } from "./state.js";
import { FIRING } from "./timeline.js";

/** The colours that the page begins with. */
const BEGINNING = DATA.colorings.find((each) => each.first)?.name ?? "";

/** Go where the address says; whether it says anything. */
export function follow() {
    const [place, ...more] = location.hash.slice(1).split("&");
    const [, node, at] = /^(n\d+)?(?:@(\d+))?$/.exec(place) ?? [];
    const { color = BEGINNING, search = "" } = Object.fromEntries(new URLSearchParams(more.join("&")));
    if (color !== (state.coloring?.name ?? "")) pick(color);
    searchFor(search);
    if (at !== undefined) state.step = Math.min(Number(at), FIRING.length);
    const known = node && nodeOf(node);
    if (known) choose(node, { closely: true });
    else if (state.step !== null && at !== undefined) stepTo(state.step);
    return Boolean(known) || at !== undefined;
}

/** The address of what is looked at, beyond what the page begins with. */
function address() {
    const { selected, step, coloring, search } = state;
    const color = coloring?.name ?? "";
    const more = new URLSearchParams({ ...(color === BEGINNING ? {} : { color }), ...(search ? { search } : {}) }).toString();
    const place = `${selected?.startsWith("n") ? selected : ""}${step === null ? "" : `@${step}`}`;
    return more ? `${place}&${more}` : place;
}

when("changed", () => {
    if (location.protocol === "about:") return; // inside of a notebook there is no address to share
    const hash = address();
    if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? `#${hash}` : "#");
});
window.addEventListener("hashchange", follow);
