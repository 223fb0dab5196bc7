"""The studies that the page shows: folders, found by ids that are made from their paths."""

from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Event, Lock, Thread

from starlette.exceptions import HTTPException

from assay.errors import AssayError, UsageError
from assay.store.lookup import instead, results_folders
from assay.view.followed import Followed

MOST_STUDIES = 1000
PATIENCE = 0.3
"""Seconds that the overview waits for studies to be read for the first time."""


class Shelf:
    """The studies under some ``folders``: each is a study's, or one that holds studies' folders.

    New ones appear when they are there. A path never comes from a request: what a page asks for is an id,
    and an id that is not on the shelf is not found.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = folders
        self._places: dict[str, Path] = {}
        self._followed: dict[str, Followed] = {}
        self._lock = Lock()
        self._ahead = Event()
        self._ahead.set()

    def ids(self) -> dict[str, Path]:
        """Return the folders of all studies by id, in the order of their names."""
        found = [place for folder in self.folders for place in results_folders(folder)]
        self._places = {identity(place): place for place in found[:MOST_STUDIES]}
        return self._places

    def awaits(self, key: str) -> bool:
        """Return whether an id is that of a folder which was named, and has no study yet."""
        return key in map(identity, self.folders) and key not in self.ids()

    def read_ahead(self) -> None:
        """Begin to read every study, so that no page waits for those it does not show."""
        self._ahead.clear()
        Thread(target=self._read_all, daemon=True).start()

    def _read_all(self) -> None:
        try:
            for key in self.ids():
                with suppress(HTTPException):  # which its own page will say
                    self.study(key)
        finally:
            self._ahead.set()

    def at_hand(self) -> dict[str, bool]:
        """Return for every study's id whether it can be shown without waiting for the reading ahead."""
        done = self._ahead.wait(PATIENCE)
        return {key: done or (key in self._followed and self._followed[key].is_read) for key in self.ids()}

    def study(self, key: str) -> Followed:
        """Return the study with an id; 404 where there is none, 422 where it cannot be read."""
        with self._lock:
            known = self._followed.get(key)
            if known is None:
                folder = self._places.get(key) or self.ids().get(key)
                if folder is None:
                    raise HTTPException(404, "no such study")
                known = self._followed[key] = Followed(key, folder)
        try:
            known.look()
        except AssayError as error:
            raise HTTPException(422, str(error)) from None
        return known


def page_of(folder: Path) -> str:
    """Return the path of the page of the study in ``folder``, also of one that is yet to begin there."""
    return f"study/{identity(folder)}"


def identity(folder: Path) -> str:
    """Return the id of a folder."""
    return sha256(str(folder.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def expect(folders: Sequence[Path]) -> None:
    """Raise `UsageError` unless every folder is there."""
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder ({instead(folder)})")
