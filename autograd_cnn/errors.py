"""What can go wrong, and the one way in which the package says it.

Every message has the same parts in the same order: where it happened, what is wrong, what was
expected and what came, and what to do about it.
"""


class ShapeError(ValueError):
    """Arrays whose shapes do not fit each other, or do not fit the operation."""


class ArgumentError(ValueError):
    """A parameter outside of its range."""


class OperandError(TypeError):
    """An argument of the wrong kind or dtype."""


class RegistrationError(TypeError):
    """A primitive or a rule that contradicts itself; raised at import."""


class GradientError(ValueError):
    """A backward pass that can't be done as asked."""


class AnomalyError(GradientError, ArithmeticError):
    """The first NaN that appeared under ``detect_anomaly``.

    Attributes
    ----------
    problems : dict of int to str
        The text by the serial number of the operation's node, where one was recorded.
    """

    def __init__(self, text: str, serial: int | None = None) -> None:
        super().__init__(text)
        self.problems = {} if serial is None else {serial: text}


class DivergedError(ArithmeticError):
    """A training run whose loss is no longer a finite number."""


class FormatError(ValueError):
    """A file that does not hold what its name promises."""


class CacheWarning(UserWarning):
    """Compiled kernels that can't be kept for the next process, or were damaged; results are not touched."""


class MissingDependencyError(ImportError):
    """An optional library that is not installed."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs an extra; try: python -m pip install 'autograd-cnn[{extra}]'")


def sentence(
    where: str,
    problem: str = "",
    *,
    expected: object = None,
    got: object = None,
    hint: str = "",
) -> str:
    """Compose ``where: problem: expected …, got …; hint``, leaving out what is not given.

    Examples
    --------
    >>> sentence("max_pool", "window is out of range", expected="at least 1", got=0)
    'max_pool: window is out of range: expected at least 1, got 0'
    """
    parts = [where]
    if problem:
        parts.append(problem)
    if expected is not None:
        parts.append(f"expected {expected}, got {got}")
    text = ": ".join(parts)
    return f"{text}; {hint}" if hint else text
