"""Which characters are read as which: the confusion matrix of an arm, or the difference of two arms'."""

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from assay.errors import AssayError
from assay.findings.disagreement import shares_read
from assay.view.examined import Examined, compared
from assay.view.looking import arm_of
from assay.view.pages import head_of, render, study_of

SHADES = 6
"""How many shades a cell may have, by the root of its value; the deepest is that of the largest."""


@dataclass(frozen=True)
class Cell:
    """What stands in a cell: its text, how it is coloured, what it says in full and where it leads."""

    text: str = ""
    shade: str = ""
    words: str = ""
    to: str = ""


def _confusion(request: Request) -> Response:
    """Show a table of true characters against what an arm, less another arm where one is named, read."""
    found = study_of(request)
    results = found.look()
    values = {**head_of(found, "confusion"), "missing": ""}
    try:
        seen = compared(found)
    except AssayError as error:
        return render(request, "confusion.html.j2", **values | {"missing": str(error)})
    classes = results.header.classes
    arm = request.query_params.get("arm", "") or next(iter(seen.arms))
    less = request.query_params.get("less", "")
    own = _shares(seen, arm, len(classes))
    other = _shares(seen, less, len(classes)) if less else None
    rows = _rows(own, classes, arm) if other is None else _difference(own, other, classes, (arm, less))
    seeds = [seen.arms[name].seeds for name in (arm, less) if name]
    values |= {
        "rows": rows,
        "classes": classes,
        "arms": [*seen.arms],
        "arm": arm,
        "less": less,
        "seeds": seeds,
    }
    return render(request, "confusion.html.j2", **values)


def _shares(seen: Examined, arm: str, classes: int) -> NDArray[np.float64]:
    return shares_read(arm_of(seen, arm), seen.test.labels, classes)


def _rows(shares: NDArray[np.float64], classes: tuple[str, ...], arm: str) -> list[list[Cell]]:
    wrong = shares[~np.eye(len(classes), dtype=bool)]
    most = float(wrong.max(initial=0.0))

    def cell(true: int, read: int) -> Cell:
        share = float(shares[true, read])
        if true == read:
            return Cell(_whole(share), "right", f"{classes[true]}: {_percent(share)} right")
        if not share:
            return Cell()
        words = f"{classes[true]} read as {classes[read]}: {_percent(share)}"
        return Cell(_whole(share) or "·", f"more{_shade(share, most)}", words, _to(arm, true, read))

    return _table(len(classes), cell)


def _difference(
    own: NDArray[np.float64], other: NDArray[np.float64], classes: tuple[str, ...], arms: tuple[str, str]
) -> list[list[Cell]]:
    apart = own - other
    most = float(np.abs(apart).max())

    def cell(true: int, read: int) -> Cell:
        value = float(apart[true, read])
        if not (own[true, read] or other[true, read]):
            return Cell()
        each = f"{_percent(own[true, read])} ({arms[0]}), {_percent(other[true, read])} ({arms[1]})"
        words = f"{classes[true]} read as {classes[read]}: {each}"
        sign = "+" if value > 0 else "-"
        text = f"{sign}{_whole(abs(value))}" if _whole(abs(value)) else "·"
        shade = f"{'more' if value > 0 else 'less'}{_shade(abs(value), most)}" if value else ""
        to = "" if true == read else _to(arms[int(value < 0)], true, read)
        return Cell(text, shade, words, to)

    return _table(len(classes), cell)


def _table(classes: int, cell: Any) -> list[list[Cell]]:
    return [[cell(true, read) for read in range(classes)] for true in range(classes)]


def _shade(value: float, most: float) -> int:
    return ceil(SHADES * sqrt(value / most))  # so that what is rare can be seen beside what is frequent


def _whole(share: float) -> str:
    """Return a share in whole percent; nothing where that is 0."""
    return f"{100 * share:.0f}" if share >= 0.005 else ""


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _to(arm: str, true: int, read: int) -> str:
    return "mistakes?" + urlencode({"arm": arm, "true": true, "read": read})


ROUTES: list[BaseRoute] = [Route("/study/{key}/confusion", _confusion)]
