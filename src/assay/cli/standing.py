"""Where a character stands in a picture, as columns of a row."""

from assay.cli.formats import Row

PLACE = ("line", "word", "left", "top", "right", "bottom")
"""Lines and words are counted from 1, and the box is in pixels of the upright picture."""


def place(line: int, word: int, box: tuple[int, int, int, int] | None) -> Row:
    """Return the columns `PLACE`; those of the box are None where there is none."""
    return dict(zip(PLACE, (line + 1, word + 1, *(box or (None,) * 4)), strict=True))
