"""The numbers on the page about verdicts are those that the code computes."""

import inspect
import re

import pytest
from blocks import ROOT
from simulated.moderated import least_width_coverage

from assay.findings.wording.code_words import VERDICTS
from assay.stats import forecast, minimum_detectable_difference, seeds_for_equivalence

PAGE = (ROOT / "docs" / "statistics.md").read_text("utf-8")
SIMULATED = (ROOT / "benchmarks" / "results" / "simulated-studies.md").read_text("utf-8")


def test_every_verdict_is_explained():
    assert re.findall(r"^\| \*\*(.*?)\*\* \|", PAGE, re.M) == list(VERDICTS.values())


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


def simulated(topic: str, column: str) -> dict[str, float]:
    """Return a column of a table of the simulated studies, by setting."""
    table = re.search(rf"^## {re.escape(topic)}\n(.*?)(?=^## |\Z)", SIMULATED, re.M | re.S)[1]
    header, _, *rows = (line.strip("|").split(" | ") for line in re.findall(r"^\|.*\|$", table, re.M))
    place = [title.split(" (")[0].strip() for title in header].index(column)
    cells = {row[0].strip(): row[place].strip() for row in rows}
    return {setting: float(cell) for setting, cell in cells.items() if cell}


def test_what_adding_seeds_afterwards_costs():
    least, most = re.search(r"calls equal arms different in (\d+) to (\d+) of 100", PAGE).groups()
    found = simulated("Adding seeds and looking again", "false difference")
    added = [100 * rate for setting, rate in found.items() if "none added" not in setting]
    assert (round(min(added)), round(max(added))) == (int(least), int(most))


def test_what_undeclared_looks_cost():
    found = simulated("Looks that nobody declared", "tells equal arms apart")
    three, every = (
        re.search(r"in (\d+) of 100 studies; so", PAGE)[1],
        re.search(r"in (\d+) of 100 studies\.\n", PAGE)[1],
    )
    assert round(100 * found["looks at 5, 10, 20 seeds"]) == int(three)
    assert round(100 * found["a look after every seed from 3 to 20"]) == int(every)


def test_what_holm_would_cost():
    found = simulated("Arms of which some are equal and some are not", "any false verdict, by Holm")
    assert round(100 * max(found.values())) == int(
        re.search(r"errs in up to (\d+)% of studies that have some", PAGE)[1]
    )


def test_what_other_images_add():
    text = re.search(
        r"seeds alone it would be (\d+)% with three .* by ([\d.]+) points, and (\d+)% with ten", PAGE
    )
    found = simulated("Published numbers", "the same, by the seeds alone")
    for seeds, said in ((3, text[1]), (10, text[3])):
        rate = found[f"{seeds} seeds, which spread by {text[2]} points, other images"]
        assert 100 * rate == pytest.approx(int(said), abs=1)


def test_how_often_a_range_of_seeds_holds_the_number():
    said = re.search(r"it was (\d+)% to (\d+)% in simulations", inspect.getsource(forecast)).groups()
    found = simulated("How many more seeds", "holds it, of the undecided").values()
    assert (round(100 * min(found)), round(100 * max(found))) == tuple(map(int, said))
