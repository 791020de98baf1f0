"""Walks from formulas in index notation: ``y[n,u] = x[n,f] W[u,f] + b[u]``.

As in `einsum`, letters that are missing from the result are summed over. An index is affine: in ``y[i] = x[2i+u] w[u]``
a window slides over x with stride 2. An axis of length 1 fits any letter, as do missing leading axes.
``a[i] = tanh(z[i])`` and ``p[i] = e[i] / s[]`` are functions; their results are read from the array ``a`` or ``p``.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autograd_cnn.errors import ArgumentError, require
from autograd_cnn.viz.derivations.walk import ONE, Cells, NamedArray, Product, Span, Walk, check_size

_INDEX: Final = r"[+-]?(?:\d+[a-z]?|[a-z])(?:[+-](?:\d+[a-z]?|[a-z]))*"
_FACTOR: Final = re.compile(rf"([^ \[\]]+)\[((?:{_INDEX}(?:,{_INDEX})*)?)\]")
_FUNCTION: Final = re.compile(r"([^ \[\]]+)\((.*)\)")
_SUMMAND: Final = re.compile(r"([+-]?)(\d*)([a-z]?)")
FORM: Final = "arrays with their indices, such as M[i,j] = a[i] b[j]"


class _Factor(NamedTuple):
    """An array with its indices, each a mapping from letters to coefficients; the constant is at ""."""

    text: str
    array: str
    indices: list[Counter[str]]

    @classmethod
    def of(cls, text: str) -> "_Factor":
        if not (found := _FACTOR.fullmatch(text)):
            raise ArgumentError("walk", "the formula is not understood", expected=FORM, got=repr(text))
        name, inside = found.groups()
        indices = []
        for part in filter(None, inside.split(",")):
            index: Counter[str] = Counter()
            for sign, count, letter in _SUMMAND.findall(part):
                if count or letter:
                    index[letter] += int(f"{sign}{count or 1}")
            indices.append(index)
        return cls(text, name, indices)

    @property
    def letters(self) -> list[str]:
        return list(dict.fromkeys(letter for index in self.indices for letter in index if letter))

    def lengths(self, shape: tuple[int, ...]) -> Iterable[tuple[str, int]]:
        """Yield each letter that stands alone as an index, and the length of its axis."""
        for index, length in zip(self.indices, self.padded(shape), strict=True):
            letters = [letter for letter, count in index.items() if letter and count == 1]
            if len(letters) == 1 and sum(map(bool, index.values())) == 1:
                yield letters[0], length

    def padded(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(shape) > len(self.indices):
            raise ArgumentError("walk", f"{self.text} has too few indices", expected=len(shape), got=len(self.indices))
        return (1,) * (len(self.indices) - len(shape)) + shape

    def check(self, shape: tuple[int, ...], sizes: Mapping[str, int]) -> None:
        """Raise unless it is known how far the letters run, and all indices are within the array."""
        if unknown := [letter for letter in self.letters if letter not in sizes]:
            hint = f"pass it, as in {unknown[0]}=3"
            raise ArgumentError("walk", f"no axis says how far {unknown[0]!r} runs", hint=hint)
        for index, length in zip(self.indices, self.padded(shape), strict=True):
            ends = [count * (sizes[letter] - 1) for letter, count in index.items() if letter and length > 1]
            low, high = (index[""] + sum(end for end in ends if (end < 0) == negative) for negative in (True, False))
            if not 0 <= low <= high < length:
                got = f"{low} to {high}"
                raise ArgumentError("walk", f"{self.text} leaves its array", expected=f"0 to {length - 1}", got=got)

    def cells(self, shape: tuple[int, ...], steps: str, sums: str, sizes: Mapping[str, int]) -> Cells:
        """Return the cells of each step; those along the letters ``sums`` belong to one step."""
        shape, total = self.padded(shape), Counter[str]()
        for axis, (index, length) in enumerate(zip(self.indices, shape, strict=True)):
            for letter, count in index.items():
                if not letter or length > 1:
                    total[letter] += count * prod(shape[axis + 1 :])
        starts, offsets = (
            Span(*((sizes[letter], total[letter]) for letter in letters if sizes[letter] > 1), base=base)
            for letters, base in ((steps, total[""]), (sums, 0))
        )
        return Cells(self.array, starts, offsets if set(sums) & set(self.letters) else ONE)


def _sides(formula: str) -> tuple[_Factor, str, list[tuple[int, list[_Factor]]]]:
    """Return the target, the function or "", and the products with their signs."""
    target, equals, text = formula.partition(" = ")
    if not equals:
        raise ArgumentError("walk", "the formula is not understood", expected=FORM, got=repr(formula))
    if found := _FUNCTION.fullmatch(text):
        function, text = found.groups()
    else:
        function = "/" if " / " in text else ""
    terms = []
    for part in re.split(r" (?=[+−/] )", text if text.startswith("− ") else f"+ {text}"):
        sign, *factors = part.split(" ")
        terms.append((-1 if sign == "−" else 1, [*map(_Factor.of, factors)]))
    return _Factor.of(target), function, terms


def walk(formula: str, arrays: Mapping[str, NamedArray], over: str = "", /, **sizes: int) -> Walk:
    """Return the walk that computes the left side of a formula.

    Parameters
    ----------
    formula : str
    arrays : mapping of str to NamedArray
    over : str
        Letters; each combination of their values is a step, the last letter running fastest. By default those of the
        result. With the letters of an operand, each step sends one of its elements to all cells that it contributes to.
    **sizes : int
        The ranges of letters; by default, the lengths of the axes that they index.

    Raises
    ------
    ArgumentError
        If the formula is not understood, an array is missing, or an index is outside of its array.
    OperandError
        If an array is not a `NamedArray`.

    Examples
    --------
    >>> arrays = {"x": NamedArray(np.arange(5.0)), "w": NamedArray(np.ones(2)), "y": NamedArray(np.zeros(4))}
    >>> window = walk("y[i] = x[i+u] w[u]", arrays).products[0].factors[0]
    >>> window.at().tolist()
    [[0, 1], [1, 2], [2, 3], [3, 4]]
    """
    target, function, terms = _sides(formula)
    factors = (target, *(factor for _, term in terms for factor in term))
    shapes: dict[str, tuple[int, ...]] = {}
    for name in (factor.array for factor in factors):
        if name not in arrays:
            raise ArgumentError("walk", "no such array", expected=", ".join(arrays), got=repr(name))
        require(isinstance(arrays[name], NamedArray), "walk", f"{name} is not a NamedArray", "one", arrays[name])
        shapes[name] = np.shape(arrays[name].values)
    known: dict[str, int] = {}
    for factor in factors:
        for letter, length in factor.lengths(shapes[factor.array]):
            known[letter] = max(known.get(letter, 1), length)
    known |= sizes
    for factor in factors:
        factor.check(shapes[factor.array], known)
    steps = over or "".join(target.letters)

    def cells(factor: _Factor, sums: str) -> Cells:
        return factor.cells(shapes[factor.array], steps, sums, known)

    products = []
    for sign, term in terms:
        sums = "".join(
            dict.fromkeys(letter for each in (*term, target) for letter in each.letters if letter not in steps)
        )
        products.append(Product(*(cells(factor, sums) for factor in term), sign=sign))
    filled = cells(target, "".join(letter for letter in target.letters if letter not in steps))
    values = arrays[target.array].values.ravel()[filled.at()[:, 0]] if function else None
    return Walk(filled, products, function, values)


def adjoint(formula: str, array: str, to: str = "", g: str = "δ") -> str:
    """Return the formula by which the gradient ``g`` of a sum of products goes back to one of its arrays.

    Examples
    --------
    >>> adjoint("y[n,u] = x[n,f] W[u,f] + b[u]", "W")
    'dW[u,f] = δ[n,u] x[n,f]'
    >>> adjoint("d[n] = x[n] − m[]", "m")
    'dm[] = − δ[n]'
    """
    target, _, terms = _sides(formula)
    parts, places = [], set()
    for sign, term in terms:
        for number, factor in enumerate(term):
            if factor.array == array:
                others = [each.text for i, each in enumerate(term) if i != number]
                parts.append(" ".join(["+−"[sign < 0], g + target.text.removeprefix(target.array), *others]))
                places.add(factor.text.removeprefix(array))
    [place] = places
    return f"{to or f'd{array}'}{place} = {' '.join(parts).removeprefix('+ ')}"


def blank(shape: tuple[int, ...], text: str, like: NDArray[Any]) -> NamedArray:
    """Return an array for `fill`: an intermediate result that the engine does not have."""
    return NamedArray(np.zeros(shape, like.dtype), text, checked=False)


def fill(arrays: Mapping[str, NamedArray], walks: Sequence[Walk]) -> None:
    """Take all steps of the walks that fill a `blank`, in order.

    Raises
    ------
    ArgumentError
        If there are too many steps to look at.
    """
    check_size("this call", walks)
    values = {name: array.values for name, array in arrays.items()}
    for each in walks:
        if not arrays[each.target.array].checked:
            each.run(values, values[each.target.array].reshape(-1))
