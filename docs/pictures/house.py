"""Draw the layers that ``lint-imports`` checks: ``python docs/pictures/house.py``."""

import tomllib
from html import escape
from pathlib import Path

HERE = Path(__file__).parent
CONTRACTS = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]

SAYS = {
    "cli": "the command",
    "interop": "to and from other libraries' files",
    "report": "a training as one page",
    "attribution": "which pixels decide",
    "explanations": "why a gradient is what it is",
    "train": "the loop, its metrics and its folder",
    "viz": "drawings, pages, notebooks",
    "graph": "the tape as plain data",
    "optim": "optimisers, schedules",
    "data": "datasets, batches",
    "distributed": "several processes, by MPI",
    "io": "files of weights",
    "onnx": "ONNX networks",
    "nn": "modules, layers, losses, models",
    "transforms": "grad, jacobian, vmap, checkpoint, …",
    "array_api": "the standard's names",
    "plans": "recorded steps, run without Python",
    "testing": "laws, checks, samples",
    "tensor": "Tensor: operators and methods",
    "ops": "the calculus: primitives and their rules",
    "engine": "nodes, primitives, backward, trace, replay",
    "kernels": "arrays in, arrays out, in two backends",
    "seeding": "one seed for all generators",
    "parameters": "what is not an array, parsed once",
    "files": "written whole or not at all",
    "spelling": "what others call things",
    "table": "rows as lines of text",
    "tree": "containers of arrays",
    "unpacking": "how much a file may unpack to",
    "errors": "what can go wrong, in one sentence",
}
"""What each room is for."""

COLOURS = {
    "engine": "#f6d8ae", "ops": "#f6d8ae", "tensor": "#f6d8ae", "kernels": "#cfe3c8",
    "graph": "#d9d2ea", "viz": "#d9d2ea", "explanations": "#d9d2ea", "attribution": "#d9d2ea", "report": "#d9d2ea",
}  # fmt: skip
"""The calculus, the numerical work, the pictures; all else is plain."""

WIDTH, HEIGHT, GAP, MARGIN = 880, 46, 8, 16
TITLE = 'text-anchor="middle" font-size="15" font-weight="bold" fill="#222222"'
CAPTION = 'text-anchor="middle" font-size="12" fill="#444444"'


def rooms(layer: str) -> list[str]:
    """Return the rooms on a floor."""
    return [name.strip() for name in layer.split("|")]


def house() -> str:
    """Return the picture: a floor imports only from those below."""
    floors = [rooms(layer) for layer in CONTRACTS[0]["layers"]]
    size = 2 * MARGIN + len(floors) * (HEIGHT + GAP) - GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {size}" font-family="sans-serif">',
        "<title>The layers of autograd_cnn; each imports only from those below</title>",
        f'<rect width="{WIDTH}" height="{size}" rx="10" fill="#ffffff"/>',
    ]
    for floor, names in enumerate(floors):
        y = MARGIN + floor * (HEIGHT + GAP)
        width = (WIDTH - 2 * MARGIN - (len(names) - 1) * GAP) / len(names)
        for column, name in enumerate(names):
            x = MARGIN + column * (width + GAP)
            middle = x + width / 2
            box = f'x="{x:.1f}" y="{y}" width="{width:.1f}" height="{HEIGHT}" rx="6"'
            parts += [
                f'<rect {box} fill="{COLOURS.get(name, "#eeeeee")}" stroke="#666666"/>',
                f'<text x="{middle:.1f}" y="{y + 19}" {TITLE}>{escape(name)}</text>',
                f'<text x="{middle:.1f}" y="{y + 36}" {CAPTION}>{escape(SAYS[name])}</text>',
            ]
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    (HERE / "house.svg").write_text(house(), "utf-8")
