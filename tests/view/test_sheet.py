"""The sheet: what is drawn there is answered as `assay predict` answers it, or refused in a line."""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from serving import Served, Tab, serving
from tiny import tiny_study

from assay.data.glyphs import draw
from assay.findings.occlusion import occlusion
from assay.findings.prediction import recognise
from assay.findings.trained import best_run, trained
from assay.reading import find, prepare
from assay.reading.recogniser import softmax
from assay.results import Results
from assay.running.run import run
from assay.view import answering
from assay.view.shelf import identity

ARMS = ("max", "average")
REPLAY = """async (pictures) => {
    const { strokes, ask } = await import("/static/sheet.js");
    strokes.onchange = () => {};
    const found = [];
    for (const picture of pictures) {
        const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
        await strokes.lay(new Blob([bytes], { type: "image/png" }));
        strokes.strokes[0].file = null;
        found.push(await ask());
    }
    return found;
}"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two arms, trained for a moment on drawn characters of 28 x 28 pixels."""
    study = tiny_study(
        "glyphs", seeds=[0], data={"train": 3000}, training={"epochs": 6}, optimizer={"lr": 0.01}
    )
    return run(study, tmp_path_factory.mktemp("drawn") / "out", progress=False)


@pytest.fixture(scope="module")
def served(drawn: Results) -> Iterator[Served]:
    with serving([drawn.folder]) as found:
        yield found


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def pictures(count: int) -> list[Image.Image]:
    images, _ = draw(count, 0, "test")
    return [Image.fromarray(255 - image).resize((560, 560), Image.Resampling.BICUBIC) for image in images]


def post(served: Served, path: str, body: bytes, kind: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {served.token}", "Content-Type": kind}
    status, _, found = served.ask("POST", path, headers, body)
    return status, json.loads(found)


def query(drawn: Results, *arms: str) -> str:
    return "&".join([f"study={identity(drawn.folder)}", *(f"arm={arm}" for arm in arms)])


def test_what_lies_on_the_sheet_is_answered_as_predict_does(tab: Tab, drawn: Results) -> None:
    """And would not be, had rows and columns or ink and paper been exchanged."""
    chosen = [picture for picture in pictures(94) if len(find(picture)) == 1]
    assert len(chosen) >= 93
    page = tab.open("/draw")
    answers = page.evaluate(REPLAY, [base64.b64encode(png(picture)).decode() for picture in chosen])
    pixels = np.array([found["pixels"] for found in answers], np.uint8).reshape(-1, 28, 28)
    assert np.array_equal(pixels, [prepare(picture) for picture in chosen])
    classes = np.array(drawn.header.classes)
    for place, arm in enumerate(one["arm"] for one in answers[0]["answers"]):
        found = np.array([answer["answers"][place]["likeliest"][0][0] for answer in answers])
        direct = np.array([one.character for one in recognise(drawn, chosen, arm=arm)])
        assert np.mean(found == direct) >= 0.995
        network = trained(drawn, best_run(drawn, arm), (1, 28, 28))
        for wrong in (pixels.transpose(0, 2, 1), 255 - pixels):
            assert np.mean(classes[network.scores(wrong).argmax(1)] == direct) < 0.5


def stroke(page: Any) -> None:
    box = page.locator("#canvas").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"], steps=6)
    page.mouse.up()


def test_a_stroke_is_answered_undone_and_cleared(tab: Tab) -> None:
    page = tab.open("/draw")
    stroke(page)
    page.wait_for_selector("#sheet[data-inside]")
    assert page.locator("#said").inner_text().startswith(("max: ", "average: "))
    assert page.locator(".bars").count() == 2
    assert page.locator("#layers figure").count() >= 1
    assert page.locator("#occlusion img").get_attribute("alt").startswith("What ")
    assert tab.violations() == []
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("No strokes.").wait_for()
    stroke(page)
    page.get_by_text("max: ").wait_for()
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("No strokes.").wait_for()


def test_the_keyboard_draws(tab: Tab) -> None:
    page = tab.open("/draw")
    page.locator("#canvas").focus()
    for key in ["ArrowUp"] * 8 + [" "] + ["ArrowDown"] * 16 + [" "]:
        page.keyboard.press(key)
    page.get_by_text("max: ").wait_for()
    page.keyboard.press("Control+z")
    page.get_by_text("No strokes.").wait_for()


def test_a_picture_that_is_chosen_is_answered(tab: Tab, drawn: Results, tmp_path: Path) -> None:
    picture = pictures(1)[0]
    picture.save(tmp_path / "it.png")
    page = tab.open("/draw")
    page.locator("#file").set_input_files(tmp_path / "it.png")
    page.get_by_text("max: ").wait_for()
    [direct] = recognise(drawn, picture, arm="max")
    assert f"max: {direct.character} " in page.locator("#said").inner_text()


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        ([0] * 783, "got 783"),
        ([0] * 756, "got 756"),
        ([0] * 783 + [256], "number 783 is 256"),
        ([-1] + [0] * 783, "number 0 is -1"),
        (["a"] * 784, "number 0 is a"),
        ([None] * 784, "number 0 is None"),
        ([True] * 784, "number 0 is True"),
        ([0.5] * 784, "number 0 is 0.5"),
        (None, "got none"),
        ("x", "got str"),
    ],
)
def test_pixels_that_are_none_are_refused(served: Served, drawn: Results, pixels: Any, said: str) -> None:
    body = json.dumps({"pixels": pixels}).encode()
    status, found = post(served, f"/draw/inside?{query(drawn, 'max')}", body, "application/json")
    assert (status, found["error"]) == (422, f"pixels must be 784 numbers 0..255; {said}")


