// --- keys -----------------------------------------------------------------------------------------

import { byId, html } from "./elements.js";

/**
 * Let keys act, but not while somebody writes, a dialog is open, or a button wants them for itself.
 *
 * @param {Record<string, () => void>} actions by `event.key`, with "Shift+" before it where that is held with an arrow
 */
export function listenToKeys(actions) {
    document.addEventListener("keydown", (event) => {
        const target = /** @type {Element} */ (event.target);
        if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
        if (target.closest?.("input, textarea")) return;
        const shifted = event.shiftKey && event.key.startsWith("Arrow");
        const action = actions[shifted ? `Shift+${event.key}` : event.key];
        const own = target.closest?.("button, canvas, pre") && ["Enter", " "].includes(event.key);
        if (!action || own) return;
        event.preventDefault();
        action();
    });
}

/** Show or close the dialog that says what keys do. @param {Record<string, string>} words by keys, with spaces between */
export function showKeys(words) {
    const dialog = byId("keys", HTMLDialogElement);
    if (dialog.open) return dialog.close();
    const lines = Object.entries(words).map(([keys, what]) => [
        html("dt", {}, ...keys.split(" ").map((key) => html("kbd", {}, key))),
        html("dd", {}, what),
    ]);
    dialog.replaceChildren(
        html("h2", {}, "Keys"),
        html("dl", {}, ...lines),
        html("button", { onclick: () => dialog.close() }, "Close"),
    );
    dialog.showModal();
}
