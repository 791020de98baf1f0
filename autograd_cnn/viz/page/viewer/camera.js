// --- the camera -----------------------------------------------------------------------------------

const READABLE = 0.8;

const camera = {
    x: 0,
    y: 0,
    scale: 1,

    // The part of the scene that is in the window.
    window() {
        const { x, y, scale } = this;
        return { x: -x / scale, y: -y / scale, width: canvas.clientWidth / scale, height: canvas.clientHeight / scale };
    },
};

function look() {
    byId("view").setAttribute("transform", `translate(${camera.x} ${camera.y}) scale(${camera.scale})`);
    canvas.classList.toggle("far", camera.scale < FAR);
    const seen = camera.window();
    if (!contains(region, seen) || (region.crowded && region.width > 4 * seen.width)) populate();
    else if (region.crowded) paint();
}

function pan(dx, dy) {
    camera.x += dx;
    camera.y += dy;
    look();
}

// Zoom so that what is at (x, y) of the window stays there.
function zoom(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
    const scale = Math.min(4, Math.max(0.01, camera.scale * factor));
    camera.x = x - ((x - camera.x) * scale) / camera.scale;
    camera.y = y - ((y - camera.y) * scale) / camera.scale;
    camera.scale = scale;
    look();
}

function fit() {
    const scale = Math.min((canvas.clientWidth - 40) / scene.width, (canvas.clientHeight - 40) / scene.height, 1.25);
    camera.scale = Math.max(scale, 0.01);
    camera.x = (canvas.clientWidth - scene.width * camera.scale) / 2;
    camera.y = (canvas.clientHeight - scene.height * camera.scale) / 2;
    look();
}

// Begin with as much as can be read, from the top.
function overview() {
    fit();
    const wanted = Math.min(READABLE, (canvas.clientWidth - 40) / scene.width);
    if (camera.scale >= wanted) return;
    zoom(wanted / camera.scale);
    camera.x = Math.max(20, (canvas.clientWidth - scene.width * camera.scale) / 2);
    camera.y = 20;
    look();
}

// Bring a box into the window, if it is not there.
function reveal(box, closely = false) {
    if (closely && camera.scale < 0.7) camera.scale = 1;
    const [x, y] = [box.x + Math.min(box.width / 2, 200), box.y + Math.min(box.height / 2, 40)].map(
        (each) => each * camera.scale,
    );
    const inside =
        x + camera.x > 60 &&
        x + camera.x < canvas.clientWidth - 60 &&
        y + camera.y > 40 &&
        y + camera.y < canvas.clientHeight - 40;
    if (!inside) {
        camera.x = canvas.clientWidth / 2 - x;
        camera.y = canvas.clientHeight / 2 - y;
    }
    look();
}
