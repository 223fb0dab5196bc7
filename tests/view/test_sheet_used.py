"""The sheet in a browser: mouse, finger, pen, keyboard, pictures from elsewhere, words."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from serving import Served, Tab, serving
from sheets import give, ink, picture, places, stroke

from assay.data.glyphs import draw
from assay.findings.prediction import recognise
from assay.reading import read
from assay.results import Results

SAYS = """(start) => document.querySelector("#said").textContent.startsWith(start)
    && document.querySelector("#sheet").dataset.busy !== "true"
"""
FIRST = "dense: "  # the best is named first
MET = """() => {
    window.met = [];
    addEventListener("pointerdown", (event) => window.met.push([event.pointerType, event.pressure]), true);
}"""
TEXT = """() => {
    const data = new DataTransfer();
    data.items.add(new File(["x"], "x.txt", { type: "text/plain" }));
    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
}"""
DOWN = ((0.5, 0.2), (0.5, 0.8))


def said(page: Any, start: str) -> str:
    """Wait until all is answered and what is said begins with ``start``, and return it."""
    page.wait_for_function(SAYS, arg=start)
    return str(page.locator("#said").inner_text())


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two sheets are the same, but for the shades of edges that are drawn at once or bit by bit."""
    return bool(((one > 127) != (other > 127)).sum() <= 50)


def picture_of(place: int) -> Image.Image:
    return picture(draw(20, 0, "test")[0][place])


def test_a_stroke_is_answered_undone_and_cleared(sheet: Any, sheet_tab: Tab) -> None:
    stroke(sheet, *DOWN)
    sheet.wait_for_selector("#sheet[data-inside]")
    words = said(sheet, FIRST)
    assert ", conv: " in words
    assert "assay’s recogniser: " in words
    assert sheet.locator(".bars").count() == 3
    assert sheet.locator("#layers figure").count() >= 1
    assert sheet.locator("#occlusion img").get_attribute("alt").startswith("What ")
    assert sheet_tab.violations() == []
    one = ink(sheet)
    stroke(sheet, (0.2, 0.2), (0.8, 0.2))
    assert (ink(sheet) > 127).sum() > (one > 127).sum()
    sheet.get_by_role("button", name="Undo").click()
    assert alike(ink(sheet), one)
    sheet.get_by_role("button", name="Clear").click()
    said(sheet, "No strokes.")
    assert ink(sheet).max() == 0
    sheet.get_by_role("button", name="Undo").click()
    said(sheet, FIRST)
    assert alike(ink(sheet), one)


def test_the_keyboard_alone_draws_with_pens_of_two_widths(sheet: Any) -> None:
    """From the top of the page, with Tab: two strokes with pens of two widths, undone one by one."""

    def to(name: str) -> None:
        for _ in range(30):
            sheet.keyboard.press("Tab")
            if sheet.evaluate("document.activeElement.id") == name:
                return
        raise AssertionError(name)

    to("canvas")
    for key in ["Shift+ArrowUp"] * 3 + [" "] + ["Shift+ArrowDown"] * 6 + [" "]:
        sheet.keyboard.press(key)
    said(sheet, FIRST)
    thick = (ink(sheet)[280] > 127).sum()
    to("width")
    sheet.keyboard.press("Home")
    for _ in range(14):
        if sheet.evaluate("document.activeElement.id") == "canvas":
            break
        sheet.keyboard.press("Shift+Tab")
    for key in ["Shift+ArrowRight"] * 3 + [" "] + ["Shift+ArrowUp"] * 6 + [" "]:
        sheet.keyboard.press(key)
    rows = ink(sheet)[280, 340:460] > 127
    assert 0 < rows.sum() < thick
    sheet.keyboard.press("Control+z")
    sheet.keyboard.press("Control+z")
    said(sheet, "No strokes.")


def test_a_finger_draws_and_does_not_scroll(sheet: Any) -> None:
    client = sheet.context.new_cdp_session(sheet)
    points = places(sheet, [(0.5, 0.2 + 0.06 * at) for at in range(11)])

    def touch(kind: str, *at: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y, "id": 1} for x, y in at]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    before = sheet.evaluate("scrollY")
    touch("touchStart", points[0])
    for point in points[1:]:
        touch("touchMove", point)
    touch("touchEnd")
    said(sheet, FIRST)
    dark = ink(sheet) > 127
    assert dark[120:440, 270:290].all()
    assert not dark[:, 320:].any()
    assert sheet.evaluate("scrollY") == before


