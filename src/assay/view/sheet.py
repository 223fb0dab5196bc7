"""The sheet to draw on: what each arm's best network takes a drawing for, and what it rests that on."""

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from assay.errors import AssayError, DataError
from assay.findings.occlusion import occlusion
from assay.findings.views import features
from assay.reading import find
from assay.reading.nist import as_nist
from assay.reading.recogniser import softmax
from assay.report.inside_pictures import MAPS, VALUES
from assay.report.pictures import Picture, signed
from assay.view.answering import Ready, finished, ready
from assay.view.bodies import MOST_BODY, read_body, read_json
from assay.view.followed import Followed
from assay.view.pages import render
from assay.view.shelf import Shelf

if TYPE_CHECKING:
    from PIL import Image

MOST_PICTURE = 20 * 1024 * 1024
"""Bytes of a picture that is pasted, dropped or chosen."""
MOST_SIDE = 4096
"""Pixels of a drawing's side."""
MOST_PIXELS = 50_000_000
MOST_ARMS, LIKELIEST, AT_FIRST = 8, 5, 4
"""Arms that answer at once, the classes that each names, and the arms that are chosen at first."""
SIDE = 28
KINDS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/bmp": "BMP",
}
NO_STROKES = "no strokes"
Pixels = NDArray[np.uint8]


def _page(request: Request) -> Response:
    """Show the sheet, for the study asked for or the first that has trained networks."""
    shelf: Shelf = request.app.state.shelf
    able = {found.key: found for key in shelf.ids() if (found := _able(shelf, key))}
    key = request.query_params.get("study") or next(iter(able), "")
    if key and key not in able:
        shelf.study(key)
        raise HTTPException(422, "no run of this study is finished, so none can read")
    arms = finished(able[key].look()) if key else ()
    studies = [(found.key, found.folder.name) for found in able.values()]
    values: dict[str, Any] = {
        "studies": studies,
        "key": key,
        "arms": arms,
        "at_first": AT_FIRST,
        "most": MOST_ARMS,
    }
    return render(request, "sheet.html.j2", **values)


def _able(shelf: Shelf, key: str) -> Followed | None:
    """Return a study if any of its runs is finished."""
    try:
        found = shelf.study(key)
    except HTTPException:
        return None
    return found if finished(found.readout) else None


async def _answer(request: Request) -> Response:
    """Answer a drawing, or a picture that was pasted, with what each arm asked for takes it for."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in KINDS:
        raise HTTPException(
            415, f"expected a picture ({', '.join(KINDS)}); got {kind[:60] or 'no content type'}"
        )
    whole = "picture" in request.query_params
    body = await read_body(request, MOST_PICTURE if whole else MOST_BODY)
    return await run_in_threadpool(_answered, request, body, KINDS[kind], whole)


def _answered(request: Request, body: bytes, kind: str, whole: bool) -> Response:
    picture = _opened(body, kind, whole)
    low, high = picture.convert("L").getextrema()
    if low == high:
        return JSONResponse({"said": NO_STROKES, "answers": []})
    try:
        found = [item.pixels for item in find(picture)] if whole else _characters(picture)
    except DataError as error:
        return JSONResponse({"said": str(error).removeprefix("image: "), "answers": []})
    if len(found) > 1:
        said = f"{len(found)} characters, in reading order; draw one alone to see inside"
        return JSONResponse(
            {"said": said, "answers": [_of_word(request, arm, found) for arm in _arms(request)]}
        )
    [pixels] = found
    answers = [_of_arm(request, arm, pixels) for arm in _arms(request)]
    return JSONResponse({"said": "", "pixels": pixels.ravel().tolist(), "answers": answers})


def _opened(body: bytes, kind: str, whole: bool) -> "Image.Image":
    """Return a picture whose size was looked at before any of it was unpacked."""
    from PIL import Image, ImageOps

    try:
        found = Image.open(io.BytesIO(body), formats=[kind])
        width, height = found.size
        if width * height > MOST_PIXELS or (not whole and max(width, height) > MOST_SIDE):
            raise HTTPException(422, f"a picture of {width} x {height} pixels is too large")
        found.load()
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise HTTPException(422, f"not a {kind} picture that can be read ({str(error)[:80]})") from None
    return ImageOps.exif_transpose(found)


def _arms(request: Request) -> list[str]:
    names = list(dict.fromkeys(request.query_params.getlist("arm")))
    if len(names) > MOST_ARMS:
        raise HTTPException(422, f"at most {MOST_ARMS} arms answer at once; {len(names)} were asked")
    return names


def _ready(request: Request, arm: str) -> Ready:
    shelf: Shelf = request.app.state.shelf
    return ready(shelf.study(request.query_params.get("study", "")), arm)


def _of_arm(request: Request, arm: str, pixels: Pixels) -> dict[str, Any]:
    """Return the likeliest characters by an arm's best network, or why it cannot say."""
    try:
        network = _ready(request, arm)
    except AssayError as error:
        return {"arm": arm, "said": str(error), "likeliest": []}
    scores, temperature = network.found.scores(pixels[None]), network.found.run.temperature
    [sure] = softmax(scores, temperature or 1.0)
    order = np.argsort(-sure, kind="stable")[:LIKELIEST]
    named = [[network.classes[place], float(sure[place])] for place in order]
    return {"arm": arm, "said": "", "run": str(network.found.run.id), "likeliest": named}


