"""Other libraries' names: PyTorch's and NumPy's, and what to write here instead.

If another library's name means the same as ours, it is understood. If it would mean something
else, or has no counterpart here, an error says what to write.
"""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any, Final, NoReturn

from autograd_cnn.errors import OperandError, sentence

LEAVING: Final = "use .numpy() to leave the tape, or an ag function"

# --- arguments --------------------------------------------------------------------------------

_SYNONYMS: Final = {
    "dim": ("axis",),
    "axis": ("dim",),
    "dims": ("axis", "axes"),
    "dim0": ("axis1",),
    "dim1": ("axis2",),
    "keepdim": ("keepdims",),
    "correction": ("ddof",),
    "shifts": ("shift",),
    "num_classes": ("classes",),
    "tensors": ("arrays",),
    "a_min": ("min",),
    "a_max": ("max",),
    "newshape": ("shape",),
}
"""Other libraries' arguments, and ours that mean the same."""

_DIFFERENT: Final = {
    **{
        name: f"axis= gives the values alone, where PyTorch's dim= gives positions too; those are ag.arg{name}'s"
        for name in ("max", "min", "sort")
    },
    "median": "axis= gives the mean of the two in the middle, where PyTorch's dim= gives the lower, and positions",
    "split": "an int is the number of parts, where PyTorch's is their length; say axis=",
    **dict.fromkeys(
        ("var", "std"), "PyTorch divides by n - 1 and NumPy by n: say axis= and ddof=1, or correction= beside dim="
    ),
}
"""Functions whose ``dim`` means something else in PyTorch, and what to say."""

_HINTS: Final = {
    "out": "a result is always new: assign it, as in y = ...",
    "where": "choose with ag.where",
    "dtype": "convert with .astype",
    "unbiased": "say ddof=1 or ddof=0",
}
"""Arguments that do not exist here, and what to do instead."""

_HINTS_OF: Final = {"fit": "epochs, batch_size and the like are in config=train.TrainConfig(...)"}
"""Functions, and where to find arguments that they do not have."""

