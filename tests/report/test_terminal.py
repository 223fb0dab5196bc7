import io
import re
from pathlib import Path

import pytest
from factories import WHY, make_results, make_study
from foreign import change
from rich.console import Console, RenderableType

from assay.findings.findings import Findings, build
from assay.records.runs import Status
from assay.report import export
from assay.report.run_tables import results_table, status_table
from assay.report.terminal import arms_table, summary, verdict_panel
from assay.report.terminal_tables import bare_table
from assay.results import Results
from assay.stats import Verdict


def printed(thing: RenderableType, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(thing)
    return console.file.getvalue()


def readable(text: str) -> bool:
    return (
        all(len(line.rstrip()) <= 80 for line in text.splitlines()) and "…" not in text and "\x1b" not in text
    )


def test_every_run_has_a_row_with_its_numbers(results: Results) -> None:
    text = printed(results_table(results))
    assert readable(text)
    rows = [line.split() for line in text.splitlines() if line.startswith(("max", "average"))]
    assert len(rows) == 12
    for row, run in zip(rows, results.runs, strict=True):
        assert row[:4] == [run.arm, str(run.seed), run.status.value, str(run.epochs)]
        assert row[4] == f"{100 * run.valid_best:.2f}"
        assert row[6] == ("–" if run.test is None else f"{100 * run.test_accuracy:.2f}")
        assert row[7] == ("–" if run.test is None else f"{run.test_loss:.3f}")
    assert len(rows[0]) == 13


def test_machines_are_named_where_there_were_several(tmp_path: Path) -> None:
    make_results(tmp_path, make_study(seeds=3)).close()

    def trained_on(host: str, seed: int) -> tuple[str, str, str]:
        change(tmp_path, ("UPDATE run SET host = ? WHERE seed = ?", host, seed))
        with Results.open(tmp_path) as found:
            [first, *_] = export.status_rows(found)
            return printed(status_table(found)), printed(results_table(found)), first["hosts"]

    assert "host" not in "".join(trained_on("lab-2", 0)[:2])
    status, rows, hosts = trained_on("lab-10, then lab-2", 1)
    assert hosts == "lab-10, lab-2"
    assert readable(status)
    assert "hosts" in status
    assert "lab-10" in status
    assert readable(rows)
    assert "host" in rows
    assert "lab-2" in rows


def test_long_arms_are_folded_not_cut(tmp_path: Path) -> None:
    name = "x" * 30
    study = make_study((name, "y"), 12)
    found = make_results(tmp_path, study, statuses={("y", 11): Status.DIVERGED})
    for thing in (results_table(found), status_table(found), summary(build(found))):
        text = printed(thing)
        assert readable(text)
        assert text.count("x") >= 30


def test_words_in_long_names_stay_whole(tmp_path: Path) -> None:
    found = make_results(
        tmp_path, make_study(("sgd-with-momentum-0.05-narrow", "adam-normalised-hidden"), 12)
    )
    for thing in (results_table(found), status_table(found), arms_table(build(found)), summary(build(found))):
        text = printed(thing)
        assert readable(text)
        words = re.findall("[a-z]+", text)
        for word in ("momentum", "narrow", "normalised", "hidden"):
            assert words.count(word) >= text.count("sgd-with-"), word


def test_names_that_fit_stay_whole_and_lines_stay_lines() -> None:
    table = bare_table("")
    table.add_column("name", overflow="fold", width=12)
    texts = "narrow less very-wide", "very-wide-one", "a\nb", "", "abcdefghijklmnop-q", "  --very-narrow", "—"
    for text in texts:
        table.add_row(text)
    lines = [line.rstrip() for line in printed(table).splitlines()[2:]]
    assert lines == [
        *("narrow less", "very-wide"),
        *("very-wide-", "one"),
        *("a", "b"),
        "",
        *("abcdefghijkl", "mnop-", "q"),
        *("  --very-", "narrow"),
        "—",
    ]


def test_stuck_runs_are_marked_in_every_table(tmp_path: Path) -> None:
    name = "x" * 30
    study = make_study((name, "y"), 12, control="y")
    found = make_results(tmp_path, study, stuck=[(name, 0), (name, 7)])
    for thing, count in ((results_table(found), 2), (status_table(found), 1), (arms_table(build(found)), 1)):
        text = printed(thing)
        assert readable(text)
        assert text.count("stuck" if count == 2 else "2 stuck") == count
    assert WHY in re.sub(r"[\s│·]+", " ", printed(summary(build(found))))


def test_status_counts_every_run(interim: Results) -> None:
    text = printed(status_table(interim))
    assert readable(text)
    row = next(line.split() for line in text.splitlines() if line.startswith("average"))
    assert row[1:7] == ["1", "1", "0", "2", "0", "0"]
    assert "6 of 8 runs" in text
    assert "accuracies in %" in text


def test_the_summary_says_what_the_report_says(report: Findings) -> None:
    text = printed(summary(report))
    assert readable(text)
    flat = re.sub(r"[\s│]+", " ", text)
    assert report.question in flat
    assert report.answer in flat
    c = report.effects[0].pair.comparison
    assert f"{100 * c.mean:+.2f} points" in flat
    assert f"{100 * c.interval[0]:+.2f} to {100 * c.interval[1]:+.2f} points" in flat


def test_a_family_has_a_row_a_comparison(family: Findings) -> None:
    text = printed(verdict_panel(family))
    assert readable(text)
    for effect in family.effects:
        assert f"{effect.name} " in text
        assert f"{100 * effect.interval[0]:+.2f} to {100 * effect.interval[1]:+.2f}" in text


def test_interim_shows_no_p_and_no_verdict(interim: Results) -> None:
    text = printed(summary(build(interim)))
    assert "interim 6/8" in text
    assert not re.search(r"\bp\s*[=<]|better|worse|equivalent|negligible|inconclusive|Paired|Holm", text)


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_show_their_values(tmp_path: Path, seeds: int) -> None:
    report = build(make_results(tmp_path, make_study(seeds=seeds)))
    text = printed(arms_table(report))
    assert all(f"{100 * value:.2f}" in text for arm in report.arms for value in arm.values)
    assert readable(printed(summary(report)))


def test_factors_have_a_row_an_effect(factors: Findings) -> None:
    text = printed(verdict_panel(factors))
    assert readable(text)
    flat = re.sub(r"[\s│]+", " ", text)
    for effect in factors.factorial.effects:
        low, high = effect.interval
        assert f"{100 * effect.mean:+.2f} {100 * low:+.2f} to {100 * high:+.2f}" in flat


def test_a_single_seed_compares_networks(tmp_path: Path) -> None:
    report = build(make_results(tmp_path, make_study(seeds=1)))
    text = printed(verdict_panel(report))
    assert readable(text)
    assert f"{100 * report.networks[0].test.difference:+.2f}" in text
    assert "two networks, not two methods" in text


def test_beside_equivalent_stands_the_interval_of_equivalence(tmp_path: Path) -> None:
    correct = {name: [1760, 1764, 1762, 1766, 1758, 1763] for name in ("max", "average", "strided")}
    correct["average"] = [1761, 1763, 1763, 1765, 1759, 1762]
    study = make_study(("max", "average", "strided"), seeds=6, control="max")
    report = build(make_results(tmp_path, study, correct=correct))
    effect = report.effects[0]
    assert effect.pair.judgement.verdict is Verdict.EQUIVALENT
    assert (effect.deciding, effect.deciding_p) == (effect.pair.equivalence_interval, effect.pair.tost_p)
    assert effect.deciding != effect.interval
