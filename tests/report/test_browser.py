"""The page in a real browser: nothing is fetched, nothing overflows, everything can be read."""

import html
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from factories import make_results, make_study
from patience import PATIENCE

from assay.findings.confusion import Confusion
from assay.findings.findings import Findings, build
from assay.records.runs import Status
from assay.report.html import render

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--enable-logging=stderr", "--dump-dom",
]  # fmt: skip
FRAME = """<!DOCTYPE html><title>frame</title>
<iframe id="frame" width="{width}" height="900" srcdoc="{page}"></iframe><pre id="found"></pre>
<script>
const frame = document.getElementById("frame");
frame.onload = () => {{
  const page = frame.contentDocument;
  page.querySelectorAll("details").forEach((element) => {{ element.open = true; }});
  const style = (element) => frame.contentWindow.getComputedStyle(element);
  document.getElementById("found").textContent = JSON.stringify({{
    width: page.documentElement.scrollWidth,
    fetched: frame.contentWindow.performance.getEntriesByType("resource").map((entry) => entry.name),
    paper: style(page.body).backgroundColor,
    inks: ["body", ".answer", "caption", ".gloss", ".limits li", "svg.figure text", "summary", "td.faint",
      "figcaption"]
      .map((selector) => page.querySelector(selector)).filter((element) => element)
      .map((element) => element.closest("svg") ? style(element).fill : style(element).color),
    outside: [...page.querySelectorAll("main *")].filter((element) => !element.closest("svg, thead"))
      .filter((element) => element.getBoundingClientRect().right > {width} + 1)
      .map((element) => element.outerHTML.slice(0, 80)),
  }});
}};
</script>"""


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found and os.environ.get("CI"):
        pytest.fail("chromium is not installed, and the report must be looked at in one")
    if not found:
        pytest.skip("chromium is not installed: the report is not looked at in a browser")
    return found


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """A report with the longest arm that there can be, and a claim about it and a failure."""
    long = "w" * 64
    claims = [{"sentence": "Wide is worse.", "expect": [f"{long} < max", f"{long} < average"]}]
    question = "Is " + "long" * 40 + " too?"
    study = make_study(("max", "average", long), 4, control="max", question=question, claims=claims)
    statuses = {("average", 2): Status.DIVERGED}
    return build(make_results(tmp_path_factory.mktemp("wide"), study, statuses=statuses))


@pytest.fixture(scope="module")
def everything(wide: Findings, looked: Findings, factors: Findings) -> Findings:
    """A report with every section that there is."""
    return replace(
        wide, inside=replace(looked.inside, confusion=_many_classes(looked)), factorial=factors.factorial
    )


@pytest.fixture(scope="module")
def whole_page(everything: Findings) -> str:
    """The page with every section; drawing it takes seconds."""
    return render(everything)


def _many_classes(looked: Findings) -> Confusion:
    """Return a confusion matrix of 47 classes, as EMNIST Balanced has."""
    shares = np.random.default_rng(0).dirichlet(np.full(47, 0.1), 47)
    return replace(looked.inside.confusion, arm="max", classes=tuple("x" * 47), shares=shares)


def browse(chromium: str, file: Path, *flags: str) -> tuple[str, list[str]]:
    """Open a file; return the page as it is in the end, and what the console said."""
    command = [chromium, *FLAGS, f"--user-data-dir={file.parent / 'profile'}", *flags, file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two CSS colours (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        channels = [float(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_the_page_opens_from_disk_without_a_word(
    chromium: str, report: Findings, report_page: str, tmp_path: Path
) -> None:
    (tmp_path / "report.html").write_text(report_page, "utf-8")
    page, console = browse(chromium, tmp_path / "report.html")
    assert html.escape(report.answer, quote=False) in page
    assert console == []


@pytest.mark.parametrize(
    ("width", "scheme"), [(390, 0), (390, 1), (1200, 1)], ids=["dark phone", "phone", "desk"]
)
def test_the_page_fits_and_can_be_read(
    chromium: str, whole_page: str, tmp_path: Path, width: int, scheme: int
) -> None:
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.format(width=width, page=html.escape(whole_page)))
    dom, console = browse(
        chromium, frame, "--window-size=1400,1000", f"--blink-settings=preferredColorScheme={scheme}"
    )
    found = json.loads(html.unescape(re.search(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)[1]))
    assert found["width"] <= width
    assert found["outside"] == []
    assert found["fetched"] == []
    assert console == []
    assert (contrast(found["paper"], "rgb(0, 0, 0)") < 2) == (scheme == 0)
    assert len(found["inks"]) >= 6
    assert all(contrast(ink, found["paper"]) >= 4.5 for ink in found["inks"]), found
