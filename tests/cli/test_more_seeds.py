"""``assay plan``, ``run --until-resolved`` and ``extend``: how many seeds, and when to look."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from said import Assay
from tiny import tiny_tables

from assay.cli.options import duration
from assay.results import Results
from assay.study.toml import dumps as to_toml

pytestmark = pytest.mark.usefixtures("undrawn")  # unless it runs in a process of its own


def write(characters: str, epochs: int = 1, **changes: object) -> None:
    Path("own.toml").write_text(to_toml(tiny_tables(characters, training={"epochs": epochs}, **changes)))


def lines(text: str) -> list[str]:
    return text.splitlines()


def test_until_resolved_says_at_each_look_what_is_decided(assay: Assay, characters: str):
    write(characters, epochs=4, seeds=3, margin=90.0)  # enough for every run to leave chance level
    said = assay("run", "own.toml", "--until-resolved")
    assert (said.status, said.err) == (0, "")
    assert "look 1 of 3, 3 seeds: 1 of 1 comparison decided" in lines(said.out)
    assert any(line.startswith("  max less average: equivalent, ") for line in lines(said.out))
    assert "tiny: resolved at look 1 of 3" in said.out
    assert "98.3% interval" in said.out
    report = Path("assay-runs/tiny/report.html")
    assert "resolved at look 1 of 3" in report.read_text()
    again = assay("run", "own.toml", "--until-resolved")
    assert (again.status, again.out) == (0, f"{report}\n")
    with Results.open("assay-runs/tiny") as results:
        assert (results.study.looks, results.done) == ((3, 6, 12), 6)


def test_declared_looks_that_are_resolved_stay_so(assay: Assay, characters: str):
    write(characters, epochs=4, seeds=6, looks=[3, 6], margin=90.0)
    assert "resolved at look 1 of 2" in assay("run", "own.toml", "--until-resolved").out
    again = assay("run", "own.toml")
    assert (again.status, again.out) == (0, "assay-runs/tiny/report.html\n")


def test_a_budget_ends_it_cleanly(assay: Assay, characters: str):
    write(characters, seeds=3, margin=0.5)
    said = assay("run", "own.toml", "--until-resolved", "--budget", "0.001s")
    assert (said.status, said.err) == (0, "")
    assert lines(said.out)[-2:] == [
        "the budget is used up; the same command continues it in assay-runs/tiny",
        "assay-runs/tiny/report.html",
    ]
    assert "tiny: stopped at" in said.out


def test_extend_adds_seeds_in_a_folder_beside(assay: Assay, characters: str):
    write(characters, seeds=3)
    assay("run", "own.toml")
    said = assay("extend", "assay-runs/tiny", "--seeds", "4", "--workers", "2")
    assert (said.status, said.err) == (0, "")
    assert "2 runs to train, 2 at a time, 6 more are done" in said.out
    assert "Extended after seeing results" in said.out
    assert lines(said.out)[-1] == "assay-runs/tiny-4-seeds/report.html"
    again = assay("extend", "assay-runs/tiny", "--seeds", "4")
    assert again.out == "assay-runs/tiny-4-seeds/report.html\n"
    more = assay("run", "own.toml", "--seeds", "4")
    assert more.status == 2
    assert "holds this study with 3 seeds, fewer than the 4 asked for" in more.err
    assert "or add seeds with `assay extend assay-runs/tiny --seeds 4`)" in more.err


def test_of_fewer_seeds_than_there_are_a_study_of_their_own_is_made(assay: Assay, characters: str):
    """Adding seeds is no help there."""
    write(characters, seeds=2, looks=[])
    assay("run", "own.toml")
    fewer = assay("run", "own.toml", "--seeds", "1")
    assert (fewer.status, fewer.err.count("\n")) == (2, 1)
    assert "holds this study with 2 seeds, more than the 1 asked for (ask for all 2; `assay fork" in fewer.err
    assert "extend" not in fewer.err
    forked = assay("fork", "assay-runs/tiny", "own.toml", "--seeds", "1")
    assert forked.status == 0
    assert "0 runs to train, 0 at a time, 2 more are done" in forked.out
    turned = assay("run", "own.toml", "-s", "seeds=[1,0]")
    assert "with 2 seeds, and the same ones in another order are asked for (use" in turned.err
    other = assay("run", "own.toml", "-s", "seeds=[7,8]")
    assert "with 2 seeds, and others are asked for (use another --out, or `assay fork" in other.err


def test_fork_begins_anew_where_settings_changed(assay: Assay, characters: str):
    """With the runs of the arms that stayed as they were."""
    write(characters)
    assay("run", "own.toml")
    changes = {"max": {"network": {"reduction": "max"}}, "average": {"network": {"reduction": "average"}}}
    changes["average"]["optimizer"] = {"lr": 0.01}
    write(characters, factors={"reduction": changes})
    refused = assay("run", "own.toml")
    assert refused.status == 2
    assert "(use another --out, or `assay fork assay-runs/tiny STUDY`)" in refused.err
    said = assay("fork", "assay-runs/tiny", "own.toml", "--workers", "1")
    assert (said.status, said.err) == (0, "")
    assert "2 runs to train, 1 at a time, 2 more are done" in said.out
    assert lines(said.out)[-1] == "assay-runs/tiny-fork/report.html"
    assert "its settings changed" in Path("assay-runs/tiny-fork/report.html").read_text()
    assert assay("fork", "assay-runs/tiny", "own.toml").out == "assay-runs/tiny-fork/report.html\n"
    with Results.open("assay-runs/tiny") as before, Results.open("assay-runs/tiny-fork") as after:
        assert after.study.parent == before.header.digest
        assert after.accuracies("max").tolist() == before.accuracies("max").tolist()


def test_fork_needs_other_settings(assay: Assay, characters: str):
    write(characters)
    assay("run", "own.toml")
    said = assay("fork", "assay-runs/tiny", "own.toml")
    assert said.status == 2
    assert "holds this study with these settings, expected others" in said.err
    assert not Path("assay-runs/tiny-fork").exists()


def words_of(text: str) -> str:
    return " ".join(text.split())


def test_plan_says_how_many_seeds_and_how_long(assay: Assay, characters: str):
    write(characters, seeds=3)
    said = assay("plan", "own.toml", "--workers", "2")
    assert (said.status, said.err) == (0, "")
    assert max(map(len, lines(said.out))) <= 80
    assert "max less average – – 0.35 13 13 14" in words_of(said.out)
    assert "sd: spread of the seeds' differences, in points; then seeds: to tell" in words_of(said.out)
    assert "13 seeds (26 runs, about " in said.out
    assert "tell a true difference of 0.3 points with 80% power, and 14 show" in words_of(said.out)
    assert "There is no pilot: a spread of 0.354 points is assumed" in words_of(said.out)
    assert not Path("assay-runs").exists()
    sure = words_of(assay("plan", "own.toml", "--resolve", "0.5", "--power", "0.9").out)
    assert "difference of 0.5 points with 90% power" in sure


def test_plan_takes_the_studys_own_results_or_others_as_a_pilot(assay: Assay, characters: str):
    write(characters, epochs=4, seeds=4)  # enough for every run to leave chance level
    assay("run", "own.toml")
    own = words_of(assay("plan", "own.toml", "--resolve", "10").out)
    assert "paired differences in assay-runs/tiny: half of all pilots" in own
    assert "other settings" not in own
    others = words_of(assay("plan", "own.toml", "--epochs", "2", "--pilot", "assay-runs/tiny").out)
    assert "The pilot had other settings (training.epochs: 4 there, 2 here): its spread is a guess." in others
    said = assay("plan", "pooling", "--quick", "--pilot", "assay-runs/absent")
    assert (said.status, said.out) == (2, "")
    said = assay("plan", "optimizers", "--pilot", "assay-runs/tiny")
    assert (said.status, said.out) == (2, "")
    assert "no two arms that optimizers compares have 3 seeds there" in said.err


@given(st.integers(0, 99), st.integers(0, 99), st.floats(0, 60).map(lambda x: round(x, 2)))
def test_a_time_is_read_as_people_write_it(hours: int, minutes: int, seconds: float):
    expected = pytest.approx(3600 * hours + 60 * minutes + seconds)
    assert duration(f"{hours}h{minutes}min{seconds}s") == expected


@pytest.mark.parametrize("text", ["", "2", "h", "2d", "-2h", "2h later", "1..5h", "2 h", "nan s", "1e3s"])
def test_a_time_that_is_none_is_refused(text: str):
    with pytest.raises(ValueError, match="expected a time such as 2h"):
        duration(text)
