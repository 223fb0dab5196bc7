"""One step for teaching: an image forward and backward through a network, number by number."""

from typing import Any

import numpy as np
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from assay.errors import AssayError
from assay.findings.one_step import OneStep, Passed, channels, one_step, window
from assay.findings.trained import best_run, trained
from assay.nn.conv2d import Conv2d
from assay.nn.linear import Linear
from assay.nn.max_pool2d import MaxPool2d
from assay.shapes import Array
from assay.view.answering import finished
from assay.view.examined import examined
from assay.view.looking import number
from assay.view.mathml import FORMULAS, mathml
from assay.view.pages import head_of, render, study_of

MOST_MAPS, MOST_TERMS, AROUND = 4, 12, 2
"""Input maps and terms of a sum that are written out, and the entries shown on either side of one."""


def _page(request: Request) -> Response:
    """Show one entry of one layer, forward and backward, for a test image and an arm's best network."""
    found = study_of(request)
    results = found.look()
    values = {**head_of(found, "step"), "missing": ""}
    try:
        test = examined(found).test
        arms = finished(results)
        arm = request.query_params.get("arm") or next(iter(arms), None)
        run = best_run(results, arm)
        index = number(request, "image", len(test)) or 0
        network = trained(results, run, test.input_shape)
        step = one_step(network, test.images[index], int(test.labels[index]))
    except AssayError as error:
        return render(request, "step.html.j2", **values | {"missing": str(error)})
    values |= {"arms": arms, "arm": run.arm, "run": run.id, "index": index, "last": len(test) - 1}
    classes = results.header.classes
    values |= _layer(request, step) | _loss(step, classes, classes[test.labels[index]])
    return render(request, "step.html.j2", **values)


def _layer(request: Request, step: OneStep) -> dict[str, Any]:
    """Return what is said of the layer that was asked for."""
    place = number(request, "layer", len(step.layers)) or 0
    passed = step.layers[place]
    at = _entry(request, passed.y)
    values = {"layers": [one.node.name for one in step.layers], "place": place, "passed": passed, "at": at}
    values |= {"shown": shown(passed, at), "formulas": _formulas(type(passed.node.layer).__name__)}
    values |= {"about": (type(passed.node.layer).__doc__ or "").split("\n\n")[0]}
    return values


def _loss(step: OneStep, classes: tuple[str, ...], named: str) -> dict[str, Any]:
    """Return what is said of softmax and loss: the likeliest classes, and the one that is ``named`` right."""
    rows = _scores(step, classes)
    kept = [row for at, row in enumerate(rows) if at < MOST_TERMS or row[0] == named]
    values = {"loss": step.loss, "rows": kept, "written_as": named, "others": len(rows) - len(kept)}
    values |= {"rest": sum(row[2] for row in rows if row not in kept)}
    return values | {"softmax": _formulas("softmax_cross_entropy")}


def _formulas(name: str) -> list[Markup]:
    return [Markup(mathml(formula)) for formula in FORMULAS.get(name, ())]


def _entry(request: Request, y: Array) -> tuple[int, ...]:
    """Return the output entry that was asked for; by default the largest, which has something to show."""
    largest = np.unravel_index(int(y.argmax()), y.shape)
    asked = [
        number(request, name, size) for name, size in zip(("map", "row", "column"), y.shape, strict=False)
    ]
    return tuple(int(most if one is None else one) for one, most in zip(asked, largest, strict=True))


def _scores(step: OneStep, classes: tuple[str, ...]) -> list[tuple[str, float, float, float]]:
    """Return class, score, share and dL/dscore, the likeliest first."""
    columns = zip(classes, step.scores, step.shares, step.dscores, strict=True)
    return sorted(
        ((name, float(a), float(b), float(c)) for name, a, b, c in columns), key=lambda row: -row[2]
    )


def shown(passed: Passed, at: tuple[int, ...]) -> dict[str, Any]:
    """Return the numbers behind one output entry: what went into it, and what came back."""
    layer = passed.node.layer
    found: dict[str, Any] = {"kind": "other", "y": passed.y[at], "dy": passed.dy[at]}
    if isinstance(layer, Conv2d):
        return found | _convolution(layer, passed, at)
    if isinstance(layer, MaxPool2d):
        under = window(passed.x[at[0] : at[0] + 1], layer.sliding, at[1], at[2], -np.inf)[0]
        first = np.unravel_index(int(under.argmax()), under.shape)
        return found | {"kind": "pool", "window": under, "first": tuple(map(int, first))}
    if isinstance(layer, Linear):
        return found | _linear(passed, at[0])
    if passed.x.shape == passed.y.shape:
        near = (at[0], *(slice(max(0, one - AROUND), one + AROUND + 1) for one in at[1:]))
        near = near if len(at) > 1 else (slice(max(0, at[0] - AROUND), at[0] + AROUND + 1),)
        parts = {name: np.atleast_2d(getattr(passed, name)[near]) for name in ("x", "y", "dy", "dx")}
        return found | {"kind": "same", "parts": parts}
    return found


def _convolution(layer: Conv2d, passed: Passed, at: tuple[int, ...]) -> dict[str, Any]:
    seen = channels(layer, passed.x, at[0])
    under = window(passed.x[seen.start : seen.stop], layer.sliding, at[1], at[2], 0.0)
    kernel, gradient = passed.params["weight"][at[0]], passed.gradients["weight"][at[0]]
    sums = (under * kernel).sum(axis=(1, 2))
    bias = float(passed.params["bias"][at[0]]) if layer.bias else None
    maps = [
        {"map": seen[place], "window": under[place], "kernel": kernel[place], "sum": float(sums[place]),
         "products": under[place] * kernel[place], "gradient": gradient[place]}
        for place in range(min(MOST_MAPS, len(seen)))
    ]  # fmt: skip
    back = float(passed.gradients["bias"][at[0]]) if layer.bias else None
    rest = float(sums[MOST_MAPS:].sum())
    return {"kind": "conv", "maps": maps, "more": max(0, len(seen) - MOST_MAPS), "rest": rest, "bias": bias,
            "dbias": back}  # fmt: skip


def _linear(passed: Passed, unit: int) -> dict[str, Any]:
    weight, gradient = passed.params["weight"][unit], passed.gradients["weight"][unit]
    products = weight * passed.x
    order = np.argsort(-np.abs(products), kind="stable")
    terms = [
        (int(one), *(float(part[one]) for part in (passed.x, weight, products, gradient)))
        for one in order[:MOST_TERMS]
    ]
    bias = float(passed.params["bias"][unit]) if "bias" in passed.params else None
    back = float(passed.gradients["bias"][unit]) if "bias" in passed.gradients else None
    rest = float(products[order[MOST_TERMS:]].sum())
    return {"kind": "linear", "terms": terms, "more": max(0, len(order) - MOST_TERMS), "rest": rest,
            "bias": bias, "dbias": back}  # fmt: skip


ROUTES: list[BaseRoute] = [Route("/study/{key}/step", _page)]
