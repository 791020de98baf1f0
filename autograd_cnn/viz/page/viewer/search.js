// --- searching ------------------------------------------------------------------------------------

import { byId, html } from "../../web/elements.js";
import { canvas } from "./camera.js";
import { find } from "./finding.js";
import { choose } from "./selection.js";
import { state, tell } from "./state.js";

const search = byId("search", HTMLInputElement);
const found = byId("found", HTMLUListElement);
let candidate = 0;

function showFound() {
    const all = find(search.value);
    candidate = Math.max(0, Math.min(candidate, all.length - 1));
    found.replaceChildren(
        ...all.slice(0, 50).map(({ key, name, place }, i) =>
            html(
                "li",
                {
                    role: "option",
                    id: `found-${i}`,
                    "aria-selected": String(i === candidate),
                    onpointerdown: () => take(key),
                },
                name,
                html("small", {}, ` ${place}`),
            ),
        ),
    );
    if (all.length > 50) found.append(html("li", { class: "quiet" }, `and ${all.length - 50} more`));
    if (search.value.trim() && !all.length) found.append(html("li", { class: "quiet" }, "nothing found"));
    found.hidden = !search.value.trim();
    search.setAttribute("aria-expanded", String(!found.hidden));
    search.setAttribute("aria-activedescendant", all.length ? `found-${candidate}` : "");
    found.children[candidate]?.scrollIntoView({ block: "nearest" });
    return all;
}

/** @param {string} key */
function take(key) {
    found.hidden = true;
    search.setAttribute("aria-expanded", "false");
    choose(key, { closely: true, focus: true });
}

/** @param {KeyboardEvent} event */
function searchKey(event) {
    event.stopPropagation();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        candidate += event.key === "ArrowDown" ? 1 : -1;
        event.preventDefault();
        showFound();
    } else if (event.key === "Enter") {
        const all = showFound();
        if (all.length) take(all[Math.min(candidate, 49)].key);
    } else if (event.key === "Escape") {
        searchFor("");
        tell("changed");
        found.hidden = true;
        canvas.focus();
    }
}

export const startSearch = () => search.focus();

/** Have a text ready to be searched. @param {string} text */
export function searchFor(text) {
    search.value = state.search = text;
}

search.addEventListener("input", () => {
    candidate = 0;
    showFound();
    state.search = search.value.trim();
    tell("changed");
});
search.addEventListener("focus", showFound);
search.addEventListener("keydown", searchKey);
search.addEventListener("blur", () => {
    found.hidden = true;
});
