"""LSTM and GRU: a sequence as a row of steps, forward to the right, and the error back through time to the left.

Time t is the second axis of all arrays, so a state is a column; the gates of a step are below each other in a and δ
(see docs/derivations/recurrent.md, and `autograd_cnn.ops.recurrent` for the sources).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.viz.play.kind import Batch, Derived, plays
from autograd_cnn.viz.play.notation import blank, fill, walk
from autograd_cnn.viz.play.recorded import Recorded
from autograd_cnn.viz.play.walk import NamedArray, Scene

_FORWARD: Final = "Each step adds what the input says to what the state before it says, makes gates of it, and by these the next state."
_BACKWARD: Final = (
    "From the last step to the first: what arrives at a state from outside, and from the step after it, goes through the "
    "gates, and by the shared weights to the state before."
)
_SHARED: Final = (
    "All steps used the same weights, so their gradient is the sum over the steps: δ times the state before each."
)


_NAMES: Final = {
    "i": "the input gate", "f": "the forget gate", "o": "the output gate", "r": "the reset gate", "z": "the update gate",
    "n": "what is new",
}  # fmt: skip


def _columns(values: NDArray[Any]) -> NDArray[Any]:
    """Return (T, 1, H) as (H, T)."""
    return np.ascontiguousarray(values[:, 0].T)


class _Sequence:
    """What an LSTM and a GRU have in common: blocks of H rows of ``a``, one for each gate, with H columns for the steps."""

    def __init__(self, call: Recorded, gates: str, after: NDArray[Any]) -> None:
        self.call, self.gates = call, gates
        self.u, self.weight, first = _columns(call.operand("u")), call.operand("weight"), call.operand("h")
        self.steps, self.units = self.u.shape[1], first.shape[1]
        self.states = np.concatenate([first.T, after], axis=1)
        self.rows = {gate: f"k+{i * self.units}" for i, gate in enumerate(gates)}
        self.arrays = {
            "u": NamedArray(
                self.u, call.text("u", f"what the inputs say to the gates {', '.join(gates)}, step by step")
            ),
            "U": NamedArray(self.weight, call.text("weight", "the weights of the state")),
            "h₀": NamedArray(first[0], call.text("h", "the first state")),
            "a": self.blank("what the functions of the gates are of"),
            "h": NamedArray(self.states, "the states, the first before the first step"),
            "dh": self.blank("∂L/∂h", states=True),
            "δ": NamedArray(_columns(call.gradient("u")), "∂L/∂a, as ∂L/∂u"),
            "dU": NamedArray(call.gradient("weight"), "∂L/∂U"),
            "dh₀": NamedArray(call.gradient("h")[0], "∂L/∂h₀"),
        }

    def blank(self, text: str, *, states: bool = False) -> NamedArray:
        return blank((self.units, self.steps + 1) if states else self.u.shape, text, self.u)

    def block(self, gate: str, values: NDArray[Any]) -> NDArray[Any]:
        """Return the rows of a gate."""
        start = self.gates.index(gate) * self.units
        return values[start : start + self.units]

    def open(self, a: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Add the gates, and their slopes, to the arrays; return their values."""
        made = {gate: (np.tanh if gate == "n" else ops.sigmoid)(self.block(gate, a)) for gate in self.gates}
        slopes = [1 - y * y if gate == "n" else y * (1 - y) for gate, y in made.items()]
        self.arrays |= {gate: NamedArray(y, _NAMES[gate], checked=False) for gate, y in made.items()}
        self.arrays["φ′"] = NamedArray(np.concatenate(slopes), "the slopes of the gates' functions at a")
        return made

    def opening(self, gate: str, t: int) -> str:
        """Return the formula of a gate."""
        return f"{gate}[k,{t}] = {'tanh' if gate == 'n' else 'σ'}(a[{self.rows[gate]},{t}])"

    def played(self, title: str, forward: list[str], back: list[str], shared: list[str]) -> Derived:
        """Return the arrays and scenes of these formulas."""
        there, again, total = (
            [walk(each, self.arrays, k=self.units, t=self.steps) for each in formulas]
            for formulas in (forward, back, shared)
        )
        fill(self.arrays, [*there, *again])
        return self.arrays, [
            Scene.alone("Forward", title, _FORWARD, *there),
            Scene.alone("Backward through time", "From the last step to the first", _BACKWARD, *again),
            Scene.alone("Backward, to the weights", "The sum over the steps", _SHARED, *total),
        ]


