"""Running a function once, and recording its calls as a program.

Its side effects, such as an optimiser's changes to parameters, are undone afterwards.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any, Final

import numpy as np

from autograd_cnn.engine.node import Array, Traced
from autograd_cnn.engine.primitive import REGISTRY, Primitive
from autograd_cnn.engine.recording import entering, no_grad, recording
from autograd_cnn.engine.trace import Call, Held, Slot, Trace, argument, resolved, value_of
from autograd_cnn.errors import FormatError
from autograd_cnn.nn import Module
from autograd_cnn.onnx.export.formulas import FORMULAS
from autograd_cnn.onnx.export.program import Op, Program, Variable
from autograd_cnn.ops import add, astype
from autograd_cnn.optim import Optimizer
from autograd_cnn.tensor import Tensor
from autograd_cnn.tree import is_record, leaves, rebuilt

EFFECTS: Final[dict[Any, Callable[..., None]]] = {}
"""The effects of functions, or methods of a class, on a `Recorder`, which is the first argument, before the object and the
arguments. `autograd_cnn.onnx.export.effects` fills it."""

# --- arguments and results --------------------------------------------------------------------


def named_leaves(tree: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of lists, tuples, dicts and dataclasses, with names such as ``params.w`` and ``y.0``."""
    if isinstance(tree, dict):
        branches: Any = tree.items()
    elif hasattr(tree, "_fields"):
        branches = zip(tree._fields, tree, strict=True)
    elif is_record(tree):
        branches = ((each.name, getattr(tree, each.name)) for each in fields(tree))
    elif isinstance(tree, (list, tuple)):
        branches = enumerate(tree)
    else:
        yield name, tree
        return
    for key, branch in branches:
        yield from named_leaves(branch, f"{name}.{key}" if name else str(key))


def is_array(leaf: Any) -> bool:
    """Whether an argument is an input rather than a setting."""
    return isinstance(leaf, (np.ndarray, np.generic, Tensor))


# --- the run ----------------------------------------------------------------------------------


class _Trace(Trace):
    """A trace that also records what the run changes, and the module of each call."""

    def __init__(self, arguments: Sequence[Array]) -> None:
        super().__init__(arguments)
        self.scopes: list[str] = []
        self.before: dict[Any, Any] = {}
        """The gradients of tensors, and the states of optimisers, before anything changed."""

        self._undo: list[Callable[[], None]] = []

    def add(self, *args: Any) -> None:
        super().add(*args)
        self.scopes += [recording.get().scope.path] * (len(self.calls) - len(self.scopes))

    def add_call(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        results: Sequence[Any] = (),
        changes: tuple[Any, ...] | None = None,
    ) -> None:
        owner = getattr(function, "__self__", None)
        held = [each.value for each in args if isinstance(each, Held)]
        for each in (owner, *(part for parts in held if isinstance(parts, tuple) for part in parts)):
            self._remember(each)
        super().add_call(function, args, results, changes)

    def _remember(self, owner: Any) -> None:
        if isinstance(owner, Optimizer):
            for group in owner.param_groups:
                for tensor in group["params"]:
                    self._remember(tensor)
        if id(owner) in self.before:
            return
        if isinstance(owner, Tensor):
            value, grad = owner.value, owner.grad
            self.before[id(owner)] = None if grad is None else grad.value
            self._undo += [lambda: owner.take_values(value), lambda: owner.set_grad(grad)]
        elif isinstance(owner, Optimizer):
            state = dict(owner.state)
            self.before[id(owner)] = state
            self._undo += [owner.state.clear, lambda: owner.state.update(state)]
        elif isinstance(owner, Module):
            buffers = {name: value for name, value in owner.named_buffers() if "." not in name}
            self.before[id(owner)] = buffers
            self._undo.append(lambda: owner.set_buffers(**buffers))

    def restore(self) -> None:
        """Restore what the run has changed."""
        for step in self._undo:
            step()


