"""Numbers of other people's programs get the verdict that the same numbers of assay's own get."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from factories import make_results, make_study
from later import pandas
from said import Assay
from scipy import stats

import assay as package
from assay.cli import main
from assay.errors import StoreError, StudyError, UsageError
from assay.exchange.exporting import export_results
from assay.exchange.importing import import_results
from assay.exchange.others import by_run, paired, runs_of
from assay.records.runs import Status
from assay.results import Results
from assay.study.study import Study

BASE, WIDE = (0.8810, 0.8835, 0.8822, 0.8801, 0.8840), (0.8881, 0.8903, 0.8899, 0.8850, 0.8894)
ROWS = [
    {"arm": arm, "seed": seed, "accuracy": value}
    for arm, values in (("base", BASE), ("wide", WIDE))
    for seed, value in enumerate(values)
]


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assay:
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        return (main(words), *capfd.readouterr())

    return call


def written(path: Path, rows=ROWS) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_verdict_is_that_of_the_paired_t_test(tmp_path):
    with import_results(ROWS, tmp_path / "out", control="base") as results:
        [effect] = results.findings().effects
        expected = stats.ttest_rel(WIDE, BASE)
        interval = expected.confidence_interval(0.95)
        assert effect.name == "wide less base"
        assert effect.mean == pytest.approx(np.mean(WIDE) - np.mean(BASE), abs=1e-12)
        np.testing.assert_allclose(effect.interval, (interval.low, interval.high), rtol=1e-9)
        assert effect.pair.p == pytest.approx(expected.pvalue, rel=1e-9)
        assert effect.verdict == "better"
        assert [run.test_accuracy for run in results.runs] == [*BASE, *WIDE]


def test_results_of_assay_that_go_round_say_the_same(tmp_path):
    """Exported as tables and imported again, with each answer: all of the comparison, and new images too."""
    study = make_study(control="average", seeds=4)
    with make_results(tmp_path / "own", study) as own:
        export_results(own, "csv", out=tmp_path / "tables")
        with import_results(
            tmp_path / "tables" / "runs.csv",
            tmp_path / "again",
            control="average",
            metric="test_accuracy",
            examples=tmp_path / "tables" / "examples.csv",
        ) as again:
            [expected], [found] = own.findings().effects, again.findings().effects
            assert found == expected
            assert found.crossed is not None
            assert again.test_images == own.test_images == 2000


@pytest.mark.parametrize("form", ["frame", "rows", "file", "percent"])
def test_any_form_of_the_table_is_the_same(form, tmp_path):
    percent = [{**row, "accuracy": f"{100 * row['accuracy']:.2f}"} for row in ROWS]
    table, rest = {
        "frame": (pandas.DataFrame(ROWS), {}),
        "rows": (ROWS[::-1], {}),
        "file": (written(tmp_path / "t.csv"), {}),
        "percent": (percent, {"percent": True}),
    }[form]
    with import_results(table, tmp_path / "out", control="base", **rest) as results:
        assert results.header.data_digest == package.import_results(ROWS, tmp_path / "b").header.data_digest
        [effect] = results.findings().effects
        assert effect.mean == pytest.approx(0.00638, abs=1e-5)


def test_what_nobody_measured_is_left_out(tmp_path):
    with import_results(ROWS, tmp_path / "out", control="base") as results:
        page = results.write_report(tmp_path / "report.html").read_text("utf-8")
        source = results.write_report(tmp_path / "report.tex").read_text("utf-8")
        frame = results.frame()
    for unknown in (
        "s/epoch",
        "Peak MiB",
        "Parameters",
        "Epoch by epoch",
        "Test loss",
        "assay run",
        "opened",
        "Times are",
    ):
        assert unknown not in page
        assert unknown not in source
    for text in (page, source):
        assert "measured elsewhere and imported" in text
        assert "1,000,000,000,000" not in text
        assert "same data in the same order</dd>" not in text
    assert frame["parameters"].isna().all()
    assert frame["test_loss"].isna().all()
    assert list(frame["test_accuracy"]) == [*BASE, *WIDE]


def test_a_run_that_diverged_is_a_failure_not_a_gap(tmp_path):
    rows = [{**row, "accuracy": "diverged" if row["seed"] == 4 else row["accuracy"]} for row in ROWS[:5]]
    with import_results([*rows, *ROWS[5:]], tmp_path / "out", control="base") as results:
        assert [run.status for run in results.of("base")] == [Status.DONE] * 4 + [Status.DIVERGED]
        [effect] = results.findings().effects
        assert effect.pair.comparison.n == 4
        assert effect.pair.failures.any


STUDY = {
    "name": "mine",
    "question": "Does width help?",
    "control": "base",
    "seeds": 5,
    "looks": [3, 5],
    "engine": "elsewhere",
    "factors": {"width": {"base": {}, "wide": {}}},
    "claims": [{"sentence": "Wide is better.", "expect": ["wide > base"]}],
}


def test_a_declared_study_brings_claims_and_looks(tmp_path):
    study = Study.from_tables(STUDY)
    three = [row for row in ROWS if row["seed"] < 3]
    with import_results(three, tmp_path / "three", study=study) as results:
        found = results.findings()
        assert str(found.look) == "look 1 of 2"
        assert found.claims[0].verdict is not None
    with import_results(ROWS[:3], tmp_path / "few", study=study) as results:
        assert results.findings().effects == ()
        assert not results.complete


@pytest.mark.parametrize("form", ["name", "asked", "percent"])
def test_error_rates_get_the_verdict_of_the_accuracies_that_they_are(form, said, tmp_path):
    column = {"name": "test_error", "asked": "missed", "percent": "WER"}[form]
    most = 100 if form == "percent" else 1
    rows = [
        {"arm": row["arm"], "seed": row["seed"], column: round(most * (1 - row["accuracy"]), 6)}
        for row in ROWS
    ]
    written(tmp_path / "t.csv", rows)
    more = {"name": (), "asked": ("--lower-is-better",), "percent": ("--percent",)}[form]
    status, out, err = said("import", "t.csv", "--control", "base", *more)
    assert (status, err) == (0, "")
    text = " ".join(out.replace("│", " ").split())
    assert "Wide is better than base by 0.64 points" in text
    reading = f"the column {column} of t.csv, of which less is better (accuracies here are 1 - {column})"
    assert f"They are after {reading}." in text
    folder = tmp_path / "assay-runs" / "t"
    assert reading in " ".join((folder / "report.html").read_text("utf-8").split())
    assert reading in " ".join(said("results", str(folder))[1].split())
    with Results.open(folder) as results:
        assert [run.test_accuracy for run in results.runs] == [*BASE, *WIDE]


def test_a_columns_name_does_not_overrule_what_was_asked(tmp_path):
    rows = [{"arm": row["arm"], "seed": row["seed"], "error": row["accuracy"]} for row in ROWS]
    with import_results(rows, tmp_path / "out", lower_is_better=False) as results:
        assert [run.test_accuracy for run in results.runs] == [*BASE, *WIDE]
        assert results.study.source == ""


def test_errors_agree_with_the_answers_that_they_count(tmp_path):
    rows = [{"arm": arm, "seed": 0, "error": error} for arm, error in (("a", 0.25), ("b", 0.5))]
    answers = [
        {"arm": arm, "seed": 0, "example": n, "correct": int(n >= wrong)}
        for arm, wrong in (("a", 1), ("b", 2))
        for n in range(4)
    ]
    study = Study.from_tables(
        STUDY
        | {
            "source": "a paper",
            "seeds": [0],
            "factors": {"arm": {"a": {}, "b": {}}},
            "control": "a",
            "looks": [],
            "claims": [],
        }
    )
    with import_results(rows, tmp_path / "out", examples=answers, study=study) as results:
        assert [run.test_accuracy for run in results.runs] == [0.75, 0.5]
        assert results.study.source.startswith("a paper; the column error of table, of which less is better")


def test_a_loss_is_no_share(said, tmp_path):
    rows = [{"arm": row["arm"], "seed": row["seed"], "val_loss": 1.7} for row in ROWS]
    written(tmp_path / "t.csv", rows)
    status, _, err = said("import", "t.csv")
    assert status == 2
    assert err.startswith("assay: error: column 'val_loss': seems to be a loss, expected a share from 0 to 1")
    assert "(`assay judge` gives the verdict on a loss" in err
    assert err.count("\n") == 1
    assert "found 1.7, expected a share" in said("judge", "t.csv", "--share")[2]
    with pytest.raises(UsageError, match="seems to be a loss"):
        import_results(rows, tmp_path / "out")


REFUSED = {
    "seed": ({2: {"seed": "x"}}, "line 4: seed: found 'x', expected a whole number from 0"),
    "a seed of thousands of digits": ({2: {"seed": "1" * 5000}}, "expected a whole number from 0"),
    "twice": ({2: {"seed": 1}}, "line 4: base, seed 1 stands here a second time"),
    "percent": (
        {3: {"accuracy": 88.1}},
        "line 5: accuracy: found 88.1, expected a share from 0 to 1 (--perc",
    ),
    "text": ({9: {"accuracy": "good"}}, "line 11: accuracy: found 'good', expected a number"),
    "inf": ({9: {"accuracy": "inf"}}, "line 11: accuracy: found 'inf', expected a number"),
    "empty": ({0: {"accuracy": ""}}, "line 2: accuracy: is empty"),
    "arm": ({4: {"arm": "my arm"}}, "line 6: arm: expected a letter or digit, then letters, digits"),
    "seeds": ({4: {"seed": 7}}, "base has no seed 4, which another arm has"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_row_is_named(name, said, tmp_path):
    changes, message = REFUSED[name]
    written(tmp_path / "t.csv", [{**row, **changes.get(index, {})} for index, row in enumerate(ROWS)])
    status, out, err = said("judge", "t.csv")
    assert (status, out) == (2, "")
    assert err.startswith("assay: error: ")
    assert message in err
    assert err.count("\n") == 1


TEXTS = {
    "": "has no rows",
    "arm,accuracy\na,0.5\n": "column 'seed' is missing, found arm, accuracy",
    "arm;seed;accuracy\na;0;0.5\n": "found arm;seed;accuracy (write commas between columns)",
    ",".join(f"p{k}" for k in range(12))
    + "\n"
    + ",".join("1" * 12): "found p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, and 2 more (rename one)",
    "arm,seed\na,1\n": "expected one column besides arm and seed, found none",
    "arm,seed,a,b\nx,1,0.5,0.6\n": "expected one column besides arm and seed, found a, b",
    "arm,seed,a\nx,1,0.5,0.6\n": "line 2: found 4 values, expected 3",
    "arm,seed,a\nx,1\n": "line 2: found 2 values, expected 3",
    "arm,seed,a\n\xff": "",
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_file_that_is_no_such_table_is_refused(text, said, tmp_path):
    (tmp_path / "t.csv").write_bytes(text.encode("latin-1"))
    status, _, err = said("judge", "t.csv")
    assert status == 2
    assert TEXTS[text] in err
    assert err.count("\n") == 1


def test_examples_that_contradict_are_refused(tmp_path):
    table = [{"arm": "a", "seed": 0, "accuracy": 0.5}, {"arm": "b", "seed": 0, "accuracy": 1.0}]
    right = {"a": (1, 0), "b": (1, 1)}

    def rows(**changed):
        return [
            {"arm": arm, "seed": 0, "example": i, "correct": c}
            for arm, answers in (right | changed).items()
            for i, c in enumerate(answers)
        ]

    with import_results(table, tmp_path / "out", examples=rows()) as results:
        assert results.correct(results.runs[0].id).tolist() == [True, False]
        assert results.findings().networks[0].test.only_b == 1
    for examples, message in (
        (rows(a=(1, 1)), r"a, seed 0 got 1\.0000 of its examples right, but the other table says 0\.5000"),
        (rows(b=(1, 1, 1)), "a, seed 0 has 2 examples of 3"),
        (rows() + rows()[:1], "example 0 of a, seed 0 stands here a second time"),
        (rows(c=(1, 1)), "c, seed 0 has no accuracy in the other table"),
        ([{**rows()[0], "correct": 2}], "row 0: correct: found '2', expected 0 or 1"),
    ):
        with pytest.raises(UsageError, match=message):
            import_results(table, tmp_path / "no", examples=examples)


def test_a_share_of_examples_is_counted_not_cut(tmp_path):
    """29 of 100 are 29, though 0.29 times 100 is less."""
    table = [{"arm": arm, "seed": 0, "accuracy": 0.29} for arm in "ab"]
    examples = [{"arm": arm, "seed": 0, "example": i, "correct": i < 29} for arm in "ab" for i in range(100)]
    with import_results(table, tmp_path / "out", examples=examples) as results:
        assert [run.test.correct for run in results.runs] == [29, 29]


def test_nothing_is_trained_extended_or_overwritten(tmp_path, said, monkeypatch):
    monkeypatch.setattr("assay.exchange.extras.find_spec", lambda name: None)  # no extra would help
    import_results(ROWS, tmp_path / "out", control="base").close()
    with pytest.raises(StoreError, match="holds results already"):
        import_results(ROWS, tmp_path / "out")
    with pytest.raises(StudyError, match="trained elsewhere, so there is nothing to train here"):
        package.run(Study.from_tables(STUDY), tmp_path / "run")
    refused = ("extend out --seeds 9", "predict out x.png", "export out --to onnx")
    for words in map(str.split, refused):
        status, _, err = said(*words)
        assert (status, err.count("\n")) == (2, 1)
        assert "trained elsewhere" in err
    assert said("doctor", "out")[0] == 0
    for words in (("status", "out"), ("results", "out"), ("report", "out"), ("export", "out", "--to", "csv")):
        status, out, err = said(*words)
        assert (status, err) == (0, "")
        assert out
    with pytest.raises(StudyError, match="network: is given, but engine = 'elsewhere'"):
        Study.from_tables({**STUDY, "network": {"family": "Dense"}})


def test_judge_in_one_command(said, tmp_path):
    written(tmp_path / "t.csv")
    status, out, err = said("judge", "t.csv", "--control", "base", "--resolve", "0.3")
    assert (status, err) == (0, "")
    assert "Wide is better than base by 0.64 points" in " ".join(out.replace("│", " ").split())
    for name in ("95% interval for a difference", "90% interval for equivalence"):
        assert name in out
    assert "tell a true difference of 0.3 points with 80% power" in out
    assert not (tmp_path / "assay-runs").exists()
    document = json.loads(said("judge", "t.csv", "--control", "base", "--format", "json")[1])
    assert document["effects"][0]["pair"]["judgement"]["verdict"] == "better"
    status, out, err = said("import", "t.csv", "--control", "base", "--margin", "1")
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "assay-runs/t/report.html"
    with Results.open(tmp_path / "assay-runs" / "t") as results:
        assert results.study.margin == 1
        assert results.study.control == "base"
    status, _, err = said("judge", "t.csv", "--control", "bas")
    assert (status, err) == (2, "assay: error: control: no arm 'bas' (did you mean 'base'?)\n")


@pytest.mark.parametrize(
    ("arms", "control", "message"),
    [
        (64, None, "64 arms make 2,016 pairs, expected at most 2,000 (name the arm"),
        (1_001, "0", "found 1,001 arms, expected at most 1,000"),
    ],
)
def test_more_arms_than_one_waits_for_are_refused(arms, control, message, tmp_path):
    rows = [{"arm": str(arm), "seed": 0, "accuracy": 0.5} for arm in range(arms)]
    for table in (rows, [{"arm": row["arm"], "seed": 0, "loss": 0.5} for row in rows]):
        runs = by_run(runs_of(table, "table"), lambda line: 0.5)
        with pytest.raises(UsageError) as caught:
            paired(runs, control)
        assert message in str(caught.value)
    assert len(paired([*runs][:63], None)[0]) == 63
    most = [*runs][:1_000]
    assert len(paired(most, "0")[0]) == len(most)


def test_a_table_of_more_runs_than_any_study_has_is_not_read_to_its_end():
    read = []
    rows = ({"arm": "a", "seed": read.append(seed) or seed, "accuracy": 0.5} for seed in range(10**9))
    with pytest.raises(UsageError, match="table: has more than 100,000 rows, expected one for each run"):
        import_results(rows)
    assert len(read) < 100_100
