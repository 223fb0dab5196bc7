"""The document of a repeated report: valid, self-contained, and true to its studies."""

import csv
import io
import re
from collections import Counter
from dataclasses import replace

import pytest
from factories import make_results, make_study
from later import statsmodels
from scipy import stats

from assay.findings.findings import build
from assay.report import document
from assay.report.document import Document

CLAIMS = [
    {"sentence": "Max is <better>.", "expect": ["max > average"], "source": "table 2"},
    {"sentence": "Max costs twice as much.", "expect": ["max = 2 x average"], "metric": "peak_memory"},
]
PRINTED = {"max": {"test_accuracy": 0.891, "doubt": "rounded"}, "average": {"steps_per_second": 212.0}}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    reports = []
    for name in ("one", "two"):
        study = make_study(name=name, claims=CLAIMS, published=PRINTED, source="Somewhere, table 2")
        reports.append(build(make_results(tmp_path_factory.mktemp(name), study, synthetic=False)))
    return Document("A Report <of> 2018", tuple(reports), "assay reproduce 2018")


@pytest.fixture(scope="module")
def page(found):
    return document.render(found)


def test_no_id_is_used_twice_and_every_reference_has_its_target(page):
    ids = Counter(re.findall(r'\bid="([^"]+)"', page))
    assert [key for key, count in ids.items() if count > 1] == []
    wanted = {key for keys in re.findall(r'aria-labelledby="([^"]+)"', page) for key in keys.split()}
    wanted |= set(re.findall(r'href="#([^"]+)"', page))
    assert wanted <= set(ids)


def test_it_needs_nothing_beside_it_and_escapes_what_it_shows(page):
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "A Report &lt;of&gt; 2018" in page
    assert "Max is &lt;better&gt;." in page


@pytest.mark.usefixtures("undrawn")
def test_losses_are_drawn_where_the_published_figures_have_them(found):
    page = document.render(found)
    both = document.render(replace(found, plots_loss=True))
    assert both.count("<figure>") == 2 * page.count("<figure>")


def test_the_answer_counts_the_verdicts(found):
    verdicts = Counter(str(claim.verdict) for report in found.reports for claim in report.claims)
    assert sum(verdicts.values()) == 4
    for verdict, count in verdicts.items():
        assert re.search(rf"\b{count} (is|are) {verdict}", found.answer)


def test_claims_as_a_table_have_a_row_a_relation(found):
    rows = list(csv.DictReader(io.StringIO(document.claims_csv(found))))
    assert [row["study"] for row in rows] == ["one", "one", "two", "two"]
    assert rows[0]["relation"] == "max > average"
    assert [row["metric"] for row in rows[:2]] == ["test accuracy", "peak memory"]
    assert rows[0]["verdict"] == found.reports[0].claims[0].verdict


def test_published_numbers_as_a_table(found):
    rows = list(csv.DictReader(io.StringIO(document.published_csv(found))))
    first = rows[0]
    assert (first["arm"], first["metric"], float(first["published"])) == ("max", "test_accuracy", 89.1)
    assert float(first["mean"]) == pytest.approx(100 * found.reports[0].arms[0].test.mean)
    assert first["doubt"] == "rounded"
    assert rows[1]["agrees"] == ""
    assert (first["images"], first["published_images"]) == ("2000", "2000")
    assert (rows[1]["images"], rows[1]["published_images"]) == ("", "")
    prediction = found.reports[0].published[0].prediction
    ends = float(first["one_run_low"]), float(first["one_run_high"])
    assert ends == pytest.approx([100 * end for end in prediction])


@pytest.mark.usefixtures("undrawn")
def test_a_number_that_several_studies_print_of_the_same_runs_counts_once(found):
    """The two studies have the same runs of max; the speed of another machine is not judged."""
    (row,) = {report.published[0] for report in found.reports}
    width = 100 * (row.prediction[1] - row.prediction[0])
    assert found.agreement == (
        f"{int(row.consistent)} of 1 different published accuracies lie where one run of theirs would, had "
        "it our mean and spread; by chance alone about 0 would lie outside. "
        f"Its interval is {width:.2f} points wide: to lie in a wide one is no close agreement."
    )
    assert found.agreement in " ".join(document.render(found).split())


def test_many_published_numbers_say_how_wide_and_how_many_by_chance(tmp_path):
    """30 different ones: 1.5 would lie outside by chance, and a loss has no width in points."""
    names = [f"arm{index}" for index in range(30)]
    printed = {name: {"test_accuracy": 0.8 + 0.001 * place} for place, name in enumerate(names)}
    printed[names[0]] |= {"test_loss": 0.4}
    study = make_study(names, 3, published=printed)
    report = build(make_results(tmp_path, study, synthetic=False))
    said = Document("Title", (report,), "assay reproduce").agreement
    rows = [row for row in report.published if row.metric == "test_accuracy"]
    widths = sorted(100 * (row.prediction[1] - row.prediction[0]) for row in rows)
    agree = sum(row.consistent for row in report.published)
    assert said.startswith(f"{agree} of 31 different published accuracies and losses lie where")
    assert "by chance alone about 2 would lie outside" in said  # 5% of 31
    middle = (widths[14] + widths[15]) / 2
    assert f"are {widths[0]:.2f} to {widths[-1]:.2f} points wide, in the median {middle:.2f}:" in said


@pytest.mark.usefixtures("undrawn")
def test_claims_are_also_judged_all_together(tmp_path):
    """Holm's correction over all claims, as statsmodels does it: some that stand alone fall together."""
    arms = {
        "base": [1760, 1771, 1765, 1770, 1759], "near": [1754, 1771, 1756, 1766, 1756],
        "far": [1700, 1711, 1706, 1709, 1700], "some": [1755, 1770, 1756, 1767, 1756],
    }  # fmt: skip
    claims = [{"sentence": f"Not {arm}.", "expect": [f"base > {arm}"]} for arm in ("near", "far", "some")]
    study = make_study(tuple(arms), claims=claims)
    report = build(make_results(tmp_path, study, correct=arms))
    p = [stats.ttest_rel(arms["base"], arms[arm]).pvalue for arm in ("near", "far", "some")]
    assert all(value < 0.05 for value in p)
    stand = int(statsmodels.multipletests(p, method="holm")[0].sum())
    assert 0 < stand < 3
    found = Document("Title", (report,), "assay reproduce")
    assert {claim.verdict for claim in report.claims} == {"supported"}
    assert f"judged all together, by Holm's correction, {stand} of the 3 stand" in found.standing
    assert found.standing in document.render(found).replace("&#39;", "'")
    alone = Document("Title", (replace(report, claims=report.claims[:1]),), "assay reproduce")
    assert alone.standing == ""


@pytest.mark.usefixtures("undrawn")
def test_an_unfinished_study_is_said_to_be(tmp_path):
    from assay.records.runs import Status

    study = make_study(name="late", claims=CLAIMS)
    late = build(make_results(tmp_path, study, statuses={("max", 0): Status.RUNNING}))
    found = Document("Late", (late,), "assay reproduce")
    assert found.answer == "2 claims not tested yet."
    assert "interim" in document.render(found)