_UPDATES: Final = {"SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam"}
_WITHOUT_EFFECT: Final = {
    "inplace": {"relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "softplus"},
    "copy": {"astype"},
    **dict.fromkeys(("capturable", "foreach", "fused"), _UPDATES),
}
"""Arguments, and the functions in which they have no effect: results are always new, and steps have one form."""


def understood(where: str, params: dict[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments ``params`` of the function ``where`` by its own ``names``, each with its default.

    Raises
    ------
    OperandError
        If an argument is given twice, or means something else in other libraries.

    Examples
    --------
    >>> understood("sum", {"dim": 1, "keepdim": True}, {"axis": None, "keepdims": False})
    {'axis': 1, 'keepdims': True}
    """
    found = {name: value for name, value in params.items() if name in names}
    for name, value in params.items():
        if name in names or where in _WITHOUT_EFFECT.get(name, ()):
            continue
        own = next((each for each in _SYNONYMS.get(name, ()) if each in names), name)
        if name == "dim" and where in _DIFFERENT and "correction" not in params:
            raise OperandError(where, "argument 'dim' means something else here", hint=_DIFFERENT[where])
        if own != name and own in found and found[own] is not names[own]:
            raise OperandError(where, f"{name} and {own} are the same", hint=f"say {own} alone")
        found[own] = value
    return found


def unknown_argument(where: str, name: str, listed: str) -> OperandError:
    """Return the error that says that ``where`` has no argument ``name``, and what it takes."""
    hint = _HINTS_OF.get(where) or _HINTS.get(name) or alike(name, listed.replace("*", "").split(", "))
    takes = f"it takes {listed}"
    return OperandError(sentence(where, f"no argument {name!r}", hint=f"{hint}; {takes}" if hint else takes))


# --- functions --------------------------------------------------------------------------------

FUNCTIONS: Final = {
    "amax": "max", "amin": "min", "bmm": "matmul", "cat": "concatenate", "clamp": "clip", "concat": "concatenate",
    "conv2d": "correlate2d", "conv_transpose2d": "correlate2d_transpose", "cross_entropy": "nn.cross_entropy",
    "div": "divide", "eq": "equal", "expand": "broadcast_to", "expit": "sigmoid", "from_numpy": "tensor",
    "asarray": "tensor", "array": "tensor", "as_tensor": "tensor", "ge": "greater_equal", "gt": "greater",
    "le": "less_equal", "lt": "less", "max_pool2d": "max_pool", "avg_pool2d": "mean_pool",
    "adaptive_avg_pool2d": "adaptive_mean_pool", "mm": "matmul", "Module": "nn.Module", "mse_loss": "nn.mse_loss",
    "mul": "multiply", "mv": "matmul", "ne": "not_equal", "neg": "negative", "Parameter": "nn.Parameter",
    "permute": "transpose", "pow": "power", "row_stack": "concatenate", "sub": "subtract", "true_divide": "divide",
    "unsqueeze": "expand_dims", "view": "reshape", "gather": "take_along_axis", "index_select": "take",
    "masked_fill": "where", "Sequential": "nn.Sequential", "Conv2d": "nn.Conv2d", "Linear": "nn.Linear",
    "Adam": "optim.Adam", "SGD": "optim.SGD", "gradcheck": "testing.gradcheck", "copy": "positive",
    "clone": "positive", "chunk": "split", "movedim": "moveaxis", "swapdims": "swapaxes",
    "get_num_threads": "num_threads", "repeat_interleave": "repeat", "DataLoader": "data.Loader",
    "TensorDataset": "data.Split",
}  # fmt: skip
"""Functions and classes of other libraries, and their names under ``ag``."""

IDIOMS: Final = {
    **{name: f"ag.tensor(np.{name}(...))" for name in ("arange", "empty", "eye", "ones", "zeros")},
    **{f"{name}_like": f"ag.tensor(np.{name}(x.shape))" for name in ("ones", "zeros")},
    **{name: f"np.{name}" for name in ("float16", "float32", "float64", "int64")},
    "flatten": "ag.reshape(x, -1)",
    "full": "ag.tensor(np.full(...)), or ag.broadcast_to for a recorded value",
    "inference_mode": "ag.no_grad()",
    "lr_scheduler": "ag.optim.lr_scheduler",
    "swa_utils": "ag.optim itself: AveragedModel is there beside the optimisers",
    "normal": "ag.tensor(rng.normal(...))",
    "one_hot": "np.eye(classes)[labels]",
    "rand": "ag.tensor(rng.random(...))",
    "randn": "ag.tensor(rng.standard_normal(...))",
    "seed": "ag.manual_seed, or generators of NumPy's, such as np.random.default_rng(seed)",
    "set_grad_enabled": "ag.no_grad() or ag.enable_grad()",
    "functional": "ag.nn.functional",
    "autograd": "ag.gradients, ag.grad, ag.jacobian and their kin",
    "special": "scipy.special, whose functions take tensors",
    "lgamma": "scipy.special.gammaln, which takes tensors",
    "polygamma": "scipy.special.zeta: polygamma(n, x) is (-1) ** (n + 1) * factorial(n) * zeta(n + 1, x)",
    **{
        name: f"scipy.special.{name}, which takes tensors"
        for name in ("digamma", "erfc", "erfinv", "i0", "logit", "xlogy")
    },
}
"""Functions of other libraries, and what to write here."""


def instead_of(name: str) -> str | None:
    """Return what to write here for another library's function, or None if it is not known.

    Examples
    --------
    >>> instead_of("cat")
    'ag.concatenate'
    """
    return f"ag.{FUNCTIONS[name]}" if name in FUNCTIONS else IDIOMS.get(name)


def missing(module: str, name: str, there: Collection[str]) -> AttributeError:
    """Return the error that says that ``module`` has no ``name``, and what it has instead."""
    text = f"no {name!r}"
    if instead := instead_of(name):
        return AttributeError(sentence(module, text, hint=f"use {instead}"))
    if name.startswith("_"):  # Python's own, which debuggers, mocks and test runners look up on any object
        return AttributeError(sentence(module, text))
    return AttributeError(sentence(module, text, hint=alike(name, there)))


def alike(name: str, there: Collection[str]) -> str:
    """Return a question for the name that is most similar, or nothing.

    Examples
    --------
    >>> alike("strid", ["kernel_size", "stride"]), alike("rate", ["lr"])
    ("did you mean 'stride'?", '')
    """
    found = [each for each in there if each.lower() == name.lower()] or get_close_matches(name, there, n=1)
    return f"did you mean {found[0]!r}?" if found else ""


def public(names: Mapping[str, object]) -> list[str]:
    """Return the functions and classes among a module's names, for its ``__all__``."""
    return sorted(name for name, value in names.items() if callable(value) and name[0] != "_")


def announce(module: dict[str, Any], *others: str) -> None:
    """Give a module an ``__all__``, if it has none, and a ``__getattr__`` that says what to use instead of a missing name.

    Type checkers do not see either: they follow the imports, and would assume that every name exists.
    """
    module.setdefault("__all__", sorted({*others, *public(module)}))

    def __getattr__(name: str) -> NoReturn:  # noqa: N807  # a module's
        raise missing(module["__name__"], name, module["__all__"])

    module["__getattr__"] = __getattr__


# --- attributes of tensors --------------------------------------------------------------------

IN_PLACE: Final = "write t += other, t *= other, t[...] = value"
ATTRIBUTES: Final = {
    **dict.fromkeys(["choose", "imag", "kthvalue", "mode", "nonzero", "real"], LEAVING),
    **dict.fromkeys(["addmm", "addmv", "addcmul", "addcdiv", "baddbmm", "lerp", "rsqrt"], "use operators"),
    **dict.fromkeys(["cuda", "is_cuda", "pin_memory"], "everything runs on the CPU"),
    **dict.fromkeys(["new_empty", "new_full", "new_ones", "new_tensor", "new_zeros"], "use ag.tensor"),
    **dict.fromkeys(
        ["nbytes", "itemsize", "strides", "tobytes", "tofile", "tostring"], "ask the array that .numpy() gives"
    ),
    **dict.fromkeys(["fill", "fill_"], "write t[...] = value"),
    **dict.fromkeys(["put", "scatter", "scatter_", "index_put_", "masked_fill_"], "write t[index] = values"),
    **dict.fromkeys(["normal_", "uniform_", "random_"], "use nn.init, or t.data = rng.normal(...) and its like"),
    **dict.fromkeys(["resize", "resize_"], "use .reshape"),
    **dict.fromkeys(
        ["digamma", "erfc", "erfinv", "i0", "lgamma", "logit", "polygamma", "xlogy"],
        "use scipy.special's functions, which take tensors",
    ),
    "chunk": "use ag.split",
    "copy_": "write t.data = values",
    "detach_": "write t = t.detach()",
    "flat": "use .ravel()",
    "gather": "use ag.take_along_axis",
    "grad_fn": "use .node",
    "index_select": "use .take(indices, axis)",
    "masked_fill": "use ag.where(mask, value, t)",
    "masked_select": "write t[mask]",
    "narrow": "write a slice",
    "norm": "use ag.norm",
    "ptp": "use ag.ptp",
    "select": "write t[index]",
    "split": "use ag.split, which takes numbers or places of sections, as NumPy's",
    "stride": "ask the array that .numpy() gives",
    "topk": "use ag.sort, or ag.take_along_axis at the places that np.argpartition gives",
    "type": "use .astype",
    "type_as": "use .astype(other.dtype)",
    "unbind": "iterate over the tensor",
    "unfold": "use ag.nn.functional.unfold for the patches of images",
    "where": "use ag.where(condition, t, other)",
    "zero_": "write t.grad = None for a gradient, t[...] = 0 otherwise",
    "zero_grad": "write t.grad = None",
}
"""Attributes of other libraries' tensors and arrays, and what to do here."""


MODULE_ATTRIBUTES: Final = {
    **dict.fromkeys(["cpu", "cuda", "device"], "everything runs on the CPU"),
    "type": "use .astype",
    "backward": "call it on the loss",
    "fit": "use ag.train.fit",
    "compile": "use ag.train.fit, or ag.compile for a step of your own",
    "predict": "use ag.train.predict",
    "evaluate": "use ag.train.evaluate",
    "summary": "print the module",
    "save": "use ag.save",
    "load": "use model.load_state_dict(ag.load(path))",
}
"""Attributes of other libraries' modules, and what to do here."""


class Elsewhere:
    """An attribute that other libraries' tensors or modules have: access raises an error that says what to do here.

    For ``hasattr`` it does not exist. Unlike ``__getattr__``, it does not slow down other accesses.
    """

    __slots__ = ("_hint", "_name", "_of")

    def __init__(self, name: str, hint: str, of: str = "tensor") -> None:
        self._of = of
        self._name = name
        self._hint = hint

    def __get__(self, owner: object, kind: type | None = None) -> NoReturn:
        raise AttributeError(sentence(self._of, f"no attribute {self._name!r}", hint=self._hint))
