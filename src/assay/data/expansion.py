"""How far compressed data may expand, so that no file takes much more memory than its size justifies."""

RATIO, FREE = 200, 48 << 20
"""How many times its size anything may expand to, and what it may in any case."""


def most(packed: int, free: int | None = None) -> int:
    """Return how many bytes ``packed`` bytes may expand to: `RATIO` times as many, or ``free`` if more."""
    return max(FREE if free is None else free, RATIO * packed)
