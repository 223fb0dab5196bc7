"""What a network makes of one prepared character: the maps of its layers, and what its answer rests on."""

from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.exceptions import HTTPException

from assay.findings.feature_maps import features
from assay.findings.occlusion import occlusion
from assay.report.inside_pictures import MAPS, VALUES
from assay.report.pictures import Picture, signed
from assay.view.answering import Ready

SIDE = 28
Pixels = NDArray[np.uint8]


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


def look_within(network: Ready, pixels: Pixels, gone: Event) -> dict[str, Any]:
    """Return the feature maps of ``pixels`` (28, 28) layer by layer, and the occlusion of the answer.

    Nothing once ``gone`` is set: nobody waits for it, and the next drawing should not.
    """
    if gone.is_set():
        return {}
    seen = features(network.found, pixels, 0, "", network.classes)
    if gone.is_set():
        return {}
    answer, share = seen.answers[0]
    loss = occlusion(network.found, pixels, network.classes.index(answer))
    layers = []
    for maps in seen.layers:
        columns, tile, what = (VALUES, 12, "values") if maps.single else (MAPS, 52, "feature maps")
        words = f"{len(maps.maps)} of {maps.total} {what} of {maps.layer}"
        layers.append(_drawn(signed(maps.maps, columns, tile, maps.layer, words)))
    shown = _drawn(signed(loss[None], 1, 168, "occlusion", f"What “{answer}” rests on, pixel by pixel"))
    most = float(np.abs(loss).max())
    return {"answer": answer, "share": share, "most": most, "occlusion": shown, "layers": layers}


def _drawn(picture: Picture) -> dict[str, Any]:
    width, height = (round(side * picture.zoom) for side in picture.size)
    return {"uri": picture.uri, "words": picture.description, "width": width, "height": height}