def test_a_pens_pressure_changes_nothing(sheet: Any) -> None:
    client = sheet.context.new_cdp_session(sheet)
    drawn = []
    sheet.evaluate(MET)
    for force in (0.1, 0.9):
        for kind, (x, y) in zip(
            ("mousePressed", "mouseMoved", "mouseReleased"),
            places(sheet, [DOWN[0], DOWN[1], DOWN[1]]),
            strict=True,
        ):
            event = {"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "force": force}
            client.send("Input.dispatchMouseEvent", event | {"pointerType": "pen", "clickCount": 1})
        drawn.append(ink(sheet))
        sheet.get_by_role("button", name="Clear").click()
    kinds = [kind for kind, _ in sheet.evaluate("window.met") if kind == "pen"]
    pressures = {round(pressure, 1) for kind, pressure in sheet.evaluate("window.met") if kind == "pen"}
    assert len(kinds) == 2
    assert pressures == {0.1, 0.9}
    assert np.array_equal(*drawn)
    assert (drawn[0] > 127).sum() > 36 * 300


def test_a_picture_is_pasted_dropped_and_chosen(sheet: Any, drawn: Results, tmp_path: Path) -> None:
    """Dark on light, or light on dark; what is drawn over it afterwards is light there, too."""
    one = picture_of(1)
    [direct] = recognise(drawn, one, arm="dense")
    expected = f"dense: {direct.character} "
    give(sheet, one, "paste")
    said(sheet, expected)
    sheet.get_by_role("button", name="Clear").click()
    said(sheet, "No strokes.")
    give(sheet, ImageOps.invert(one), "drop")
    words = said(sheet, FIRST)
    [inverted] = recognise(drawn, ImageOps.invert(one), arm="dense")
    assert f"dense: {inverted.character} " in words
    assert inverted.character == direct.character
    assert f"recogniser: {read(one).text} " in words
    assert (ink(sheet) > 127).mean() > 0.5
    stroke(sheet, (0.9, 0.9), (0.92, 0.92), steps=1)
    assert ink(sheet)[510, 510] < 50
    sheet.get_by_role("button", name="Clear").click()
    said(sheet, "No strokes.")
    one.save(tmp_path / "it.png")
    sheet.locator("#file").set_input_files(tmp_path / "it.png")
    said(sheet, expected)


def test_each_character_of_a_word_has_a_box_that_leads_inside(sheet: Any, sheet_tab: Tab) -> None:
    stroke(sheet, (0.1, 0.3), (0.35, 0.3), (0.2, 0.7))
    stroke(sheet, (0.65, 0.25), (0.6, 0.5), (0.85, 0.5))
    stroke(sheet, (0.8, 0.3), (0.8, 0.75))
    words = said(sheet, "2 characters: dense reads “")
    assert "recogniser reads “74”" in words
    boxes = sheet.locator("#boxes button")
    assert boxes.count() == 2
    sheet.wait_for_selector("#sheet[data-inside='1']")
    first, alone = seen(sheet), sheet.locator("#rests").inner_text()
    tab = boxes.nth(1).bounding_box()
    sheet.mouse.click(tab["x"] + 8, tab["y"] - 8)
    sheet.wait_for_selector("#sheet[data-inside='2']")
    assert boxes.nth(1).get_attribute("aria-pressed") == "true"
    assert seen(sheet) != first
    assert sheet.locator("#which").inner_text().startswith("This is character 2 of 2")
    assert f"“{words.partition('dense reads “')[2][1]}”" in sheet.locator("#rests").inner_text()
    assert sheet_tab.violations() == []
    boxes.nth(0).focus()
    sheet.keyboard.press("Enter")
    sheet.wait_for_selector("#sheet[data-inside='1']")
    assert seen(sheet) == first
    assert sheet.locator("#rests").inner_text() == alone
    left, width = boxes.nth(0).bounding_box(), sheet.locator("#canvas").bounding_box()
    middle = (left["x"] + left["width"] / 2 - width["x"]) / width["width"]
    assert abs(middle - 0.23) < 0.03
    stroke(sheet, (0.7, 0.35), (0.7, 0.45))  # within a box, which does not stop the pen
    assert ink(sheet)[224, 392] > 127


def seen(page: Any) -> str:
    return str(page.evaluate("document.querySelector('#seen').toDataURL()"))


def test_without_a_study_one_can_draw(browser: Any, tmp_path: Path) -> None:
    with serving([tmp_path]) as served:
        tab = Tab(browser, served)
        page = tab.open("/draw")
        stroke(page, *DOWN)
        page.wait_for_selector("#sheet[data-inside]")
        assert said(page, "assay’s recogniser: ")
        assert page.locator("#layers figure").count() >= 1
        assert tab.violations() == []
        tab.close()
    assert tab.said == []


def test_what_is_no_picture_is_said_to(sheet: Any, sheet_served: Served) -> None:
    sheet.evaluate(TEXT)
    said(sheet, "This is not a picture")
