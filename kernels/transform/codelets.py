"""Small transforms, and what joins them into larger ones, as functions of numbers: vectors of LLVM or NumPy's arrays.

    X[k] = Σ_j x[j] · e^(−2πi·jk/n)

The transform in the other direction is the same with real and imaginary parts exchanged, before and after.
"""

import cmath
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Complex:
    """A complex number in two parts."""

    real: Any
    imaginary: Any

    def __add__(self, other: "Complex") -> "Complex":
        return Complex(self.real + other.real, self.imaginary + other.imaginary)

    def __sub__(self, other: "Complex") -> "Complex":
        return Complex(self.real - other.real, self.imaginary - other.imaginary)

    def __mul__(self, factor: "Complex") -> "Complex":
        return Complex(
            self.real * factor.real - self.imaginary * factor.imaginary,
            self.real * factor.imaginary + self.imaginary * factor.real,
        )

    def scaled(self, factor: Any) -> "Complex":
        """Times a real number."""
        return Complex(self.real * factor, self.imaginary * factor)

    def turned(self) -> "Complex":
        """Times −i."""
        return Complex(self.imaginary, -self.real)

    def turned_and_added(self, other: "Complex") -> tuple["Complex", "Complex"]:
        """other − i·self and other + i·self."""
        return (
            Complex(other.real + self.imaginary, other.imaginary - self.real),
            Complex(other.real - self.imaginary, other.imaginary + self.real),
        )


def transform(x: Sequence[Complex]) -> list[Complex]:
    """The transform of a few numbers; their count has no factors but 2, 3 and 5."""
    count = len(x)
    if count in SMALLEST:
        return SMALLEST[count](*x)
    inner = next(factor for factor in (4, 2, 3, 5) if count % factor == 0 and count > factor)
    outer = count // inner
    columns = [transform(x[place::outer]) for place in range(outer)]
    result = [x[0]] * count
    for k in range(inner):
        row = [times_root(columns[place][k], place * k, count) for place in range(outer)]
        result[k::inner] = transform(row)
    return result


def times_root(x: Complex, power: int, count: int) -> Complex:
    """x · e^(−2πi·power/count)."""
    eighths, rest = divmod(8 * power, count)
    if rest:
        root = cmath.exp(-2j * math.pi * power / count)
        return x * Complex(root.real, root.imag)
    for _ in range(eighths // 2 % 4):
        x = x.turned()
    if eighths % 2:
        x = Complex(x.real + x.imaginary, x.imaginary - x.real).scaled(math.sqrt(0.5))
    return x


def _two(a: Complex, b: Complex) -> list[Complex]:
    return [a + b, a - b]


def _three(a: Complex, b: Complex, c: Complex) -> list[Complex]:
    total, difference = b + c, (b - c).scaled(math.sqrt(0.75))
    middle = a + total.scaled(-0.5)
    low, high = difference.turned_and_added(middle)
    return [a + total, low, high]


def _four(a: Complex, b: Complex, c: Complex, d: Complex) -> list[Complex]:
    even, odd = a + c, b + d
    low, high = (b - d).turned_and_added(a - c)
    return [even + odd, low, even - odd, high]


def _five(a: Complex, b: Complex, c: Complex, d: Complex, e: Complex) -> list[Complex]:
    near, far = b + e, c + d
    near_difference, far_difference = b - e, c - d
    cosines = [math.cos(2 * math.pi * k / 5) for k in (1, 2)]
    sines = [math.sin(2 * math.pi * k / 5) for k in (1, 2)]
    first = a + near.scaled(cosines[0]) + far.scaled(cosines[1])
    second = a + near.scaled(cosines[1]) + far.scaled(cosines[0])
    first_turn = near_difference.scaled(sines[0]) + far_difference.scaled(sines[1])
    second_turn = near_difference.scaled(sines[1]) - far_difference.scaled(sines[0])
    one, four = first_turn.turned_and_added(first)
    two, three = second_turn.turned_and_added(second)
    return [a + near + far, one, two, three, four]


def _one(a: Complex) -> list[Complex]:
    return [a]


SMALLEST: dict[int, Callable[..., list[Complex]]] = {1: _one, 2: _two, 3: _three, 4: _four, 5: _five}


def mirrored(low: Complex, high: Complex, half: Any, root: Complex) -> tuple[Complex, Complex]:
    """Two bins of a real transform of 2m numbers from two of the complex one of their pairs, and back.

    Bins k and m − k are (a + b*)/2 ± r·(a − b*), the latter conjugated, where r = −i/2·e^(−2πi·k/2m) one way and its
    conjugate the other way.
    """
    mean = Complex(low.real + high.real, low.imaginary - high.imaginary).scaled(half)
    part = Complex(low.real - high.real, low.imaginary + high.imaginary)
    # the halves are exact, so each sum is rounded twice, not three times
    return (
        Complex(
            part.real * root.real + mean.real - part.imaginary * root.imaginary,
            part.real * root.imaginary + mean.imaginary + part.imaginary * root.real,
        ),
        Complex(
            part.real * -root.real + mean.real + part.imaginary * root.imaginary,
            part.real * root.imaginary - mean.imaginary + part.imaginary * root.real,
        ),
    )
