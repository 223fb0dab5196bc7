"""The colours and markers by which arms are told apart, in figures, pages and notebooks."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a6a00", "#5d5d8a")
"""The colours of Okabe and Ito (2008), which survive the common kinds of colour-blindness, and two more."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def colour(index: int) -> str:
    """Return the colour of the arm in this place of the study."""
    return COLOURS[index % len(COLOURS)]


def marker(index: int) -> str:
    """Return the marker of the arm in this place of the study: one for each round of colours."""
    return MARKERS[index // len(COLOURS) % len(MARKERS)]
