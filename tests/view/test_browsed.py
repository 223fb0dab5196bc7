"""The pages in a real browser: what they show, for whom, and at what cost."""

from itertools import cycle
from typing import Any

import pytest
from serving import WIDTHS, Served, Tab

PLACES = (
    "/",
    "/study/{}",
    "/study/{}/report",
    "/study/{}/confusion",
    "/study/{}/mistakes",
    "/study/{}/inside",
    "/study/{}/step",
    "/draw",
    "/compare?a={}&b={}",
)


def settled(tab: Tab, path: str) -> Any:
    page = tab.open(path)
    if path.startswith("/compare?") or path.count("/") == 2:
        page.wait_for_selector("section.live canvas")
    return page


LOOKS = [(WIDTHS[0], "light"), (WIDTHS[0], "dark"), (WIDTHS[1], "light"), (WIDTHS[2], "dark")]
LOOKED_AT = LOOKS[::3], LOOKS[1:3]
"""Those that axe is asked of, which takes a second: a narrow and a wider one, in either colours, in turn."""


@pytest.mark.parametrize(("place", "looked_at"), [*zip(PLACES, cycle(LOOKED_AT), strict=False)])
def test_every_page_fits_and_axe_finds_nothing(
    tab: Tab, keys: dict[str, str], place: str, looked_at: list[tuple[int, str]]
) -> None:
    """Loaded once, as one window that is made wider and whose colours change."""
    page = settled(tab, place.format(keys["trained"], keys["interim"]))
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        # Nothing is wider than the window, once charts have been told that it was resized.
        tab.until(lambda width=width: page.evaluate("document.documentElement.scrollWidth") <= width)
        if (width, scheme) in looked_at:
            assert tab.violations() == [], (width, scheme)
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(252, 252, 250)") == (scheme == "light")


def test_the_overview_leads_to_a_study_by_keyboard_alone(tab: Tab, keys: dict[str, str]) -> None:
    page = tab.page
    assert "token" not in page.url
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(20):
        page.keyboard.press("Tab")
        if keys["interim"] in (page.evaluate("document.activeElement.href ?? ''") or ""):
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#runs tbody tr")
    assert page.url.endswith(f"/study/{keys['interim']}")


def test_a_row_for_each_run_says_how_it_stands(tab: Tab, keys: dict[str, str]) -> None:
    page = settled(tab, f"/study/{keys['interim']}")
    rows = page.locator("#runs tbody tr")
    assert rows.count() == 12
    found = [rows.nth(place).locator(".status").inner_text() for place in range(12)]
    assert sorted(found) == sorted([*["done"] * 8, "failed", "stopped", "pending", "diverged"])
    assert "loss is not a number in epoch 4" in page.locator("#runs").inner_text()
    assert page.locator("#answer").inner_text() == ""
    assert page.locator("#state").inner_text() == "stopped at 9/12"
    page.select_option("#only", "diverged")
    tab.until(lambda: page.locator("#runs tbody tr:visible").count() == 1)


def test_the_pointer_names_what_it_is_at_and_a_drag_zooms(tab: Tab, keys: dict[str, str]) -> None:
    page = settled(tab, f"/study/{keys['finished']}")
    over = page.locator("#curves .u-over").bounding_box()
    page.mouse.move(over["x"] + over["width"] - 1, over["y"] + 20)
    tab.until(lambda: page.locator("#curves .tip").inner_text().startswith("max, "))
    assert ", epoch 8: " in page.locator("#curves .tip").inner_text()
    page.mouse.move(over["x"] + 50, over["y"] + 60)
    page.mouse.down()
    page.mouse.move(over["x"] + 300, over["y"] + 60, steps=4)
    page.mouse.up()
    whole = page.get_by_role("button", name="Whole range").first
    whole.wait_for()
    page.locator("#curves .log").check()
    whole.wait_for()
    whole.click()
    whole.wait_for(state="hidden")


def test_chosen_arms_alone_are_drawn(tab: Tab, keys: dict[str, str]) -> None:
    page = settled(tab, f"/study/{keys['finished']}")
    page.get_by_role("button", name="None").click()
    page.get_by_role("checkbox", name="average").check()
    plot = page.locator("#curves .plot")
    plot.focus()

    def first() -> str:
        for _ in range(20):
            page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowRight")
        return str(page.locator("#curves .reading").inner_text())

    tab.until(lambda: first().startswith("average, "))