def record(function: Callable[..., Any], args: Sequence[Any], names: Sequence[str]) -> Program:
    """Run the function, and return what it computes from the arrays among its arguments.

    Raises
    ------
    FormatError
        If its calls differ from run to run, or something that it does is not a computation.
    """
    named = [leaf for name, arg in zip(names, args, strict=True) for leaf in named_leaves(arg, name)]
    arrays = [(name, Tensor.wrap(argument(leaf))) for name, leaf in named if is_array(leaf)]
    trace = _Trace([tensor.value for _, tensor in arrays])
    given = iter([tensor for _, tensor in arrays])
    args = rebuilt(list(args), (next(given) if is_array(leaf) else leaf for leaf in leaves(list(args))))
    token = entering.set(trace.enter)
    try:
        with trace.running():
            result = function(*args)
        results = list(named_leaves(result, ""))
        references = [trace.reference(leaf) if is_array(leaf) else None for _, leaf in results]
    finally:
        entering.reset(token)
        trace.restore()
    if trace.refusal:
        raise FormatError("export", trace.refusal)
    recorder = Recorder(trace, [name for name, _ in arrays])
    recorder.add_calls(trace.calls, trace, recorder.references)
    recorder.close()
    for (name, leaf), reference in zip(results, references, strict=True):
        if not is_array(leaf):
            problem = "a result is not an array"
            raise FormatError("export", problem, expected="arrays or tensors", got=type(leaf).__name__)
        whole = name if name and not name[0].isdigit() else f"y.{name}".rstrip(".")
        recorder.program.outputs.append((whole, resolved(reference, recorder.references)))
    return recorder.program


# --- from calls to a program ------------------------------------------------------------------


