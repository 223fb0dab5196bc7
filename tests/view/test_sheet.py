"""What the sheet's server answers: as `assay predict` does, or why not, in a line."""

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from time import monotonic
from typing import Any

import numpy as np
import pytest
from own_classes import study_text, write_own
from patience import PATIENCE
from PIL import Image
from serving import Served, serving
from sheets import picture, png, replayed

from assay.data.glyphs import draw
from assay.exchange.importing import import_results
from assay.findings.feature_maps import features
from assay.findings.occlusion import occlusion
from assay.findings.prediction import recognise
from assay.findings.trained import Fitted, best_run, trained
from assay.nn.loss import softmax
from assay.reading import find, prepare, read
from assay.reading.recogniser import recogniser
from assay.results import Results
from assay.running.plan import Plan
from assay.running.run import run
from assay.study.builtin import load_study
from assay.view import answering, within
from assay.view import sheet as sheet_of_server
from assay.view.shelf import identity

ARMS = ("conv", "dense")
STARTS = (0, 280, 1120, 1400)


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    """Test characters, each of which looks like one."""
    found = [picture(image) for image in draw(12, 0, "test")[0]]
    return [one for one in found if len(find(one)) == 1]


def post(served: Served, path: str, body: bytes, kind: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {served.token}", "Content-Type": kind}
    status, _, found = served.ask("POST", path, headers, body)
    return status, json.loads(found)


def query(drawn: Results, *arms: str) -> str:
    return "&".join([f"study={identity(drawn.folder)}", *(f"arm={arm}" for arm in arms)])


def network(drawn: Results, arm: str) -> Fitted:
    return trained(drawn, best_run(drawn, arm), (1, 28, 28))


def test_what_lies_on_the_sheet_is_answered_as_predict_does(
    sheet: Any, drawn: Results, pictures: list[Image.Image]
) -> None:
    """And would not be, had rows and columns or ink and paper been exchanged."""
    assert len(pictures) >= 11
    answers = replayed(sheet, pictures)
    pixels = np.array([found["characters"][0]["pixels"] for found in answers], np.uint8).reshape(-1, 28, 28)
    assert np.array_equal(pixels, [prepare(one) for one in pictures])
    found = {
        one["arm"]: [answer["answers"][place]["text"] for answer in answers]
        for place, one in enumerate(answers[0]["answers"])
    }
    assert set(found) == {*ARMS, ""}
    for arm in ARMS:
        assert found[arm] == [one.character for one in recognise(drawn, pictures, arm=arm)]
    assert found[""] == [read(one, one=True).text for one in pictures]
    dense, box = network(drawn, "dense"), recogniser()
    for wrong in (pixels.transpose(0, 2, 1), 255 - pixels):
        for arm, of, classes in (("dense", dense, drawn.header.classes), ("", box, box.classes)):
            labels = np.array(classes)[of.scores(wrong).argmax(1)]
            assert np.mean(labels == np.array(found[arm])) < 0.5


def test_shares_are_those_of_the_fitted_temperature(
    sheet_served: Served, drawn: Results, pictures: list[Image.Image]
) -> None:
    body = png(pictures[0])
    _, answer = post(sheet_served, f"/draw/answer?{query(drawn, *ARMS, '')}", body, "image/png")
    shares = {one["arm"]: one["likeliest"][0] for one in answer["answers"]}
    for arm in ARMS:
        [one] = recognise(drawn, pictures[0], arm=arm)
        assert one.temperature != 1.0
        assert shares[arm][0] == [one.character, pytest.approx(one.confidence, abs=1e-6)]
    [character] = read(pictures[0], one=True).characters
    assert shares[""][:3] == [[name, pytest.approx(share)] for name, share in character.likeliest]


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
def test_pixels_that_are_none_are_refused(
    sheet_served: Served, drawn: Results, pixels: Any, said: str
) -> None:
    body = json.dumps({"pixels": pixels}).encode()
    status, found = post(sheet_served, f"/draw/inside?{query(drawn, 'conv')}", body, "application/json")
    assert (status, found["error"]) == (422, f"pixels must be 784 numbers 0..255; {said}")


def test_a_blank_sheet_is_not_guessed_at(sheet_served: Served, drawn: Results) -> None:
    blank = png(Image.new("RGB", (280, 280), "white"))
    status, found = post(sheet_served, f"/draw/answer?{query(drawn, *ARMS)}", blank, "image/png")
    assert (status, found) == (200, {"said": "no strokes", "characters": [], "answers": []})
    _, found = post(sheet_served, f"/draw/answer?picture&{query(drawn, *ARMS)}", blank, "image/png")
    assert found == {"said": "blank picture, no character found", "characters": [], "answers": []}
    body = json.dumps({"pixels": [0] * 784}).encode()
    status, found = post(sheet_served, f"/draw/inside?{query(drawn, 'conv')}", body, "application/json")
    assert (status, found["said"]) == (200, "no strokes")


def test_what_is_no_picture_is_refused(
    sheet_served: Served, drawn: Results, pictures: list[Image.Image]
) -> None:
    address, good = f"/draw/answer?{query(drawn, 'conv')}", png(pictures[0])

    def status(path: str, body: bytes, kind: str = "image/png") -> int:
        return post(sheet_served, path, body, kind)[0]

    assert status(address, good) == 200
    assert status(address, good, "text/plain") == 415
    assert status(address, b"nonsense") == 422
    assert status(address, good, "image/jpeg") == 422
    assert status(address, good[: len(good) // 2]) == 422
    assert status(address, b"\0" * (64 * 1024 + 1)) == 413
    assert status(f"{address}&picture", b"\0" * (64 * 1024 + 1)) == 422
    assert status(f"{address}&picture", png(Image.new("1", (10_000, 5_001)))) == 422
    assert status(f"/draw/answer?{'&'.join(f'arm={arm}' for arm in range(9))}", good) == 422
    assert status("/draw/answer?study=1;drop&arm=max", good) == 404
    _, found = post(sheet_served, f"/draw/answer?{query(drawn, 'none')}", good, "image/png")
    assert "none" in found["answers"][0]["said"]


def test_weights_that_are_replaced_are_read_anew(drawn: Results) -> None:
    from assay.store.weights import path_of
    from assay.view.followed import Followed

    followed = Followed("it", drawn.folder)
    first = answering.ready(followed, "conv")
    assert answering.ready(followed, "conv") is first
    path = path_of(drawn.folder, best_run(drawn, "conv").id)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(path.read_bytes())
    fresh.replace(path)
    assert answering.ready(followed, "conv") is not first


def test_several_characters_are_read_in_a_row(
    sheet_served: Served, drawn: Results, pictures: list[Image.Image]
) -> None:
    """Each as it is read alone, with a box around its own ink; a wide gap is a space."""
    sheet = Image.new("L", (1680, 280), 255)
    for place, one in zip(STARTS, pictures, strict=False):
        sheet.paste(one, (place, 0))
    body = png(sheet)
    _, answer = post(sheet_served, f"/draw/answer?picture&{query(drawn, *ARMS, '')}", body, "image/png")
    assert answer["size"] == [1680, 280]
    assert len(answer["characters"]) == 4
    dark = np.asarray(sheet) < 128
    for character, start in zip(answer["characters"], STARTS, strict=True):
        left, top, right, bottom = character["box"]
        rows, columns = (np.flatnonzero(dark[:, start : start + 280].any(axis=axis)) for axis in (1, 0))
        assert (left, right) == pytest.approx((start + columns[0], start + columns[-1] + 1), abs=6)
        assert (top, bottom) == pytest.approx((rows[0], rows[-1] + 1), abs=6)
    for arm, found in zip((*ARMS, ""), answer["answers"], strict=True):
        alone = [
            recognise(drawn, one, arm=arm)[0].character if arm else read(one).text for one in pictures[:4]
        ]
        assert found["text"] == f"{alone[0]}{alone[1]} {alone[2]}{alone[3]}"
        assert [row[0][0] for row in found["likeliest"]] == alone


def test_without_a_study_the_recogniser_answers(tmp_path: Any, pictures: list[Image.Image]) -> None:
    with serving([tmp_path / "assay-runs"]) as served:
        page = served.get("/draw").decode()
        assert "so the recogniser that comes with assay reads alone" in page
        assert page.count('type="checkbox"') == 1
        _, answer = post(served, "/draw/answer?study=&arm=", png(pictures[0]), "image/png")
        assert [one["text"] for one in answer["answers"]] == [read(pictures[0]).text]
        body = json.dumps({"pixels": answer["characters"][0]["pixels"]}).encode()
        status, inside = post(served, "/draw/inside?study=&arm=", body, "application/json")
    assert (status, inside["answer"]) == (200, read(pictures[0]).text)
    assert len(inside["layers"]) > 1


def test_networks_that_cannot_take_what_is_drawn_are_not_offered(
    drawn: Results, trained: Results, tmp_path: Path
) -> None:
    import_results([{"arm": arm, "seed": 0, "accuracy": 0.5} for arm in "ab"], tmp_path / "judged").close()
    folders = {
        trained.folder: "was not trained on images of 28 x 28 pixels",
        tmp_path / "judged": "its runs were trained elsewhere, so there are no networks here",
    }
    with serving([*folders, drawn.folder]) as served:
        page = served.get("/draw").decode()
        assert (page.count('type="checkbox"'), "cannot answer" in page) == (3, False)
        assert [identity(folder) in page for folder in (drawn.folder, *folders)] == [True, False, False]
        for folder, why in folders.items():
            page = served.get(f"/draw?study={identity(folder)}").decode()
            assert f"No network of this study can answer: {why}. The recogniser that comes" in page
            assert page.count('type="checkbox"') == 1
    with serving([*folders]) as served:
        assert "No study here has a finished run whose network takes" in served.get("/draw").decode()


def test_beside_the_arms_that_answer_it_is_said_which_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgetful: Callable[[], None]
) -> None:
    monkeypatch.setattr(Plan, "isolated", False)
    (write_own(tmp_path) / "own.toml").write_text(study_text("glyphs"))
    study = load_study(tmp_path / "own.toml", trust=["mylayers.py"])
    run(study, tmp_path / "own", progress=False).close()
    forgetful()
    with serving([tmp_path / "own"]) as served:
        page = served.get("/draw").decode()
    assert "swish cannot answer: needs to run code of its own, mylayers.py.<" in page
    assert [f'data-name="{arm}"' in page for arm in ("relu", "swish")] == [True, False]


def test_occlusion_is_what_covering_costs(drawn: Results, pictures: list[Image.Image]) -> None:
    """With patches side by side, each pixel's loss is that of its own patch, by the fitted temperature."""
    found = network(drawn, "conv")
    assert found.temperature
    assert found.temperature != 1.0
    image = prepare(pictures[0])
    lost = occlusion(found, image, 3, patch=7, stride=7)
    covered = image.copy()
    covered[7:14, 14:21] = 0
    before, after = (softmax(found.scores(one[None]), found.temperature)[0][3] for one in (image, covered))
    assert lost[7:14, 14:21] == pytest.approx(before - after, abs=1e-7)
    assert np.abs(lost).max() > 1e-3
    assert occlusion(found, image, 3, patch=6, stride=4).shape == (28, 28)
    [share, *_] = sorted(softmax(found.scores(image[None]), found.temperature)[0], reverse=True)
    assert features(found, image, 0, "", drawn.header.classes).answers[0][1] == pytest.approx(share, abs=1e-6)


def test_what_nobody_waits_for_is_dropped(
    sheet_served: Served, drawn: Results, pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the drawing has changed meanwhile: whoever asks next should not wait for it."""
    begun, noticed = Event(), SimpleQueue[bool]()

    def wait(network: object, pixels: object, gone: Event) -> dict[str, Any]:
        del network, pixels
        begun.set()
        noticed.put(gone.wait(PATIENCE))
        return {}

    monkeypatch.setattr(sheet_of_server, "look_within", wait)
    headers = {"Authorization": f"Bearer {sheet_served.token}", "Content-Type": "application/json"}
    body = json.dumps({"pixels": prepare(pictures[0]).ravel().tolist()})
    connection = http.client.HTTPConnection("127.0.0.1", sheet_served.port)
    connection.request("POST", f"/draw/inside?{query(drawn, 'conv')}", body, headers)
    assert begun.wait(PATIENCE)
    connection.close()
    assert noticed.get(timeout=PATIENCE)
    gone = Event()
    gone.set()
    monkeypatch.setattr(within, "features", lambda *_: pytest.fail("nobody waits"))
    assert within.look_within(answering.in_the_box(), prepare(pictures[0]), gone) == {}


def test_an_answer_says_what_its_time_was_spent_on(
    sheet_served: Served, drawn: Results, pictures: list[Image.Image]
) -> None:
    headers = {"Authorization": f"Bearer {sheet_served.token}", "Content-Type": "image/png"}
    address = f"/draw/answer?{query(drawn, *ARMS, '')}"
    begun = monotonic()
    _, sent, _ = sheet_served.ask("POST", address, headers, png(pictures[0]))
    whole = 1000 * (monotonic() - begun)
    parts = [part.partition(";dur=") for part in sent["server-timing"].split(", ")]
    assert [name for name, _, _ in parts] == ["open", "find", "networks"]
    assert 0 < sum(float(milliseconds) for _, _, milliseconds in parts) < whole
