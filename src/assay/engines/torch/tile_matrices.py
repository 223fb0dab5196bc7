"""The matrices of Winograd's algorithm F(4 x 4, 3 x 3): four sums of three products from six products.

With d six neighbouring inputs, g three weights and y four outputs (Lavin & Gray 2016, section 4)

    y = OUTPUT ((KERNEL g) * (INPUT d)),

which multiplies polynomials by their values at five points and at infinity. The points decide how much
rounding costs. Of 0, a, -a, b, -b these were nearly the best, and INPUT and OUTPUT are exact in float32: with
64 channels, outputs were off by 3.6 times what PyTorch's convolution was, and by 7 times with the usual
0, 1, -1, 2, -2.
"""

from fractions import Fraction
from math import prod

Matrix = tuple[tuple[float, ...], ...]

OUT = 4
"""Outputs of a tile, in each direction."""
TAPS = 3
"""Weights of a kernel, in each direction."""
SIDE = OUT + TAPS - 1
"""Inputs that a tile sees, in each direction."""
POSITIONS = SIDE**2
"""Products that a tile of 4 x 4 outputs needs."""

_POINTS = (Fraction(0), Fraction(5, 8), Fraction(-5, 8), Fraction(3, 2), Fraction(-3, 2))


def _polynomial(roots: tuple[Fraction, ...]) -> list[Fraction]:
    """Return the coefficients of the product of (x - root), the constant first."""
    found = [Fraction(1)]
    for root in roots:
        shifted, kept = [Fraction(0), *found], [*found, Fraction(0)]
        found = [up - root * same for up, same in zip(shifted, kept, strict=True)]
    return found


def _others(point: Fraction) -> tuple[Fraction, ...]:
    return tuple(other for other in _POINTS if other != point)


def _exact(rows: list[list[Fraction]]) -> Matrix:
    return tuple(tuple(float(value) for value in row) for row in rows)


INPUT = _exact([[*_polynomial(_others(p)), Fraction(0)] for p in _POINTS] + [_polynomial(_POINTS)])
"""6 x 6: what each product takes of the inputs."""
KERNEL = _exact(
    [[p**k / prod(p - q for q in _others(p)) for k in range(TAPS)] for p in _POINTS]
    + [[Fraction(k == TAPS - 1) for k in range(TAPS)]]
)
"""6 x 3: what it takes of the weights."""
OUTPUT = _exact([[*(p**k for p in _POINTS), Fraction(k == OUT - 1)] for k in range(OUT)])
"""4 x 6: what each output takes of the products."""
GRADIENT: Matrix = tuple(zip(*OUTPUT, strict=True))
"""6 x 4: what each product takes of the outputs' gradients."""
