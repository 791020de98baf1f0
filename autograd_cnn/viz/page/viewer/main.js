// --- the beginning --------------------------------------------------------------------------------

import { byId } from "../../web/elements.js";
import { follow } from "./address.js";
import { overview } from "./camera.js";
import "./colorings.js";
import { DATA } from "./data.js";
import { draw } from "./drawing.js";
import { ACTIONS } from "./keys.js";
import "./memory.js";
import "./minimap.js";
import "./panel.js";
import "./pointers.js";
import { savePng, saveSvg } from "./saving.js";
import { choose } from "./selection.js";
import { state } from "./state.js";

const BUTTONS = {
    "fold-all": ACTIONS.c,
    "unfold-all": ACTIONS.o,
    closer: ACTIONS["+"],
    farther: ACTIONS["-"],
    fit: ACTIONS[0],
    "save-svg": saveSvg,
    "save-png": savePng,
    help: ACTIONS["?"],
    first: ACTIONS.Home,
    back: ACTIONS.ArrowLeft,
    play: ACTIONS.p,
    forth: ACTIONS.ArrowRight,
    last: ACTIONS.End,
};
for (const [id, action] of Object.entries(BUTTONS)) byId(id, HTMLButtonElement).addEventListener("click", action);

DATA.unfolded.forEach((frame) => state.unfolded.add(frame));
draw();
overview();
if (!follow()) choose(Object.keys(DATA.highlight)[0] ?? null, { closely: true });