@plays(ops.lstm, batch=Batch("sequence", 3, 1, {0: 1, 2: 0, 3: 0}))
def derive_lstm(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded `lstm`, for one sequence."""
    run = _Sequence(call, "ifno", _columns(call.y)[:, :-1])
    first, g, arrays, row = call.operand("c")[0], _columns(call.g), run.arrays, run.rows
    gates = run.open(run.u + run.weight @ run.states[:, :-1])
    cells = [first]
    for t in range(run.steps):
        cells.append(gates["f"][:, t] * cells[-1] + gates["i"][:, t] * gates["n"][:, t])
    squashed = np.tanh(np.stack(cells[1:], axis=1))
    arrays |= {
        "c₀": NamedArray(first, call.text("c", "the first cell")),
        "c": run.blank("the cells, the first before the first step", states=True),
        "s": NamedArray(squashed, "tanh of the cells", checked=False),
        "s′": NamedArray(1 - squashed**2, "the slope of tanh at the cells, 1 − s²"),
        "g": NamedArray(g[:, :-1], "what arrives at the states from outside"),
        "gc": NamedArray(g[:, -1], "what arrives at the last cell"),
        "dc": run.blank("∂L/∂c", states=True),
        "dc₀": NamedArray(call.gradient("c")[0], "∂L/∂c₀"),
    }
    forward, back = ["h[k,0] = h₀[k]", "c[k,0] = c₀[k]"], [f"dc[k,{run.steps}] = gc[k]"]
    for t in range(run.steps):
        forward += [
            f"a[r,{t}] = u[r,{t}] + U[r,j] h[j,{t}]",
            *(run.opening(gate, t) for gate in "ifno"),
            f"c[k,{t + 1}] = f[k,{t}] c[k,{t}] + i[k,{t}] n[k,{t}]",
            f"s[k,{t}] = tanh(c[k,{t + 1}])",
            f"h[k,{t + 1}] = o[k,{t}] s[k,{t}]",
        ]
    for t in reversed(range(run.steps)):
        dh, dc, other = f"dh[k,{t + 1}]", f"dc[k,{t + 1}]", {"i": "n", "n": "i"}
        back += [
            f"{dh} = g[k,{t}]",
            f"{dc} = {dh} o[k,{t}] s′[k,{t}]",
            *(f"δ[{row[x]},{t}] = {dc} {other.get(x, 'c')}[k,{t}] φ′[{row[x]},{t}]" for x in "ifn"),
            f"δ[{row['o']},{t}] = {dh} s[k,{t}] φ′[{row['o']},{t}]",
            f"dh[j,{t}] = δ[r,{t}] U[r,j]",
            f"dc[k,{t}] = {dc} f[k,{t}]",
        ]
    back += ["dh₀[k] = dh[k,0]", "dc₀[k] = dc[k,0]"]
    return run.played("c = f c + i n, h = o tanh(c)", forward, back, ["dU[r,j] = δ[r,t] h[j,t]"])


@plays(ops.gru, batch=Batch("sequence", 3, 1, {0: 1, 3: 0}))
def derive_gru(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded `gru`, for one sequence."""
    run, bias = _Sequence(call, "rzn", _columns(call.y)), call.operand("bias")
    u, v, row = run.u, run.weight @ run.states[:, :-1] + bias[:, None], run.rows
    r = ops.sigmoid(run.block("r", u + v))
    run.open(np.concatenate([(u + v)[: 2 * run.units], run.block("n", u) + r * run.block("n", v)]))
    run.arrays |= {
        "b": NamedArray(bias, call.text("bias", "the bias")),
        "v": run.blank("what the states say to the gates"),
        "g": NamedArray(_columns(call.g), "what arrives at the states from outside"),
        "ε": run.blank("∂L/∂v"),
        "db": NamedArray(call.gradient("bias"), "∂L/∂b"),
    }
    forward, back = ["h[k,0] = h₀[k]"], list[str]()
    for t in range(run.steps):
        forward += [
            f"v[q,{t}] = U[q,j] h[j,{t}] + b[q]",
            *(f"a[{row[gate]},{t}] = u[{row[gate]},{t}] + v[{row[gate]},{t}]" for gate in "rz"),
            *(run.opening(gate, t) for gate in "rz"),
            f"a[{row['n']},{t}] = u[{row['n']},{t}] + r[k,{t}] v[{row['n']},{t}]",
            run.opening("n", t),
            f"h[k,{t + 1}] = n[k,{t}] − z[k,{t}] n[k,{t}] + z[k,{t}] h[k,{t}]",
        ]
    for t in reversed(range(run.steps)):
        dh, dn = f"dh[k,{t + 1}]", f"δ[{row['n']},{t}]"
        back += [
            f"{dh} = g[k,{t}]",
            f"{dn} = {dh} φ′[{row['n']},{t}] − {dh} z[k,{t}] φ′[{row['n']},{t}]",
            f"δ[{row['z']},{t}] = {dh} h[k,{t}] φ′[{row['z']},{t}] − {dh} n[k,{t}] φ′[{row['z']},{t}]",
            f"δ[{row['r']},{t}] = {dn} v[{row['n']},{t}] φ′[{row['r']},{t}]",
            *(f"ε[{row[gate]},{t}] = δ[{row[gate]},{t}]" for gate in "rz"),
            f"ε[{row['n']},{t}] = {dn} r[k,{t}]",
            f"dh[j,{t}] = ε[q,{t}] U[q,j]",
            f"dh[k,{t}] = {dh} z[k,{t}]",
        ]
    back.append("dh₀[k] = dh[k,0]")
    return run.played("h = (1 − z) n + z h", forward, back, ["dU[q,j] = ε[q,t] h[j,t]", "db[q] = ε[q,t]"])
