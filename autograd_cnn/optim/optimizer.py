"""The base of all optimisers: groups of parameters, their state, and the step.

The values of a parameter are never overwritten, because a graph may still need them: a step
computes new ones and rebinds ``parameter.data``.
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.engine.recording import enable_grad
from autograd_cnn.engine.trace import effect
from autograd_cnn.errors import ArgumentError, OperandError, ShapeError, require, sentence
from autograd_cnn.nn.module import Module, forget_gradients
from autograd_cnn.parameters import Parsed, flag, parsers_of
from autograd_cnn.tensor import Tensor

Params: TypeAlias = Iterable[Tensor] | Iterable[Mapping[str, Any]]
"""The parameters to optimise: tensors, or groups of them with options."""

Arrays: TypeAlias = list[NDArray[Any]]

Group: TypeAlias = dict[str, Any]
"""A parameter group: tensors under ``"params"``, and their options."""

State: TypeAlias = dict[str, Any]
"""The optimiser's state for one parameter. Its arrays are replaced, never overwritten."""

Move: TypeAlias = tuple[Tensor, NDArray[Any], State | None]
"""A parameter, its new values, and its new state; None keeps the old state."""


def _betas(where: str, name: str, value: Any) -> tuple[float, float]:
    both = _plain(value)
    if (
        not isinstance(both, tuple)
        or len(both) != 2
        or not all(isinstance(x, (int, float)) and 0 <= x < 1 for x in both)
    ):
        raise ArgumentError(where, f"{name} are out of range", expected="0 to below 1", got=value)
    return both


Betas: TypeAlias = Annotated[tuple[float, float], Parsed(_betas, frozenset())]
"""The shares of the past in two running means."""

_WAYS: Final = frozenset({"capturable", "differentiable", "foreach", "fused"})
"""PyTorch's options that choose how a step is computed, and do not change its result."""

_SCHEDULED: Final = frozenset({"base_momentum", "max_lr", "max_momentum", "min_lr", "swa_lr"})
"""Options that PyTorch's schedules store in the groups; schedules here keep their own."""

_NUMBERS: Final[dict[str, type[int] | type[float]]] = {"step": int, "mu_product": float}
"""State entries that are numbers here and tensors in PyTorch."""


