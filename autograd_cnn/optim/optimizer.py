"""What all optimisers have in common: groups of parameters, their state, and the step.

The values of a parameter are never written to, since a graph may still need them: a step
computes new ones and rebinds ``parameter.data``.
"""

import copy
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.errors import ArgumentError, OperandError, sentence
from autograd_cnn.tensor import Tensor

Group: TypeAlias = dict[str, Any]
"""Parameters under ``"params"``, and the options that hold for them."""

State: TypeAlias = dict[str, Any]
"""What an optimiser remembers of one parameter from step to step."""


class Optimizer:
    """The base of all optimisers; a subclass defines ``update``.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        What to optimise. A dict is a group: tensors under ``"params"``, and options of its own.
    defaults : dict
        The options of groups that do not say otherwise.

    Attributes
    ----------
    param_groups : list of dict
        The groups with all their options; a change holds from the next step on.
    state : dict
        What is remembered, by parameter.

    Raises
    ------
    ArgumentError
        If there is nothing to optimise, a tensor comes twice, is no leaf or requires no gradient,
        or an option is unknown or out of range.
    OperandError
        If something is no tensor.
    """

    def __init__(self, params: Iterable[Tensor] | Iterable[Mapping[str, Any]], defaults: Group) -> None:
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: dict[Tensor, State] = {}
        given = [params] if isinstance(params, (Tensor, Mapping)) else list(params)
        if not given:
            raise ArgumentError(sentence(self._name, "there are no parameters to optimise"))
        grouped = any(isinstance(each, Mapping) for each in given)
        for group in given if grouped else [{"params": given}]:
            self.add_param_group(group)  # type: ignore[arg-type]  # checked there

    @property
    def _name(self) -> str:
        return type(self).__name__

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Optimise the tensors under ``group["params"]``, too.

        Raises
        ------
        ArgumentError, OperandError
            As the class does.
        """
        if not isinstance(group, Mapping) or "params" not in group:
            raise OperandError(
                sentence(self._name, "a group of parameters is not understood", expected="a dict with 'params'",
                         got=type(group).__name__ if not isinstance(group, Mapping) else f"keys {sorted(group)}")
            )  # fmt: skip
        if unknown := group.keys() - self.defaults.keys() - {"params"}:
            raise ArgumentError(
                sentence(self._name, f"no option {min(unknown)!r}", hint=f"it has {', '.join(self.defaults)}")
            )
        params = group["params"]
        tensors = [params] if isinstance(params, Tensor) else list(params)
        held = {id(p) for other in self.param_groups for p in other["params"]}
        for place, tensor in enumerate(tensors):
            self._check_tensor(tensor, place, held)
            held.add(id(tensor))
        options = {**self.defaults, **group, "params": tensors}
        self.check(options)
        self.param_groups.append(options)

    def _check_tensor(self, tensor: Any, place: int, held: set[int]) -> None:
        if not isinstance(tensor, Tensor):
            raise OperandError(
                sentence(self._name, f"parameter {place} is no tensor", expected="a Tensor", got=type(tensor).__name__)
            )
        if not tensor.is_leaf:
            raise ArgumentError(
                sentence(self._name, f"parameter {place} is no leaf", hint="optimise what it was computed from")
            )
        if id(tensor) in held:
            raise ArgumentError(sentence(self._name, f"parameter {place} comes a second time"))

    def check(self, group: Group) -> None:
        """Raise `ArgumentError` if an option is out of range."""
        self._at_least_zero(group, "lr", "weight_decay")

    def _at_least_zero(self, group: Group, *names: str) -> None:
        for name in names:
            if not group[name] >= 0:
                raise ArgumentError(
                    sentence(self._name, f"{name} is out of range", expected="at least 0", got=repr(group[name]))
                )

    # --- what it is for -----------------------------------------------------------------------

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def step(self) -> None:
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state.get(parameter)
                if state is None:
                    state = self.state[parameter] = {}
                moved = np.empty_like(parameter.value)
                self.update(moved, parameter.value, parameter.grad.value, state, group)
                moved.flags.writeable = False
                parameter.data = Tensor.of(moved)  # not copied

    def update(self, moved: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> None:
        """Write a parameter's next values into ``moved``.

        Parameters
        ----------
        moved : array
            To be filled; until then scratch.
        value, grad : array
            The parameter's values and gradient, not to be written to.
        state : dict
            What is remembered of the parameter; empty before its first step.
        group : dict
            The options.
        """
        raise NotImplementedError(sentence(self._name, "update is not defined"))

    # --- its state ----------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return options and memory as PyTorch does: parameters by their position, arrays copied."""
        tensors = [p for group in self.param_groups for p in group["params"]]
        place = {id(p): i for i, p in enumerate(tensors)}
        return {
            "state": {place[id(p)]: copy.deepcopy(state) for p, state in self.state.items()},
            "param_groups": [{**g, "params": [place[id(p)] for p in g["params"]]} for g in self.param_groups],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over options and memory from `state_dict`, all or nothing.

        Raises
        ------
        ArgumentError
            If the groups or the shapes are not those of this optimiser.
        """
        groups = state_dict["param_groups"]
        sizes = [len(group["params"]) for group in self.param_groups], [len(group["params"]) for group in groups]
        if sizes[0] != sizes[1]:
            raise ArgumentError(
                sentence("load_state_dict", f"the state is of another {self._name}",
                         expected=f"groups of {sizes[0]} parameters", got=sizes[1])
            )  # fmt: skip
        tensors = [p for group in self.param_groups for p in group["params"]]
        order = [place for group in groups for place in group["params"]]
        loaded = {}
        for tensor, place in zip(tensors, order, strict=True):
            if place in state_dict["state"]:
                loaded[tensor] = _adopted(tensor, place, state_dict["state"][place])
        known = [{key: theirs[key] for key in theirs if key in mine and key != "params"}
                 for mine, theirs in zip(self.param_groups, groups, strict=True)]  # fmt: skip
        for mine, options in zip(self.param_groups, known, strict=True):
            self.check({**mine, **options})
        self.state = loaded
        for mine, options in zip(self.param_groups, known, strict=True):
            mine.update(options)

    def __repr__(self) -> str:
        shown = []
        for group in self.param_groups:
            options = ", ".join(f"{name}={value}" for name, value in group.items() if name != "params")
            shown.append(f"{len(group['params'])} parameters, {options}")
        return f"{self._name}({'; '.join(shown)})"


def _adopted(tensor: Tensor, place: int, state: Mapping[str, Any]) -> State:
    """Copy what was remembered of one parameter, arrays in its dtype."""
    taken: State = {}
    for name, value in state.items():
        if value is None:  # PyTorch's mark for a momentum that has not begun
            continue
        if name == "step":
            taken[name] = int(value)
            continue
        array = np.asarray(value).astype(tensor.dtype)  # a copy, for which PyTorch's tensors must not be asked
        if array.shape != tensor.shape:
            raise ArgumentError(
                sentence("load_state_dict", f"{name!r} of parameter {place} has the wrong shape",
                         expected=tensor.shape, got=array.shape)
            )  # fmt: skip
        taken[name] = array
    return taken
