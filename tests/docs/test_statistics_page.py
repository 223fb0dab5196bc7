"""The numbers on the page about verdicts are those that the code computes."""

import re

import pytest
from blocks import ROOT
from simulated.moderated import least_width_coverage

from assay.stats import Verdict, minimum_detectable_difference, seeds_for_equivalence

PAGE = (ROOT / "docs" / "statistics.md").read_text("utf-8")


def test_every_verdict_is_explained():
    assert re.findall(r"^\| \*\*(.*?)\*\* \|", PAGE, re.M) == list(Verdict)


def test_how_many_seeds():
    spread = float(re.search(r"standard deviation of ([\d.]+) points", PAGE)[1])
    rows = re.findall(r"^\| ([\d.]+)(?: points)? \| (\d+) \|", PAGE, re.M)
    assert len(rows) == 4
    for difference, seeds in rows:
        found = minimum_detectable_difference(int(seeds), spread)
        assert found == pytest.approx(float(difference), abs=0.005)
    needed, margin = re.search(r"about (\d+) seeds to show .* within ([\d.]+)\.", PAGE).groups()
    assert seeds_for_equivalence(spread, float(margin)) == int(needed)


def test_what_narrower_intervals_give_up():
    seeds = {"three": 3, "five": 5, "ten": 10}
    rows = re.findall(r"^\| (\w+) \| (\d+)% \| ([\d.]+)% \| ([\d.]+) times", PAGE, re.M)
    assert len(rows) == 7
    for n, narrower, covers, ratio in rows:
        found = least_width_coverage(seeds[n], 1 - int(narrower) / 100)
        assert found == (pytest.approx(float(ratio), abs=0.05), pytest.approx(float(covers) / 100, abs=5e-4))
