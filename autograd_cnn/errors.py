"""The errors of the package, and the one way in which their messages are composed.

Every message has the same parts in the same order: where it happened, what is wrong, what was
expected and what was received, and what to do about it.
"""

import sys

FUNCTIONS: set[str] = set()
"""The names of primitives and composite functions: a message that starts with one is complete."""

_LONGEST = 240
"""The maximum number of characters of a received value that a message shows."""


class _Sentence(Exception):  # noqa: N818  # what the errors share, and not raised by itself
    """An error whose text is composed as by `sentence`; a text alone is kept as it is."""

    def __init__(
        self, where: str, problem: str = "", *, expected: object = None, got: object = None, hint: str = ""
    ) -> None:
        alone = not (problem or hint) and expected is None
        super().__init__(where if alone else sentence(where, problem, expected=expected, got=got, hint=hint))


class ShapeError(_Sentence, ValueError):
    """Arrays whose shapes do not fit each other, or do not fit the operation."""


class ArgumentError(_Sentence, ValueError):
    """A parameter outside its range."""


class OperandError(_Sentence, TypeError):
    """An argument of the wrong kind or dtype."""


class RegistrationError(_Sentence, TypeError):
    """An inconsistent primitive or rule; raised at import."""


class GradientError(_Sentence, ValueError):
    """A backward pass that can't be done as asked."""


class GradientWarning(UserWarning):
    """A gradient that is zero because the output does not depend on the input."""


class AnomalyError(GradientError, ArithmeticError):
    """The first NaN that appeared under ``detect_anomaly``.

    Attributes
    ----------
    problems : dict of int to str
        The message, by the serial number of the operation's node, if it was recorded.
    """

    def __init__(self, text: str, serial: int | None = None) -> None:
        super().__init__(text)
        self.problems = {} if serial is None else {serial: text}


class DivergedError(ArithmeticError):
    """A training run whose loss is no longer a finite number."""


class FormatError(_Sentence, ValueError):
    """A file that is damaged, or not in the format that its name says."""


class DataWarning(UserWarning):
    """Data on which a network can be trained, but which are hardly what was meant."""


class CompileWarning(UserWarning):
    """A function given to ``compile`` that runs uncompiled, and why."""


class CacheWarning(UserWarning):
    """Compiled kernels that can't be cached, or whose cache is damaged; results are not affected."""


class MissingDependencyError(ImportError):
    """A library or a program that is not installed, or can't be loaded.

    Parameters
    ----------
    purpose : str
        What needs it, or the whole message if no extra provides it.
    extra : str, optional
        The extra that provides it. It is named unless the library is installed and its import has just failed.
    """

    def __init__(self, purpose: str, extra: str = "") -> None:
        cause = sys.exception()
        if not extra:
            text = purpose
        elif isinstance(cause, ImportError) and not isinstance(cause, ModuleNotFoundError):
            text = f"{purpose} needs a library that is installed but does not load: {cause}"
        else:
            text = f"{purpose} needs an extra; try: python -m pip install 'autograd-cnn[{extra}]'"
        super().__init__(text)


def sentence(where: str, problem: str = "", *, expected: object = None, got: object = None, hint: str = "") -> str:
    """Compose ``where: problem: expected …, got …; hint`` from the parts that are given; a long ``got`` is cut.

    Examples
    --------
    >>> sentence("max_pool", "window is out of range", expected="at least 1", got=0)
    'max_pool: window is out of range: expected at least 1, got 0'
    """
    parts = [where]
    if problem:
        parts.append(problem)
    if expected is not None:
        parts.append(f"expected {expected}, got {_short(str(got))}")
    text = ": ".join(parts)
    return printable(f"{text}; {hint}" if hint else text)


def require(fits: bool, where: str, problem: str, expected: str, got: object, *, hint: str = "") -> None:
    """Raise `OperandError` with the type of what came, unless it fits.

    Examples
    --------
    >>> require(callable(3), "vmap", "f is not a function", "a function of arrays", 3)
    Traceback (most recent call last):
    autograd_cnn.errors.OperandError: vmap: f is not a function: expected a function of arrays, got int
    """
    if not fits:
        raise OperandError(where, problem, expected=expected, got=type(got).__name__, hint=hint)


def printable(text: str) -> str:
    r"""Return a text as one line that is safe for a terminal: unprintable characters are escaped.

    Names may come from files of networks and graphs.

    Examples
    --------
    >>> print(printable("conv" + chr(27) + "[31m"))
    conv\x1b[31m
    """
    return text if text.isprintable() else "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> counted(1, "image"), counted(1437, "image")
    ('1 image', '1,437 images')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _short(text: str) -> str:
    """Return ``text`` on one line, shortened in the middle if it is long: it may show an array."""
    text = " ".join(text.split()) if "\n" in text else text
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 4 :]}"


def raise_as(where: str, error: Exception, shapes: str = "") -> None:
    """Raise NumPy's error as an error of the function ``where``.

    The package's own errors are unchanged, except that one from an inner function is renamed to ``where``.

    Raises
    ------
    ShapeError, ArgumentError, OperandError, IndexError, MemoryError
        Depending on ``error``; an ``AxisError`` stays one.

    Examples
    --------
    >>> raise_as("add", ValueError("operands could not be broadcast together with shapes (2,) (3,)"))
    Traceback (most recent call last):
    autograd_cnn.errors.ShapeError: add: operands could not be broadcast together with shapes (2,) (3,)
    """
    if type(error).__module__ == __name__ or isinstance(error.__cause__, type(error)):  # the message is complete
        _rename(where, error)
        return
    text = str(error).partition("\n")[0].rstrip(". ")
    said = sentence(where, text[:1].lower() + text[1:], hint=shapes)
    if isinstance(error, IndexError):
        raise type(error)(said) from error
    if isinstance(error, MemoryError):
        raise MemoryError(said) from error  # noqa: TRY004  # not about types
    if isinstance(error, TypeError):
        raise OperandError(said) from error
    raise (ShapeError if any(word in text for word in ("shape", "dimension", "sequence")) else ArgumentError)(
        said
    ) from error


def _rename(where: str, error: Exception) -> None:
    inner, _, rest = str(error).partition(": ")
    if inner in FUNCTIONS and inner != where:
        said = f"{where}: {rest}"
        if type(error).__module__ != __name__:
            raise type(error)(said) from error.__cause__
        error.args = (said, *error.args[1:])