def _characters(picture: "Image.Image") -> list[Pixels]:
    """Return the characters of a drawing; what does not look like one yet, half drawn, is taken as one."""
    try:
        return [item.pixels for item in find(picture)]
    except DataError:
        grey = np.asarray(picture.convert("L"), np.float32)
        return [as_nist((grey.max() - grey) / (grey.max() - grey.min()))]


def _of_word(request: Request, arm: str, characters: list[Pixels]) -> dict[str, Any]:
    """Return what an arm's best network reads in several characters, or why it cannot say."""
    try:
        network = _ready(request, arm)
    except AssayError as error:
        return {"arm": arm, "said": str(error), "likeliest": []}
    scores = network.found.scores(np.stack(characters))
    read = "".join(network.classes[place] for place in scores.argmax(axis=1))
    return {"arm": arm, "said": f"reads {read}", "run": str(network.found.run.id), "likeliest": []}


async def _within(request: Request) -> Response:
    """Return the feature maps of prepared pixels in one arm's network, and what its answer rests on."""
    pixels = expect_pixels(await read_json(request))
    return await run_in_threadpool(_looked_into, request, pixels)


def expect_pixels(found: Any) -> Pixels:
    """Return 784 numbers 0..255 as an image; 422 for anything else."""
    values = found.get("pixels") if isinstance(found, dict) else None
    wanted = f"pixels must be {SIDE * SIDE} numbers 0..255"
    if not isinstance(values, list):
        raise HTTPException(422, f"{wanted}; got {'none' if values is None else type(values).__name__}")
    if len(values) != SIDE * SIDE:
        raise HTTPException(422, f"{wanted}; got {len(values)}")
    for place, value in enumerate(values):
        if type(value) is not int or not 0 <= value <= 255:
            raise HTTPException(422, f"{wanted}; number {place} is {str(value)[:20]}")
    return np.array(values, np.uint8).reshape(SIDE, SIDE)


def _looked_into(request: Request, pixels: Pixels) -> Response:
    if pixels.min() == pixels.max():
        return JSONResponse({"said": NO_STROKES, "layers": []})
    network = _ready(request, request.query_params.get("arm", ""))
    seen = features(network.found, pixels, 0, "", network.classes)
    answer = seen.answers[0][0]
    loss = occlusion(network.found, pixels, network.classes.index(answer))
    layers = []
    for maps in seen.layers:
        columns, tile, what = (VALUES, 12, "values") if maps.single else (MAPS, 52, "feature maps")
        words = f"{len(maps.maps)} of {maps.total} {what} of {maps.layer}"
        layers.append(_drawn(signed(maps.maps, columns, tile, maps.layer, words)))
    shown = _drawn(signed(loss[None], 1, 168, "occlusion", f"What “{answer}” rests on, pixel by pixel"))
    most = float(np.abs(loss).max())
    return JSONResponse({"said": "", "answer": answer, "most": most, "occlusion": shown, "layers": layers})


def _drawn(picture: Picture) -> dict[str, Any]:
    width, height = (round(side * picture.zoom) for side in picture.size)
    return {"uri": picture.uri, "words": picture.description, "width": width, "height": height}


ROUTES: list[BaseRoute] = [
    Route("/draw", _page),
    Route("/draw/answer", _answer, methods=["POST"]),
    Route("/draw/inside", _within, methods=["POST"]),
]
