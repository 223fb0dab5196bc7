"""Commands in hostile environments: each does what it does elsewhere, or says in one line why not.

``python tests/long/environments.py [ENVIRONMENT[:COMMAND,...]...]``; some environments need root. What is
wrong: a traceback, "a bug of assay's", a status that is not documented, more than a minute, words on stderr
where all went well, a status 0 where what was asked for is not there or is not what it is elsewhere, and a
study that cannot be continued afterwards.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

import numpy as np
from in_place import SERVES, Ended, ended
from PIL import Image
from surroundings import PLACES, Place
from tiny import outcome, tiny_tables, write_characters

from assay.data.glyphs import draw
from assay.records.runs import RunRecord
from assay.report.export import to_toml
from assay.report.files import is_current
from assay.results import Results
from assay.running.run import run
from assay.study.builtin import load_study

SHORT = {"training": {"batch_size": 50, "epochs": 2}}
OUT = "ü😀"
LAYER = """\
from dataclasses import dataclass
from assay.nn import Layer

@dataclass(frozen=True)
class Double(Layer):
    kind = "double"
    def output_shape(self, shape):
        return shape
    def forward(self, params, x):
        return 2 * x, None
    def backward(self, params, cache, dy):
        return 2 * dy, {}
"""
COMMANDS: dict[str, tuple[str, ...]] = {
    "run": ("run", "s.toml", "--out", OUT),
    "isolate": ("run", "s.toml", "--isolate", "--workers", "1", "--out", OUT),
    "numba": ("run", "numba.toml", "--out", OUT),
    "show": ("show", "numba.toml"),
    "status": ("status", "good"),
    "results": ("results", "good", "--format", "csv"),
    "report": ("report", "good"),
    "predict": ("predict", "good", "größe.png"),
    "read": ("read", "größe.png"),
    "doctor": ("doctor", "good"),
    "export": ("export", "good", "--to", "csv", "--out", "tables"),
    "check": ("check", "double.py:Double", "--input-shape", "12"),
    "info": ("data", "info", "glyphs"),
    "view": ("view", "good", "--no-open"),
    "bench": ("bench", "convolution", "--quick", "--out", "bench"),
    "help": ("run", "--help"),
}
TRAIN = {"run": "s", "isolate": "s", "numba": "numba"}
"""Commands that train, and which study."""
ALIKE = ("status", "results", "predict", "read", "doctor")
"""Commands that print the same wherever they are."""


class Bench:
    """A folder with a study, its data and its results, of which each command gets a copy."""

    def __init__(self, root: Path) -> None:
        self.root, self.first = root, root / "plätze"
        (self.first / "data").mkdir(parents=True)
        source = write_characters(self.first / "data")
        (self.first / "double.py").write_text(LAYER)
        for name, engine in (("s", "reference"), ("numba", "numba")):
            (self.first / f"{name}.toml").write_text(to_toml(tiny_tables(source, engine=engine, **SHORT)))
        picture = np.kron(draw(1, 0)[0][0], np.ones((4, 4), np.uint8))
        Image.fromarray(255 - picture).save(self.first / "größe.png")
        self.expected = {name: self._ran(name) for name in ("s", "numba")}
        self.told = {name: self.tried(PLACES["as it is"], name)[0].out for name in ALIKE}

    def _ran(self, name: str) -> object:
        folder = self.first / ("good" if name == "s" else name)
        with run(load_study(self.first / f"{name}.toml"), folder, progress=False) as results:
            results.write_report(folder / "report.html")
            return _found(results)

    def tried(self, place: Place, name: str) -> tuple[Ended, str]:
        """Run a command in an environment; return how it ended, and what is wrong with that."""
        work = Path(tempfile.mkdtemp(dir=self.root))
        here, bad = work / "plätze", work / "bad"
        bad.mkdir()
        shutil.copytree(self.first, here)
        try:
            found = ended(place, COMMANDS[name], here, bad)
            subprocess.run(["chmod", "-R", "u+rwX", work], check=True)
            return found, _misspoken(place, found) or self._untrue(place, name, found, here)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _untrue(self, place: Place, name: str, found: Ended, here: Path) -> str:
        """Say what a command says or leaves behind that is not so."""
        if name in TRAIN:
            return self._unfinished(TRAIN[name], here, found.status == 0)
        if found.status:
            return ""
        if name == "report" and not _is_current(here / "good"):
            return "no report"
        if name == "export" and not list((here / "tables").glob("*.csv")):
            return "no table"
        if name in ALIKE and place.plain and hasattr(self, "told") and found.out != self.told[name]:
            return "says something else"
        return "" if found.out or ">&-" in place.shell else "says nothing"

    def _unfinished(self, study: str, here: Path, done: bool) -> str:
        """Look at the results of a study, or continue it where it was refused."""
        if done:
            with Results.open(here / OUT) as results:
                if _found(results) != self.expected[study]:
                    return "other results"
            return "" if _is_current(here / OUT) else "no report"
        try:
            with run(load_study(here / f"{study}.toml"), here / OUT, progress=False) as results:
                return "" if _found(results) == self.expected[study] else "continued to other results"
        except Exception as error:
            return f"cannot be continued: {error}"


def _found(results: Results) -> dict[object, object]:
    """Return what a study found, whatever its processor is called."""
    return {
        key: replace(value, processor=None) if isinstance(value, RunRecord) else value
        for key, value in outcome(results).items()
    }


def _misspoken(place: Place, found: Ended) -> str:
    """Say what is wrong with a command's end and its words."""
    if found.status is None:
        return "hangs"
    if any(words in found.out + found.err for words in ("Traceback", "a bug of assay")):
        return "bug"
    if found.status not in (0, 2):
        return "status"
    silent = "2>&-" in place.shell and not found.err
    if found.status == 2 and not silent:
        return "" if found.err.count("\n") == 1 and found.err.startswith("assay: error: ") else "lines"
    return "words on stderr" if found.err else ""


def _is_current(folder: Path) -> bool:
    with Results.open(folder) as results:
        return is_current(folder / "report.html", results.digest)


def _chosen(words: list[str]) -> Iterator[tuple[str, str]]:
    for word in words or PLACES:
        place, _, commands = word.partition(":")
        for command in commands.split(",") if commands else COMMANDS:
            yield place, command


def main(words: list[str]) -> int:
    tried = wrong = 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="assay-environments-") as root:
        os.environ["XDG_CACHE_HOME"] = str(Path(root) / "cache")
        bench = Bench(Path(root))
        for name, command in _chosen(words):
            place = PLACES[name]
            if os.geteuid() and place.root:
                print(f"{name:32} {command:8} left out: needs root")
                continue
            if ">&-" in place.shell.replace("2>&-", "") and SERVES in COMMANDS[command]:
                continue  # nobody would learn the page's address
            found, fault = bench.tried(place, command)
            tried, wrong = tried + 1, wrong + bool(fault)
            said = (found.err.strip() or found.out.strip())[-230:] if found.status or fault else ""
            row = f"{name:32} {command:8} {found.status!s:>4} {found.seconds:5.1f} s  {fault or 'ok':20}"
            print(row, repr(said), flush=True)
    print(f"{wrong} of {tried} wrong, {time.monotonic() - begun:.0f} s")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
