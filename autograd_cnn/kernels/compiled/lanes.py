"""Formulas on whole vectors: written with operators as if for a single number, they emit LLVM instructions.

Nothing is left to the compiler's auto-vectoriser, and no library is called. Python floats become constants of the
vector's dtype.
"""

from typing import Any, Final, NamedTuple, Self

from llvmlite import ir
from numba.core import cgutils

from autograd_cnn.kernels.compiled.llvm import Value, Vectors


class Lanes:
    """A vector of numbers."""

    def __init__(self, simd: Vectors, value: Value) -> None:
        self.simd = simd
        self.value = value

    @property
    def format(self) -> "Format":
        """The constants of the dtype."""
        return FORMATS[self.simd.size]

    def operand(self, number: "Lanes | float") -> Value:
        """Return the value of another vector, or of a constant in every lane."""
        if isinstance(number, Lanes):
            return number.value
        return ir.Constant(self.simd.vector, [number] * self.simd.lanes)

    def __add__(self, other: "Lanes | float") -> Self:
        return self._of(self.simd.build.fadd(self.value, self.operand(other)))

    def __sub__(self, other: "Lanes | float") -> Self:
        return self._of(self.simd.build.fsub(self.value, self.operand(other)))

    def __mul__(self, other: "Lanes | float") -> Self:
        return self._of(self.simd.build.fmul(self.value, self.operand(other)))

    def __truediv__(self, other: "Lanes | float") -> Self:
        return self._of(self.simd.build.fdiv(self.value, self.operand(other)))

    def __radd__(self, other: float) -> Self:
        return self + other

    def __rsub__(self, other: float) -> Self:
        return self._of(self.simd.build.fsub(self.operand(other), self.value))

    def __rmul__(self, other: float) -> Self:
        return self * other

    def __rtruediv__(self, other: float) -> Self:
        return self._of(self.simd.build.fdiv(self.operand(other), self.value))

    def __lt__(self, other: "Lanes | float") -> "Mask":
        return self._compare("<", other)

    def __le__(self, other: "Lanes | float") -> "Mask":
        return self._compare("<=", other)

    def __gt__(self, other: "Lanes | float") -> "Mask":
        return self._compare(">", other)

    def __ge__(self, other: "Lanes | float") -> "Mask":
        return self._compare(">=", other)

    def __neg__(self) -> Self:
        return self._of(self.simd.build.fneg(self.value))

    def __abs__(self) -> Self:
        return self._with_bits(self.simd.build.and_, self.format.sign - 1)

    def rounded_to_half(self) -> Self:
        """Return the numbers with the upper half of their digits, whose squares are exact."""
        return self._with_bits(self.simd.build.and_, -1 << (self.format.digits // 2 + 1))

    def times_power_of_2(self, exponent: Value) -> Self:
        """Return the numbers times 2 to the integers in the lanes of ``exponent``, which must give normal numbers."""
        build, bits = self.simd.build, _bits(self.simd)
        biased = build.add(exponent, ir.Constant(bits, [self.format.bias] * self.simd.lanes))
        shifted = build.shl(biased, ir.Constant(bits, [self.format.digits] * self.simd.lanes))
        return self * self._of(build.bitcast(shifted, self.simd.vector))

    def _of(self, value: Value) -> Self:
        return type(self)(self.simd, value)

    def _compare(self, sign: str, other: "Lanes | float") -> "Mask":
        return Mask(self.simd, self.simd.build.fcmp_ordered(sign, self.value, self.operand(other)))

    def _with_bits(self, operation: Any, number: int) -> Self:
        build, bits = self.simd.build, _bits(self.simd)
        kept = operation(build.bitcast(self.value, bits), ir.Constant(bits, [number] * self.simd.lanes))
        return self._of(build.bitcast(kept, self.simd.vector))


class Mask(NamedTuple):
    """A vector of bools."""

    simd: Vectors
    value: Value

    def __or__(self, other: "Mask") -> "Mask":
        return Mask(self.simd, self.simd.build.or_(self.value, other.value))

    def __invert__(self) -> "Mask":
        return Mask(self.simd, self.simd.build.not_(self.value))


class Format(NamedTuple):
    """A dtype's layout, and the constants for its exponential."""

    digits: int  # after the binary point
    bias: int  # of the exponent
    sign: int  # the sign bit
    log_2: tuple[float, float]  # log(2) as a few digits, so that small multiples are exact, and the rest
    powers: tuple[float, ...]  # (exp(r) - 1 - r) / r² for |r| < log(2) / 2, highest power first
    arctangents: tuple[float, ...]  # (artanh(s) / s - 1) / s² as powers of s², for s up to 1/3
    lift: int  # the power of 2 that scales an exponential out of the denormal numbers
    shallow: float  # from here up exp is a normal number, even times a hundredth
    least: float  # from here down exp(x)·x is 0, and the scaled exp is still a normal number
    most: float  # from here up exp(x) is infinite


FORMATS: Final = {
    4: Format(
        digits=23, bias=127, sign=1 << 31, log_2=(0.693359375, -2.12194440054690583e-4), lift=64, shallow=-80.0,
        least=-126.0, most=89.0, powers=(1.3725700676189729634e-3, 8.3760737746909273787e-3, 4.1670764758648483635e-2,
                              1.6666453038291325162e-1, 4.9999980405203845847e-1),
        arctangents=(1.1612164612011674416e-1, 1.0853287900440186323e-1, 1.4296178997151418861e-1,
                     1.9999853164985864870e-1, 3.3333333660263706234e-1),
    ),
    8: Format(
        digits=52, bias=1023, sign=1 << 63, log_2=(0.693145751953125, 1.42860682030941723e-6), lift=256, shallow=-700.0,
        least=-800.0, most=710.0, powers=(2.5024053866903642029e-8, 2.7632586155255831419e-7, 2.7557514970631502151e-6,
                              2.4801486474580699324e-5, 1.9841269582132364041e-4, 1.3888888950171186692e-3,
                              8.3333333334611601933e-3, 4.1666666666504102086e-2, 1.6666666666666463317e-1,
                              5.0000000000000140312e-1),
        arctangents=(8.0820228059717661105e-2, 4.4003692430723369411e-2, 6.0005364047953562676e-2,
                     6.6570721048274680752e-2, 7.6927850324793115517e-2, 9.0908947180664290846e-2,
                     1.1111111358713931495e-1, 1.4285714283554378581e-1, 2.0000000000007291337e-1,
                     3.3333333333333329281e-1),
    ),
}  # fmt: skip
"""By the size of a number in bytes."""

_LOG2_E: Final = 1.44269504088896340736


def where(mask: Mask, x1: Lanes | float, x2: Lanes | float) -> Lanes:
    """Return x1 where the mask is set, x2 elsewhere."""
    constants = Lanes(mask.simd, None)
    return Lanes(mask.simd, mask.simd.build.select(mask.value, constants.operand(x1), constants.operand(x2)))


def at_least(x: Lanes, limit: Lanes | float) -> Lanes:
    """Return the larger of each pair; NaN is kept."""
    return where(x < limit, limit, x)


def at_most(x: Lanes, limit: Lanes | float) -> Lanes:
    """Return the smaller of each pair; NaN is kept."""
    return where(x > limit, limit, x)


def multiply_add(a: Lanes, b: Lanes | float, c: Lanes | float) -> Lanes:
    """Return a · b + c, rounded only once if the processor supports that."""
    return Lanes(a.simd, a.simd.multiply_add(a.value, a.operand(b), a.operand(c)))


def sqrt(x: Lanes) -> Lanes:
    """Return the square roots."""
    build, vector = x.simd.build, x.simd.vector
    kind, name = ir.FunctionType(vector, [vector]), f"llvm.sqrt.v{x.simd.lanes}f{8 * x.simd.size}"
    return Lanes(x.simd, build.call(cgutils.get_or_insert_function(build.module, kind, name), [x.value]))


def polynomial(coefficients: tuple[float, ...], x: Lanes) -> Lanes:
    """Return the polynomial's values, with the coefficient of the highest power first."""
    first, second, *others = coefficients
    y = multiply_add(x, first, second)
    for coefficient in others:
        y = multiply_add(y, x, coefficient)
    return y


class Power(NamedTuple):
    """An exponential, scaled by a power of 2 where it would be denormal."""

    lifted: Lanes
    deep: Mask

    def lower(self, x: Lanes) -> Lanes:
        """Undo the scaling of a result that was computed from the scaled exponential: it is rounded once."""
        return where(self.deep, x * 2.0**-x.format.lift, x)

    @property
    def value(self) -> Lanes:
        """The exponential itself."""
        return self.lower(self.lifted)


def exp(x: Lanes, rest: Lanes | None = None) -> Power:
    """Return ``exp(x + rest)`` to 1 unit in the last place, for x from `Format.least` to 0 and a rest near it."""
    f, simd, bits = x.format, x.simd, _bits(x.simd)
    deep = x < f.shallow
    exponent, r = _divided_by_log_2(x)
    if rest is not None:
        r = r + rest
    series = multiply_add(polynomial(f.powers, r), r * r, r) + 1.0
    lift = simd.build.select(deep.value, ir.Constant(bits, [f.lift] * simd.lanes), ir.Constant(bits, [0] * simd.lanes))
    return Power(series.times_power_of_2(simd.build.add(exponent, lift)), deep)


def exponential(x: Lanes) -> Lanes:
    """Return ``exp(x)`` to 1 unit in the last place, for any x; it is 0 or infinite beyond the dtype's range."""
    return _scaled(*_divided_by_log_2(at_least(at_most(x, x.format.most), x.format.least)))


def exponential_of_2(x: Lanes) -> Lanes:
    """Return ``2 ** x`` in the same way."""
    f = x.format
    near = at_least(at_most(x, f.most * _LOG2_E), f.least * _LOG2_E)
    rounded = near + _magic(f)
    return _scaled(_integer(rounded), (near - (rounded - _magic(f))) * (1 / _LOG2_E))


def _scaled(exponent: Value, r: Lanes) -> Lanes:
    """Return ``exp(r)`` times 2 to the integers in the last bits of ``exponent``, which may be beyond the range."""
    f, simd, bits = r.format, r.simd, _bits(r.simd)
    series = multiply_add(polynomial(f.powers, r), r * r, r) + 1.0
    whole = simd.build.sub(exponent, simd.build.bitcast(r.operand(_magic(f)), bits))
    half = simd.build.ashr(whole, ir.Constant(bits, [1] * simd.lanes))
    return series.times_power_of_2(half).times_power_of_2(simd.build.sub(whole, half))


def expm1(x: Lanes) -> Lanes:
    """Return ``exp(x) - 1`` to 2 units in the last place, for x of at most 0."""
    exponent, r = _divided_by_log_2(at_least(x, x.format.shallow))
    series = multiply_add(polynomial(x.format.powers, r), r * r, r)
    scale = Lanes(x.simd, ir.Constant(x.simd.vector, [1.0] * x.simd.lanes)).times_power_of_2(exponent)
    return multiply_add(series, scale, scale - 1.0)


def log1p(x: Lanes) -> Lanes:
    """Return ``log(1 + x)`` to 2 units in the last place, for x from 0 to 1: twice the artanh of x / (2 + x)."""
    return _twice_artanh(x / (x + 2.0))


def log1p_of_any(x: Lanes) -> Lanes:
    """Return ``log(1 + x)`` to 2 units in the last place, for finite x from 0."""
    f, simd, bits = x.format, x.simd, _bits(x.simd)
    number, digits = simd.build.bitcast((x + 1.0).value, bits), ir.Constant(bits, [f.digits] * simd.lanes)
    least = (f.bias - 1 << f.digits) + (1 << f.digits) // 3  # the bits of 2/3: mantissas are from there to 4/3
    exponent = simd.build.ashr(simd.build.sub(number, ir.Constant(bits, [least] * simd.lanes)), digits)
    mantissa = simd.build.bitcast(simd.build.sub(number, simd.build.shl(exponent, digits)), simd.vector)
    m, n = Lanes(simd, mantissa), Lanes(simd, simd.build.sitofp(exponent, simd.vector))
    far = multiply_add(n, f.log_2[0], multiply_add(n, f.log_2[1], _twice_artanh((m - 1.0) / (m + 1.0))))
    return where(x > 1.0, far, log1p(at_most(x, 1.0)))


def _twice_artanh(s: Lanes) -> Lanes:
    return 2.0 * multiply_add(polynomial(s.format.arctangents, s * s), s * (s * s), s)


def _divided_by_log_2(x: Lanes) -> tuple[Value, Lanes]:
    """Return x / log(2) rounded to integers, in the last bits, and the remainder."""
    f, magic = x.format, _magic(x.format)
    rounded = multiply_add(x, _LOG2_E, magic)
    n = rounded - magic
    rest = multiply_add(n, -f.log_2[1], multiply_add(n, -f.log_2[0], x))
    return _integer(rounded), rest


def _integer(rounded: Lanes) -> Value:
    """Return the integer in the last bits of a number to which `_magic` was added."""
    return rounded.simd.build.bitcast(rounded.value, _bits(rounded.simd))


def _magic(f: Format) -> float:
    """Return a number to which adding another rounds that to an integer, in the last bits."""
    return 1.5 * 2.0**f.digits


def _bits(simd: Vectors) -> Value:
    return ir.VectorType(ir.IntType(8 * simd.size), simd.lanes)
