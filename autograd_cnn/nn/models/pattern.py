"""The language of architecture patterns: ``INPUT -> [[CONV]*N -> POOL?]*M -> [FC]*K``.

::

    pattern = ["INPUT" "->"] chain
    chain   = item {"->" item}
    item    = (layer | "[" chain "]") ["*" count]
    layer   = "CONV" | "RELU" | "POOL" ["?"] | "FC"
    count   = a number, or a name that stands for one

A recursive-descent parser turns it into the list of layers that it stands for, each with its position in the text, so
that every error can point at it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from operator import index
from typing import Final, NoReturn

from autograd_cnn.errors import ArgumentError, require, sentence

LAYERS: Final = ("CONV", "RELU", "POOL", "FC")
MOST_LAYERS: Final = 1000
DEEPEST: Final = 50
LONGEST: Final = 10_000
"""The most characters in a pattern, which every error repeats."""

DIGITS: Final = 18
"""The most digits in a count."""

_TOKEN: Final = re.compile(r"\s*(?:(->|[\[\]*?])|(\w+)|(\S))")


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of a pattern.

    Attributes
    ----------
    kind : str
        One of `LAYERS`.
    position : int
        Its position in the text.
    optional : bool
        Whether it may be left out where it does not fit.
    """

    kind: str
    position: int
    optional: bool = False


def complain(pattern: str, position: int, problem: str, expected: object = None, got: object = None) -> NoReturn:
    """Raise `ArgumentError` with the pattern and a mark below ``position``."""
    text = sentence("build", problem, expected=expected, got=got)
    line = re.sub(r"\s", " ", pattern)
    raise ArgumentError(f"{text}\n  {line}\n  {' ' * position}^")


def parse(pattern: str, counts: Mapping[str, int]) -> list[Layer]:
    """Return the layers that ``pattern`` describes, in order.

    Parameters
    ----------
    pattern : str
    counts : mapping of str to int
        The values of the names after ``*``.

    Raises
    ------
    ArgumentError
        Showing where the pattern can't be understood; or if it is longer than `LONGEST`.
    OperandError
        If it is not a string.

    Examples
    --------
    >>> [layer.kind for layer in parse("INPUT -> [CONV -> POOL?]*N -> FC", {"N": 2})]
    ['CONV', 'POOL', 'CONV', 'POOL', 'FC']
    """
    require(isinstance(pattern, str), "build", "the pattern is not a string", "str", pattern)
    if len(pattern) > LONGEST:
        expected = f"at most {LONGEST} characters"
        raise ArgumentError("build", "the pattern is too long", expected=expected, got=len(pattern))
    return _Parser(pattern.rstrip(), counts).run()


class _Parser:
    """The tokens of a pattern, read from left to right; a method for each rule."""

    def __init__(self, pattern: str, counts: Mapping[str, int]) -> None:
        self.pattern = pattern
        self.counts = counts
        self.used: set[str] = set()
        self.tokens = list(self._split())
        self.place = 0

    def _split(self) -> Iterator[tuple[str, int]]:
        for match in _TOKEN.finditer(self.pattern):
            yield match[match.lastindex or 0], match.start(match.lastindex or 0)
        yield "", len(self.pattern)

    @property
    def next(self) -> str:
        return self.tokens[self.place][0]

    def take(self, wanted: str) -> bool:
        """Skip the next token if it is ``wanted``."""
        found = self.next == wanted
        self.place += found
        return found

    def fail(self, expected: str) -> NoReturn:
        token, position = self.tokens[self.place]
        complain(self.pattern, position, "the pattern is not understood", expected, repr(token) if token else "its end")

    def run(self) -> list[Layer]:
        if self.take("INPUT") and not self.take("->"):
            self.fail("'->'")
        layers = self.chain(0)
        if self.next:
            self.fail("'->' or the end")
        if unused := self.counts.keys() - self.used:
            raise ArgumentError("build", f"no argument or count {min(unused)!r}")
        return layers

    def chain(self, depth: int) -> list[Layer]:
        layers = self.item(depth)
        while self.take("->"):
            layers += self.item(depth)
            self.limit(len(layers))
        return layers

    def item(self, depth: int) -> list[Layer]:
        position = self.tokens[self.place][1]
        if depth > DEEPEST:
            complain(self.pattern, position, f"brackets are nested more than {DEEPEST} deep")
        if self.take("["):
            layers = self.chain(depth + 1)
            if not self.take("]"):
                self.fail("'->' or ']'")
        elif self.next in LAYERS:
            layers = [Layer(self.next, position)]
            self.place += 1
            if layers[0].kind == "POOL" and self.take("?"):
                layers = [replace(layers[0], optional=True)]
        else:
            self.fail(f"{', '.join(LAYERS)} or '['")
        return layers * self.count(len(layers)) if self.take("*") else layers

    def count(self, length: int) -> int:
        token, position = self.tokens[self.place]
        if token in self.counts:
            self.used.add(token)
            count = self.counts[token]
        elif token.isdecimal():
            count = int(token) if len(token) <= DIGITS else 10**DIGITS
        elif token.isidentifier():
            complain(self.pattern, position, f"the count {token} is not given", f"{token}=<number> as an argument",
                     "nothing")  # fmt: skip
        else:
            self.fail("a number or a name")
        if not hasattr(count, "__index__") or isinstance(count, bool) or count < 1:
            complain(self.pattern, position, "a count is out of range", "an int of at least 1", repr(count))
        self.limit(length * (count := min(index(count), 10**DIGITS)))
        self.place += 1
        return count

    def limit(self, length: int) -> None:
        if length > MOST_LAYERS:
            complain(self.pattern, self.tokens[self.place][1], "the pattern is too long",
                     f"at most {MOST_LAYERS} layers", length if length < 10**DIGITS else "more")  # fmt: skip
