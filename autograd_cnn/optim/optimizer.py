"""What all optimisers have in common: groups of parameters, their state, and the step.

The values of a parameter are never written to, since a graph may still need them: a step
computes new ones and rebinds ``parameter.data``.
"""

import copy
import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.errors import ArgumentError, OperandError, ShapeError, sentence
from autograd_cnn.nn.module import Parameter
from autograd_cnn.tensor import Tensor

Group: TypeAlias = dict[str, Any]
"""Parameters under ``"params"``, and the options that hold for them."""

State: TypeAlias = dict[str, Any]
"""What an optimiser remembers of one parameter from step to step."""

WITHOUT_EFFECT: Final = frozenset({"foreach", "fused", "capturable", "differentiable", "param_names"})
"""Options of PyTorch's that say how a step is computed, not what comes out."""


class Optimizer:
    """The base of all optimisers; a subclass defines ``update``.

    A frozen `nn.Parameter`, one that requires no gradient, rests until it is thawed; of other tensors all must
    require one.

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
    fixed : mapping
        Options that PyTorch's optimiser of this name has and this one has not, with the values that they have here.
    remembered : set of str or None
        The names of what is remembered; None if `load_state_dict` takes any.

    Raises
    ------
    ArgumentError
        If there is nothing to optimise, a tensor comes twice, is no leaf or requires no gradient,
        or an option is unknown or out of range.
    OperandError
        If something is no tensor, or an option no number.
    """

    fixed: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    remembered: ClassVar[frozenset[str] | None] = None

    def __init__(self, params: Iterable[Tensor] | Iterable[Mapping[str, Any]], defaults: Group) -> None:
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: dict[Tensor, State] = {}
        self._before: dict[Tensor, State] = {}  # what was remembered a step ago, whose arrays are written to next
        self._spare: State = {}  # that of the parameter which is about to move
        given = self._listed(params)
        if not given:
            raise ArgumentError(sentence(self._name, "there are no parameters to optimise"))
        grouped = any(isinstance(each, Mapping) for each in given)
        for group in given if grouped else [{"params": given}]:
            self.add_param_group(group)
        if not any(tensor.requires_grad for group in self.param_groups for tensor in group["params"]):
            raise ArgumentError(
                sentence(self._name, "no parameter requires a gradient", hint="thaw one with .requires_grad = True")
            )

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _listed(self, params: Any) -> list[Any]:
        if isinstance(params, (Tensor, Mapping)):
            return [params]
        if isinstance(params, np.ndarray) or not isinstance(params, Iterable):
            raise OperandError(
                sentence(self._name, "the parameters are not understood", expected="tensors, or dicts with 'params'",
                         got=type(params).__name__)
            )  # fmt: skip
        return list(params)

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
                sentence(self._name, f"no option {min(unknown, key=str)!r}", hint=f"it has {', '.join(self.defaults)}")
            )
        tensors = self._listed(group["params"])
        if not tensors:
            raise ArgumentError(sentence(self._name, "a group has no parameters"))
        held = {id(p) for other in self.param_groups for p in other["params"]}
        for place, tensor in enumerate(tensors):
            self._check_tensor(tensor, place, held)
            held.add(id(tensor))
        self.param_groups.append(self._checked({**self.defaults, **group, "params": tensors}))

    def _check_tensor(self, tensor: Any, place: int, held: set[int]) -> None:
        if not isinstance(tensor, Tensor):
            raise OperandError(
                sentence(self._name, f"parameter {place} is no tensor", expected="a Tensor", got=type(tensor).__name__)
            )
        if not tensor.is_leaf:
            raise ArgumentError(
                sentence(self._name, f"parameter {place} is no leaf", hint="optimise what it was computed from")
            )
        if not tensor.requires_grad and not isinstance(tensor, Parameter):
            raise ArgumentError(
                sentence(self._name, f"parameter {place} requires no gradient", hint="make it with requires_grad=True")
            )
        if id(tensor) in held:
            raise ArgumentError(sentence(self._name, f"parameter {place} comes a second time"))

    def check(self, group: Group) -> None:
        """Raise `ArgumentError` if an option is out of range, `OperandError` if it is of the wrong kind."""
        self._in_range(group, "lr", "weight_decay")

    def _in_range(self, group: Group, *names: str, most: float = math.inf) -> None:
        for name in names:
            value = group[name]
            if type(value) is not float and type(value) is not int:
                raise OperandError(
                    sentence(self._name, f"{name} is no number", expected="a number", got=type(value).__name__)
                )
            if not 0 <= value <= most or value == math.inf:
                said = "infinite" if value == math.inf else "out of range"
                expected = "at least 0" if most == math.inf else f"0 to {most}"
                raise ArgumentError(sentence(self._name, f"{name} is {said}", expected=expected, got=repr(value)))

    def _checked(self, group: Group) -> Group:
        """Return a group with NumPy's numbers as Python's, by which no float32 becomes a float64."""
        options = {
            name: value.item() if isinstance(value, (np.ndarray, np.generic)) and value.ndim == 0 else value
            for name, value in group.items()
        }
        self.check(options)
        return options

    # --- what it is for -----------------------------------------------------------------------

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def step(self) -> None:
        """Move every parameter that has a gradient; after an error or an interruption none has moved.

        Raises
        ------
        ArgumentError, OperandError
            If an option has been set to what is out of range.
        ShapeError
            If a gradient has not the shape of its parameter.
        """
        steps = []
        for group in [self._checked(group) for group in self.param_groups]:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                value, grad = parameter.value, parameter.grad.value
                if grad.shape != value.shape:
                    raise ShapeError(
                        sentence(self._name, "a gradient has the wrong shape", expected=f"its parameter's {value.shape}",
                                 got=grad.shape)
                    )  # fmt: skip
                state = dict(self.state.get(parameter, {}))
                self._spare = self._before.get(parameter, {})
                moved = np.empty_like(value)
                self.update(moved, value, grad, state, group)
                moved.flags.writeable = False
                steps.append((parameter, Tensor.of(value), Tensor.of(moved), state))  # not copied
        held = self.state
        try:
            for parameter, _, moved_to, _ in steps:
                parameter.data = moved_to
            self.state = {**held, **{parameter: state for parameter, _, _, state in steps}}
            self._before = held
        except BaseException:
            for parameter, before, _, _ in steps:
                if parameter.is_leaf:
                    parameter.data = before
            self.state, self._before = held, {}
            raise

    def decayed(self, state: State, name: str, factor: float) -> NDArray[Any]:
        """Replace an array of a state by ``factor`` times it, which may be written to; for use in ``update``.

        The memory is that of the step before the last, as new memory costs more than the arithmetic.
        """
        array = state[name]
        out = self._spare.get(name)
        state[name] = np.multiply(array, factor, out=np.empty_like(array) if out is None else out)
        moved: NDArray[Any] = state[name]
        return moved

    def update(self, moved: NDArray[Any], value: NDArray[Any], grad: NDArray[Any], state: State, group: Group) -> None:
        """Write a parameter's next values into ``moved``.

        Parameters
        ----------
        moved : array
            To be filled; until then scratch.
        value, grad : array
            The parameter's values and gradient, not to be written to.
        state : dict
            What is remembered of the parameter; empty before its first step. Replace what it holds,
            as `decayed` does: the arrays in it are not to be written to, since they hold still if the step fails.
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
            "param_groups": [
                {**self.fixed, **g, "params": [place[id(p)] for p in g["params"]]} for g in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over options and memory from `state_dict`, all or nothing.

        The state may be PyTorch's, of the optimiser of this name. Options of PyTorch's that change no result are left
        out, and others that are not here must be off.

        Raises
        ------
        ArgumentError
            If the groups, the options, the names of what is remembered or the shapes are not those of this optimiser.
        """
        groups = self._groups_of(state_dict)
        options = [self._checked({**mine, **self._known(theirs)})
                   for mine, theirs in zip(self.param_groups, groups, strict=True)]  # fmt: skip
        tensors = [p for group in self.param_groups for p in group["params"]]
        order = [place for group in groups for place in group["params"]]
        held = state_dict["state"]
        if len(set(order)) < len(order) or held.keys() - set(order):
            raise ArgumentError(
                sentence("load_state_dict", "what is remembered does not go with the groups",
                         expected=f"parameters {sorted(order)}, each once", got=f"state of {sorted(held, key=str)}")
            )  # fmt: skip
        loaded = {tensor: self._adopted(tensor, place, held[place])
                  for tensor, place in zip(tensors, order, strict=True) if place in held}  # fmt: skip
        before = self.state, [dict(group) for group in self.param_groups]
        try:
            self._set(loaded, options)
        except BaseException:
            self._set(*before)
            raise

    def _set(self, state: dict[Tensor, State], options: list[Group]) -> None:
        self.state, self._before = state, {}
        for group, values in zip(self.param_groups, options, strict=True):
            group.update(values)

    def _groups_of(self, state_dict: Mapping[str, Any]) -> list[Group]:
        """Return the groups of a state, as many of them and as large as those here."""
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= state_dict.keys():
            raise ArgumentError(
                sentence("load_state_dict", "this is no state of an optimiser", expected="'state' and 'param_groups'",
                         got=sorted(map(str, state_dict)) if isinstance(state_dict, Mapping)
                         else type(state_dict).__name__)
            )  # fmt: skip
        groups: list[Group] = state_dict["param_groups"]
        sizes = [len(group["params"]) for group in self.param_groups], [len(group["params"]) for group in groups]
        if sizes[0] != sizes[1]:
            raise ArgumentError(
                sentence("load_state_dict", f"the state is of another {self._name}",
                         expected=f"groups of {sizes[0]} parameters", got=sizes[1])
            )  # fmt: skip
        return groups

    def _known(self, theirs: Mapping[str, Any]) -> Group:
        """Return the options of a loaded group that there are here; the others must not matter."""
        known = {}
        for name, value in theirs.items():
            if name in self.defaults or name == "initial_lr":  # a schedule's
                known[name] = value
            elif name in self.fixed or name == "maximize":
                if bool(value) != self.fixed.get(name, False):
                    raise ArgumentError(
                        sentence("load_state_dict", f"the state is not one of {self._name}",
                                 expected=f"{name}={self.fixed.get(name, False)}", got=value)
                    )  # fmt: skip
            elif name not in WITHOUT_EFFECT and name != "params":
                raise ArgumentError(
                    sentence("load_state_dict", f"the state is not one of {self._name}: no option {name!r}",
                             hint=f"it has {', '.join(self.defaults)}")
                )  # fmt: skip
        return known

    def _adopted(self, tensor: Tensor, place: int, state: Mapping[str, Any]) -> State:
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
        return self._complete(taken, place)

    def _complete(self, state: State, place: int) -> State:
        """Return what is remembered of one parameter if a step can go on from it."""
        if self.remembered is None or not state:
            return state
        names = state.keys() - ({"step"} - self.remembered)  # PyTorch counts where nobody asks
        if names - self.remembered or self.remembered - names - {"momentum_buffer"}:
            raise ArgumentError(
                sentence("load_state_dict", f"what is remembered of parameter {place} is not {self._name}'s",
                         expected=", ".join(sorted(self.remembered)), got=", ".join(sorted(state)))
            )  # fmt: skip
        return {name: value for name, value in state.items() if name in self.remembered}

    def __repr__(self) -> str:
        shown = []
        for group in self.param_groups:
            options = ", ".join(f"{name}={value}" for name, value in group.items() if name != "params")
            shown.append(f"{len(group['params'])} parameters, {options}")
        return f"{self._name}({'; '.join(shown)})"