def test_layers_are_drawn_when_they_are_seen(tab: Tab, keys: dict[str, str]) -> None:
    page = settled(tab, f"/study/{keys['trained']}")
    page.locator("#layers").scroll_into_view_if_needed()
    page.wait_for_selector("#layers .legend li")
    assert "conv1" in page.locator("#layers .legend").inner_text()


def test_a_cell_of_the_confusion_matrix_leads_to_its_images(tab: Tab, keys: dict[str, str]) -> None:
    page = tab.open(f"/study/{keys['trained']}/confusion")
    cell = page.locator(".confusion a").first
    words = cell.get_attribute("title")
    cell.click()
    true, read = words.partition(":")[0].split(" read as ")
    assert page.locator("select[name=true] option:checked").inner_text() == true
    assert page.locator("select[name=read] option:checked").inner_text() == read
    first = page.locator(".images li").first
    assert first.locator("b").inner_text() == true
    assert "max" in first.inner_text()


def test_mistakes_lead_to_the_inside_of_the_network_that_made_them(tab: Tab, keys: dict[str, str]) -> None:
    page = tab.open(f"/study/{keys['trained']}/mistakes")
    page.select_option("select[name=arm]", "average")
    with page.expect_navigation():
        page.get_by_role("button", name="Show").click()
    images = page.locator(".images li")
    number = images.first.locator(".faint").first.inner_text().removeprefix("no. ")
    assert "average" in images.first.inner_text()
    with page.expect_navigation():
        images.first.locator("a").click()
    assert page.locator("select[name=arm]").input_value() == "average"
    assert page.locator("input[name=image]").input_value() == number
    assert page.locator("figure img").count() >= 2


def test_the_report_is_shown_and_can_do_nothing(tab: Tab, keys: dict[str, str]) -> None:
    page = tab.open(f"/study/{keys['trained']}/report")
    frame = page.frame_locator("iframe")
    assert (
        frame.locator("h1").inner_text()
        == "Does max pooling recognise characters better than average pooling?"
    )
    assert page.locator("iframe").get_attribute("sandbox") == "allow-popups"


def test_shared_arms_have_one_colour_in_two_studies(tab: Tab, keys: dict[str, str]) -> None:
    page = settled(tab, f"/compare?a={keys['finished']}&b={keys['interim']}")
    assert page.locator("#shared").inner_text() == "Arms in both: max, average."
    swatches = "#side{} .arms label:has(input[value='{}']) .swatch"
    for place in (0, 1):
        colours = [
            page.locator(swatches.format(side, place)).evaluate("(e) => getComputedStyle(e).color")
            for side in (1, 2)
        ]
        assert colours[0] == colours[1]
    page.wait_for_selector("#beside tbody tr")
    assert page.locator("#beside tbody tr").count() == 3


def test_a_first_view_is_small(browser: Any, served: Served, keys: dict[str, str]) -> None:
    tab = Tab(browser, served)
    page = settled(tab, f"/study/{keys['finished']}")
    sent = page.evaluate(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".reduce((sum, entry) => sum + entry.transferSize, 0)"
    )
    tab.close()
    assert 10_000 < sent < 300_000


def test_no_script_in_a_name_runs(tab: Tab, keys: dict[str, str]) -> None:
    key = next(key for name, key in keys.items() if name.startswith("hostile"))
    alerts: list[str] = []
    tab.page.on("dialog", lambda dialog: alerts.append(dialog.message) or dialog.dismiss())
    page = settled(tab, f"/study/{key}")
    assert page.locator("h1").inner_text() == 'Does <script>alert("&")</script> help?'
    assert alerts == []


def test_a_script_within_a_page_is_blocked(browser: Any, served: Served) -> None:
    """The policy would hold if escaping failed: the browser refuses, and says so."""
    tab = Tab(browser, served)
    tab.page.set_content("<p>")
    tab.open("/")
    ran = tab.page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.body.append(s); return window.ran ?? 0; }"
    )
    assert ran == 0
    tab.until(lambda: any("Content Security Policy" in said for said in tab.said))
    tab.close()
