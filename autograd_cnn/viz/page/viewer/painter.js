// --- the painter: thousands of boxes at once, too small for text ----------------------------------

const easel = byId("easel");
let colors = null;

function paint() {
    const dense = window.devicePixelRatio || 1;
    const brush = easel.getContext("2d");
    easel.hidden = !region.crowded;
    if (!region.crowded) return;
    colors ??= paints();
    easel.width = canvas.clientWidth * dense;
    easel.height = canvas.clientHeight * dense;
    brush.scale(dense, dense);
    brush.translate(camera.x, camera.y);
    brush.scale(camera.scale, camera.scale);
    const seen = camera.window();
    paintFrames(brush, seen);
    paintWires(brush, seen);
    for (const box of scene.boxes.values()) {
        if (box.open || !overlaps(box, seen)) continue;
        const { fill, line } = colors[hasProblem(box) ? "problem" : box.frame ? box.phase : kindOf(box.node)];
        brush.globalAlpha = stateOfBox(box).waiting ? 0.28 : 1;
        brush.fillStyle = line;
        brush.fillRect(box.x, box.y, box.width, box.height);
        brush.fillStyle = fill;
        brush.fillRect(box.x + 2, box.y + 2, box.width - 4, box.height - 4);
    }
    brush.globalAlpha = 1;
}

function paintFrames(brush, seen) {
    brush.lineWidth = 1 / camera.scale;
    brush.strokeStyle = colors.frame;
    brush.fillStyle = colors.module;
    for (const column of scene.columns) brush.strokeRect(column.x, column.y, column.width, column.height);
    for (const box of scene.boxes.values()) {
        if (!box.open || !overlaps(box, seen)) continue;
        brush.fillRect(box.x, box.y, box.width, box.height);
        brush.strokeRect(box.x, box.y, box.width, box.height);
    }
}

function paintWires(brush, seen) {
    const paths = { forward: new Path2D(), backward: new Path2D() };
    for (const wire of scene.wires) {
        if (overlaps(wire.bounds, seen)) paths[wire.phase].addPath((wire.path ??= new Path2D(wire.d)));
    }
    brush.lineWidth = 0.7 / camera.scale;
    brush.strokeStyle = colors.faint;
    brush.stroke(paths.forward);
    brush.strokeStyle = colors.backward.line;
    brush.stroke(paths.backward);
}

// The colours of the theme, by what they are for.
function paints() {
    const kinds = [...new Set([...NODES.map(kindOf), "forward", "backward", "problem"])];
    const pairs = kinds.map((kind) => [kind, { fill: color(`--${kind}-fill`), line: color(`--${kind}-line`) }]);
    return {
        ...Object.fromEntries(pairs),
        frame: color("--frame"),
        module: color("--module"),
        faint: color("--faint"),
    };
}
