"""A study recorded step by step, every state in which a power cut may leave its folder, and what is legal."""

import pickle
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import told as recorded_study
from left import check_the_end, check_what_is_left
from power import Disk, Image, lay_out
from strace import Op, recorded
from tiny import outcome

from assay.report.files import is_current
from assay.results import Results
from assay.running.run import run
from assay.store.lookup import DATABASE

REPORT = "report.html"


@dataclass
class Recording:
    """A study's steps on a disk, and what it finds when nothing happens to it."""

    source: str
    root: str
    folder: str
    steps: list[Op]
    expected: dict[Any, Any]
    reports: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, source: str, place: Path, *without: str) -> "Recording":
        """Record the study in a new folder under ``place``, ``without`` some of its protections."""
        root = place / "disk"
        folder = root / "above" / "study"
        root.mkdir()
        command = [sys.executable, recorded_study.__file__, str(folder), source, str(root / "told"), *without]
        steps = recorded(command, root, place / "log", {"PYTHONPATH": ":".join(sys.path)})
        with Results.open(folder) as results:
            found = cls(source, str(root), str(folder), steps, outcome(results))
        found.reports = dict(what for what in map(found._told, steps) if isinstance(what, tuple))
        return found

    def images(self, random: Random, shuffles: int = 1) -> Iterator[tuple[str, list[Any], Image]]:
        """Yield how power may be lost after each step, what had been told by then, and what is left.

        An image that is as one before is left out, unless more had been told by then.
        """
        disk, told, seen = Disk(self.root), [], set()
        for at, step in enumerate(self.steps):
            disk.after(step)
            if (what := self._told(step)) is not None:
                told.append(what)
            for how, image in disk.images(random, shuffles):
                left = {name: content for name, content in image.items() if name != f"{self.root}/told"}
                key = (len(told), _digest(left))
                if key not in seen:
                    seen.add(key)
                    yield f"step {at}, {step.kind} {step.path}: {how}", list(told), left

    def check(self, told: list[Any], image: Image, place: Path) -> str:
        """Lay an image out in ``place`` and check that it is a legal earlier state; return which kind."""
        lay_out(image, self.root, place)
        folder = place / Path(self.folder).relative_to(self.root)
        check_what_is_left(folder, [what for what in told if not isinstance(what, tuple)], self.expected)
        return self._check_report(folder, [what for what in told if isinstance(what, tuple)])

    def continued(self, place: Path) -> None:
        """Continue the study that was laid out in ``place``; it finds the same."""
        folder = place / Path(self.folder).relative_to(self.root)
        run(recorded_study.study(self.source), folder, workers=1, progress=False).close()
        check_the_end(folder, self.expected)

    def _check_report(self, folder: Path, told: list[tuple[str, str]]) -> str:
        """A report that was told is there; one that is called current is whole."""
        if not (folder / DATABASE).exists():
            assert not told
            return "no results yet"
        page = folder / REPORT
        assert page.exists() or not told, "a report that was written is gone"
        with Results.open(folder) as results:
            ended = f"{results.done} of {results.total} runs"
            if not page.exists():
                return f"{ended}, no report"
            assert page.read_text("utf-8") in self.reports.values(), "a report is neither the old nor the new"
            current = is_current(page, results.digest)
            assert not current or page.read_text("utf-8") == self.reports[results.digest]
            return f"{ended}, {'the' if current else 'an older'} report"

    def _told(self, step: Op) -> Any:
        if step.kind == "write" and step.path == f"{self.root}/told":
            return pickle.loads(step.data)
        return None


def _digest(image: Image) -> str:
    """Return a digest of what is at every path."""
    parts = {name: content and sha256(content).digest() for name, content in image.items()}
    return sha256(repr(parts).encode()).hexdigest()


def tally(kinds: Counter[str]) -> str:
    """Return how many images were in each state, in words."""
    return "\n".join(f"{count:6,}  {kind}" for kind, count in sorted(kinds.items()))
