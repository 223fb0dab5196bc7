"""Upright rectangles of pixels: where pieces of ink and characters lie in a picture."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Rectangle:
    """Rows ``top`` to before ``bottom`` and columns ``left`` to before ``right`` of a picture."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """The number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.right - self.left

    @property
    def longer(self) -> int:
        """The longer side."""
        return max(self.height, self.width)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and columns, which cut it out of an array (H, W)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def encloses(self, other: "Rectangle") -> bool:
        """Whether ``other`` lies inside and touches none of the four sides."""
        return (
            self.top < other.top
            and self.left < other.left
            and other.bottom < self.bottom
            and other.right < self.right
        )


def around(some: Iterable[Rectangle]) -> Rectangle:
    """Return the smallest rectangle around at least one other."""
    all_of_them = list(some)
    return Rectangle(
        min(each.top for each in all_of_them),
        min(each.left for each in all_of_them),
        max(each.bottom for each in all_of_them),
        max(each.right for each in all_of_them),
    )