class Optimizer:
    """The base of all optimisers; a subclass defines ``update``, and names its state in ``remembers``.

    Its options are the arguments of its constructor. Those annotated with how they are parsed, such as ``NotNegative``,
    are checked when they are passed, when a group or a state sets them, and in every step.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        The parameters to optimise. A dict is a group: tensors under ``"params"``, and options for this group.
    defaults : dict
        The options of groups that do not set them.

    Attributes
    ----------
    param_groups : list of dict
        The groups with all their options; a change takes effect in the next step.
    state : dict
        The state, by parameter.

    Raises
    ------
    ArgumentError
        If there is nothing to optimise; if a tensor occurs twice, is not a leaf or does not require a gradient;
        or if an option is unknown or out of range.
    OperandError
        If something is not a tensor.
    """

    remembers: ClassVar[Mapping[str, bool]] = {}
    """The names of state entries, and whether each is always present."""

    implies: ClassVar[Mapping[str, Any]] = {}
    """The values of PyTorch's missing options that match its behaviour; for all others, False."""

    def __init__(self, params: Params, defaults: Group) -> None:
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: dict[Tensor, State] = {}
        given = [params] if isinstance(params, (Tensor, Mapping)) else self._listed("params", params)
        if not given:
            raise ArgumentError(self._name, "params has no tensors to optimise")
        grouped = any(isinstance(each, Mapping) for each in given)
        for group in given if grouped else [{"params": given}]:
            self.add_param_group(group)  # type: ignore[arg-type]  # checked there

    def __post_init__(self) -> None:
        """Move the options of a `declared` optimiser to its groups."""
        options = {each.name: vars(self).pop(each.name) for each in fields(self)}  # type: ignore[arg-type]  # of a subclass
        Optimizer.__init__(self, options.pop("params"), options)

    def __setattr__(self, name: str, value: Any) -> None:
        """Keep the options of a `declared` optimiser until they move: a subclass may have properties of their names."""
        if name in getattr(self, "__dataclass_fields__", ()) and "param_groups" not in vars(self):
            vars(self)[name] = value
        else:
            super().__setattr__(name, value)

    @property
    def _name(self) -> str:
        return type(self).__name__

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Also optimise the tensors under ``group["params"]``.

        Raises
        ------
        ArgumentError, OperandError
            As the class does.
        """
        if not isinstance(group, Mapping) or "params" not in group:
            raise OperandError(
                self._name, "a group of parameters is not understood", expected="a dict with 'params'",
                got=f"keys {sorted(map(str, group))}" if isinstance(group, Mapping) else type(group).__name__,
                hint="for a model pass model.parameters()" if isinstance(group, Mapping) else ""
            )  # fmt: skip
        if unknown := group.keys() - self.defaults.keys() - {"params"}:
            raise ArgumentError(self._name, f"no option {min(unknown)!r}", hint=f"it has {', '.join(self.defaults)}")
        params = group["params"]
        tensors = [params] if isinstance(params, Tensor) else self._listed("params of a group", params)
        held = {id(p) for other in self.param_groups for p in other["params"]}
        for index, tensor in enumerate(tensors):
            self._check_tensor(tensor, index, held)
            held.add(id(tensor))
        self.param_groups.append(self._checked({**self.defaults, **group, "params": tensors}))

    def _listed(self, name: str, params: Any) -> list[Any]:
        """Return the parameters as a list."""
        if not isinstance(params, Iterable) or isinstance(params, str):
            hint = "pass model.parameters()" if callable(params) else ""  # a module, or its method
            problem = f"{name} is not iterable"
            expected = "tensors, such as a list of them"
            raise OperandError(self._name, problem, expected=expected, got=type(params).__name__, hint=hint)
        return list(params)

    def _check_tensor(self, tensor: Any, index: int, held: set[int]) -> None:
        hint = "pass model.parameters()" if isinstance(tensor, (str, tuple, Module)) else ""
        expected = "a Tensor"
        fits = isinstance(tensor, Tensor)
        require(fits, self._name, f"parameter {index} is not a tensor", expected, tensor, hint=hint)
        if not tensor.is_leaf:
            problem = f"parameter {index} is not a leaf"
            raise ArgumentError(self._name, problem, hint="optimise what it was computed from")
        if not tensor.requires_grad:
            raise ArgumentError(self._name, f"parameter {index} requires no gradient, so it would never move",
                                hint="set requires_grad, or leave it out: [p for p in parameters if p.requires_grad]")  # fmt: skip
        if id(tensor) in held:
            raise ArgumentError(self._name, f"parameter {index} comes a second time")

    def _checked(self, group: Group) -> Group:
        """Return a group with its options parsed as the constructor declares them.

        NumPy's numbers become Python's: a float64 scalar would promote float32 arrays.
        """
        where, parsers = self._name, _parsers(type(self))  # type: ignore[arg-type]  # a class can be hashed
        options = {
            name: parsers[name](where, name, value) if name in parsers else _plain(value)
            for name, value in group.items()
            if name != "params"
        } | {"params": group["params"]}
        self.check(options)
        return options

    def check(self, group: Group) -> None:
        """Raise `ArgumentError` if options do not go together; by default they do."""

    # --- steps --------------------------------------------------------------------------------

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset the gradients of all parameters to None, or fill existing ones with zeros.

        Raises
        ------
        OperandError
            If ``set_to_none`` is not a bool.
        """
        effect(self._zero_grad, flag("zero_grad", "set_to_none", set_to_none))

    def _zero_grad(self, set_to_none: bool) -> None:
        forget_gradients((p for group in self.param_groups for p in group["params"]), set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; on failure or interrupt, none is updated.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and its gradients before the step; it runs with recording on.

        Returns
        -------
        object
            What the closure returns, or None.

        Raises
        ------
        OperandError
            If ``closure`` is not a function.
        ArgumentError
            If an option has been set to a value that is out of range.
        ShapeError
            If a gradient's shape is not its parameter's, which has been given other values since.
        """
        loss = None if closure is None else self._run(closure)
        effect(self._step)
        return loss

    def _step(self) -> None:
        moves: list[Move] = []
        for group in map(self._checked, self.param_groups):
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if not parameters:
                continue
            values, grads = [p.value for p in parameters], [p.grad.value for p in parameters]
            for value, grad in zip(values, grads, strict=True):
                if grad.shape != value.shape:
                    problem = "a gradient is of another shape than its parameter"
                    hint = "call zero_grad() after a change"
                    raise ShapeError(self._name, problem, expected=value.shape, got=grad.shape, hint=hint)
            if group.get("maximize", False):
                grads = list(map(np.negative, grads))
            outs = list(map(np.empty_like, values))
            states = self.update_all(outs, values, grads, [self.state.get(p, {}) for p in parameters], group)
            for out in outs:
                out.flags.writeable = False
            moves += zip(parameters, outs, states, strict=True)
        self._make(moves)

    def _run(self, closure: Any) -> Any:
        require(
            callable(closure), f"{self._name}.step", "closure is not a function", "one that returns the loss", closure
        )
        with enable_grad():
            return closure()

    def _make(self, moves: list[Move]) -> None:
        """Store the new values and states; an interrupt waits until all of them are stored."""
        interrupt: BaseException | None = None
        while moves:
            try:
                parameter, out, state = moves[-1]
                parameter.take_values(out)
                if state is not None:
                    self.state[parameter] = state
                moves.pop()
            except KeyboardInterrupt as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt

    def update(self, out: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> State:
        """Write a parameter's next values into ``out``, and return its new state.

        Parameters
        ----------
        out : array
            For the result; may be used as scratch memory first.
        value, grad : array
            The parameter's values and gradient; must not be modified.
        state : dict
            The parameter's state; must not be modified. Empty before the first step.
        group : dict
            The options.

        Returns
        -------
        dict
            The state for the next step.
        """
        raise NotImplementedError(sentence(self._name, "update is not defined"))

    def update_all(self, outs: Arrays, values: Arrays, grads: Arrays, states: list[State], group: Group) -> list[State]:
        """Do what `update` does for all parameters of a group; a subclass may do it in one pass."""
        return [self.update(*each, group) for each in zip(outs, values, grads, states, strict=True)]

    # --- its state ----------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return the options and the state in PyTorch's form: parameters by position, arrays copied.

        To continue in another process, ``ag.save(path, model=model, optimizer=optimizer)`` saves both.
        """
        tensors = [p for group in self.param_groups for p in group["params"]]
        index = {id(p): i for i, p in enumerate(tensors)}
        return {
            "state": {index[id(p)]: copy.deepcopy(state) for p, state in self.state.items() if id(p) in index},
            "param_groups": [{**g, "params": [index[id(p)] for p in g["params"]]} for g in self.param_groups],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load options and state from `state_dict`, all or nothing.

        A state from PyTorch works, too, if it is of the same optimiser and uses no options that this one lacks.

        Raises
        ------
        OperandError
            If it is not such a dict.
        ArgumentError
            If the groups, options, shapes or states are not those of this optimiser.
        """
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= state_dict.keys():
            got = sorted(map(str, state_dict)) if isinstance(state_dict, Mapping) else type(state_dict).__name__
            expected = "a dict with 'state' and 'param_groups'"
            raise OperandError("load_state_dict", "it is not a state", expected=expected, got=got)
        groups = state_dict["param_groups"]
        if (
            not isinstance(state_dict["state"], Mapping)
            or not isinstance(groups, (list, tuple))
            or not all(isinstance(each, Mapping) for each in (*state_dict["state"].values(), *groups))
            or not all(isinstance(group.get("params"), (list, tuple)) for group in groups)
        ):
            raise self._foreign("a dict of memories and a list of groups with 'params'", repr(state_dict))
        sizes = [len(group["params"]) for group in self.param_groups], [len(group["params"]) for group in groups]
        if sizes[0] != sizes[1]:
            raise self._foreign(f"groups of {sizes[0]} parameters", sizes[1])
        tensors = [p for group in self.param_groups for p in group["params"]]
        order = [index for group in groups for index in group["params"]]
        if lost := state_dict["state"].keys() - set(order):
            raise self._foreign("memory of these parameters", f"some of parameter {min(lost, key=str)}")
        loaded = {}
        for tensor, index in zip(tensors, order, strict=True):
            if index in state_dict["state"]:
                loaded[tensor] = self._remembered(tensor, index, state_dict["state"][index])
        groups = [
            self._checked({**mine, **self._options(mine, theirs)})
            for mine, theirs in zip(self.param_groups, groups, strict=True)
        ]
        self.state = loaded
        for mine, options in zip(self.param_groups, groups, strict=True):
            mine.update(options)

    def _options(self, mine: Group, theirs: Mapping[str, Any]) -> Group:
        """Return the options of a loaded group; options that do not exist here must be off."""
        if missing := self.defaults.keys() - theirs.keys():
            raise self._foreign(f"the option {min(missing)!r}", f"{', '.join(sorted(theirs.keys() - {'params'}))}")
        known = {name: value for name, value in theirs.items() if name in mine or name == "initial_lr"}
        for name, value in theirs.items():
            implied = self.implies.get(name, False)
            if name not in {*known, *_WAYS, *_SCHEDULED} and value not in (None, implied):
                raise self._foreign(f"no option {name!r}, or {implied}", repr(value))
        known.pop("params")
        return known

    def _remembered(self, tensor: Tensor, index: int, state: Mapping[str, Any]) -> State:
        try:
            return self._adopted(tensor, index, state)
        except ArgumentError:
            raise
        except (TypeError, ValueError, OverflowError) as error:  # of a conversion
            raise self._foreign(f"numbers and arrays of parameter {index}", repr(state)) from error

    def _adopted(self, tensor: Tensor, index: int, state: Mapping[str, Any]) -> State:
        """Copy the state of one parameter, with arrays in its dtype."""
        state = {name: value for name, value in state.items() if value is not None}  # PyTorch's initial values
        always = {name for name, needed in self.remembers.items() if needed}
        if state and (not state.keys() <= self.remembers.keys() or not always <= state.keys()):
            expected = f"{', '.join(self.remembers) or 'nothing'} of parameter {index}"
            raise self._foreign(expected, ", ".join(map(str, state)))
        return {name: _NUMBERS[name](value) if name in _NUMBERS else _array(tensor, index, name, value)
                for name, value in state.items()}  # fmt: skip

    def _foreign(self, expected: str, got: object) -> ArgumentError:
        return ArgumentError(
            sentence("load_state_dict", f"the state is not of this {self._name}", expected=expected, got=got)
        )

    def __repr__(self) -> str:
        shown = []
        for group in self.param_groups:
            options = ", ".join(f"{name}={value}" for name, value in group.items() if name != "params")
            shown.append(f"{len(group['params'])} parameters, {options}")
        return f"{self._name}({'; '.join(shown)})"


class OnePassOptimizer(Optimizer):
    """An optimiser whose ``descend`` updates all parameters of a group in one pass.

    A subclass may still define `update`, which is then used for each parameter.
    """

    def update(self, out: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> State:
        """Write a parameter's next values into ``out``, and return what to remember."""
        return self.descend([out], [value], [grad], [state], group)[0]

    def update_all(self, outs: Arrays, values: Arrays, grads: Arrays, states: list[State], group: Group) -> list[State]:
        """Write the next values of all parameters, and return their new states."""
        one_pass = type(self).update is OnePassOptimizer.update
        return (self.descend if one_pass else super().update_all)(outs, values, grads, states, group)

    def descend(self, outs: Arrays, values: Arrays, grads: Arrays, states: list[State], group: Group) -> list[State]:
        """Do what `update_all` does, in one pass."""
        raise NotImplementedError(sentence(self._name, "descend is not defined"))


def decayed(grad: NDArray[Any], value: NDArray[Any], weight_decay: float) -> NDArray[Any]:
    """Return the gradient of the loss plus ``weight_decay / 2`` times the squared values."""
    return grad + value * weight_decay if weight_decay else grad


@lru_cache(maxsize=64)
def _parsers(kind: type[Optimizer]) -> dict[str, Parsed]:
    """Return how the options that a class of optimisers declares are parsed."""
    return {name: parse for each in kind.__mro__[::-1] for name, parse in parsers_of(each.__init__).items()}  # type: ignore[misc]  # of the class


def _array(tensor: Tensor, index: int, name: str, value: Any) -> NDArray[Any]:
    array = np.asarray(value).astype(tensor.dtype)  # copied by NumPy, not by PyTorch's tensor
    if array.shape != tensor.shape:
        problem = f"{name!r} of parameter {index} has the wrong shape"
        raise ArgumentError("load_state_dict", problem, expected=tensor.shape, got=array.shape)
    return array


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(map(_plain, value))
    return (
        value.item() if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim) else value
    )
