// --- stepping through the computation -------------------------------------------------------------
//
// Operations fire in the order of nodes, forward and then backward; a gradient fires when it is there.

const FIRING = [];
const STEP_OF = new Map();
const KEPT = [0]; // bytes kept for the backward pass after each step
const FREED = new Map(); // step -> the nodes whose saved values are let go of
const FREED_AT = new Map(); // node -> that step
const SUMS = new Map(); // node of an accumulation -> {of, part, parts}

function prepareSteps() {
    for (const node of NODES) {
        if (!["operation", "failure", "gradient"].includes(node.kind)) continue;
        FIRING.push(node);
        STEP_OF.set(node.index, FIRING.length);
    }
    findSums();
    findFreed();
    FIRING.forEach((node, i) => {
        const saved = node.phase === "forward" ? (node.saved_bytes ?? 0) : 0;
        KEPT.push(KEPT[i] + saved - savedBy(FREED.get(i + 1) ?? []));
    });
}

// A node's rules run after its gradient is complete, so what it saved is let go of after the last of
// them; a rule that records nothing has run when the rules of an earlier node begin.
function findFreed() {
    if (!NODES.some((node) => node.phase === "backward")) return;
    let step = 0;
    for (const node of [...NODES].reverse()) {
        if (node.phase !== "forward" || node.kind !== "operation") continue;
        const rules = node.rules.filter((rule) => rule.kind === "operation");
        step = Math.max(step, ...rules.map((rule) => STEP_OF.get(rule.index)));
        if (!node.saved_bytes || !step) continue;
        FREED.set(step, [...(FREED.get(step) ?? []), node]);
        FREED_AT.set(node.index, step);
    }
}

// Where a value has several uses, the backward pass adds up what they send back, before the rules run.
function findSums() {
    for (const node of NODES) {
        const most = forwardUses(node).length - 1;
        const sums = [];
        for (const rule of node.rules) {
            if (rule.name !== "add" || sums.length >= most) break;
            sums.push(rule);
        }
        sums.forEach((sum, i) => SUMS.set(sum.index, { of: node, part: i + 2, parts: sums.length + 1 }));
    }
}

function forwardUses(node) {
    const inForward = (each) => each.phase === "forward";
    return node.users.filter(({ node: user }) => inForward(node) && inForward(user) && user.kind === "operation");
}

function sumText(node) {
    const sum = SUMS.get(node.index);
    if (sum) return `Partial sum: ${contributions(sum)} to the gradient of ${sum.of.name} (${sum.of.id})`;
    const uses = forwardUses(node).length;
    if (uses < 2 || node.kind === "constant") return "";
    return `Fan-out: used ${uses} times; its gradient is the sum of what is sent back.`;
}

const contributions = ({ part, parts }) => `${part} of ${parts} contributions`;
const savedBy = (nodes) => nodes.reduce((sum, node) => sum + node.saved_bytes, 0);

// --- the bar --------------------------------------------------------------------------------------

let step = null; // how many have fired; null where nobody is stepping
let playing = 0;

function stepText() {
    if (step === null) return `${FIRING.length} steps`;
    if (step === 0) return `Step 0 of ${FIRING.length}: nothing has been computed`;
    const node = FIRING[step - 1];
    const freed = FREED.get(step) ?? [];
    const sum = SUMS.get(node.index);
    const words = [`Step ${step} of ${FIRING.length}, ${node.phase}: ${titleOf(node)} (${node.id})`];
    if (sum) words.push(`${contributions(sum)} to ∂ ${sum.of.name}`);
    if (node.phase === "forward" && node.saved_bytes) words.push(`saves ${quantity(node.saved_bytes, "B")}`);
    if (freed.length)
        words.push(`frees ${quantity(savedBy(freed), "B")} of ${freed.map((each) => each.name).join(", ")}`);
    words.push(`${quantity(KEPT[step], "B")} kept for the backward pass`);
    return words.join(" · ");
}

// What has fired, what fires, and what waits; parameters and inputs are there from the start.
function stateOf(node) {
    if (step > 0 && FIRING[step - 1] === node) return "now";
    const made = node.kind === "output" ? node.operands.map(({ node: from }) => from) : [node];
    return made.every((each) => (STEP_OF.get(each.index) ?? 0) <= step) ? "fired" : "waiting";
}

// The same of a box: a folded module waits until the first of its nodes fires.
function stateOfBox(box) {
    if (step === null) return { now: false, waiting: false, freed: false };
    const members = membersOf(box);
    const states = new Set(members.map(stateOf));
    const saving = members.filter((node) => node.saved_bytes);
    const freed = saving.length > 0 && saving.every((node) => FREED_AT.get(node.index) <= step);
    return { now: states.has("now"), waiting: states.size === 1 && states.has("waiting"), freed };
}

function stateOfWire(wire) {
    const now = step > 0 ? FIRING[step - 1] : null;
    const node = selected?.startsWith("n") ? NODES[Number(selected.slice(1))] : null;
    return {
        waiting: step !== null && stateOf(NODES[wire.value]) === "waiting",
        now: now !== null && leadsTo(wire, now),
        input: node !== null && leadsTo(wire, node),
        result: node !== null && wire.value === node.index,
    };
}

function showStep() {
    byId("slider").value = step ?? FIRING.length;
    byId("slider").setAttribute("aria-valuetext", stepText());
    byId("step").textContent = stepText();
}

function stepTo(to) {
    step = Math.max(0, Math.min(to, FIRING.length));
    if (step === 0) return choose(null);
    const node = FIRING[step - 1];
    choose(shownFor(node).key);
    showNode(node);
}

function play() {
    if (playing) {
        clearInterval(playing);
        playing = 0;
    } else {
        if (step === null || step === FIRING.length) step = 0;
        playing = setInterval(() => (step < FIRING.length ? stepTo(step + 1) : play()), 700);
    }
    byId("play").textContent = playing ? "Pause" : "Play";
}

function leaveSteps() {
    if (playing) play();
    step = null;
    refresh();
}
