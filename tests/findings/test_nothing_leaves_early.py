"""No interval, p-value or verdict leaves before its seeds or its look are complete, and each has its level.

One test walks whatever a report holds; the others read every form in which anything is said of a study.
"""

import csv
import io
import json
import re
import types
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from crossed import make_factors
from factories import TEST_IMAGES, make_results, make_study
from pages import Page
from rich.console import Console
from scipy import stats

from assay.cli import main
from assay.findings.findings import build
from assay.findings.wording import claim_words
from assay.records.runs import Status
from assay.report import document, export, html, latex, terminal
from assay.report.document import Document
from assay.report.drawings import draw
from assay.results import Results
from assay.stats import ClaimVerdict, Verdict
from assay.stats.ttest import Interval

SEEDS, LOOKS = 7, (3, 5, 7)
LEVEL = 0.05 / 3
SAID = re.compile(r"interval|verdict|judgement|predict|consistent|settle|more_seeds|(^|_)p(_|$)")
VERDICTS = "|".join([*Verdict, *ClaimVerdict])
WORDS = re.compile(
    rf"interval|\bp [=<]|\b(?:{VERDICTS})\b|\bagrees|one run of (?:ours|theirs)|p-value|one-sided|by chance",
    re.IGNORECASE,
)
CLAIMS = [
    {"sentence": "The first is as the second.", "expect": ["max-none = max-some"]},
    {"sentence": "Memory.", "expect": ["max-none = 2 x average-none"], "metric": "peak_memory"},
    {"sentence": "Time.", "expect": ["max-none < average-none"], "metric": "seconds_per_epoch"},
    {"sentence": "Never.", "expect": ["max-none never learns"]},
]
PRINTED = {"max-none": {"test_accuracy": 0.9, "steps_per_second": 212.0, "peak_memory": 845.0}}


class Field(NamedTuple):
    """A field somewhere in a report."""

    path: str
    name: str
    hint: Any
    value: Any


