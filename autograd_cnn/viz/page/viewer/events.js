// --- mouse, touch and keys ------------------------------------------------------------------------

const KEYS = {
    "← →": "step back, step on",
    "Home End": "before the first step, the last step",
    p: "play, pause",
    "↑ ↓": "along the values: to what it is computed from, to what uses it",
    "Enter Space": "fold or unfold the module",
    Tab: "from the bars to the graph and the panel",
    "/": "search",
    "+ − 0": "zoom in, out, show everything",
    "Shift ←→↑↓": "move the picture",
    "c o": "fold all, unfold all",
    Esc: "leave stepping, select nothing",
    "?": "these keys",
};

function showKeys() {
    const dialog = byId("keys");
    if (dialog.open) return dialog.close();
    dialog.replaceChildren(
        html("h2", {}, "Keys"),
        html(
            "dl",
            {},
            Object.entries(KEYS).map(([keys, what]) => [
                html(
                    "dt",
                    {},
                    keys.split(" ").map((key) => html("kbd", {}, key)),
                ),
                html("dd", {}, what),
            ]),
        ),
        html("button", { onclick: () => dialog.close() }, "Close"),
    );
    dialog.showModal();
}

// Follow the values from the selected box: back to what it is computed from, on to what uses it.
function walk(on) {
    if (!selected) return choose(scene.boxes.keys().next().value, { focus: true });
    const wires = scene.wires.filter((wire) => wire.from && wire.to);
    const node = scene.boxes.get(selected).node;
    const next = node
        ? (on ? node.users : node.operands).map(({ node: other }) => shownFor(other)?.key)
        : [
              ...wires
                  .filter((wire) => (on ? wire.from : wire.to) === selected)
                  .map((wire) => (on ? wire.to : wire.from)),
          ];
    const other = next.find((key) => key && key !== selected);
    if (other) choose(other, { focus: true });
}

function pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
    if (event.target.closest?.("input, textarea")) return;
    const onButton = event.target.closest?.("button, canvas, pre");
    const action = event.shiftKey && event.key.startsWith("Arrow") ? MOVES[event.key] : ACTIONS[event.key];
    if (!action || (onButton && ["Enter", " "].includes(event.key))) return;
    event.preventDefault();
    action();
}

const MOVES = {
    ArrowLeft: () => pan(80, 0),
    ArrowRight: () => pan(-80, 0),
    ArrowUp: () => pan(0, 80),
    ArrowDown: () => pan(0, -80),
};

const ACTIONS = {
    ArrowRight: () => stepTo((step ?? 0) + 1),
    ArrowLeft: () => stepTo((step ?? FIRING.length + 1) - 1),
    Home: () => stepTo(0),
    End: () => stepTo(FIRING.length),
    p: play,
    ArrowUp: () => walk(false),
    ArrowDown: () => walk(true),
    Enter: unfoldSelected,
    " ": unfoldSelected,
    "/": () => search.focus(),
    "+": () => zoom(1.25),
    "=": () => zoom(1.25),
    "-": () => zoom(0.8),
    0: fit,
    c: () => foldAll(false),
    o: () => foldAll(true),
    "?": showKeys,
    Escape: () => {
        if (step === null) choose(null);
        else leaveSteps();
    },
};

function unfoldSelected() {
    const focused = document.activeElement?.dataset?.key;
    const box = scene.boxes.get(focused ?? selected);
    if (box?.frame) toggle(box.frame);
    else if (box) choose(box.key);
}

// --- pointers -------------------------------------------------------------------------------------

const pointers = new Map();
let moved = 0;

function pointerDown(event) {
    pointers.set(event.pointerId, event);
    moved = 0;
}

// One pointer pans, two zoom.
function pointerMove(event) {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    moved += Math.abs(dx) + Math.abs(dy);
    if (pointers.size === 1) pan(dx, dy);
    else {
        const other = [...pointers.values()].find((each) => each.pointerId !== event.pointerId);
        const far = (each) => Math.hypot(each.clientX - other.clientX, each.clientY - other.clientY);
        const bounds = canvas.getBoundingClientRect();
        zoom(far(event) / Math.max(far(before), 1), other.clientX - bounds.left, other.clientY - bounds.top);
    }
    pointers.set(event.pointerId, event);
    if (moved > 4 && !canvas.hasPointerCapture(event.pointerId)) canvas.setPointerCapture(event.pointerId);
}

// The box under the pointer; where the painter drew it, the smallest that is there.
function boxAt(event) {
    const key = event.target.closest("[data-key]")?.dataset.key;
    if (key || !region.crowded) return scene.boxes.get(key);
    const bounds = canvas.getBoundingClientRect();
    const point = {
        x: (event.clientX - bounds.left - camera.x) / camera.scale,
        y: (event.clientY - bounds.top - camera.y) / camera.scale,
        width: 0,
        height: 0,
    };
    return [...scene.boxes.values()].filter((box) => overlaps(box, point)).sort((a, b) => a.height - b.height)[0];
}

function clicked(event) {
    if (moved > 4) return;
    const box = boxAt(event);
    if (box?.frame && event.target.closest(".toggle")) toggle(box.frame);
    else choose(box?.key ?? null, { focus: true });
}

function doubleClicked(event) {
    const box = boxAt(event);
    if (box?.frame && !event.target.closest(".toggle")) toggle(box.frame);
}

// --- the beginning --------------------------------------------------------------------------------

// The address may name a node, a step, or both: #n17@42.
function follow() {
    const [, node, at] = /^(n\d+)?(?:@(\d+))?$/.exec(location.hash.slice(1)) ?? [];
    if (at !== undefined) step = Math.min(Number(at), FIRING.length);
    const known = node && nodeOf(node);
    if (known) choose(node, { closely: true });
    else if (at !== undefined) stepTo(step);
    return Boolean(known) || at !== undefined;
}

function listen() {
    canvas.addEventListener("pointerdown", pointerDown);
    canvas.addEventListener("pointermove", pointerMove);
    for (const end of ["pointerup", "pointercancel", "pointerleave"])
        canvas.addEventListener(end, (event) => pointers.delete(event.pointerId));
    canvas.addEventListener("click", clicked);
    canvas.addEventListener("dblclick", doubleClicked);
    canvas.addEventListener(
        "wheel",
        (event) => {
            event.preventDefault();
            zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), event.offsetX, event.offsetY);
        },
        { passive: false },
    );
    window.addEventListener("resize", () => look());
    document.addEventListener("keydown", pressed);
    window.addEventListener("hashchange", follow);
    search.addEventListener("input", () => {
        candidate = 0;
        showFound();
    });
    search.addEventListener("keydown", searchKey);
    search.addEventListener("blur", () => {
        found.hidden = true;
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
        colors = null;
        choose(selected);
    });
    byId("slider").max = FIRING.length;
    byId("slider").addEventListener("input", (event) => stepTo(Number(event.target.value)));
    const buttons = {
        "fold-all": ACTIONS.c,
        "unfold-all": ACTIONS.o,
        closer: ACTIONS["+"],
        farther: ACTIONS["-"],
        fit,
        help: showKeys,
        first: ACTIONS.Home,
        back: ACTIONS.ArrowLeft,
        play,
        forth: ACTIONS.ArrowRight,
        last: ACTIONS.End,
    };
    for (const [id, action] of Object.entries(buttons)) byId(id).addEventListener("click", () => action());
}

prepare();
prepareSteps();
unfoldSome();
draw(unfolded);
listen();
overview();
showGraph();
if (!follow()) choose(Object.keys(DATA.highlight)[0] ?? null, { closely: true });
