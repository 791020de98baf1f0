"""Draw the diagrams of the derivations: ``python docs/pictures/diagrams.py``."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from itertools import chain
from pathlib import Path

import numpy as np

import autograd_cnn as ag
from autograd_cnn import nn

HERE = Path(__file__).parent
FOLDER = HERE / "diagrams"
CELL = 34

STYLE = """
text{font:14px Helvetica,Arial,sans-serif;fill:#1a1a1a;text-anchor:middle}.left{text-anchor:start}
.name{font-weight:700;font-size:16px}.note{font-size:13px;fill:#6b6b6b}.back{fill:#a8437c}.zero{fill:#9aa1ab}
.paper{fill:#fff}.cell{fill:#fff;stroke:#9aa1ab}.box{fill:#d6ecfa;stroke:#0072b2}.leaf{fill:#cdeee3;stroke:#007a59}
.w0{fill:#9fd3f5;stroke:#9aa1ab}.w1{fill:#ffd08a;stroke:#9aa1ab}.w2{fill:#8fdcc2;stroke:#9aa1ab}.w3{fill:#eab6d3;stroke:#9aa1ab}
.ring{fill:none;stroke:#d55e00;stroke-width:3}.line{fill:none;stroke:#1a1a1a;stroke-width:1.5}
.return{fill:none;stroke:#a8437c;stroke-width:1.5;stroke-dasharray:5 3}#tip path{fill:#1a1a1a}#return path{fill:#a8437c}
@media (prefers-color-scheme:dark){text{fill:#f2f2f2}.note,.zero{fill:#a4abb5}.back{fill:#e08fc0}
.paper{fill:#14171c}.cell{fill:#14171c;stroke:#5d6570}.box{fill:#0f3a57;stroke:#56b4e9}.leaf{fill:#00402f;stroke:#00b386}
.w0{fill:#0f4c75}.w1{fill:#6b4800}.w2{fill:#00513c}.w3{fill:#5c2b47}.ring{stroke:#ff9d3d}.line{stroke:#f2f2f2}
.return{stroke:#e08fc0}#tip path{fill:#f2f2f2}#return path{fill:#e08fc0}}
""".strip()

DIAGRAMS: dict[str, Callable[[], str]] = {}


def diagram(draw: Callable[[], str]) -> Callable[[], str]:
    """Register a diagram under the name of its function."""
    DIAGRAMS[draw.__name__] = draw
    return draw


class Sheet:
    """A drawing in pixels, with what the diagrams are made of."""

    def __init__(self, title: str, width: int, height: int) -> None:
        self.title, self.width, self.height = title, width, height
        self.parts: list[str] = []

    def text(self, x: float, y: float, text: str, kind: str = "") -> None:
        """Write a line."""
        self.parts.append(f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(text)}</text>')

    def box(self, x: float, y: float, width: float, height: float, kind: str = "cell", *, round_by: float = 0) -> None:
        """Draw a rectangle."""
        area = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
        self.parts.append(f'<rect class="{kind}" {area} rx="{round_by:g}"/>')

    def arrow(self, points: Sequence[tuple[float, float]], kind: str = "line") -> None:
        """Draw a line through some points, with a tip at its end."""
        tip = "tip" if kind == "line" else "return"
        path = "L".join(f"{x:g} {y:g}" for x, y in points)
        self.parts.append(f'<path class="{kind}" d="M{path}" marker-end="url(#{tip})"/>')

    def grid(
        self,
        x: float,
        y: float,
        labels: Sequence[Sequence[str]],
        name: str = "",
        *,
        kinds: Callable[..., str] = lambda *_: "cell",
        wide: float = CELL,
    ) -> None:
        """Draw a matrix of labels, with its name above."""
        self.text(x, y - 9, name, "name left")
        for i, row in enumerate(labels):
            for j, label in enumerate(row):
                self.box(x + j * wide, y + i * CELL, wide, CELL, kinds(i, j))
                self.text(x + (j + 0.5) * wide, y + (i + 0.5) * CELL + 5, label, "zero" if label == "0" else "")

    def svg(self) -> str:
        """Return the drawing."""
        size = f'width="{self.width}" height="{self.height}"'
        tips = "".join(
            f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            f'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z"/></marker>'
            for name in ("tip", "return")
        )
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {self.width} {self.height}" role="img">',
            f"<title>{escape(self.title)}</title>", f"<style>{STYLE}</style>", f"<defs>{tips}</defs>",
            f'<rect class="paper" {size}/>', *self.parts, "</svg>\n",
        ])  # fmt: skip


def symbols(letter: str, rows: int, columns: int) -> list[list[str]]:
    """Return letters with two indices."""
    return [[f"{letter}{i}{j}" for j in range(columns)] for i in range(rows)]


# --- convolution ------------------------------------------------------------------------------


@diagram
def shared_matrix() -> str:
    """A 2×2 filter on 3×3 pixels as a matrix, in which equal colours are equal weights."""
    sheet = Sheet("The matrix of a 2×2 filter on 3×3 pixels: 36 entries, 16 of them shared by four weights", 500, 260)
    filters = symbols("w", 2, 2)
    marks = np.stack(
        [ag.correlate2d(pixel.reshape(3, 3), np.arange(1.0, 5).reshape(2, 2)).ravel() for pixel in np.eye(9)]
    )
    entries = marks.T.astype(int)  # (4, 9): which weight, from 1 on
    labels = [["0" if k == 0 else filters[(k - 1) // 2][(k - 1) % 2] for k in row] for row in entries]
    sheet.grid(60, 70, labels, "", kinds=lambda i, j: f"w{entries[i, j] - 1}" if entries[i, j] else "cell", wide=48)
    for j, label in enumerate(chain(*symbols("x", 3, 3))):
        sheet.text(60 + (j + 0.5) * 48, 58, label, "name")
    for i, label in enumerate(chain(*symbols("y", 2, 2))):
        sheet.text(32, 70 + (i + 0.5) * CELL + 5, label, "name")
    sheet.text(60, 28, "M, where y = M x", "name left")
    sheet.text(60, 234, "Equal colours share a weight: its gradient is the sum over the four places.", "note left")
    return sheet.svg()


@diagram
def padded_map() -> str:
    """The rotated filter on the padded sensitivity map, at the place that gives d11."""
    sheet = Sheet("The rotated filter walks over the padded sensitivity map", 560, 210)
    padded = [["0"] * 4, ["0", "δ00", "δ01", "0"], ["0", "δ10", "δ11", "0"], ["0"] * 4]
    sheet.grid(20, 40, padded, "δ, padded")
    sheet.box(20 + CELL, 40 + CELL, 2 * CELL, 2 * CELL, "ring")
    sheet.text(180, 112, "⋆", "name")
    sheet.grid(204, 74, [["w11", "w10"], ["w01", "w00"]], "w, rotated", wide=40)
    sheet.text(308, 112, "=", "name")
    sheet.grid(332, 57, symbols("d", 3, 3), "d", wide=40)
    sheet.box(372, 57 + CELL, 40, CELL, "ring")
    sheet.text(332, 186, "d11 = δ00 w11 + δ01 w10 + δ10 w01 + δ11 w00", "note")
    return sheet.svg()


@diagram
def dilated_map() -> str:
    """What stride 2 makes of a sensitivity map."""
    sheet = Sheet("A stride of 2 puts a zero between neighbouring sensitivities", 330, 150)
    sheet.grid(20, 54, symbols("δ", 2, 2), "δ")
    sheet.arrow([(100, 88), (150, 88)])
    sheet.text(125, 78, "S = 2", "note")
    sheet.grid(166, 37, [["δ00", "0", "δ01"], ["0", "0", "0"], ["δ10", "0", "δ11"]], "δ, dilated")
    return sheet.svg()


@diagram
def im2col() -> str:
    """The windows of an image as columns, and the product with the filters as rows."""
    sheet = Sheet("im2col: each window is a column; the filters, as rows, are multiplied with it", 760, 250)
    pixels = symbols("x", 3, 3)
    starts = [3 * i + j for i, j in np.ndindex(2, 2)]
    taps = [0, 1, 3, 4]  # of a window, after its start
    sheet.grid(20, 66, pixels, "x", kinds=lambda i, j: "w0" if i < 2 and j < 2 else "cell")
    sheet.arrow([(134, 117), (180, 117)])
    columns = [[pixels[(start + tap) // 3][(start + tap) % 3] for start in starts] for tap in taps]
    sheet.grid(390, 49, columns, "X: 4 windows", wide=40, kinds=lambda _, j: f"w{j}")
    sheet.grid(196, 100, [["w00", "w01", "w10", "w11"]], "W: 1 filter", wide=40)
    sheet.text(374, 122, "·", "name")
    sheet.text(572, 122, "=", "name")
    sheet.grid(592, 100, [["y00", "y01", "y10", "y11"]], "Y", wide=40, kinds=lambda _, j: f"w{j}")
    sheet.text(
        20,
        222,
        "Each column is a window, the first one that in x. x11 is in all four: col2im adds up what comes back to its four copies.",
        "note left",
    )
    return sheet.svg()


# --- nets -------------------------------------------------------------------------------------


@diagram
def unrolled() -> str:
    """A recurrent net over three steps, and the way of the errors."""
    sheet = Sheet("A recurrent net, unrolled over three steps: forward to the right, errors to the left", 720, 290)
    top, bottom, first, apart = 96, 212, 60, 180
    for t in range(4):
        x = first + t * apart
        sheet.box(x - 32, top, 64, 44, "box" if t else "leaf", round_by=8)
        sheet.text(x, top + 27, f"h{t}", "name")
        if not t:
            continue
        sheet.box(x - 32, bottom, 64, 36, "leaf", round_by=18)
        sheet.text(x, bottom + 23, f"x{t}", "name")
        sheet.arrow([(x - 8, bottom), (x - 8, top + 46)])
        sheet.text(x - 22, 184, "W", "name")
        sheet.arrow([(x - apart + 32, top + 14), (x - 34, top + 14)])
        sheet.text(x - apart / 2, top + 6, "U", "name")
        sheet.arrow([(x - 32, top + 32), (x - apart + 34, top + 32)], "return")
        sheet.text(x - apart / 2, top + 52, f"Uᵀ δ{t}", "back")
        sheet.arrow([(x, 46), (x, top - 3)], "return")
        sheet.text(x, 36, f"g{t}", "back")
    sheet.text(
        first - 32,
        274,
        "At each h two errors meet: what arrives from outside, and what the next step sends back. All steps share W and U.",
        "note left",
    )
    return sheet.svg()


@diagram
def lenet() -> str:
    """The layers of `nn.lenet5`, with the sizes that it has."""
    model = nn.lenet5(rng=0)
    sizes: list[tuple[str, tuple[int, ...]]] = [("image", (1, 28, 28))]
    x: ag.Tensor | np.ndarray = np.zeros((1, 1, 28, 28), np.float32)
    for name, module in model.named_children():
        x = module(x)
        if not name.startswith("relu"):
            sizes.append((name, x.shape[1:]))
    sheet = Sheet("The layers of a LeNet, with the sizes of their outputs", 900, 240)
    left, middle = 16.0, 112.0
    for number, (name, shape) in enumerate(sizes):
        if len(shape) == 3:
            maps, side = shape[0], 14 + 3.0 * shape[1]
            shown = min(maps, 6)
            for k in reversed(range(shown)):
                sheet.box(
                    left + 6 * k, middle - side / 2 + 6 * k - 3 * shown, side, side, "leaf" if not number else "box"
                )
            width, text = side + 6 * (shown - 1), "×".join(map(str, (maps, *shape[1:])))
        else:
            height = 20 + 110 * min(1.0, shape[0] / 260)
            sheet.box(left, middle - height / 2, 14, height, "box")
            width, text = 14.0, str(shape[0])
        sheet.text(left + width / 2, 198, name)
        sheet.text(left + width / 2, 218, text, "note")
        if number + 1 < len(sizes):
            sheet.arrow([(left + width + 6, middle), (left + width + 28, middle)])
        left += width + 36 + 10 * (len(shape) == 1)
    sheet.width = int(left)
    return sheet.svg()


@diagram
def small_net() -> str:
    """The net of the page on the chain rule: formulas in the boxes, values below, error terms above."""
    x, t = np.array([1.0, 2.0]), 1.0
    W1, b1 = ag.tensor([[1.0, -1.0], [2.0, 1.0]], requires_grad=True), np.array([0.0, -1.0])  # noqa: N806
    W2, b2 = np.array([[1.0, 2.0]]), np.array([-4.0])  # noqa: N806
    z1 = W1 @ x + b1
    a1 = ag.relu(z1)
    z2 = W2 @ a1 + b2
    loss = ((z2 - t) ** 2).sum() / 2
    errors = ag.gradients(loss, [z1, a1, z2])
    steps: list[tuple[str, str, Iterable[float], str, Iterable[float] | None]] = [
        ("x", "x", x, "", None),
        ("z¹ = W¹x + b¹", "z¹", z1.tolist(), "δ¹", errors[0].tolist()),
        ("a¹ = max(z¹, 0)", "a¹", a1.tolist(), "W²ᵀδ²", errors[1].tolist()),
        ("z² = W²a¹ + b²", "z²", z2.tolist(), "δ²", errors[2].tolist()),
        ("L = ½(z² − t)²", "L", [loss.item()], "", None),
    ]
    sheet = Sheet("A small net as a graph: values forward, error terms backward", 860, 190)
    left, top = 20.0, 76.0
    for number, (formula, name, values, error, errors_here) in enumerate(steps):
        width = 130.0 if number else 70.0
        sheet.box(left, top, width, 40, "box" if number else "leaf", round_by=6)
        sheet.text(left + width / 2, top + 25, formula)
        sheet.text(left + width / 2, top + 64, f"{name} = {_vector(values)}")
        if errors_here is not None:
            sheet.text(left + width / 2, top - 18, f"{error} = {_vector(errors_here)}", "back")
        if number < len(steps) - 1:
            sheet.arrow([(left + width, top + 26), (left + width + 34, top + 26)])
            if number:
                sheet.arrow([(left + width + 36, top + 12), (left + width + 2, top + 12)], "return")
        left += width + 36
    sheet.width = int(left - 16)
    sheet.text(
        20,
        178,
        "Values go to the right and are written below; error terms go to the left and are written above.",
        "note left",
    )
    return sheet.svg()


def _vector(values: Iterable[float]) -> str:
    numbers = [f"{value:g}".replace("-", "−") for value in values]
    return numbers[0] if len(numbers) == 1 else f"({', '.join(numbers)})"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in DIAGRAMS.items():
        (FOLDER / f"{name}.svg").write_text(draw(), "utf-8")
