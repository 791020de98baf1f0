"""LSTM and GRU: a sequence as a row of steps, forward to the right; errors flow back through time to the left.

Time t is the last axis of all arrays, so a state is a column; in u, U, a and δ, each gate has a plane (see
docs/derivations/recurrent.md, and `autograd_cnn.ops.recurrent` for the sources).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.viz.derivations.kind import Batch, Derived, plays
from autograd_cnn.viz.derivations.notation import blank, fill, walk
from autograd_cnn.viz.derivations.recorded import Recorded
from autograd_cnn.viz.derivations.walk import NamedArray, Scene

_FORWARD: Final = "Each step adds the contributions of the input and of the previous state, computes gates from them, and from these the next state."
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


class _Sequence:
    """What an LSTM and a GRU have in common, with G gates, H units and T steps."""

    def __init__(self, call: Recorded, gates: str, steps: int, values: NDArray[Any]) -> None:
        self.gates, self.steps, self.units = gates, steps, call.y.shape[-1]
        self.u, opened = self.planes(call.operand("u")), self.planes(values)
        first, weight = call.operand("h"), (len(gates), self.units, self.units)
        states = np.concatenate([first, call.y[:steps, 0]]).T
        slopes = [1 - y * y if gate == "n" else y * (1 - y) for gate, y in zip(gates, opened, strict=False)]
        self.arrays = {
            "u": NamedArray(self.u, call.text("u", f"what the inputs say to the gates {', '.join(gates)}, by step")),
            **call.both("weight", "U", "the weights of the state, for each gate", weight),
            **call.both("h", "h₀", "the first state", (self.units,)),
            **{gate: NamedArray(y, _NAMES[gate]) for gate, y in zip(gates, opened, strict=False)},
            "φ′": NamedArray(np.stack(slopes), "the slopes of the gates' functions at a"),
            "a": blank(self.u.shape, "what the functions of the gates are of", self.u),
            "h": NamedArray(states, "the states, the first before the first step"),
            "g": NamedArray(call.g[:steps, 0].T, "what arrives at the states from outside"),
            "dh": blank(states.shape, "∂L/∂h", self.u),
            "δ": NamedArray(self.planes(call.gradient("u")), "∂L/∂a, as ∂L/∂u"),
        }

    def planes(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return (T, 1, G·H) as (G, H, T)."""
        return values[:, 0].T.reshape(-1, self.units, self.steps)

    def opening(self, gate: str, t: int) -> str:
        """Return the formula of a gate."""
        return f"{gate}[k,{t}] = {'tanh' if gate == 'n' else 'σ'}(a[{self.gates.index(gate)},k,{t}])"

    def played(self, title: str, forward: list[str], back: list[str], shared: list[str]) -> Derived:
        """Return the arrays and scenes for these formulas."""
        there, again, total = (
            [walk(each, self.arrays, t=self.steps) for each in formulas] for formulas in (forward, back, shared)
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
    _, gates, after = ops.lstm.forward(*call.inner.operands)
    first, squashed = call.operand("c"), np.tanh(after[:, 0].T)
    run = _Sequence(call, "ifno", len(after), gates)
    cells = np.concatenate([first, after[:, 0]]).T
    run.arrays |= {
        **call.both("c", "c₀", "the first cell", (run.units,)),
        "c": NamedArray(cells, "the cells, the first before the first step"),
        "s": NamedArray(squashed, "tanh of the cells", checked=False),
        "s′": NamedArray(1 - squashed**2, "the slope of tanh at the cells, 1 − s²"),
        "gc": NamedArray(call.g[-1, 0], "what arrives at the last cell"),
        "dc": blank(cells.shape, "∂L/∂c", run.u),
    }
    forward, back = ["h[k,0] = h₀[k]", "c[k,0] = c₀[k]"], [f"dc[k,{run.steps}] = gc[k]"]
    for t in range(run.steps):
        forward += [
            f"a[r,k,{t}] = u[r,k,{t}] + U[r,k,j] h[j,{t}]",
            *(run.opening(gate, t) for gate in run.gates),
            f"c[k,{t + 1}] = f[k,{t}] c[k,{t}] + i[k,{t}] n[k,{t}]",
            f"s[k,{t}] = tanh(c[k,{t + 1}])",
            f"h[k,{t + 1}] = o[k,{t}] s[k,{t}]",
        ]
    for t in reversed(range(run.steps)):
        dh, dc = f"dh[k,{t + 1}]", f"dc[k,{t + 1}]"
        back += [
            f"{dh} = g[k,{t}]",
            f"{dc} = {dh} o[k,{t}] s′[k,{t}]",
            *(f"δ[{r},k,{t}] = {dc} {other}[k,{t}] φ′[{r},k,{t}]" for r, other in enumerate("nci")),
            f"δ[3,k,{t}] = {dh} s[k,{t}] φ′[3,k,{t}]",
            f"dh[j,{t}] = δ[r,k,{t}] U[r,k,j]",
            f"dc[k,{t}] = {dc} f[k,{t}]",
        ]
    back += ["dh₀[k] = dh[k,0]", "dc₀[k] = dc[k,0]"]
    return run.played("c = f c + i n, h = o tanh(c)", forward, back, ["dU[r,k,j] = δ[r,k,t] h[j,t]"])


@plays(ops.gru, batch=Batch("sequence", 3, 1, {0: 1, 3: 0}))
def derive_gru(call: Recorded) -> Derived:
    """Return the arrays and scenes of a recorded `gru`, for one sequence."""
    run = _Sequence(call, "rzn", len(call.y), ops.gru.forward(*call.inner.operands)[1])
    u = run.u
    run.arrays |= {
        **call.both("bias", "b", "the biases, for each gate", (3, run.units)),
        "v": blank(u.shape, "what the states say to the gates", u),
        "ε": blank(u.shape, "∂L/∂v", u),
    }
    forward, back = ["h[k,0] = h₀[k]"], list[str]()
    for t in range(run.steps):
        forward += [
            f"v[q,k,{t}] = U[q,k,j] h[j,{t}] + b[q,k]",
            *(f"a[{q},k,{t}] = u[{q},k,{t}] + v[{q},k,{t}]" for q in (0, 1)),
            *(run.opening(gate, t) for gate in "rz"),
            f"a[2,k,{t}] = u[2,k,{t}] + r[k,{t}] v[2,k,{t}]",
            run.opening("n", t),
            f"h[k,{t + 1}] = n[k,{t}] − z[k,{t}] n[k,{t}] + z[k,{t}] h[k,{t}]",
        ]
    for t in reversed(range(run.steps)):
        dh, dn = f"dh[k,{t + 1}]", f"δ[2,k,{t}]"
        back += [
            f"{dh} = g[k,{t}]",
            f"{dn} = {dh} φ′[2,k,{t}] − {dh} z[k,{t}] φ′[2,k,{t}]",
            f"δ[1,k,{t}] = {dh} h[k,{t}] φ′[1,k,{t}] − {dh} n[k,{t}] φ′[1,k,{t}]",
            f"δ[0,k,{t}] = {dn} v[2,k,{t}] φ′[0,k,{t}]",
            *(f"ε[{q},k,{t}] = δ[{q},k,{t}]" for q in (0, 1)),
            f"ε[2,k,{t}] = {dn} r[k,{t}]",
            f"dh[j,{t}] = ε[q,k,{t}] U[q,k,j]",
            f"dh[k,{t}] = {dh} z[k,{t}]",
        ]
    back.append("dh₀[k] = dh[k,0]")
    shared = ["dU[q,k,j] = ε[q,k,t] h[j,t]", "db[q,k] = ε[q,k,t]"]
    return run.played("h = (1 − z) n + z h", forward, back, shared)
