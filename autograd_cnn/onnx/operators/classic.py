"""ONNX's operators of classic machine learning, in the domain ``ai.onnx.ml``, to which scikit-learn models export.

Their learned numbers are attributes, so they have no parameters; gradients flow to the features. Rows of features are
(N, F), scores of targets or classes (N, E). Source: https://onnx.ai/onnx/operators/index.html#ai-onnx-ml
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_cnn import ops
from autograd_cnn.engine.node import Array, Shape, shape_of
from autograd_cnn.errors import FormatError, sentence
from autograd_cnn.onnx.budget import CALL
from autograd_cnn.onnx.operator import Fixed, Flag, Indices, Values, detached, known, operator
from autograd_cnn.tensor.numpy_functions import plain_index

_ml = partial(operator, domain="ai.onnx.ml")

Transform: TypeAlias = Literal["NONE", "LOGISTIC", "SOFTMAX"]


def _transformed(scores: Array, transform: Transform) -> Array:
    if transform == "NONE":
        return scores
    return ops.sigmoid(scores) if transform == "LOGISTIC" else ops.softmax(scores, axis=-1)


# --- features ---------------------------------------------------------------------------------


def _row(numbers: Any) -> NDArray[np.float32]:
    return np.asarray(numbers, np.float32)


def _float(x: Array) -> Array:
    return x if x.dtype == np.float32 else ops.astype(x, dtype=np.float32)


@_ml("Scaler")
def scaler(x: Array, *, offset: Sequence[float] = (0.0,), scale: Sequence[float] = (1.0,)) -> Array:
    """Subtract and multiply."""
    return (_float(x) - _row(offset)) * _row(scale)


@_ml("Normalizer")
def normalizer(x: Array, *, norm: Literal["MAX", "L1", "L2"] = "MAX") -> Array:
    """Divide each row by its norm; where that is 0, by 1."""
    x = _float(x)
    if norm == "MAX":
        size = ops.max(x, axis=-1, keepdims=True)
    else:
        size = ops.sum(ops.absolute(x) if norm == "L1" else x * x, axis=-1, keepdims=True)
    safe = ops.where(ops.equal(size, 0), 1, size)
    return x / (ops.sqrt(safe) if norm == "L2" else safe)


@_ml("Binarizer")
def binarizer(x: Array, *, threshold: float = 0.0) -> Array:
    """Return 1 above a threshold, else 0."""
    return ops.astype(ops.greater(x, np.asarray(threshold, x.dtype)), dtype=x.dtype)


@_ml("Imputer")
def imputer(
    x: Array, *, imputed_value_floats: Sequence[float] | None = None, replaced_value_float: float = 0.0,
    imputed_value_int64s: Sequence[int] | None = None, replaced_value_int64: int = 0,
) -> Array:  # fmt: skip
    """Replace missing values by numbers, one for each feature."""
    floats = x.dtype.kind == "f"
    missing = replaced_value_float if floats else replaced_value_int64
    given = np.asarray(imputed_value_floats if floats else imputed_value_int64s, x.dtype)
    return ops.where(ops.isnan(x) if math.isnan(missing) else ops.equal(x, missing), given, x)


@_ml("ArrayFeatureExtractor", extent=lambda shapes, *_: math.prod(shapes[0][:-1]) * math.prod(shapes[1]))
def array_feature_extractor(x: Array, indices: Indices) -> Array:
    """Select features."""
    x = ops.reshape(x, shape=(1, -1)) if len(shape_of(x)) == 1 else x
    return ops.take(x, plain_index(ops.reshape(indices, shape=-1)), axis=-1)


@_ml("FeatureVectorizer")
def feature_vectorizer(*arrays: Array, inputdimensions: Sequence[int] | None = None) -> Array:  # noqa: ARG001  # the arrays have theirs
    """Concatenate features."""
    return ops.concatenate([_float(ops.reshape(x, shape=(shape_of(x)[0], -1))) for x in arrays], axis=1)


@_ml(
    "OneHotEncoder", extent=lambda shapes, _, attributes: math.prod(shapes[0]) * len(attributes.get("cats_int64s", ()))
)
def one_hot_encoder(x: Fixed, *, cats_int64s: Sequence[int], zeros: Flag = 1) -> Array:
    """Return 1 for the category that a number is, 0 for the others."""
    hot = ops.equal(ops.expand_dims(x, -1), np.asarray(cats_int64s, x.dtype))
    if not zeros and not known(ops.all(ops.any(hot, axis=-1))):
        raise FormatError("a category is not known", expected=list(cats_int64s))
    return ops.astype(hot, dtype=np.float32)


@_ml("LabelEncoder")
def label_encoder(
    x: Fixed, *, keys_int64s: Sequence[int] | None = None, keys_floats: Sequence[float] | None = None,
    values_int64s: Sequence[int] | None = None, values_floats: Sequence[float] | None = None,
    default_int64: int = -1, default_float: float = -0.0,
) -> Array:  # fmt: skip
    """Replace numbers by others."""
    keys = np.asarray(keys_int64s if keys_floats is None else keys_floats, x.dtype)
    whole = values_floats is None
    values: Any = np.asarray(values_int64s if whole else values_floats, np.int64 if whole else np.float32)
    order = keys.argsort(kind="stable")
    place = ops.searchsorted(keys[order], detached(x))
    place = plain_index(ops.minimum(place, len(keys) - 1))
    found = ops.equal(ops.take(keys[order], place), x)
    return ops.where(
        found, ops.take(values[order], place), values.dtype.type(default_int64 if whole else default_float)
    )


# --- linear models ----------------------------------------------------------------------------


def _linear(x: Array, coefficients: Sequence[float], intercepts: Sequence[float] | None) -> Array:
    x = _float(x)
    weight = _row(coefficients).reshape(-1, shape_of(x)[-1])
    return ops.linear(x, weight, None if intercepts is None else _row(intercepts))


def _products(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    return 4 * shapes[0][0] * (len(attributes["coefficients"]) + 2)


@_ml("LinearRegressor", extent=_products)
def linear_regressor(
    x: Array, *, coefficients: Sequence[float], intercepts: Sequence[float] | None = None, targets: int = 1,  # noqa: ARG001  # as many as intercepts
    post_transform: Transform = "NONE",
) -> Array:  # fmt: skip
    """Return linear functions of the features."""
    return _transformed(_linear(x, coefficients, intercepts), post_transform)


def _labels(ints: Sequence[int] | None, strings: Sequence[str] | None) -> NDArray[Any]:
    return np.asarray(strings, np.str_) if strings else np.asarray(ints, np.int64)


def _chosen(scores: Array, labels: NDArray[Any]) -> Array:
    """Return the label of the largest score; strings are looked up by Python."""
    best = ops.argmax(scores, axis=-1)
    return labels[known(best)] if labels.dtype.kind == "U" else ops.take(labels, plain_index(best))


@_ml("LinearClassifier", extent=_products)
def linear_classifier(
    x: Array, *, coefficients: Sequence[float], intercepts: Sequence[float] | None = None,
    classlabels_ints: Sequence[int] | None = None, classlabels_strings: Sequence[str] | None = None,
    multi_class: int = 0, post_transform: Transform = "NONE",  # noqa: ARG001  # what follows from the coefficients
) -> tuple[Array, Array]:  # fmt: skip
    """Return the label of the largest score, and the scores; with two classes, only the second may have a score."""
    scores = _linear(x, coefficients, intercepts)
    labels = _labels(classlabels_ints, classlabels_strings)
    if shape_of(scores)[-1] == 1 and len(labels) == 2:
        return _second(scores, labels, 0.0, post_transform)
    return _chosen(scores, labels), _transformed(scores, post_transform)


def _second(scores: Array, labels: NDArray[Any], least: float, transform: Transform) -> tuple[Array, Array]:
    """Return labels and scores of two classes from the second's scores: probabilities if the threshold is a half."""
    other = 1 - scores if least or transform == "LOGISTIC" else -scores
    if transform == "LOGISTIC" and not least:
        positive = ops.sigmoid(scores)
        both = ops.concatenate([1 - positive, positive], axis=-1)
    else:
        both = ops.concatenate([other, scores], axis=-1)
    chosen = ops.astype(ops.greater(ops.reshape(scores, shape=-1), least), dtype=np.int64)
    return (labels[known(chosen)] if labels.dtype.kind == "U" else ops.take(labels, plain_index(chosen))), both


