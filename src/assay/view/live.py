"""What changes while a study trains: its state and its curves, sent to the page as they grow."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import thread_time
from typing import get_args

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from assay.errors import AssayError
from assay.findings.curves import Metric
from assay.findings.layers import layers
from assay.records.machine import load
from assay.store.readout import Readout
from assay.view.followed import Followed
from assay.view.pages import study_of
from assay.view.points import numbers, points
from assay.view.shelf import Shelf
from assay.view.summary import as_data, overview

EVERY = 2.0
"""Seconds between two looks at a study, at least."""
SHARE = 0.01
"""The share of a processor that looking may take: what took long is looked at less often."""
LONGEST = 30.0
"""Seconds between two looks, at most."""
MACHINE_EVERY = 3
"""Looks without news after which it is told how busy the machine is."""
MOST_SEEDS = 100
"""Runs of the chosen arms up to which each is drawn for itself; beyond, only their means and bands."""


async def _stream(request: Request) -> Response:
    """Send a study's state and the curves of one metric, and again what has changed of them."""
    found = await run_in_threadpool(study_of, request)
    metric = _metric(request)
    arms = _arms(request, found.readout)
    return StreamingResponse(_events(found, metric, arms), media_type="text/event-stream")


@dataclass(frozen=True)
class News:
    """What has changed since the last look, as events; none if nothing has."""

    events: str
    version: int
    seconds: float
    """Processor time that it took to find out."""


async def _events(found: Followed, metric: Metric, arms: list[str]) -> AsyncIterator[str]:
    seen = quiet = 0
    while True:
        try:
            news = await run_in_threadpool(_news, found, metric, arms, seen)
        except AssayError as error:
            yield _event("trouble", str(error))
            return
        quiet = 0 if news.events else quiet + 1
        yield news.events or (": still here\n\n" if quiet % MACHINE_EVERY else _event("machine", load()))
        first, seen = not seen, news.version
        await asyncio.sleep(EVERY if first else min(max(EVERY, news.seconds / SHARE), LONGEST))


def _news(found: Followed, metric: Metric, arms: list[str], seen: int) -> News:
    """Look at a study and return what has changed after the version ``seen``."""
    begun = thread_time()
    found.look()
    version, results = found.version, found.readout
    if version == seen:
        return News("", version, thread_time() - begun)
    order = {arm.name: index for index, arm in enumerate(results.study.arms)}
    changed = {arm for arm in order if found.changed.get(arm, version) > seen}
    each = len(arms) * len(results.study.seeds) <= MOST_SEEDS
    grown = [{"arm": order[arm], **points(results, arm, metric, each)} for arm in arms if arm in changed]
    events = _event("study", as_data(found, changed)) + _event("curves", grown)
    return News(events, version, thread_time() - begun)


def _layers(request: Request) -> Response:
    """Return how the layers of an arm fared."""
    results = study_of(request).readout
    [arm, *_] = _arms(request, results)
    found = layers(results, arm)
    series = {
        quantity: [[name, numbers(values)] for name, values in by_layer.items()]
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


def _event(name: str, data: object) -> str:
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return f"event: {name}\ndata: {text}\n\n"


ROUTES: list[BaseRoute] = [
    Route("/studies.json", _studies),
    Route("/study/{key}/stream", _stream),
    Route("/study/{key}/layers.json", _layers),
]
