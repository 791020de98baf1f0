// --- the painter: thousands of boxes at once, too small for text ----------------------------------

import { byId, color } from "../../web/elements.js";
import { contextOf } from "../../web/colors.js";
import { camera, canvas, seen } from "./camera.js";
import { DATA, kindOf, NODES } from "./data.js";
import { hasProblem, overlaps } from "./layout.js";
import { stateOfBox } from "./lights.js";
import { shadeOf } from "./shades.js";

/**
 * @typedef {import("./layout.js").Scene} Scene
 * @typedef {import("./layout.js").Area} Area
 */

const easel = byId("easel", HTMLCanvasElement);
/** @typedef {ReturnType<typeof paints>} Colors */
/** @type {Colors | null} */
let known = null;

/** @param {Scene} scene @param {boolean} crowded */
export function paint(scene, crowded) {
    const dense = window.devicePixelRatio || 1;
    const brush = contextOf(easel);
    easel.hidden = !crowded;
    if (!crowded) return;
    const colors = theme();
    easel.width = canvas.clientWidth * dense;
    easel.height = canvas.clientHeight * dense;
    brush.scale(dense, dense);
    brush.translate(camera.x, camera.y);
    brush.scale(camera.scale, camera.scale);
    const area = seen();
    paintFrames(brush, colors, scene, area);
    paintWires(brush, colors, scene, area);
    for (const box of scene.boxes.values()) {
        if (box.open || !overlaps(box, area)) continue;
        const shade = shadeOf(box)?.shade;
        const { fill, line } = colors.kinds[hasProblem(box) ? "problem" : box.frame ? box.phase : kindOf(box.node)];
        brush.globalAlpha = stateOfBox(box).waiting ? 0.28 : 1;
        brush.fillStyle = line;
        brush.fillRect(box.x, box.y, box.width, box.height);
        brush.fillStyle = shade ? (colors.shades[shade] ?? colors.paper) : fill;
        brush.fillRect(box.x + 2, box.y + 2, box.width - 4, box.height - 4);
    }
    brush.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} brush @param {Colors} colors @param {Scene} scene @param {Area} area */
function paintFrames(brush, colors, scene, area) {
    brush.lineWidth = 1 / camera.scale;
    brush.strokeStyle = colors.frame;
    brush.fillStyle = colors.module;
    for (const column of scene.columns) brush.strokeRect(column.x, column.y, column.width, column.height);
    for (const box of scene.boxes.values()) {
        if (!box.open || !overlaps(box, area)) continue;
        brush.fillRect(box.x, box.y, box.width, box.height);
        brush.strokeRect(box.x, box.y, box.width, box.height);
    }
}

/** @param {CanvasRenderingContext2D} brush @param {Colors} colors @param {Scene} scene @param {Area} area */
function paintWires(brush, colors, scene, area) {
    const paths = { forward: new Path2D(), backward: new Path2D() };
    for (const wire of scene.wires) {
        if (overlaps(wire.bounds, area)) paths[wire.phase].addPath((wire.path ??= new Path2D(wire.d)));
    }
    brush.lineWidth = 0.7 / camera.scale;
    brush.strokeStyle = colors.faint;
    brush.stroke(paths.forward);
    brush.strokeStyle = colors.kinds.backward.line;
    brush.stroke(paths.backward);
}

/** The colours of the theme, by what they are for. */
export const theme = () => (known ??= paints());

function paints() {
    const kinds = [...new Set([...NODES.map(kindOf), "forward", "backward", "problem"])];
    const pairs = kinds.map((kind) => [kind, { fill: color(`--${kind}-fill`), line: color(`--${kind}-line`) }]);
    return {
        kinds: Object.fromEntries(pairs),
        shades: DATA.shades,
        paper: color("--paper"),
        frame: color("--frame"),
        module: color("--module"),
        faint: color("--faint"),
        focus: color("--focus"),
        now: color("--now"),
    };
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    known = null;
});
