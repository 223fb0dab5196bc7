"""What is done on the sheet to draw on, in a browser: characters replayed, strokes, pictures pasted."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

TEN_TIMES = 280
"""The side of a test image laid on the sheet, which is sent at this size."""
AT_ONCE = 20
REPLAY = """async (pictures) => {
    const { strokes, ask } = await import("/static/sheet.js");
    strokes.onchange = () => {};
    const found = [];
    for (const picture of pictures) {
        const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
        await strokes.lay(new Blob([bytes], { type: "image/png" }));
        strokes.strokes[0].file = null;  // the sheet is sent, not the file
        found.push(await ask());
    }
    return found;
}"""
INK = """() => {
    const sheet = document.querySelector("#canvas");
    const { data } = sheet.getContext("2d").getImageData(0, 0, sheet.width, sheet.height);
    const reds = data.filter((_, at) => at % 4 === 0);
    return btoa(Array.from(reds, (value) => String.fromCharCode(value)).join(""));
}"""
GIVEN = """([picture, kind]) => {
    const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], "it.png", { type: "image/png" }));
    const event = kind === "paste"
        ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true })
        : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
    document.querySelector("#canvas").dispatchEvent(event);
}"""


def picture(image: NDArray[np.uint8]) -> Image.Image:
    """Return a test image as a picture of a character, dark on white."""
    return Image.fromarray(255 - image).resize((TEN_TIMES, TEN_TIMES), Image.Resampling.BICUBIC)


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def encoded(picture: Image.Image) -> str:
    return base64.b64encode(png(picture)).decode()


def replayed(page: Any, pictures: Sequence[Image.Image]) -> list[dict[str, Any]]:
    """Return what the page answers to each picture that is laid on its sheet."""
    found: list[dict[str, Any]] = []
    for start in range(0, len(pictures), AT_ONCE):
        found += page.evaluate(REPLAY, [encoded(one) for one in pictures[start : start + AT_ONCE]])
    return found


def give(page: Any, picture: Image.Image, kind: str) -> None:
    """Let a picture come as from the clipboard ("paste") or from a folder ("drop")."""
    page.evaluate(GIVEN, [encoded(picture), kind])


def places(page: Any, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return points of the sheet, from 0 to 1, as the window's."""
    box = page.locator("#canvas").bounding_box()
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]


def stroke(page: Any, *points: tuple[float, float], steps: int = 6) -> None:
    """Draw through ``points`` with the mouse."""
    first, *others = places(page, points)
    page.mouse.move(*first)
    page.mouse.down()
    for point in others:
        page.mouse.move(*point, steps=steps)
    page.mouse.up()


def ink(page: Any) -> NDArray[np.uint8]:
    """Return what is on the sheet now, (560, 560), 0 paper to 255 ink on a white sheet."""
    found = page.evaluate(INK)
    return 255 - np.frombuffer(base64.b64decode(found), np.uint8).reshape(560, 560)
