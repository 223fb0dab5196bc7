"""The numbers on the page about verdicts are those that the code computes."""

import re

import pytest
from blocks import ROOT

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
