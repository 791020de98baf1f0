"""Hooks: user functions that run with the calls of a module."""

from collections.abc import Callable
from itertools import chain
from typing import Any

from autograd_cnn import ops
from autograd_cnn.engine.trace import RUNNING, current, replays
from autograd_cnn.errors import require
from autograd_cnn.tensor import Tensor
from autograd_cnn.tensor.tensor import Handle


class Hooked:
    """The hooks of a `Module`. A copy or a pickle has none."""

    _hooks: dict[str, list[Any]] | None = None
    forward: Callable[..., Any]

    def __getstate__(self) -> Any:
        """Return the state of a copy or a pickle: everything except hooks."""
        state = super().__getstate__()
        attributes, *slots = state if isinstance(state, tuple) else (state,)
        kept = {name: value for name, value in (attributes or {}).items() if name != "_hooks"}
        return (kept, *slots) if slots else kept

    def register_forward_pre_hook(self, hook: Callable[[Any, tuple[Any, ...]], Any]) -> Handle:
        """Run ``hook(module, inputs)`` before each ``forward``.

        If it returns something, this replaces the inputs: a tuple of them, or the only one. A copy or
        a pickle of the module has no hooks.

        Examples
        --------
        >>> from autograd_cnn import nn
        >>> layer = nn.ReLU()
        >>> handle = layer.register_forward_pre_hook(lambda module, inputs: (inputs[0] + 1,))
        >>> float(layer(2.0))
        3.0
        >>> handle.remove()
        """
        return self._register("before", hook)

    def register_forward_hook(self, hook: Callable[[Any, tuple[Any, ...], Any], Any]) -> Handle:
        """Run ``hook(module, inputs, output)`` after each ``forward``; what it returns replaces the output.

        Examples
        --------
        >>> from autograd_cnn import nn
        >>> net, seen = nn.Sequential(nn.ReLU(), nn.Tanh()), []
        >>> handle = net[0].register_forward_hook(lambda module, inputs, output: seen.append(float(output)))
        >>> y = net(2.0)
        >>> seen
        [2.0]
        """
        return self._register("after", hook)

    def register_full_backward_hook(self, hook: Callable[[Any, tuple[Any, ...], tuple[Any, ...]], Any]) -> Handle:
        """Run ``hook(module, grad_input, grad_output)`` when the gradients of a call of this module are known.

        Both are tuples of one gradient: that of the first input, or None if it needs none, and that of the output. If
        the hook returns a tuple of one gradient, this replaces the input's. The module must return one tensor.

        Examples
        --------
        >>> import autograd_cnn as ag
        >>> from autograd_cnn import nn
        >>> layer, seen = nn.ReLU(), []
        >>> handle = layer.register_full_backward_hook(lambda module, given, asked: seen.append(asked[0].tolist()))
        >>> layer(ag.tensor([1.0, -1.0], requires_grad=True)).sum().backward()
        >>> seen
        [[1.0, 1.0]]
        """
        return self._register("backward", hook)

    def has_hooks(self) -> bool:
        """Return whether calls of this module run anything other than ``forward``."""
        return self._hooks is not None and any(self._hooks.values())

    def hooks(self) -> tuple[Handle, ...]:
        """Return the hooks' handles."""
        return () if self._hooks is None else tuple(chain.from_iterable(self._hooks.values()))

    def _register(self, kind: str, hook: Callable[..., Any]) -> Handle:
        require(callable(hook), type(self).__name__, "a hook is not a function", "a function", hook)
        if self._hooks is None:
            vars(self)["_hooks"] = {"before": [], "after": [], "backward": []}
        hooks = vars(self)["_hooks"][kind]
        hooks.append(Handle(hooks, hook))
        return hooks[-1]

    def call_with_hooks(self, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Run ``forward`` with its hooks."""
        hooks: dict[str, list[Any]] = vars(self)["_hooks"]
        if RUNNING and not all(map(replays, self.hooks())) and (trace := current.get()) is not None:
            trace.refuse(f"a hook of {type(self).__name__} runs")
        for handle in tuple(hooks["before"]):
            new = handle.hook(self, inputs)
            if new is not None:
                inputs = new if isinstance(new, tuple) else (new,)
        handles = tuple(hooks["backward"])
        found = _Gradients(self, handles) if handles else None
        given = inputs if found is None else found.before(inputs)
        output = self.forward(*given, **options)
        for handle in tuple(hooks["after"]):
            new = handle.hook(self, inputs, output)
            output = output if new is None else new
        return output if found is None else found.after(output)


class _Gradients:
    """The gradients of one call, for backward hooks: two extra nodes around the call see only these."""

    def __init__(self, module: Any, handles: tuple[Any, ...]) -> None:
        self.module = module
        self.handles = handles
        self.wanted = False
        self.of_output: Any = None

    def before(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the inputs, with an extra node for the first."""
        if not inputs or not isinstance(inputs[0], Tensor) or not inputs[0].requires_grad:
            return inputs
        self.wanted = True
        first = ops.positive(inputs[0])
        first.register_hook(self.tell)
        return first, *inputs[1:]

    def after(self, output: Any) -> Any:
        """Return the output with an extra node."""
        expected = "a Tensor"
        fits = isinstance(output, Tensor)
        require(fits, type(self.module).__name__, "a backward hook is for one output", expected, output)
        if not output.requires_grad:
            return output
        output = ops.positive(output)
        output.register_hook(self.keep)
        return output

    def keep(self, g: Any) -> None:
        """Keep the gradient of the output; if the input needs none, call the hooks now."""
        self.of_output = g
        if not self.wanted:
            self.tell(None)

    def tell(self, g: Any) -> Any:
        """Call the hooks with the gradients of input and output; return that of the input."""
        for handle in self.handles:
            new = handle.hook(self.module, (g,), (self.of_output,))
            g = g if new is None else new[0]
        return g
