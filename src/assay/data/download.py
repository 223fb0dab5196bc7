"""Download one file from a server that may be slow, lie or break off, within limits; check its hash."""

import hashlib
import threading
from pathlib import Path
from time import monotonic
from typing import Any

from assay.errors import DataError

PIECE = 1 << 14  # bytes
WINDOW = 30.0
"""Seconds after which a transfer slower than `SLOWEST` bytes per second is given up."""
SLOWEST = 1024
A_LOOK = 0.05  # seconds between two checks of the progress


def download(url: str, target: Path, known_hash: str, most: int, progress: Any = None) -> None:
    """Download ``url`` to ``target``; `DataError` for more than ``most`` bytes or a wrong hash.

    ``progress`` has tqdm's ``total``, ``update``, ``reset`` and ``close``.
    """
    transfer = _Transfer(url, target, most)
    thread = threading.Thread(target=transfer.run, daemon=True)  # once given up, it may keep waiting
    thread.start()
    try:
        _watch(transfer, thread, progress)
    finally:
        transfer.given_up = True
    if transfer.error is not None:
        raise _explained(url, transfer.error) from transfer.error
    _expect_data(url, target)
    if digest(target, known_hash) != known_hash:
        raise DataError(f"{url}: the file's hash is not the recorded {known_hash} (damaged or changed?)")


def digest(path: Path, like: str) -> str:
    """Return a file's hash by the same algorithm as ``like``, such as "md5:..."."""
    algorithm = like.partition(":")[0]
    with path.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"


class _Transfer:
    """A transfer from a server, in its own thread: nothing else ends a read that goes on forever."""

    def __init__(self, url: str, target: Path, most: int) -> None:
        self.url, self.target, self.most = url, target, most
        self.done = 0
        self.total: int | None = None
        self.given_up = False
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._run()
        except Exception as error:
            self.error = error

    def _run(self) -> None:
        import requests

        headers, hooks = {"Accept-Encoding": "identity"}, {"response": refuse_downgrade}
        with (
            requests.get(self.url, stream=True, timeout=WINDOW, headers=headers, hooks=hooks) as response,
            self.target.open("wb") as file,
        ):
            response.raise_for_status()
            length = response.headers.get("content-length", "")
            self.total = int(length) if length.isdecimal() and len(length) < 20 else None
            self._expect(self.total or 0)
            for piece in response.iter_content(PIECE):
                if self.given_up:
                    return
                file.write(piece)
                self.done += len(piece)
                self._expect(self.done)

    def _expect(self, length: int) -> None:
        if length > self.most:
            raise DataError(
                f"{self.url}: the server has {length:,} bytes or more, expected at most {self.most:,} "
                "(not the data; give another address)"
            )


def _watch(transfer: _Transfer, thread: threading.Thread, progress: Any) -> None:
    """Wait for the end, reporting to ``progress``; give up a transfer that is too slow."""
    told, at_start, end = 0, 0, monotonic() + WINDOW
    while thread.is_alive():
        thread.join(A_LOOK)
        done = transfer.done
        if progress:
            progress.total = transfer.total
            progress.update(done - told)
        told = done
        if monotonic() >= end:
            if done - at_start < SLOWEST * WINDOW and thread.is_alive():
                raise DataError(
                    f"{transfer.url}: {done - at_start:,} bytes came in {WINDOW:g} s, which is too slow "
                    "(try again, or give another address)"
                )
            at_start, end = done, monotonic() + WINDOW
    if progress:
        progress.update(transfer.done - told)
        progress.close()


def _expect_data(url: str, path: Path) -> None:
    """Refuse a response that is plainly not data."""
    with path.open("rb") as file:
        start = file.read(512)
    if start.lstrip()[:1] == b"<":
        size = path.stat().st_size
        raise DataError(
            f"{url}: the server sent an HTML page ({size:,} bytes), not the data (give another address)"
        )


def refuse_downgrade(response: Any, **_: object) -> None:
    """Refuse a redirect from https to anything else."""
    place = response.headers.get("location", "")
    if (
        response.is_redirect
        and response.url.startswith("https:")
        and place.partition(":")[0] in ("http", "ftp", "file")
    ):
        raise DataError(f"{response.url}: refused redirect to {place} (not https)")


def _explained(url: str, error: Exception) -> Exception:
    """Return an error of the transfer as a `DataError`, and one of writing the file unchanged."""
    from requests.exceptions import RequestException

    if isinstance(error, DataError) or not isinstance(error, RequestException | ValueError):
        return error
    return DataError(f"{url}: download failed: {_reason(error)} (try again, or give another address)")


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code} {response.reason}"
    if "IncompleteRead" in str(error):
        return "the connection closed before the whole file came"
    return type(error).__name__
