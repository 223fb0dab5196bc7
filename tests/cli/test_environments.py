"""Some of the commands and environments of tests/long/environments.py."""

import os
import sys
from pathlib import Path

import pytest
from in_place import ended
from surroundings import PLACES

RUN = ("run", "--workers", "1", "--quick", "--out", "ü😀")
TRIED = {
    "python -S": (("studies",), "the library typer is not installed for "),
    "libraries in the current folder": ((*RUN, "--isolate"), ""),
    "files of 0 bytes": ((*RUN, "--isolate"), "there is no folder for temporary files (set TMPDIR to one"),
    "8 open files": (RUN, "too many open files (`ulimit -n` allows too few: raise it)"),
    "1 process": (RUN, "can't start new thread (`ulimit -u` allows too few"),
    "HOME unset, unknown user": (("data", "list"), ""),
    "ASSAY_DATA of nobody": (("data", "list"), ""),
    "Matplotlib's folder bad": (RUN, ""),
    "Matplotlib's backend odd": (RUN, ""),
}


@pytest.mark.skipif(sys.platform != "linux", reason="limits and users as Linux has them")
@pytest.mark.parametrize("name", TRIED)
def test_a_command_is_done_or_says_why_not(name: str, study_file: str, tmp_path: Path):
    place, (words, expected) = PLACES[name], TRIED[name]
    if place.root and os.geteuid():
        pytest.skip("only root may become somebody else")
    here, bad = tmp_path / "plätze", tmp_path / "bad"
    here.mkdir()
    bad.mkdir()
    words = (words[0], study_file, *words[1:]) if words[0] == "run" else words
    found = ended(place, words, here, bad)
    if expected:
        assert found.status == 2, found
        assert found.err.startswith("assay: error: ")
        assert expected in found.err
        assert found.err.count("\n") == 1
    else:
        assert (found.status, found.err) == (0, ""), found
