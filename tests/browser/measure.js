// What overlaps, what runs through a box that it does not belong to, and what does not fit into its box, in a page that
// shows all of its scene, or in a picture. Lengths are those of the scene, so that the size of the window does not matter.
() => {
    const ROUNDING = 0.6;
    const inPage = document.querySelector("#canvas") !== null;
    document.querySelector("#canvas")?.classList.remove("far"); // which hides texts
    // Small texts are wider than they should be.
    document.querySelector("#view, #graph0").setAttribute("transform", "scale(1)");
    const spans = (x, y, { width, height }) => ({ left: x, right: x + width, top: y, bottom: y + height });
    const placeOf = (element) => (element.getAttribute("transform") ?? "0 0").match(/-?\d[\d.e-]*/g).map(Number);
    const shown = (kind) =>
        [...document.querySelectorAll(kind)].map((element) => {
            const [x, y] = placeOf(element);
            const key = element.dataset.key ?? element.querySelector("title, text").textContent;
            const shape = element.querySelector("rect, path, polygon, ellipse").getBBox();
            return { key, element, x, y, at: spans(x + shape.x, y + shape.y, shape) };
        });
    const apart = (a, b, more = ROUNDING) =>
        a.right <= b.left + more || b.right <= a.left + more || a.bottom <= b.top + more || b.bottom <= a.top + more;
    const within = (a, b, more = ROUNDING) =>
        a.left >= b.left - more && a.right <= b.right + more && a.top >= b.top - more && a.bottom <= b.bottom + more;
    const named = shown(inPage ? "#boxes .box" : ".node").filter(({ element }) => element.querySelector("text"));
    const boxes = named.filter(({ key }) => !key.startsWith("title_"));
    const titles = inPage
        ? document.querySelectorAll(".column text, #titles text")
        : named.filter(({ key }) => key.startsWith("title_")).map(({ element }) => element.querySelector("text"));
    const frames = shown(inPage ? ".column, #frames .frame" : ".cluster");
    const found = [];

    boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => apart(a.at, b.at) || found.push(`${a.key} over ${b.key}`)));
    for (const frame of frames)
        for (const other of [...boxes, ...frames])
            if (!apart(frame.at, other.at) && !within(other.at, frame.at) && !within(frame.at, other.at))
                found.push(`${other.key} across the border of ${frame.key}`);
    for (const { key, element, x, y, at } of boxes) {
        for (const lines of element.querySelectorAll("text:not(.badge)")) {
            const text = lines.getBBox();
            if (!within(spans(x + text.x, y + text.y, text), at)) found.push(`the text of ${key} is too large`);
        }
    }
    for (const title of titles) {
        const [x, y] = placeOf(title.parentNode);
        const text = title.getBBox();
        if (!frames.some(({ at }) => within(spans(x + text.x, y + text.y, text), at)))
            found.push(`the title ${title.textContent} is too large`);
    }

    // A wire as points: its curves in steps of about 3, and straight pieces as such.
    const points = (d) => {
        const way = [];
        let last = null;
        for (const [, letter, numbers] of d.matchAll(/([MLC])([^MLC]*)/g)) {
            const corners = numbers.match(/-?[\d.]+(?:e-?\d+)?/g).map(Number);
            for (let i = 0; i < corners.length; i += letter === "C" ? 6 : 2) {
                const end = letter === "C" ? corners.slice(i + 4, i + 6) : corners.slice(i, i + 2);
                const [a, b] = letter === "C" ? [corners.slice(i, i + 2), corners.slice(i + 2, i + 4)] : [last ?? end, end];
                const start = last ?? end;
                const steps = Math.ceil((Math.hypot(a[0] - start[0], a[1] - start[1]) + Math.hypot(b[0] - a[0], b[1] - a[1]) + Math.hypot(end[0] - b[0], end[1] - b[1])) / 3);
                for (let step = 1; step <= steps; step++) {
                    const [t, s] = [step / steps, 1 - step / steps];
                    way.push([0, 1].map((k) => s * s * s * start[k] + 3 * s * s * t * a[k] + 3 * s * t * t * b[k] + t * t * t * end[k]));
                }
                last = end;
            }
        }
        return way.map(([x, y]) => ({ left: x, right: x, top: y, bottom: y }));
    };
    const paths = document.querySelectorAll("#wires path, .edge path");
    for (const path of paths) {
        const way = points(path.getAttribute("d"));
        if (!way.length) continue;
        const ends = [way[0], way[way.length - 1]];
        const over = {
            left: Math.min(...way.map((spot) => spot.left)),
            right: Math.max(...way.map((spot) => spot.right)),
            top: Math.min(...way.map((spot) => spot.top)),
            bottom: Math.max(...way.map((spot) => spot.bottom)),
        };
        for (const { key, at } of boxes) {
            if (apart(over, at, -ROUNDING) || ends.some((end) => within(end, at, 4))) continue;
            if (way.some((spot) => within(spot, at, -2))) found.push(`a wire through ${key}: ${path.getAttribute("d").slice(0, 60)}`);
        }
    }
    return { boxes: boxes.length, wires: paths.length, found };
}