class Recorder:
    """Records calls as a program.

    Attributes
    ----------
    program : Program
    grads : dict of int to (Slot or array or None)
        The sum of what was added to each tensor's gradient since the start or since it was set, by the tensor's id.
    """

    def __init__(self, trace: _Trace, names: Sequence[str]) -> None:
        self.program = Program([])
        self.program.inputs = [
            (name, self.program.new(trace.values[slot])) for name, slot in zip(names, trace.arguments, strict=True)
        ]
        self.references: dict[Slot, Any] = {
            slot: mine for slot, (_, mine) in zip(trace.arguments, self.program.inputs, strict=True)
        }
        self.trace = trace
        self.grads: dict[int, Any] = {}
        self._set: set[int] = set()
        """The tensors whose gradients have been set, so that earlier ones do not matter."""

        self._carried: dict[int, Variable] = {}
        """Gradients that one call leaves to the next."""

        self._variables: dict[Any, Variable] = {}
        self._names = dict(_names(trace.modules))
        self._primitives = {each.forward: each for each in REGISTRY.values()} | {
            each: each for each in REGISTRY.values()
        }

    def add_calls(self, calls: Sequence[Call], trace: Trace, references: dict[Slot, Any], scope: str = "") -> None:
        """Record the calls of a trace; ``references`` maps its slots to the program's, and is extended."""
        scopes = getattr(trace, "scopes", [scope] * len(calls))
        for place, call in enumerate(calls):
            args = resolved(list(call.args), references)
            primitive = self._primitives.get(call.function)
            if primitive is not None:
                params = resolved(call.params, references)
                values = [trace.values[slot] for slot in call.outputs]
                where = scopes[place] if place < len(scopes) else ""
                results = self._called(primitive, args, primitive.parameters | params, values, where)
            else:
                results = self._other(call, args)
            missing = [None] * (len(call.outputs) - len(results))  # residuals, without which the rules find them again
            references.update(zip(call.outputs, [*results, *missing], strict=True))

    def _called(
        self, primitive: Primitive, args: list[Any], params: dict[str, Any], values: list[Array], scope: str
    ) -> Sequence[Any]:
        if formula := FORMULAS.get(primitive):
            return self.apply(formula, *args, **params, scope_=scope)
        outputs = tuple(map(self.program.new, values))
        self.program.ops.append(Op(primitive, tuple(args), params, outputs, scope))
        return outputs

    def _other(self, call: Call, args: list[Any]) -> Sequence[Any]:
        """Return the results of a call that is not a primitive's, or apply its effect."""
        if call.function is value_of:
            return [self.tensor(args[0]).now]
        if call.function is getattr:
            return [self.buffer(*args).now]
        if call.name == "copy":
            return self.apply(astype, args[0], dtype=args[1])
        owner = getattr(call.function, "__self__", None)
        effect = EFFECTS.get(getattr(call.function, "__func__", call.function))
        if effect is None:
            hint = "call .eval() on the model first" if "mask" in call.name else ""
            what = f"what {call.name} does is not a computation that ONNX could make again"
            raise FormatError("export", f"{what} ({call.origin})", hint=hint)
        effect(self, owner, *args)
        return ()

    def apply(self, function: Callable[..., Any], *operands: Any, scope_: str = "", **params: Any) -> Sequence[Any]:
        """Record the calls of a function of primitives on some values, and return references to its results."""
        given: list[Any] = []

        def tensor(reference: Any) -> Any:
            if not isinstance(reference, Slot):
                return reference
            given.append(reference)
            return Tensor.wrap(argument(self.program.values[reference]))

        args = [tensor(each) for each in operands]
        options = {name: tensor(value) for name, value in params.items()}
        tensors = [each for each in (*args, *options.values()) if isinstance(each, Traced)]
        trace = Trace([each.value for each in tensors])
        with no_grad(), trace.running(), np.errstate(all="ignore"):
            result = function(*args, **options)
        references = dict(zip(trace.arguments, given, strict=True))
        results = [trace.reference(each) for each in (result if isinstance(result, tuple) else (result,))]
        self.add_calls(trace.calls, trace, references, scope_)
        return resolved(results, references)

    # --- what outlives a call -----------------------------------------------------------------

    def tensor(self, tensor: Any) -> Variable:
        """Return the variable of a parameter."""
        values = (
            value for slot, each in self.trace.tensors.items() if each is tensor for value in [self.trace.values[slot]]
        )
        name = self._names.get(id(tensor)) or tensor.name or "parameter"
        return self.variable(id(tensor), name, next(values, tensor.value))

    def buffer(self, module: Module, name: str) -> Variable:
        """Return the variable of a module's buffer."""
        path = self._names.get(id(module), "")
        return self.variable((id(module), name), f"{path}{name}", getattr(module, name), learned=False)

    def variable(self, key: Any, name: str, value: Any, *, fed: bool = False, learned: bool = True) -> Variable:
        """Return the variable for an object; a new one starts with a value."""
        if key not in self._variables:
            slot = self.program.new(np.asarray(value)[()])
            taken = {each.name for each in self.program.variables} | {name for name, _ in self.program.inputs}
            unique, count = name, 1
            while unique in taken:
                unique, count = f"{name}.{count}", count + 1
            self._variables[key] = Variable(unique, slot, self.program.values[slot], slot, fed, learned)
            self.program.variables.append(self._variables[key])
        return self._variables[key]

    def grad(self, tensor: Tensor) -> Any:
        """Return the reference for a tensor's gradient, including what earlier calls left; None if there is none."""
        key = id(tensor)
        added, before = self.grads.get(key), self.trace.before.get(key)
        if key in self._set or (added is None and before is None):
            return added
        if key not in self._carried:
            value = np.zeros(tensor.shape, tensor.dtype) if before is None else before
            name = f"{self.tensor(tensor).name}.grad"
            self._carried[key] = self.variable((key, "grad"), name, value, learned=False)
        left = self._carried[key].slot
        return left if added is None else self.apply(add, left, added)[0]

    def add_grad(self, tensor: Tensor, g: Any) -> None:
        """Add to a tensor's gradient."""
        before = self.grads.get(id(tensor))
        self.grads[id(tensor)] = g if before is None else self.apply(add, before, g)[0]

    def set_grad(self, tensor: Tensor, g: Any) -> None:
        """Set a tensor's gradient, or None."""
        self.grads[id(tensor)] = g
        self._set.add(id(tensor))

    def close(self) -> None:
        """Pass gradients on to the next call, if this one has asked for the previous call's."""
        for key, variable in self._carried.items():
            added = self.grads.get(key)
            if key not in self._set:
                variable.now = variable.slot if added is None else self.apply(add, variable.slot, added)[0]
            elif added is not None or variable.value.any():
                variable.now = np.zeros_like(variable.value) if added is None else added


def _names(modules: Sequence[Module]) -> Iterator[tuple[int, str]]:
    """Yield the names of parameters, and the paths of modules, by their ids."""
    roots: list[Module] = []
    seen: set[int] = set()
    for module in modules:
        if id(module) not in seen:
            roots.append(module)
            seen.update(id(each) for each in module.modules())
    for number, root in enumerate(roots):
        prefix = f"{number}." if len(roots) > 1 else ""
        for name, module in root.named_modules():
            yield id(module), f"{prefix}{name}." if name else prefix
        for name, parameter in root.named_parameters():
            yield id(parameter), prefix + name