# --- trees ------------------------------------------------------------------------------------

_COMPARED: Final[dict[str, Callable[..., Array]]] = {
    "BRANCH_LEQ": ops.less_equal, "BRANCH_LT": ops.less, "BRANCH_GTE": ops.greater_equal, "BRANCH_GT": ops.greater,
    "BRANCH_EQ": ops.equal, "BRANCH_NEQ": ops.not_equal,
}  # fmt: skip


def _visited(shapes: Sequence[Shape], operands: Sequence[Any], attributes: Mapping[str, Any]) -> int:  # noqa: ARG001
    """Count a visit of each node by each row, and each node's weights for the targets or classes."""
    nodes = len(attributes["nodes_modes"])
    ids = [*attributes.get("target_ids", ()), *attributes.get("class_ids", ()), attributes.get("n_targets", 1)]
    return shapes[0][0] * (4 * nodes + CALL) + (nodes + shapes[0][0]) * (max(ids) + 1)


class _Trees:
    """Trees of numbered nodes, from attributes.

    Raises
    ------
    FormatError
        If they are not trees.
    """

    def __init__(self, given: Mapping[str, Any], kind: str) -> None:
        trees, nodes = (np.asarray(given[f"nodes_{name}"], np.int64) for name in ("treeids", "nodeids"))
        self.modes = np.asarray(given["nodes_modes"])
        self.leaf = self.modes == "LEAF"
        if unknown := set(self.modes.tolist()) - {*_COMPARED, "LEAF"}:
            raise FormatError("nodes_modes", expected=[*_COMPARED, "LEAF"], got=min(unknown))
        order = np.lexsort((nodes, trees))
        trees, nodes = trees[order], nodes[order]
        self.places = {
            pair: int(row) for pair, row in zip(zip(trees.tolist(), nodes.tolist(), strict=True), order, strict=True)
        }
        inner = np.flatnonzero(~self.leaf)
        of = np.asarray(given["nodes_treeids"], np.int64)
        children = []
        for name in ("truenodeids", "falsenodeids"):
            child = np.arange(len(of))
            ids = np.asarray(given[f"nodes_{name}"], np.int64)
            child[inner] = self._rows(of[inner], ids[inner])
            children.append(child)
        self.yes, self.no = children
        below = np.concatenate([self.yes[inner], self.no[inner]])
        self.roots = np.setdiff1d(np.arange(len(of)), below)
        if len(self.places) < len(of) or len(np.unique(below)) < len(below) or len(self.roots) != len(np.unique(of)):
            raise FormatError("the nodes are not trees", expected="one way from one root to each")
        self.features = np.where(self.leaf, 0, np.asarray(given["nodes_featureids"], np.int64))
        self.thresholds = np.asarray(given["nodes_values"], np.float32)
        self.missing = np.asarray(given.get("nodes_missing_value_tracks_true") or np.zeros(len(of)), np.bool_)
        count = int(np.max(given[f"{kind}_ids"], initial=0)) + 1
        self.weights = np.zeros((len(of), count), np.float32)
        at = self._rows(*(np.asarray(given[f"{kind}_{name}"], np.int64) for name in ("treeids", "nodeids")))
        np.add.at(self.weights, (at, np.asarray(given[f"{kind}_ids"], np.int64)), _row(given[f"{kind}_weights"]))

    def _rows(self, trees: NDArray[Any], nodes: NDArray[Any]) -> NDArray[np.int64]:
        try:
            rows = [self.places[pair] for pair in zip(trees.tolist(), nodes.tolist(), strict=True)]
        except KeyError as error:
            raise FormatError(sentence("node {1} of tree {0} is not there".format(*error.args[0]))) from error
        return np.array(rows, np.int64)

    def leaves(self, x: Array) -> Array:
        """Return the leaves (N, T) that rows of features reach."""
        at = np.broadcast_to(self.roots, (shape_of(x)[0], len(self.roots)))
        rows, level = np.arange(shape_of(x)[0])[:, None], self.roots
        while len(level := level[~self.leaf[level]]):
            at = plain_index(at)
            value = ops.getitem(x, index=(rows, plain_index(ops.take(self.features, at))))
            threshold = ops.take(self.thresholds, at)
            below: Array = np.zeros((), np.bool_)
            for mode in sorted(set(self.modes[level].tolist())):
                met = _COMPARED[mode](value, threshold)
                below = ops.logical_or(below, ops.logical_and(ops.take(self.modes == mode, at), met))
            if self.missing.any():
                below = ops.logical_or(below, ops.logical_and(ops.isnan(value), ops.take(self.missing, at)))
            at = ops.where(below, ops.take(self.yes, at), ops.take(self.no, at))
            level = np.concatenate([self.yes[level], self.no[level]])
        return plain_index(at)