def walk(value: Any, path: str = "report") -> Iterator[Field]:
    """Yield every field of every dataclass that hangs on ``value``."""
    if is_dataclass(value):
        hints = get_type_hints(type(value))
        for field in fields(value):
            found = getattr(value, field.name)
            yield Field(f"{path}.{field.name}", field.name, hints[field.name], found)
            yield from walk(found, f"{path}.{field.name}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, f"{path}[{key!r}]")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from walk(item, f"{path}[{index}]")


def kinds(hint: Any) -> set[Any]:
    """Return a type, or those of which a union is made."""
    return set(get_args(hint)) if get_origin(hint) in (Union, types.UnionType) else {hint}


def says(field: Field) -> bool:
    """Whether a field is an interval, a p-value, a verdict or a prediction, by its name or its type."""
    return bool(SAID.search(field.name)) or bool(kinds(field.hint) & {Interval, Verdict, ClaimVerdict})


def make(folder: Path, ended: int, looks: tuple[int, ...] = ()) -> Results:
    """Six arms of two factors, whose first ``ended`` seeds, and a run more, have come to their end."""
    more: dict[str, Any] = {"looks": list(looks)} if looks else {}
    study = make_factors(
        seeds=SEEDS,
        question="Which?",
        claims=CLAIMS,
        published=PRINTED,
        data={"source": "idx:nowhere"},
        **more,
    )
    first, *others = (arm.name for arm in study.arms)
    late = {(first, seed): Status.PENDING for seed in range(ended + 1, SEEDS)}
    late |= {(arm, seed): Status.RUNNING for arm in others for seed in range(ended, SEEDS)}
    return make_results(folder, study, statuses=late, synthetic=False)


@pytest.fixture(scope="module", params=["no looks", "before the first look"])
def early(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Nothing may be said yet: the last seeds run, or those of the first look."""
    looks = () if request.param == "no looks" else LOOKS
    return make(tmp_path_factory.mktemp("early"), 2 if looks else 5, looks)


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The first look is reached, and a run of the next seed is over."""
    return make(tmp_path_factory.mktemp("looked"), 3, LOOKS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Every run has ended, without looks."""
    return make(tmp_path_factory.mktemp("whole"), SEEDS)


def printed(thing: Any) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(thing)
    return console.file.getvalue()


def commanded(*words: str) -> Callable[[Results, Any], str]:
    """Return what a command of the command line says of a folder, and what it writes."""

    def call(results: Results, capfd: Any) -> str:
        assert main([words[0], str(results.folder), *words[1:]]) == 0
        said = capfd.readouterr().out
        written = Path(said.strip())
        return _text(written) if "\n" not in said.strip() and written.is_file() else said

    return call


def _text(path: Path) -> str:
    text = path.read_text("utf-8")
    return _words(Page(text)) if path.suffix == ".html" else text


def _words(page: Page) -> str:
    """Return what a page shows or tells: its text, and what stands for pictures and labels cells."""
    told = [value for key, value in page.attributes if key in ("alt", "data-label", "aria-label", "title")]
    return " ".join([page.text, *told])


def _document(results: Results) -> Document:
    return Document("Title", (build(results),), "assay reproduce")


FORMS: dict[str, Callable[[Results, Any], str]] = {
    "page": lambda results, _: _words(Page(html.render(build(results)))),
    "latex": lambda results, _: latex.render(build(results), draw(build(results))),
    "terminal": lambda results, _: printed(terminal.summary(build(results))),
    "notebook": lambda results, _: _words(Page(results._repr_html_())),
    "document": lambda results, _: _words(Page(document.render(_document(results)))),
    "document, in a sentence": lambda results, _: (
        f"{_document(results).answer} {_document(results).agreement} {_document(results).standing}"
    ),
    "claims.csv": lambda results, _: document.claims_csv(_document(results)).split("\n", 1)[1],
    "published.csv": lambda results, _: document.published_csv(_document(results)).split("\n", 1)[1],
    "runs.csv": lambda results, _: document.runs_csv([results]),
    "epochs.csv": lambda results, _: document.epochs_csv([results]),
    "assay status": commanded("status"),
    "assay results": commanded("results"),
    "assay results, CSV": commanded("results", "--format", "csv"),
    "assay results, JSON": commanded("results", "--format", "json"),
    "assay report": commanded("report"),
    "assay report, LaTeX": commanded("report", "--format", "latex"),
}
"""Every form in which something is said of a study, as text; JSON of a report is read field by field."""
DRAWN_ELSEWHERE = ("latex", "document", "assay report", "assay report, LaTeX")
"""Forms whose figures, which take seconds, are those of the page."""


def test_before_the_end_no_field_of_a_report_says_anything(early: Results):
    report = build(early)
    assert not report.judged
    said = [field.path for field in walk(report) if says(field) and field.value is not None]
    assert said == []
    assert (report.family, report.effects, report.networks, report.factorial) == (None, (), (), None)
    assert report.costs == ()
    assert all(claim.parts == () for claim in report.claims)
    assert all(arm.test.n >= 2 and np.isfinite(arm.test.mean) for arm in report.arms)


def test_before_the_end_no_seed_is_called_outlying(tmp_path: Path):
    """It would be one that the others explain, when all are there."""
    late = [1500, 1760, 1762, 1759, 1761, 1760, 1758, 1761, 1762, 1759]
    for status, expected in ((Status.RUNNING, {}), (Status.DONE, {0: 0.75})):
        study = make_study(("max", "average"), 10)
        statuses = {("average", 9): status}
        results = make_results(tmp_path / status, study, statuses=statuses, correct={"max": late})
        assert build(results).arms[0].outlying == expected


def test_the_walk_sees_what_a_whole_study_says(whole: Results):
    """Otherwise the test before would pass for want of eyes."""
    said = {field.path for field in walk(build(whole)) if says(field) and field.value is not None}
    wanted = {
        "report.arms[0].test.interval", "report.effects[0].pair.p", "report.claims[0].verdict",
        "report.effects[0].pair.judgement.verdict", "report.effects[0].crossed.interval",
        "report.effects[0].pair.equivalence_interval", "report.effects[0].pair.failures.p",
        "report.effects[0].pair.outperforms.interval",
        "report.factorial.effects[0].interval", "report.costs[0].seconds.p",
        "report.claims[2].parts[0].interval", "report.published[0].prediction",
        "report.published[0].consistent", "report.published[1].ours.interval",
    }  # fmt: skip
    assert wanted <= said
    assert build(whole).judged


def test_before_the_end_json_says_nothing(early: Results, capfd):
    """Every key that would say something is empty, wherever it stands."""
    assert main(["report", str(early.folder), "--format", "json"]) == 0
    found = json.loads(Path(capfd.readouterr().out.strip()).read_text())

    def said(value: Any, path: str) -> Iterator[str]:
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, item in items:
            if isinstance(key, str) and SAID.search(key) and item not in (None, []):
                yield f"{path}.{key}"
            yield from said(item, f"{path}.{key}")

    assert [*said(found, "report")] == []
    assert json.loads(export.report_json(build(early)))["published"][0]["ours"]["interval"] is None


@pytest.mark.parametrize("form", FORMS)
def test_before_the_end_no_form_says_anything(form: str, early: Results, capfd, request):
    """Save the one sentence that says why there is nothing."""
    if form in DRAWN_ELSEWHERE:
        request.getfixturevalue("undrawn")
    (reason,) = (limit for limit in build(early).limits if limit.startswith("Interim:"))
    text = " ".join(re.sub(r"[│·]", " ", FORMS[form](early, capfd)).split())
    assert [found[0] for found in WORDS.finditer(text.replace(reason, ""))] == []


def test_before_the_end_claims_and_numbers_wait(early: Results):
    report = build(early)
    when = "the first declared look, at 3 seeds" if report.rerun.study.get("looks") else "every run has ended"
    assert {claim_words.summary(claim) for claim in report.claims} == {f"Not tested before {when}."}
    rows = list(csv.DictReader(io.StringIO(document.published_csv(_document(early)))))
    waiting = ("low", "high", "one_run_low", "one_run_high", "agrees", "level")
    assert {row[key] for row in rows for key in waiting} == {""}
    assert all(float(row["mean"]) for row in rows)


def test_at_a_look_every_level_is_that_of_the_look(looked: Results):
    report = build(looked)
    confidences = {field.path: field.value for field in walk(report) if field.name == "confidence"}
    levels = {field.path: field.value for field in walk(report) if field.name in ("alpha", "level")}
    claimed = {path: confidences.pop(path) for path in [*confidences] if path.startswith("report.claims")}
    assert {path: value for path, value in confidences.items() if value != pytest.approx(1 - LEVEL)} == {}
    assert claimed["report.claims[0].parts[0].confidence"] == pytest.approx(1 - LEVEL)
    equivalence = 1 - 2 * LEVEL
    assert all(
        value in (None, pytest.approx(1 - LEVEL), pytest.approx(equivalence)) for value in claimed.values()
    )
    assert {path: value for path, value in levels.items() if value != pytest.approx(LEVEL)} == {}
    parts = ("arms", "effects", "factorial", "costs", "published")
    assert all(any(path.startswith(f"report.{part}") for path in confidences) for part in parts)
    assert {"report.level", "report.family.alpha"} <= set(levels)


def test_at_a_look_numbers_beside_published_ones_have_its_level(looked: Results):
    """Against SciPy: the interval of the mean, and where a run on other images, as many, would fall."""
    row = build(looked).published[0]
    x = looked.accuracies(row.arm)[:3]
    assert row.ours.n == 3
    assert row.ours.interval == pytest.approx(stats.t.interval(1 - LEVEL, 2, x.mean(), stats.sem(x)))
    seeds, images = x.var(ddof=1) * (1 + 1 / 3), 2 * x.mean() * (1 - x.mean()) / TEST_IMAGES
    student, normal = stats.t.ppf(1 - LEVEL / 2, 2), stats.norm.ppf(1 - LEVEL / 2)
    both = (student * seeds + normal * images) / np.sqrt(seeds + images)  # Cochran and Cox
    half = max(both, student * np.sqrt(seeds))
    assert row.prediction == pytest.approx((x.mean() - half, x.mean() + half))


def test_at_a_look_a_report_speaks_of_its_seeds_alone(looked: Results):
    report = build(looked)
    assert looked.done == 19
    assert {run.seed for run in report.runs} == {0, 1, 2}
    counts = {field.path: field.value for field in walk(report) if field.name in ("n", "seeds")}
    counts = {path: value for path, value in counts.items() if isinstance(value, int)}
    assert {path: value for path, value in counts.items() if value > 3} == {}
    assert sum(path.startswith("report.curves") for path in counts) >= 4
    assert (report.rerun.test_openings, report.rerun.finished) == (19, 19)
    for table in (document.runs_csv([looked]), document.epochs_csv([looked])):
        assert {row["seed"] for row in csv.DictReader(io.StringIO(table))} == {"0", "1", "2"}


@pytest.mark.parametrize("form", [form for form in FORMS if "results" not in form and "runs" not in form])
def test_at_a_look_no_form_names_another_level(form: str, looked: Results, capfd, request):
    if form in DRAWN_ELSEWHERE:
        request.getfixturevalue("undrawn")
    text = re.sub(r"\\", "", FORMS[form](looked, capfd))
    assert "95%" not in text
    assert "90%" not in text
    if form in ("page", "latex", "terminal", "notebook", "document", "assay report", "assay report, LaTeX"):
        assert "98.3% interval" in text


def test_at_a_look_claims_are_tested_at_its_level(looked: Results):
    rows = list(csv.DictReader(io.StringIO(document.claims_csv(_document(looked)))))
    assert [float(row["level"]) for row in rows] == pytest.approx([LEVEL] * len(rows))
    a, b = (looked.accuracies(arm)[:3] for arm in ("max-none", "max-some"))
    expected = stats.ttest_rel(a, b).confidence_interval(1 - LEVEL)
    assert (float(rows[0]["low"]), float(rows[0]["high"])) == pytest.approx(tuple(expected), abs=1e-11)
    assert float(rows[0]["confidence"]) == pytest.approx(1 - LEVEL)
    never = rows[-1]
    assert never["relation"] == "max-none never learns"
    assert "%" not in never["found"] or "98.3% confidence" in never["found"]
