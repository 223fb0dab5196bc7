"""Single images: what each arm takes them for, and what a network makes of them."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from assay.errors import AssayError
from assay.findings.disagreement import Answered, confusions, most_disputed, most_mistaken
from assay.findings.feature_maps import features, first_kernels
from assay.findings.inside import Inside
from assay.findings.trained import best_run, trained
from assay.report import inside_pictures
from assay.store.readout import Readout
from assay.view.examined import Examined, compared, examined
from assay.view.pages import head_of, render, study_of

PAGE = 48
"""Images on a page."""
MOST_PAIRS, MOST_ARMS = 16, 6


def _mistakes(request: Request) -> Response:
    """Show the images over which arms disagree, or those that one arm gets wrong."""
    found = study_of(request)
    results = found.look()
    values = {**head_of(found, "mistakes"), "missing": ""}
    try:
        seen = compared(found)
    except AssayError as error:
        return render(request, "mistakes.html.j2", **values | {"missing": str(error)})
    arm, classes = request.query_params.get("arm", ""), results.header.classes
    true, read = number(request, "true", len(classes)), number(request, "read", len(classes))
    start = number(request, "from", len(seen.test)) or 0
    if arm:
        answers = arm_of(seen, arm)
        order, pairs = (
            most_mistaken(answers, seen.test.labels, true, read),
            confusions(answers, seen.test.labels, len(classes), MOST_PAIRS),
        )
    else:
        order, pairs = _disputed(seen, true), ()
    shown = [_image(seen, int(index), classes) for index in order[start : start + PAGE]]
    values |= {"arm": arm, "of": true, "read": read, "start": start, "page": PAGE, "count": len(order)}
    values |= {"shown": shown, "pairs": pairs, "classes": classes, "arms": [*seen.arms]}
    return render(request, "mistakes.html.j2", **values)


def _disputed(seen: Examined, true: int | None) -> NDArray[np.int64]:
    order, _ = most_disputed(seen.arms)
    return order if true is None else order[seen.test.labels[order] == true]


def _image(seen: Examined, index: int, classes: tuple[str, ...]) -> dict[str, Any]:
    """Return what is said of an image: the arms that err most and least, with what they take it for."""
    by_share = sorted(seen.arms.values(), key=lambda found: -found.wrong[index])
    rows = [
        (found.arm, round(found.seeds * (1 - found.wrong[index])), found.seeds, classes[found.usual[index]])
        for found in (by_share if len(by_share) <= MOST_ARMS else [*by_share[:3], *by_share[-3:]])
    ]
    more = max(0, len(by_share) - MOST_ARMS)
    return {"index": index, "true": classes[seen.test.labels[index]], "arms": rows, "more": more}


def _inside(request: Request) -> Response:
    """Show the kernels of an arm's best network, and what its layers make of a test image."""
    found = study_of(request)
    results = found.look()
    values = {**head_of(found, "inside"), "missing": ""}
    try:
        seen = examined(found)
        index = number(request, "image", len(seen.test)) or 0
        arm = request.query_params.get("arm", "")
        looked = _looked(results.at_look(), seen, arm, index)
    except AssayError as error:
        return render(request, "inside.html.j2", **values | {"missing": str(error)})
    pictures = inside_pictures.draw(looked)
    last = len(seen.test) - 1
    return render(
        request, "inside.html.j2", **values, looked=looked, pictures=pictures, last=last, arms=[*seen.arms]
    )


def _looked(results: Readout, seen: Examined, arm: str, index: int) -> Inside:
    if arm:
        arm_of(seen, arm)
    run, classes = best_run(results, arm or None), results.header.classes
    network = trained(results, run, seen.test.input_shape)
    shown = features(network, seen.test.images[index], index, classes[seen.test.labels[index]], classes)
    return Inside(run.arm, run.id, "", None, first_kernels(network), shown)


def _picture(request: Request) -> Response:
    """Send a test image as PNG, dark on white."""
    from PIL import Image

    seen, index = examined(study_of(request)), request.path_params["index"]
    if index >= len(seen.test):
        raise HTTPException(404, f"the test set has images 0 to {len(seen.test) - 1}")
    file = io.BytesIO()
    Image.fromarray(255 - seen.test.images[index]).save(file, "PNG")
    return Response(
        file.getvalue(), media_type="image/png", headers={"cache-control": "private, max-age=600"}
    )


def arm_of(seen: Examined, arm: str) -> Answered:
    """Return what an arm answered; 404 where that is not known."""
    if arm not in seen.arms:
        raise HTTPException(404, "no such arm, or none of its runs is finished")
    return seen.arms[arm]


def number(request: Request, name: str, below: int) -> int | None:
    """Return a whole number of the query, from 0; None where it is not given, 422 where it is not one."""
    text = request.query_params.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) < below):
        raise HTTPException(422, f"{name}: expected a number from 0 to {below - 1}")
    return int(text)


ROUTES: list[BaseRoute] = [
    Route("/study/{key}/mistakes", _mistakes),
    Route("/study/{key}/inside", _inside),
    Route("/study/{key}/image/{index:int}.png", _picture),
]
