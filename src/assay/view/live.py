"""What changes while a study trains: its state and its curves, sent to the page as they grow."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from math import isfinite
from typing import Any, get_args

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from assay.errors import AssayError
from assay.findings.curves import Metric, curves
from assay.findings.layers import layers
from assay.records.runs import Status
from assay.store.readout import Readout
from assay.view.followed import Followed
from assay.view.pages import study_of
from assay.view.shelf import Shelf
from assay.view.summary import as_data, overview

EVERY = 1.0
"""Seconds between two looks at a study."""
MOST_SEEDS = 100
"""Runs of the chosen arms up to which each is drawn for itself; beyond, only their means and bands."""


async def _stream(request: Request) -> Response:
    """Send a study's state and the curves of one metric, and again what has changed of them."""
    found = await run_in_threadpool(study_of, request)
    metric = _metric(request)
    arms = _arms(request, found.readout)
    return StreamingResponse(_events(found, metric, arms), media_type="text/event-stream")


async def _events(found: Followed, metric: Metric, arms: list[str]) -> AsyncIterator[str]:
    seen = 0
    while True:
        try:
            await run_in_threadpool(found.look)
        except AssayError as error:
            yield _event("trouble", str(error))
            return
        if found.version > seen:
            now = found.version
            changed = [arm for arm in arms if found.changed.get(arm, now) > seen]
            data = await run_in_threadpool(_curves, found.readout, metric, changed, arms)
            yield _event("study", await run_in_threadpool(as_data, found))
            yield _event("curves", data)
            seen = now
        else:
            yield ": still here\n\n"
        await asyncio.sleep(EVERY)


def _curves(results: Readout, metric: Metric, changed: list[str], arms: list[str]) -> list[dict[str, Any]]:
    each = len(arms) * len(results.study.seeds) <= MOST_SEEDS
    order = {arm.name: index for index, arm in enumerate(results.study.arms)}
    return [{"arm": order[arm], **_of_arm(results, arm, metric, each)} for arm in changed]


def _of_arm(results: Readout, arm: str, metric: Metric, each: bool) -> dict[str, Any]:
    """Return an arm's band and, where ``each``, its runs: values an epoch, from the first."""
    scale = 100.0 if metric.endswith("accuracy") else 1.0
    found = curves(results, arm)
    band, broken = found.bands[metric], found.diverged[metric]
    alone = [run for run in results.of(arm) if run.status is not Status.DIVERGED] if each else []
    singles = [(run.seed, [getattr(record, metric) for record in results.epochs(run.id)]) for run in alone]
    return {
        "seeds": band.seeds,
        "mean": _numbers(band.mean, scale),
        "low": _numbers(band.low, scale),
        "high": _numbers(band.high, scale),
        "runs": [[seed, _numbers(values, scale)] for seed, values in singles if values],
        "diverged": [[trace.seed, _numbers(trace.values, scale)] for trace in broken if trace.values],
    }


def _layers(request: Request) -> Response:
    """Return how the layers of an arm fared."""
    results = study_of(request).readout
    [arm, *_] = _arms(request, results)
    found = layers(results, arm)
    series = {
        quantity: [[name, _numbers(values)] for name, values in by_layer.items()]
        for quantity, by_layer in found.series.items()
    }
    return JSONResponse({"seeds": found.seeds, "epochs": found.epochs, "series": series})


def _studies(request: Request) -> Response:
    """Return the overview as data."""
    shelf: Shelf = request.app.state.shelf
    return JSONResponse([vars(item) for item in overview(shelf)])


def _metric(request: Request) -> Metric:
    asked = request.query_params.get("metric", "valid_accuracy")
    for metric in get_args(Metric):
        if metric == asked:
            return metric  # type: ignore[no-any-return]
    raise HTTPException(422, f"metric: expected {', '.join(get_args(Metric))}")


def _arms(request: Request, results: Readout) -> list[str]:
    """Return the arms that a request names by their places, ``arms=0,3``; all where it names none."""
    names = [arm.name for arm in results.study.arms]
    asked = request.query_params.get("arms")
    if asked is None:
        return names
    places = [int(part) for part in asked.split(",") if part.isascii() and part.isdigit() and len(part) < 6]
    if not places or max(places) >= len(names):
        raise HTTPException(422, f"arms: expected places of arms, 0 to {len(names) - 1}, with commas")
    return [names[place] for place in dict.fromkeys(places)]


def _numbers(values: Iterable[float], scale: float = 1.0) -> list[float | None]:
    return [float(f"{scale * value:.5g}") if isfinite(value) else None for value in values]


def _event(name: str, data: object) -> str:
    return f"event: {name}\ndata: {json.dumps(data, allow_nan=False)}\n\n"


ROUTES: list[BaseRoute] = [
    Route("/studies.json", _studies),
    Route("/study/{key}/stream", _stream),
    Route("/study/{key}/layers.json", _layers),
]
