"""Whatever a user gets wrong is one line on stderr, exit status 2, and no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from said import Assay
from tiny import tiny_tables

from assay.cli import app
from assay.study.toml import dumps as to_toml

RUN = ("run", "STUDY")
OWN = """
class Own:
    def __init__(self, factor=1.0): self.factor = float(factor)
    def fprop(self, inputs): return inputs * self.factor
    def bprop(self, inputs, outputs, grads_wrt_outputs): return grads_wrt_outputs * self.factor
"""
WRONG = [
    # the command's own words
    (("rnu",), "no such command 'rnu' (did you mean 'run'? see `assay --help`)"),
    (("run",), "missing argument 'STUDY'"),
    (("data",), "missing command"),
    (("data", "lst"), "(did you mean 'list'? see `assay data --help`)"),
    (("fetch", "emnist"), "no such command 'fetch' (did you mean 'data fetch'? see `assay --help`)"),
    (("fetsh", "emnist"), "(did you mean 'data fetch'? see"),
    (("glyphs",), "no such command 'glyphs' (see `assay --help`)"),
    ((*RUN, "--seds", "3"), "no such option '--seds' (did you mean '--seeds'? see `assay run --help`)"),
    ((*RUN, "--seeds"), "--seeds"),
    ((*RUN, "surplus"), "surplus"),
    (("results", "there", "--format", "xml"), "--format"),
    (("results", "absent", "--format", "json"), "no results here"),
    (("results", "beside.toml"), "expected its results folder, such as assay-runs/beside"),
    (("data", "info", "glyhps", "--format", "csv"), "did you mean 'glyphs'"),
    (("show", "poling", "--format", "json"), "did you mean 'pooling'"),
    (("predict", "there"), "IMAGE"),
    # numbers
    ((*RUN, "--seeds", "0"), "seeds must be from 1"),
    ((*RUN, "--seeds", "-3"), "seeds must be from 1"),
    ((*RUN, "--seeds", "1e3"), "--seeds"),
    ((*RUN, "--seeds", ""), "--seeds"),
    ((*RUN, "--seeds", "9999999"), "seeds"),
    ((*RUN, "--epochs", "0"), "epochs must be an integer >= 1; got 0"),
    ((*RUN, "--epochs", "two"), "'two'"),
    ((*RUN, "--workers", "0"), "workers must be 1..1024; got 0"),
    ((*RUN, "--workers", "-1"), "got -1"),
    ((*RUN, "--workers", "10000"), "got 10000"),
    ((*RUN, "--budget", "2d", "--until-resolved"), "expected a time such as 2h, 1h30min or 45s, got '2d'"),
    ((*RUN, "--seeds", "3", "--budget", "0s", "--until-resolved"), "budget must be > 0 seconds"),
    ((*RUN, "--budget", "2h"), "goes with --until-resolved"),
    ((*RUN, "--until-resolved"), "at least 3; got 2"),
    ((*RUN, "-s", "looks=[2, 5]"), "the first at least 3; got [2, 5]"),
    ((*RUN, "-s", "looks=many"), "looks must be a list"),
    ((*RUN, "-s", "looks=[3, 5]", "--seeds", "4"), "the last of looks must be the number of seeds, 4; got 5"),
    (("plan", "STUDY", "--resolve", "-0.3"), "resolve must be above 0 and below 100 points; got -0.3"),
    (("plan", "STUDY", "--resolve", "much"), "expected a number, got 'much'"),
    (("plan", "STUDY", "--power", "80"), "power must be above 0.05 and below 1; got 80"),
    (("plan", "STUDY", "--pilot", "absent"), "absent"),
    (("extend", "absent", "--seeds", "5"), "no results here"),
    (("extend", "absent"), "--seeds"),
    # studies and their settings
    (("run", "poling"), "did you mean 'pooling'"),
    (("show", "poling"), "did you mean 'pooling'"),
    (("run", "absent.toml"), "absent.toml"),
    (("run", "broken.toml"), "broken.toml"),
    (("run", "folder.toml"), "folder.toml"),
    (("run", "empty.toml"), "'name' is missing"),
    (("run", "evil\n[red]name"), "evil\\n[red]name"),
    (("run", "caf\udce9"), "caf\\udce9"),
    (("run", "nul\0"), "nul"),
    ((*RUN, "-s", "network.filtres=3"), "did you mean 'filters'"),
    ((*RUN, "-s", "netwerk.filters=3"), "did you mean 'network'"),
    ((*RUN, "-s", "network.filters"), "expected KEY=VALUE"),
    ((*RUN, "-s", "network..filters=3"), "expected KEY=VALUE"),
    ((*RUN, "-s", "=3"), "expected KEY=VALUE"),
    ((*RUN, "-s", "network.filters=three"), "network.filters"),
    ((*RUN, "-s", "network.filters=0"), "filters must be an integer >= 1; got 0"),
    ((*RUN, "-s", ".".join("a" * 1000) + "=1"), "a: nested deeper than 32 tables and lists"),
    ((*RUN, "-s", f"network.filters={'9' * 5000}"), "an integer has thousands of digits"),
    ((*RUN, "-s", f"network.filters=0x{'f' * 5000}"), "expected a number below 1e308"),
    ((*RUN, "-s", f"seeds=0x{'f' * 5000}"), "seeds must be from 1 to 100,000"),
    ((*RUN, "--seeds", "9" * 5000), "expected a whole number, got '999"),
    ((*RUN, "-s", f"network.filters={'[' * 1000}{']' * 1000}"), "network.filters"),
    ((*RUN, "-s", f"network.filters={'[' * 200}{']' * 200}"), "nested deeper than 32"),
    ((*RUN, "-s", "training.augment.0.pixels=3"), "training.augment"),
    ((*RUN, "-s", "network.reduction=max"), "does not reach arm 'average'"),
    (("run", "shrinks.toml"), "layer conv3: the feature map shrinks to nothing"),
    ((*RUN, "-s", "optimizer.lr=nan"), "lr must be a finite number > 0; got nan"),
    ((*RUN, "-s", "optimizer.lr=inf"), "lr must be a finite number > 0; got inf"),
    ((*RUN, "-s", "optimizer.lr=-1.0"), "lr must be a finite number > 0; got -1.0"),
    ((*RUN, "-s", "optimizer.rule=Adm"), "did you mean 'Adam'"),
    ((*RUN, "-s", "optimizer.rule=ADAM"), "did you mean 'Adam'"),
    ((*RUN, "-s", "control=maxx"), "did you mean 'max'"),
    ((*RUN, "-s", "margin=0"), "margin"),
    ((*RUN, "--engine", "nmba"), "did you mean 'numba'"),
    # data
    ((*RUN, "--data", "glyhps"), "did you mean 'glyphs'"),
    ((*RUN, "--data", "idx:absent"), "absent"),
    ((*RUN, "--data", "empty"), "did you mean 'idx:empty'?"),
    (("data", "info", "./empty"), "did you mean 'idx:./empty'?"),
    (("data", "info", "emnist"), "did you mean 'emnist/balanced'?"),
    ((*RUN, "--data", "nul\0"), "is unknown"),
    ((*RUN, "--data", "emnist/balanced"), "assay data fetch emnist"),
    ((*RUN, "--data", ""), "data"),
    ((*RUN, "-s", "data.train=100000"), "train = 100,000"),
    (("data", "info", "idx:empty"), "empty"),
    (("data", "fetch", "enmist"), "did you mean 'emnist'"),
    (("data", "fetch", "bench"), "nothing to fetch is called 'bench' (known: "),
    (("data", "fetch", "mnist", "--from", "nowhere"), "nowhere"),
    (("data", "preview", "SOURCE", "--out", "no/such/folder.png"), "no/such/folder.png"),
    (("data", "preview", "SOURCE", "--out", "picture.nonsense"), "picture.nonsense"),
    # folders
    ((*RUN, "--out", "file"), "file: is a file"),
    ((*RUN, "--out", "file/below"), "file/below"),
    (("status", "absent"), "absent"),
    (("results", "empty"), "empty"),
    (("report", "file"), "file"),
    (("status", "damaged"), "damaged"),
    (("predict", "absent", "x.png"), "absent"),
    # layers
    (("check",), "missing argument 'PATH.py:Name'"),
    (("check", "absent.py"), "absent.py: no such file"),
    (("check", "absent.py:Own"), "absent.py: no such file"),
    (("check", "own.py:Onw"), "did you mean 'Own'"),
    (("check", "own.py:Own", "--against", "Conv2"), "did you mean 'Conv2d'"),
    (("check", "own.py:Own", "--input-shape", "3,x"), "input shape '3,x': expected sizes such as 3,8,8"),
    (("check", "own.py:Own", "--input-shape", ""), "input shape ''"),
    (("check", "own.py:Own", "--input-shape", "0,8,8"), "expected sizes such as 3,8,8"),
    (("check", "own.py:Own", "-s", "factor"), "expected KEY=VALUE, such as kernel_size=3"),
    (("check", "own.py:Own", "-s", "factr=2"), "did you mean 'factor'"),
    (("check", "own.py:Own", "-s", "factor='[red]'"), "[red]"),
    (("check", "own.py:Own", "--set"), "--set"),
    (("check", "folder.py:Own"), "folder.py: no such file"),
    (("check", "evil\n[red]name"), "evil\\n[red]name"),
    # benchmarks
    (("bench",), "missing command"),
    (("bench", "training", "--rounds", "0"), "rounds must be >= 1; got 0"),
    (("bench", "training", "--images", "nowhere"), "data set 'nowhere' is unknown"),
    (("bench", "convolutoin"), "did you mean 'convolution'"),
    (("bench", "convolution", "--out", "file"), "file: cannot be written"),
    (("bench", "convolution", "--out", "file/below"), "file/below: cannot be written"),
    (("bench", "convolution", "--out", "nul\0"), "nul\\x00: cannot be written"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "expected"), WRONG, ids=[" ".join(words)[:80] for words, _ in WRONG])
def test_what_is_wrong_is_one_line(
    words: tuple[str, ...], expected: str, assay: Assay, study_file: str, characters: str, monkeypatch
):
    monkeypatch.setenv("ASSAY_DATA", "cache")
    Path("file").write_text("a file")
    Path("empty").mkdir()
    Path("folder.toml").mkdir()
    Path("broken.toml").write_text("name = [")
    Path("empty.toml").write_text("")
    network = {"family": "ConvPool", "maps": [2, 2, 2], "kernel_size": 3}
    Path("shrinks.toml").write_text(
        to_toml(tiny_tables(characters, network=network, factors={}, control="tiny"))
    )
    Path("own.py").write_text(OWN)
    Path("folder.py").mkdir()
    Path("beside.toml").write_text("")
    Path("damaged").mkdir()
    Path("damaged/results.db").write_bytes(b"SQLite format 3\0" + bytes(84))
    stand_ins = {"STUDY": study_file, "SOURCE": characters}
    said = assay(*(stand_ins.get(word, word) for word in words))
    assert said.status == 2
    assert said.out == "" or said.out.startswith("reading ")
    assert said.err.startswith("assay: error: ")
    assert said.err.count("\n") == 1
    assert said.err.endswith("\n")
    assert expected in said.err
    assert "Traceback" not in said.err


def test_a_bug_is_one_line_too(assay: Assay, monkeypatch):
    def broken() -> list[str]:
        raise RuntimeError("not\nforeseen")

    monkeypatch.setattr("assay.study.builtin.builtin", broken)
    monkeypatch.delenv(app.DEBUG, raising=False)
    said = assay("studies")
    assert said.status == 1
    assert said.err.startswith("assay: error: unexpected RuntimeError: not\\nforeseen")
    assert said.err.count("\n") == 1
    monkeypatch.setenv(app.DEBUG, "1")
    assert "Traceback" in assay("studies").err


def test_a_reader_who_leaves_is_no_error():
    """``assay data list | head -0``: the pipe is closed before anything is written to it."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "assay", "studies"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode in (1, 141)


def test_a_terminal_without_unicode_is_no_error():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "assay", "studies"], capture_output=True, check=False, env=environment
    )
    assert done.returncode == 0
    assert done.stderr == b""
    assert b"pooling" in done.stdout
