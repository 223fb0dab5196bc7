"""Take the pictures of the local page and of a report that the documentation shows.

::

    assay run pooling --quick --seeds 5 --out assay-runs/pooling-quick
    python benchmarks/page_pictures.py assay-runs docs/images

Needs Chromium and the packages of ``assay[test]``. The first study of the folder, a word on the sheet and one
step are shown at three widths, light and dark; those without a width in their name are light, 1280 pixels
wide. ``--only`` takes those of one page. The report of that study is shown down to what its arms cost.
"""

import argparse
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from serving import WIDTHS, Tab, browsing, serving
from sheets import stroke

from assay.view.shelf import Shelf

HEIGHTS = {390: 844, 768: 1024, 1280: 860}
SHADES = 160
SETTLED = 1500  # milliseconds
REPORT = {"width": 1100, "height": 2070}

SEVEN = ((0.08, 0.3), (0.42, 0.32), (0.2, 0.78))
FOUR = (((0.68, 0.22), (0.56, 0.56), (0.92, 0.54)), ((0.8, 0.3), (0.77, 0.82)))


def main() -> None:
    """Take them all."""
    options = arguments()
    os.getloadavg = lambda: (2.0, 2.0, 2.0)  # so that no picture depends on what else the machine does
    key, folder = next(iter(Shelf([options.runs]).ids().items()))
    options.out.mkdir(parents=True, exist_ok=True)
    pages: dict[str, tuple[str, Callable[[Any], None]]] = {
        "view": (f"/study/{key}", wait),
        "mistakes": (f"/study/{key}/mistakes", wait),
        "confusion": (f"/study/{key}/confusion", wait),
        "draw": (f"/draw?study={key}", write),
        "step": (f"/study/{key}/step", scroll),
    }
    names = [options.only] if options.only else [*pages, "report"]
    with serving([options.runs]) as served, browsing() as browser:
        if "report" in names:
            names.remove("report")
            page = browser.new_page(viewport=REPORT, color_scheme="light")
            page.goto((folder / "report.html").resolve().as_uri())
            wait(page)
            save(page, options.out / "report.png")
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                size = {"width": width, "height": HEIGHTS[width]}
                tab = Tab(browser, served, viewport=size, color_scheme=scheme)
                main_one = (width, scheme) == (WIDTHS[-1], "light")
                for name in names:
                    if main_one or name not in ("mistakes", "confusion"):
                        file = f"{name}{'' if main_one else f'-{width}-{scheme}'}.png"
                        take(tab, *pages[name], options.out / file, whole=options.whole)
                tab.close()


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, help="a folder of studies")
    parser.add_argument("out", type=Path, help="where the pictures go")
    parser.add_argument(
        "--only", choices=("view", "mistakes", "confusion", "draw", "step", "report"), help="one page"
    )
    parser.add_argument("--whole", action="store_true", help="the whole page, not what a window shows of it")
    return parser.parse_args()


def wait(page: Any) -> None:
    """Wait until everything is drawn."""
    page.wait_for_timeout(SETTLED)


def write(page: Any) -> None:
    """Write a word on the sheet, and wait until its first character was looked into."""
    for points in (SEVEN, *FOUR):
        stroke(page, *points)
    page.wait_for_selector("#sheet[data-inside]")
    wait(page)


def scroll(page: Any) -> None:
    """Go where an entry is chosen and the numbers begin."""
    page.locator(".pick").evaluate("(pick) => pick.scrollIntoView()")
    wait(page)


def take(tab: Tab, address: str, prepare: Callable[[Any], None], path: Path, *, whole: bool) -> None:
    """Save a page once it is prepared."""
    page = tab.open(address)
    prepare(page)
    save(page, path, whole=whole)


def save(page: Any, path: Path, *, whole: bool = False) -> None:
    """Save what the window shows, or all of the page, in few enough colours to be small."""
    picture = Image.open(io.BytesIO(page.screenshot(full_page=whole))).convert("RGB")
    picture.quantize(SHADES, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
