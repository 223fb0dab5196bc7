"""Whether runs are those of the source: networks, training, epochs."""

import pytest
from factories import make_results, make_study

from assay.findings.claim_verdicts import claims
from assay.findings.findings import build
from assay.findings.published import published
from assay.findings.wording import claim_words
from assay.records.metrics import METRICS
from assay.report import html
from assay.study.as_published import doubt, unlike_source
from assay.study.builtin import load_study


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({}, ""),
        ({"training": {"dtype": "bfloat16"}, "engine": "torch", "data": {"source": "glyphs"}}, ""),
        ({"training": {"epochs": 1}}, "1 epoch instead of 100"),
        ({"training": {"epochs": 200}}, "200 epochs instead of 100"),
        ({"training": {"batch_size": 50}}, "other networks or training than the source's"),
        ({"network": {"filters": 16}}, "other networks or training than the source's"),
        ({"optimizer": {"lr": 0.01}}, "other networks or training than the source's"),
    ],
    ids=str,
)
def test_says_what_differs(overrides, expected):
    assert unlike_source(load_study("pooling").override(overrides)) == expected


def test_the_quick_profile_is_not_the_source():
    assert unlike_source(load_study("pooling").quickened())


def test_a_study_of_ones_own_may_have_any_name():
    assert unlike_source(make_study()) == ""  # which is called pooling


def test_runs_of_fewer_epochs_judge_no_published_number(tmp_path):
    study = load_study("pooling").with_seeds(3)
    whole = published(make_results(tmp_path / "whole", study, synthetic=False))
    short = study.override({"training": {"epochs": 1}})
    results = make_results(tmp_path / "short", short, synthetic=False)
    assert [row.consistent is None for row in whole] == [
        METRICS[row.metric].unit not in ("%", "nats") for row in whole
    ]
    assert all(row.consistent is None for row in published(results))
    assert [row.prediction is None for row in published(results)] == [row.prediction is None for row in whole]
    report = build(results)
    assert any("1 epoch instead of 100" in limit for limit in report.limits)


def test_doubtful_numbers_are_marked_wherever_they_are_used(tmp_path):
    results = make_results(tmp_path, load_study("depth").with_seeds(3), synthetic=False)
    assert "table 4" in doubt(results.study, "strided-4", METRICS["test_accuracy"])
    assert doubt(results.study, "strided-4", METRICS["steps_per_second"]) == ""
    assert doubt(results.study, "max-4", METRICS["test_accuracy"]) == ""
    parts = [part for row in claims(results) for part in row.parts]
    marked = {part.relation for part in parts if claim_words.published(part).endswith(" (doubtful)")}
    assert all(part.doubtful <= (not part.ratio) for part in parts)
    assert "dilated-4 > strided-4" in marked
    assert all("strided-4" in relation or "strided-5" in relation for relation in marked)
    assert sum("is doubtful" in limit for limit in build(results).limits) == 2


@pytest.mark.usefixtures("undrawn")
def test_the_ninth_arm_shares_a_colour_and_not_a_marker(tmp_path):
    arms = [f"arm{number}" for number in range(9)]
    page = html.render(build(make_results(tmp_path, make_study(arms))))
    assert 'class="swatch arm0 mark0"></span>arm0<' in page
    assert 'class="swatch arm0 mark1"></span>arm8<' in page
