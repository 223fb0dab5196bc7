"""One step for teaching: an image forward and backward through a network, number by number."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from assay.errors import AssayError
from assay.findings.one_step import OneStep, Passed, one_step
from assay.findings.trained import best_run, trained
from assay.nn.residual import SHORTCUT
from assay.shapes import Array
from assay.view.answering import finished
from assay.view.entry import shown
from assay.view.examined import examined
from assay.view.layer_maps import inputs, output, outputs
from assay.view.looking import number
from assay.view.mathml import FORMULAS, mathml
from assay.view.pages import head_of, render, study_of

MOST_CLASSES, NEIGHBOURS = 12, 5
"""Classes whose scores are written out, and test images shown on either side of one, to choose from."""


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
    last, first = len(test) - 1, max(0, min(index - NEIGHBOURS, len(test) - 2 * NEIGHBOURS - 1))
    near = range(first, min(last, first + 2 * NEIGHBOURS) + 1)
    values |= {"arms": arms, "arm": run.arm, "run": run.id, "index": index, "last": last, "near": near}
    classes = results.header.classes
    values["named"] = {one: classes[test.labels[one]] for one in near}
    values |= _layer(request, step) | _loss(step, classes, int(test.labels[index]))
    return render(request, "step.html.j2", **values)


def _layer(request: Request, step: OneStep) -> dict[str, Any]:
    """Return what is said of the layer that was asked for."""
    place = number(request, "layer", len(step.layers)) or 0
    passed = _as_maps_or_vector(step.layers[place])
    layer, at = passed.node.layer, _entry(request, passed.y)
    values = {"layers": _joined(step), "place": place, "passed": passed, "at": at}
    values |= {"inputs": inputs(passed, at), "output": output(passed, at), "outputs": outputs(passed)}
    values |= {"shown": shown(passed, at), "formulas": _formulas(type(layer))}
    return values | {"about": (type(layer).__doc__ or "").split("\n\n")[0]}


def _joined(step: OneStep) -> list[tuple[str, Any]]:
    """Return each layer with the sign before it: an arrow, or a plus where a block's shortcut begins."""

    def shortcuts(name: str) -> set[str]:
        parts = name.split(".")
        return {".".join(parts[: place + 1]) for place, part in enumerate(parts) if part == SHORTCUT}

    nodes = [one.node for one in step.layers]
    signs = ["+" if shortcuts(one.name) - shortcuts(before.name) else "→" for before, one in pairwise(nodes)]
    return list(zip(["", *signs], nodes, strict=True))


def _as_maps_or_vector(passed: Passed) -> Passed:
    """Return a layer whose output, of another number of axes, is written in a row."""
    if passed.y.ndim in (1, 3):
        return passed
    flat = {name: getattr(passed, name).ravel() for name in ("y", "dy")}
    if passed.x.shape == passed.y.shape:
        flat |= {name: getattr(passed, name).ravel() for name in ("x", "dx")}
    return replace(passed, **flat)


def _loss(step: OneStep, classes: tuple[str, ...], label: int) -> dict[str, Any]:
    """Return what is said of softmax and loss: the likeliest classes, and the one that is right."""
    raised = np.exp(step.scores - step.scores.max())
    order = np.argsort(-step.shares, kind="stable")
    kept = [int(one) for at, one in enumerate(order) if at < MOST_CLASSES or one == label]
    columns = (step.scores, raised, step.shares, step.dscores)
    rows = [(classes[one], *(float(column[one]) for column in columns)) for one in kept]
    rest = max(0.0, float(step.shares.sum() - step.shares[kept].sum()))
    values = {"loss": step.loss, "rows": rows, "written_as": classes[label], "most": step.scores.max()}
    values |= {"others": len(classes) - len(kept), "rest": rest, "total": raised.sum()}
    return values | {"softmax": _written("softmax_cross_entropy")}


def _formulas(kind: type) -> list[Markup]:
    """Return the formulas of a layer: those of the class that it is a case of, and its own."""
    return [
        one for cls in reversed(kind.__mro__) if cls.__name__ in FORMULAS for one in _written(cls.__name__)
    ]


def _written(name: str) -> list[Markup]:
    return [Markup(mathml(formula)) for formula in FORMULAS[name]]


def _entry(request: Request, y: Array) -> tuple[int, ...]:
    """Return the output entry that was asked for; by default the largest, which has something to show."""
    largest = np.unravel_index(int(y.argmax()), y.shape)
    asked = [
        number(request, name, size) for name, size in zip(("map", "row", "column"), y.shape, strict=False)
    ]
    return tuple(int(most if one is None else one) for one, most in zip(asked, largest, strict=True))


ROUTES: list[BaseRoute] = [Route("/study/{key}/step", _page)]