def test_a_blank_sheet_is_not_guessed_at(served: Served, drawn: Results) -> None:
    blank = png(Image.new("RGB", (560, 560), "white"))
    status, found = post(served, f"/draw/answer?{query(drawn, *ARMS)}", blank, "image/png")
    assert (status, found) == (200, {"said": "no strokes", "answers": []})
    body = json.dumps({"pixels": [0] * 784}).encode()
    status, found = post(served, f"/draw/inside?{query(drawn, 'max')}", body, "application/json")
    assert (status, found["said"]) == (200, "no strokes")


def test_what_is_no_picture_is_refused(served: Served, drawn: Results) -> None:
    address, good = f"/draw/answer?{query(drawn, 'max')}", png(pictures(1)[0])
    assert post(served, address, good, "image/png")[0] == 200
    assert post(served, address, good, "text/plain")[0] == 415
    assert post(served, address, b"nonsense", "image/png")[0] == 422
    assert post(served, address, good, "image/jpeg")[0] == 422
    assert post(served, address, good[: len(good) // 2], "image/png")[0] == 422
    assert post(served, address, b"\0" * (64 * 1024 + 1), "image/png")[0] == 413
    assert post(served, f"{address}&picture", b"\0" * (64 * 1024 + 1), "image/png")[0] == 422
    large = png(Image.new("1", (20_000, 20_000)))
    assert post(served, f"{address}&picture", large, "image/png")[0] == 422
    assert (
        post(served, f"/draw/answer?{'&'.join(f'arm={arm}' for arm in range(9))}", good, "image/png")[0]
        == 422
    )
    assert post(served, "/draw/answer?study=1;drop&arm=max", good, "image/png")[0] == 404
    assert post(served, f"/draw/answer?{query(drawn, 'none')}", good, "image/png")[1]["answers"][0]["said"]


def test_weights_that_are_replaced_are_read_anew(drawn: Results) -> None:
    from assay.store.weights import path_of
    from assay.view.followed import Followed

    followed = Followed("it", drawn.folder)
    first = answering.ready(followed, "max")
    assert answering.ready(followed, "max") is first
    path = path_of(drawn.folder, first.found.run.id)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(path.read_bytes())
    fresh.replace(path)
    assert answering.ready(followed, "max") is not first


def test_several_characters_are_read_in_a_row(served: Served, drawn: Results) -> None:
    """Each as it is read alone."""
    letters = [picture for picture in pictures(8) if len(find(picture)) == 1][:2]
    sheet = Image.new("L", (1120, 560), 255)
    for place, picture in enumerate(letters):
        sheet.paste(picture, (560 * place, 0))
    alone = "".join(recognise(drawn, picture, arm="max")[0].character for picture in letters)
    _, answer = post(served, f"/draw/answer?picture&{query(drawn, 'max')}", png(sheet), "image/png")
    assert answer["said"].startswith("2 characters")
    assert answer["answers"][0]["said"] == f"reads {alone}"


def test_occlusion_is_what_covering_costs(drawn: Results) -> None:
    """With patches side by side, each pixel's loss is that of its own patch."""
    network = trained(drawn, best_run(drawn, "max"), (1, 28, 28))
    image = prepare(pictures(1)[0])
    found = occlusion(network, image, 3, patch=7, stride=7)
    covered = image.copy()
    covered[7:14, 14:21] = 0
    before, after = (softmax(network.scores(one[None]))[0][3] for one in (image, covered))
    assert found[7:14, 14:21] == pytest.approx(before - after, abs=1e-7)
    assert np.abs(found).max() > 1e-3
    assert occlusion(network, image, 3, patch=6, stride=4).shape == (28, 28)
