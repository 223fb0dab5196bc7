"""One study, followed: read again when its file has changed, and what has changed since."""

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from time import monotonic

from assay.records.runs import Status
from assay.store.lock import holder, is_held
from assay.store.lookup import DATABASE
from assay.store.mirror import Mirror
from assay.store.readout import Readout

AT_MOST_EVERY = 0.5
"""Seconds between two looks at a file, however many ask."""

REMEMBERED, ENOUGH = 60.0, 10.0
"""Seconds for which what was seen tells how fast a study gets on, and how many of them are needed."""


class Followed:
    """The study in ``folder``, known to pages by ``key``.

    ``version`` counts the changes that were seen, and ``changed`` tells for each arm with which version it
    last changed.
    """

    def __init__(self, key: str, folder: Path) -> None:
        self.key = key
        self.folder = folder
        self.version = 0
        self.changed: Mapping[str, int] = {}
        self.answer: tuple[int, str] | None = None
        """The answer, with the version that it was found for; kept here by `assay.view.summary`."""
        self.report: tuple[str, str] | None = None
        """The report, with the digest of the results that it was drawn from."""
        self._mirror: Mirror | None = None
        self._readout: Readout | None = None
        self._seen: deque[tuple[float, float]] = deque()
        self._looked = -AT_MOST_EVERY
        self._lock = Lock()

    @property
    def is_read(self) -> bool:
        """Whether it has been read before."""
        return self._readout is not None

    @property
    def readout(self) -> Readout:
        """What was read at the last look."""
        return self._readout or self.look()

    def look(self) -> Readout:
        """Return what the folder holds now, read again if its file has changed; `StoreError` as for any."""
        with self._lock:
            now = monotonic()
            if self._readout is not None and now - self._looked < AT_MOST_EVERY:
                return self._readout
            self._looked = now
            return self._read()

    def _read(self) -> Readout:
        if self._mirror is None:
            self._mirror = Mirror(self.folder / DATABASE)
        arms = self._mirror.refresh()
        at_work = self._at_work()
        before = self._readout
        if before is None or arms or at_work != before.at_work:
            version = self.version + 1
            self._readout = Readout(self.folder, self._mirror, at_work, declared=self._mirror.declared)
            names = [arm.name for arm in self._readout.study.arms]
            touched = arms if before and at_work == before.at_work else names
            self.changed = {**self.changed, **dict.fromkeys(touched, version)}
            self._remember(self._mirror.trained, anew=before is None or at_work != before.at_work)
            self.version = version  # last: what a reader of another thread then finds is as new, or newer
        assert self._readout is not None
        return self._readout

    def _remember(self, trained: float, *, anew: bool) -> None:
        """Keep how much had been trained when, for as long as that tells how fast it goes.

        A study that stood still is timed ``anew``, as is one that has lost epochs.
        """
        now = monotonic()
        if anew or trained < self._seen[-1][1]:
            self._seen = deque()  # another one: `speed` is asked for by other threads
        self._seen.append((now, trained))
        while now - self._seen[0][0] > REMEMBERED and len(self._seen) > 2:
            self._seen.popleft()

    @property
    def speed(self) -> float | None:
        """Seconds of the runs' own clocks that pass in a second of training; None where too little was seen.

        On a machine of its own they are as many as runs are trained at once, on a busy one fewer.
        """
        if not (seen := self._seen):
            return None
        (begun, before), (now, after) = seen[0], seen[-1]
        return (after - before) / (now - begun) if now - begun >= ENOUGH and after > before else None

    def _at_work(self) -> bool:
        """Whether a process trains here; asked of the folder itself only where its note does not say."""
        assert self._mirror is not None
        if not any(run.status is Status.RUNNING for run in self._mirror.runs()):
            return True  # nothing that could have stopped
        return holder(self.folder) is not None or is_held(self.folder)