@_ml("TreeEnsembleRegressor", extent=_visited)
def tree_ensemble_regressor(
    x: Array, *, n_targets: int = 1, aggregate_function: Literal["SUM", "AVERAGE", "MIN", "MAX"] = "SUM",
    base_values: Sequence[float] | None = None, post_transform: Transform = "NONE", **nodes: Any,
) -> Array:  # fmt: skip
    """Return the sum, mean or extremum of the trees' results."""
    trees = _Trees(nodes, "target")
    weights = np.pad(trees.weights, ((0, 0), (0, n_targets - trees.weights.shape[1])))
    said = ops.take(weights, trees.leaves(detached(_float(x))), axis=0)  # (N, T, E)
    reduce = {"SUM": ops.sum, "AVERAGE": ops.mean, "MIN": ops.min, "MAX": ops.max}[aggregate_function]
    total = reduce(said, axis=1)
    return _transformed(total if base_values is None else total + _row(base_values), post_transform)


@_ml("TreeEnsembleClassifier", extent=_visited)
def tree_ensemble_classifier(
    x: Array, *, classlabels_int64s: Sequence[int] | None = None, classlabels_strings: Sequence[str] | None = None,
    base_values: Sequence[float] | None = None, post_transform: Transform = "NONE", **nodes: Any,
) -> tuple[Array, Array]:  # fmt: skip
    """Return the label of the largest score, and the scores; with two classes, only the second may have a score."""
    trees, labels = _Trees(nodes, "class"), _labels(classlabels_int64s, classlabels_strings)
    only = len(labels) == 2 and len(set(nodes["class_ids"])) == 1
    weights = (
        trees.weights[:, -1:] if only else np.pad(trees.weights, ((0, 0), (0, len(labels) - trees.weights.shape[1])))
    )
    scores = ops.sum(ops.take(weights, trees.leaves(detached(_float(x))), axis=0), axis=1)
    if base_values is not None:
        scores = scores + _row(base_values)[-1 if only else 0 :]
    if only:
        return _second(scores, labels, 0.5 if (trees.weights >= 0).all() else 0.0, post_transform)
    return _chosen(scores, labels), _transformed(scores, post_transform)


# --- results ----------------------------------------------------------------------------------


@_ml("ZipMap", extent=lambda shapes, *_: CALL * math.prod(shapes[0]))
def zip_map(
    x: Array, *, classlabels_int64s: Sequence[int] | None = None, classlabels_strings: Sequence[str] | None = None
) -> Values:
    """Return for each row a dict from labels to scores."""
    labels = classlabels_strings or classlabels_int64s or ()
    return [
        dict(zip(labels, (x[row, place] for place in range(len(labels))), strict=True)) for row in range(shape_of(x)[0])
    ]
