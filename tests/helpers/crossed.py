"""Two factors of two and three levels, whose effects depend on one another."""

from factories import make_study

from assay.study.study import Study

CROSSED = {
    "max-none": [1700, 1712, 1705, 1709, 1701], "max-some": [1740, 1755, 1741, 1749, 1744],
    "max-much": [1690, 1704, 1699, 1700, 1688], "average-none": [1660, 1668, 1669, 1671, 1659],
    "average-some": [1640, 1650, 1645, 1649, 1641], "average-much": [1600, 1610, 1604, 1611, 1598],
}  # fmt: skip
"""Correct answers by arm and seed."""


def make_factors(**more: object) -> Study:
    """Return a study of pooling and dropout, every level with every level."""
    levels = {
        "pooling": {"max": {"network": {"filters": 2}}, "average": {"network": {"filters": 3}}},
        "dropout": {name: {"optimizer": {"lr": lr}} for name, lr in (("none", 1), ("some", 2), ("much", 3))},
    }
    return make_study(factors=levels, **{"control": "average-none", **more})
