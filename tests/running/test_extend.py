"""More seeds on a finished study are another study, which has the first one's runs."""

from pathlib import Path
from shutil import copytree

import pytest
from tiny import outcome, tiny_study

from assay.errors import StoreError, UsageError
from assay.findings.findings import build
from assay.results import Results
from assay.running.events import Started, StepsTaken
from assay.running.extend import extend, extended_folder
from assay.running.run import run
from assay.running.until_resolved import run_until_resolved
from assay.study.study import Study

SHORT = {"training": {"epochs": 4}}


@pytest.fixture(scope="module")
def finished(characters, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "tiny"
    run(tiny_study(characters, seeds=3, **SHORT), folder).close()
    return folder


@pytest.fixture
def parent(finished, tmp_path):
    """The folder of a finished study of three seeds."""
    return Path(copytree(finished, tmp_path / "tiny"))


@pytest.fixture(scope="module")
def extended(finished, tmp_path_factory):
    """Such a folder, and what was told while it was extended to five seeds."""
    parent, events = Path(copytree(finished, tmp_path_factory.mktemp("extended") / "tiny")), []
    extend(parent, 5, on_event=events.append).close()
    return parent, events


def test_it_is_a_study_of_its_own_that_names_its_parent(extended, characters):
    parent, _ = extended
    assert extended_folder(parent, 5) == parent.with_name("tiny-5-seeds")
    with Results.open(parent.with_name("tiny-5-seeds")) as results, Results.open(parent) as before:
        assert results.study.parent == before.header.digest
        assert results.header.digest not in (before.header.digest, tiny_study(characters, seeds=5).digest)
        assert results.study.seeds == (0, 1, 2, 3, 4)
        assert (results.complete, results.total, before.total) == (True, 10, 6)
        assert results.store.test_openings() == 10
        report = build(results)
        assert Study.from_tables(report.rerun.study, "again").digest == results.header.digest
    assert report.limits[0].startswith("Extended after seeing results")


def test_its_runs_are_those_of_its_parent_and_of_all_seeds_at_once(extended, characters, tmp_path):
    parent, events = extended
    with Results.open(extended_folder(parent, 5)) as results:
        found = outcome(results)
    (started,) = (event for event in events if isinstance(event, Started))
    assert {run.seed for run in started.pending} == {3, 4}
    with Results.open(parent) as results:
        assert outcome(results).items() <= found.items()
    with run(tiny_study(characters, seeds=5, **SHORT), tmp_path / "whole") as results:
        assert outcome(results) == found


def test_the_parent_stays_as_it_was(finished, extended):
    parent, _ = extended
    rows, weights = [], []
    for folder in (finished, parent):
        weights.append({path.name: path.read_bytes() for path in folder.rglob("*.safetensors")})
        with Results.open(folder) as results:
            rows.append(results.rows())
    assert len(weights[0]) == 6
    assert (rows[0], weights[0]) == (rows[1], weights[1])


def stop(event):
    """Stop a study at its first step, as Ctrl-C does."""
    if isinstance(event, StepsTaken):
        raise KeyboardInterrupt


def test_stopped_it_is_continued_and_finished_it_is_left_alone(parent):
    with pytest.raises(KeyboardInterrupt):
        extend(parent, 4, on_event=stop)
    with extend(parent, 4) as results:
        assert results.complete
    events = []
    extend(parent, 4, on_event=events.append).close()
    assert events == []


def test_an_extended_study_can_be_extended(extended):
    parent, _ = extended
    first = extended_folder(parent, 5)
    with Results.open(first) as results, extend(first, 6) as again:
        assert again.folder == extended_folder(first, 6) == parent.with_name("tiny-6-seeds")
        assert again.study.parent == results.header.digest


def test_a_study_that_a_look_resolved_is_extended_from_there(characters, tmp_path):
    looked = tiny_study(characters, seeds=6, looks=[3, 6], margin=90, **SHORT)
    run_until_resolved(looked, tmp_path / "tiny").close()
    with extend(tmp_path / "tiny", 5) as results:
        assert (results.study.looks, results.study.seeds) == ((), (0, 1, 2, 3, 4))
        assert build(results).stamp == "complete"


def test_what_is_not_finished_or_has_as_many_seeds_is_refused(parent, characters, tmp_path):
    for seeds in (3, 1, 0, -1):
        with pytest.raises(UsageError, match=f"--seeds must be above 3, the seeds of .*; got {seeds}"):
            extend(parent, seeds)
    with pytest.raises(StoreError, match="no results here"):
        extend(tmp_path / "absent", 5)
    with pytest.raises(StoreError, match=r"parent: not set there, '.*' now \(use another --out, or .* fork"):
        extend(parent, 5, parent)
    with pytest.raises(KeyboardInterrupt):
        run(tiny_study(characters, seeds=3), tmp_path / "open", on_event=stop)
    with pytest.raises(StoreError, match="0 of 6 runs have come to their end, expected all"):
        extend(tmp_path / "open", 5)
