"""Take the pictures of the local page that the documentation shows.

::

    assay run pooling --quick --seeds 5 --out assay-runs/pooling-quick
    python benchmarks/page_pictures.py assay-runs docs/images

Needs Chromium and the packages of ``assay[test]``. The first study of the folder is shown at three widths,
light and dark; ``view.png`` is the one that README shows.
"""

import argparse
import io
import sys
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from serving import WIDTHS, Tab, browsing, serving

from assay.view.shelf import Shelf

HEIGHTS = {390: 844, 768: 1024, 1280: 860}
SHADES = 96
SETTLED = 1500  # milliseconds


def main() -> None:
    """Take them all."""
    options = arguments()
    key = next(iter(Shelf([options.runs]).ids()))
    options.out.mkdir(parents=True, exist_ok=True)
    with serving([options.runs]) as served, browsing() as browser:
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                size = {"width": width, "height": HEIGHTS[width]}
                tab = Tab(browser, served, viewport=size, color_scheme=scheme)
                main_one = (width, scheme) == (WIDTHS[-1], "light")
                take(
                    tab, f"/study/{key}", options.out / f"view{'' if main_one else f'-{width}-{scheme}'}.png"
                )
                if main_one:
                    take(tab, f"/study/{key}/mistakes", options.out / "mistakes.png")
                    take(tab, f"/study/{key}/confusion", options.out / "confusion.png")
                tab.close()


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, help="a folder of studies")
    parser.add_argument("out", type=Path, help="where the pictures go")
    return parser.parse_args()


def take(tab: Tab, address: str, path: Path) -> None:
    """Save what the window shows, in few enough colours to be small."""
    page = tab.open(address)
    page.wait_for_timeout(SETTLED)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(SHADES, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
