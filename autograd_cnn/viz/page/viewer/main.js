// --- what is selected, and what that lights up ----------------------------------------------------

const unfolded = new Set();
let selected = null;

// Whether a wire carries a value towards a node: to it, into a frame around it, or out of the value's own.
function leadsTo(wire, node) {
    if (wire.phase !== node.phase || !node.operands.some(({ node: from }) => from.index === wire.value)) return false;
    const keys = [`n${node.index}`, ...framesAround(node.frame).map((frame) => halfKey(FRAMES[frame], node.phase))];
    const end = wire.to ?? wire.into;
    return !end || keys.includes(end);
}

// Dashed curves to the other pass: to what the rules read and to the operations that they made.
function linksOfSelected() {
    const box = scene.boxes.get(selected);
    const node = box?.node;
    if (!node) return [];
    const others = [...node.operands.map(({ node: from }) => from), ...node.users.map(({ node: to }) => to)].filter(
        (other) => other.phase !== node.phase,
    );
    const shown = new Set(others.map(shownFor).filter((other) => other !== box));
    return [...shown].map((other) => {
        const [left, right] = box.x < other.x ? [box, other] : [other, box];
        const [x1, y1, x2, y2] = [left.x + left.width, left.y + left.height / 2, right.x, right.y + right.height / 2];
        const bend = Math.max(40, (x2 - x1) / 2);
        return svg("path", { class: "link", d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` });
    });
}

// Select a box by its key, unfolding what hides it; null selects nothing.
function choose(key, { closely = false, focus = false } = {}) {
    selected = key;
    if (!key) {
        refresh();
        return showGraph();
    }
    const index = Number.parseInt(key.slice(1), 10);
    const inner = key.startsWith("n") ? NODES[index].frame : FRAMES[index].parent;
    const hidden = framesAround(inner).filter((frame) => !unfolded.has(frame));
    if (hidden.length) {
        hidden.forEach((frame) => unfolded.add(frame));
        draw(unfolded);
    }
    const box = scene.boxes.get(key);
    reveal(box, closely);
    refresh();
    if (box.node) showNode(box.node);
    else showFrame(box.frame);
    panel.scrollTop = 0;
    if (focus) drawn.get(key).element.focus({ preventScroll: true });
}

// Show what has changed, but for the places of things.
function refresh() {
    if (region.crowded) populate();
    else dress();
    showStep();
    const node = selected?.startsWith("n") ? selected : "";
    const hash = `${node}${step === null ? "" : `@${step}`}`;
    if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? `#${hash}` : "#");
}

// --- folding --------------------------------------------------------------------------------------

// Fold or unfold a frame; its upper left corner stays where it is.
function toggle(frame) {
    const key = [...scene.boxes.values()].find((box) => box.frame === frame)?.key;
    const before = key && scene.boxes.get(key);
    if (unfolded.has(frame.index)) unfolded.delete(frame.index);
    else unfolded.add(frame.index);
    draw(unfolded);
    const after = key && scene.boxes.get(key);
    if (after) pan((before.x - after.x) * camera.scale, (before.y - after.y) * camera.scale);
    if (selected && !scene.boxes.has(selected)) selected = key;
    refresh();
    if (selected && scene.boxes.get(selected)?.frame) showFrame(scene.boxes.get(selected).frame);
}

function foldAll(open) {
    unfolded.clear();
    if (open) FRAMES.slice(1).forEach((frame) => unfolded.add(frame.index));
    draw(unfolded);
    if (open && selected) return choose(selected, { closely: true });
    choose(null);
    overview();
}

// Unfold level by level while the picture stays small enough to take in.
function unfoldSome(most = 80) {
    const open = (frame) => framesAround(frame).every((outer) => unfolded.has(outer));
    const folded = (frame) => !unfolded.has(frame.index) && open(frame.parent);
    const visible = () => NODES.filter((node) => open(node.frame)).length + FRAMES.filter(folded).length;
    const deepest = Math.max(...FRAMES.map((frame) => framesAround(frame.index).length));
    for (let depth = 1; depth <= deepest; depth++) {
        const level = FRAMES.filter((frame) => framesAround(frame.index).length === depth).map((frame) => frame.index);
        level.forEach((frame) => unfolded.add(frame));
        if (visible() <= most) continue;
        level.forEach((frame) => unfolded.delete(frame));
        return;
    }
}

// --- searching ------------------------------------------------------------------------------------

const search = byId("search");
const found = byId("found");
let candidate = 0;

function find(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    const fits = (told) => words.every((word) => told.toLowerCase().includes(word));
    const modules = FRAMES.slice(1)
        .filter((frame) => fits(`module ${frame.path} ${frame.title}`))
        .map((frame) => ({
            key: halfKey(frame, frame.members[0].phase),
            name: frame.title,
            place: `module ${frame.path}`,
        }));
    const place = (node) => `${node.id} ${shapeText(node.shape)} ${node.module}`;
    const nodes = NODES.filter((node) =>
        fits(`${titleOf(node)} ${place(node)} ${node.kind} ${node.phase} ${node.problem ?? ""}`),
    ).map((node) => ({ key: `n${node.index}`, name: titleOf(node), place: place(node) }));
    return [...modules, ...nodes];
}

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

function take(key) {
    found.hidden = true;
    search.setAttribute("aria-expanded", "false");
    choose(key, { closely: true, focus: true });
}

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
        search.value = "";
        found.hidden = true;
        canvas.focus();
    }
}
