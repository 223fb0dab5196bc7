"""What the tests of the command line share: the command itself, and a study that trains in a second."""

from pathlib import Path

import pytest
from said import Assay, Said
from tiny import tiny_tables

from assay.cli import main
from assay.study.toml import dumps as to_toml


@pytest.fixture(autouse=True)
def _estimated_in_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``show`` and ``plan`` estimate is measured once, not for a second."""
    monkeypatch.setattr("assay.running.pace.BUDGET", 0.0)


@pytest.fixture
def assay(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Assay:
    """``assay("run", ...)`` in an empty folder, with what it wrote to the two streams."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Said:
        status = main(arguments)
        return Said(status, *capfd.readouterr())

    return call


@pytest.fixture(scope="session")
def study_file(characters: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A study of two arms and two seeds, with a quick profile of one epoch."""
    path = tmp_path_factory.mktemp("study") / "tiny.toml"
    path.write_text(to_toml(tiny_tables(characters, quick={"seeds": 1, "training": {"epochs": 1}})))
    return str(path)
