"""The sheet to draw on: what each arm's best network, and assay's recogniser, take a drawing for."""

import asyncio
from threading import Event
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from assay.errors import AssayError, DataError
from assay.findings.numbers import names
from assay.reading import Found, ReadCharacter, Reading
from assay.shapes import Array
from assay.view.answering import IN_THE_BOX, Ready, finished, in_the_box, ready, unable
from assay.view.bodies import MOST_BODY, read_body, read_json
from assay.view.drawn import KINDS, characters_of, open_drawing
from assay.view.followed import Followed
from assay.view.laps import Laps
from assay.view.pages import render
from assay.view.shelf import Shelf
from assay.view.within import Pixels, expect_pixels, look_within

MOST_PICTURE = 20 * 1024 * 1024
"""Bytes of a picture that is pasted, dropped or chosen."""
MOST_ANSWERS, LIKELIEST, AT_FIRST, MOST_CHARACTERS = 8, 5, 4, 100
"""Networks that answer at once, classes that each names, arms chosen at first, characters answered."""
NO_STROKES = "no strokes"


def _page(request: Request) -> Response:
    """Show the sheet, for the study asked for or the first that has networks for it."""
    shelf: Shelf = request.app.state.shelf
    able = {found.key: found for key in shelf.ids() if (found := _able(shelf, key))}
    asked = request.query_params.get("study", "")
    key = asked or next(iter(able), "")
    results = shelf.study(key).look() if key else None
    arms, refused = (finished(results), unable(results)) if results else ((), {})
    values: dict[str, Any] = {
        "studies": [(found.key, found.folder.name) for found in able.values()],
        "key": key,
        "arms": [arm for arm in arms if arm not in refused],
        "refused": _by_reason(refused),
        "at_first": AT_FIRST,
        "most": MOST_ANSWERS,
    }
    return render(request, "sheet.html.j2", **values)


def _able(shelf: Shelf, key: str) -> Followed | None:
    """Return a study if any of its finished runs has a network that can answer."""
    try:
        found = shelf.study(key)
    except HTTPException:
        return None
    return found if len(unable(found.readout)) < len(finished(found.readout)) else None


def _by_reason(refused: dict[str, str]) -> list[tuple[str, str]]:
    """Return the arms that cannot answer, those with the same reason together, and the reason."""
    reasons = dict.fromkeys(refused.values())
    return [(names([arm for arm in refused if refused[arm] == why]), why) for why in reasons]


async def _answer(request: Request) -> Response:
    """Answer a drawing, or a picture that was pasted, with what each network asked takes it for."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in KINDS:
        raise HTTPException(
            415, f"expected a picture ({', '.join(KINDS)}); got {kind[:60] or 'no content type'}"
        )
    whole = "picture" in request.query_params
    body = await read_body(request, MOST_PICTURE if whole else MOST_BODY)
    return await run_in_threadpool(_answered, request, body, KINDS[kind], whole)


def _answered(request: Request, body: bytes, kind: str, whole: bool) -> Response:
    laps = Laps()
    picture = open_drawing(body, kind, whole)
    laps.end("open")
    try:
        found, said = characters_of(picture, whole), ""
    except DataError as error:
        found, said = (), str(error).removeprefix("image: ")
    laps.end("find")
    if not found:
        nothing = {"said": said or NO_STROKES, "characters": [], "answers": []}
        return JSONResponse(nothing, headers=laps.headers)
    kept = found[:MOST_CHARACTERS]
    if len(found) > len(kept):
        said = f"the first {len(kept)} of {len(found)} characters"
    characters = [{"box": item.box, "pixels": item.pixels.ravel().tolist()} for item in kept]
    answers = [_of_network(request, arm, kept) for arm in _arms(request)]
    laps.end("networks")
    answer = {"said": said, "size": picture.size, "characters": characters, "answers": answers}
    return JSONResponse(answer, headers=laps.headers)


def _arms(request: Request) -> list[str]:
    names = list(dict.fromkeys(request.query_params.getlist("arm")))
    if len(names) > MOST_ANSWERS:
        raise HTTPException(422, f"at most {MOST_ANSWERS} networks answer at once; {len(names)} were asked")
    return names


def _ready(request: Request, arm: str) -> Ready:
    if arm == IN_THE_BOX:
        return in_the_box()
    shelf: Shelf = request.app.state.shelf
    return ready(shelf.study(request.query_params.get("study", "")), arm)


def _of_network(request: Request, arm: str, characters: tuple[Found, ...]) -> dict[str, Any]:
    """Return what a network reads, with the likeliest classes of each character, or why it cannot say."""
    try:
        network = _ready(request, arm)
    except AssayError as error:
        return {"arm": arm, "said": str(error), "text": "", "likeliest": []}
    likeliest = [_ranked(row, network.classes) for row in _shares(network, characters)]
    text = _text([row[0] for row in likeliest], characters)
    return {"arm": arm, "said": "", "run": network.run, "text": text, "likeliest": likeliest}


def _shares(network: Ready, characters: tuple[Found, ...]) -> Array:
    """Return the shares (N, K) of a network's classes; finding the characters took the recogniser's."""
    if network.arm == IN_THE_BOX:
        return np.stack([item.probabilities for item in characters])
    return network.found.shares(network.found.scores(np.stack([item.pixels for item in characters])))


def _ranked(shares: Array, classes: tuple[str, ...]) -> list[tuple[str, float]]:
    order = np.argsort(-shares, kind="stable")[:LIKELIEST]
    return [(classes[place], float(shares[place])) for place in order]


def _text(best: list[tuple[str, float]], characters: tuple[Found, ...]) -> str:
    """Return the characters as text, with spaces between words."""
    read = [
        ReadCharacter(name, share, (), item.box, item.line, item.word)
        for (name, share), item in zip(best, characters, strict=True)
    ]
    return Reading("", tuple(read)).text


async def _inside(request: Request) -> Response:
    """Return the feature maps of prepared pixels in one network, and what its answer rests on."""
    pixels, gone = expect_pixels(await read_json(request)), Event()
    waiting = asyncio.create_task(_until_gone(request, gone))
    try:
        return await run_in_threadpool(_looked_into, request, pixels, gone)
    finally:
        waiting.cancel()


async def _until_gone(request: Request, gone: Event) -> None:
    """Set ``gone`` once nobody waits for the answer any more, as when the drawing has changed."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
    gone.set()


def _looked_into(request: Request, pixels: Pixels, gone: Event) -> Response:
    if pixels.min() == pixels.max():
        return JSONResponse({"said": NO_STROKES, "layers": []})
    network = _ready(request, request.query_params.get("arm", IN_THE_BOX))
    return JSONResponse({"said": "", **look_within(network, pixels, gone)})


ROUTES: list[BaseRoute] = [
    Route("/draw", _page),
    Route("/draw/answer", _answer, methods=["POST"]),
    Route("/draw/inside", _inside, methods=["POST"]),
]
