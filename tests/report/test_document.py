"""The document of a repeated report: valid, self-contained, and true to its studies."""

import csv
import io
import re
from collections import Counter
from dataclasses import replace

import pytest
from factories import make_results, make_study

from assay.report import document
from assay.report.document import Document
from assay.report.model import build

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


def test_no_id_is_used_twice_and_every_reference_has_its_target(found):
    page = document.render(found)
    ids = Counter(re.findall(r'\bid="([^"]+)"', page))
    assert [key for key, count in ids.items() if count > 1] == []
    wanted = {key for keys in re.findall(r'aria-labelledby="([^"]+)"', page) for key in keys.split()}
    wanted |= set(re.findall(r'href="#([^"]+)"', page))
    assert wanted <= set(ids)


def test_it_needs_nothing_beside_it_and_escapes_what_it_shows(found):
    page = document.render(found)
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "A Report &lt;of&gt; 2018" in page
    assert "Max is &lt;better&gt;." in page


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


def test_an_unfinished_study_is_said_to_be(tmp_path):
    from assay.records import Status

    study = make_study(name="late", claims=CLAIMS)
    late = build(make_results(tmp_path, study, statuses={("max", 0): Status.RUNNING}))
    found = Document("Late", (late,), "assay reproduce")
    assert found.answer == "2 claims not tested yet."
    assert "interim" in document.render(found)
