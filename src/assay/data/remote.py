"""Data sets fetched from where they are published, only when the user asks.

`fetch` downloads into the user's cache (or the folder that the environment
variable ``ASSAY_DATA`` names), checks each file's hash, and leaves either the
whole set or nothing. Loading never downloads.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from typing import Any

from assay.data.address import Address, expanded
from assay.data.archive import unpack
from assay.data.download import digest, download
from assay.data.examples import Source
from assay.data.folder import expect_readable, open_folder
from assay.data.hosted import COLLECTIONS, PACKED, Collection
from assay.data.readers.cifar import open_cifar
from assay.data.tarball import unpack_tar
from assay.errors import DataError, reason, suggestion
from assay.records.holds import hold
from assay.records.observations import user_cache

RETRIES = 1
WORKSHOP = ".fetch-"
YOUNG = 60.0  # seconds for which a folder may exist before its process holds it
RECORD = "SHA256SUMS"


def cache_folder() -> Path:
    """Return the folder of fetched data: ``$ASSAY_DATA``, else the user's cache."""
    named = os.environ.get("ASSAY_DATA")
    return expanded(named) if named else user_cache()


def is_fetched(name: str) -> bool:
    """Return whether the set ``name`` (one of `NAMES`) is in the cache."""
    return (cache_folder() / name.partition("/")[0]).is_dir()


def open_fetched(name: str) -> Source:
    """Open the fetched set ``name``; if it is missing, `DataError` with the command that fetches it."""
    collection, _, part = name.partition("/")
    folder = cache_folder() / collection
    if not folder.is_dir():
        raise DataError(
            f"data set {name!r} is not in {folder.parent}"
            f" (run `assay data fetch {collection}`, or use --data glyphs, which needs no download)"
        )
    known = COLLECTIONS[collection]
    if known.layout == "cifar":
        return open_cifar(folder, collection)
    options = {"prefix": f"emnist-{part}"} if part else {}
    return open_folder(Address(name, folder, options), names=known.classes, emnist=bool(part))


def fetch(name: str, *, base_url: str | None = None, progress: Any = None) -> Path:
    """Get the set ``name`` ("emnist", "mnist", ...) into the cache and return its folder.

    ``base_url`` replaces the published URL: another server's, a local folder
    with the published files, or the path of EMNIST's archive itself. Hashes are
    checked either way. ``progress`` is told each file's bytes: an object with
    tqdm's ``total``, ``update``, ``reset`` and ``close``. A set that is already
    there is compared with the recorded hashes, and fetched again if damaged.
    Raises `DataError` if anything fails, and then leaves nothing behind.
    """
    name = _known(name)
    target = cache_folder() / name
    if target.is_dir():
        _adopt(target, COLLECTIONS[name])
        if not _faults(target, COLLECTIONS[name]):
            return target
    with _workshop(target) as work:
        _gather(COLLECTIONS[name], base_url, work, progress)
        for archive in [path for path in work.iterdir() if path.name.endswith(PACKED)]:
            (unpack if archive.suffix == ".zip" else unpack_tar)(archive, work)
            archive.unlink()
        _record(work)
        _publish(work, target, COLLECTIONS[name])
    return target


def verify(name: str) -> int:
    """Compare the set ``name`` with the hashes recorded when it was fetched; return its number of files.

    Raises `DataError`, naming what is missing, was changed or was never recorded.
    """
    name = _known(name)
    target = cache_folder() / name
    if not target.is_dir():
        raise DataError(f"{name}: is not in {target.parent} (run `assay data fetch {name}`)")
    if faults := _faults(target, COLLECTIONS[name]):
        more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise DataError(f"{target}: {faults[0]}{more} (`assay data fetch {name}` repairs it)")
    return len(_recorded(target, COLLECTIONS[name]))


def _known(name: str) -> str:
    name = name.partition("/")[0]
    if name not in COLLECTIONS:
        raise DataError(f"nothing to fetch is called {name!r} ({suggestion(name, COLLECTIONS)})")
    return name


def _recorded(folder: Path, collection: Collection) -> dict[str, str]:
    """Return the hash of each file by name; for a set without a record, the publisher's hashes."""
    try:
        rows = [line.split("  ", 1) for line in (folder / RECORD).read_text("utf-8").splitlines()]
        found = {name: f"sha256:{value}" for value, name in rows}
    except (OSError, ValueError):
        found = {name: value for name, value in collection.files.items() if not name.endswith(PACKED)}
    return {name: value for name, value in found.items() if Path(name).name == name}


def _faults(folder: Path, collection: Collection) -> list[str]:
    """Return what is wrong with a fetched set."""
    recorded = _recorded(folder, collection)
    found = [] if recorded else [f"{RECORD} is missing, so nothing can be compared"]
    for name, known_hash in recorded.items():
        path = folder / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif digest(path, known_hash) != known_hash:
            found.append(f"{name} is not as it was fetched")
    return found


def _adopt(folder: Path, collection: Collection) -> None:
    """Record what an older assay fetched without a record, if every file of it can be read whole."""
    if not (folder / RECORD).exists() and not _recorded(folder, collection):
        with suppress(DataError, OSError):
            expect_readable(folder)
            _record(folder)


def _record(folder: Path) -> None:
    """Write the hash of every file into the folder, in the format of ``sha256sum -c``."""
    rows = [f"{digest(path, 'sha256:')[7:]}  {path.name}\n" for path in sorted(folder.iterdir())]
    (folder / RECORD).write_text("".join(rows), "utf-8", newline="\n")


@contextmanager
def _workshop(target: Path) -> Iterator[Path]:
    """Yield a temporary folder beside ``target``; a full disk or forbidden folder is a `DataError`."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear(target.parent)
        with (
            TemporaryDirectory(prefix=WORKSHOP, dir=target.parent, ignore_cleanup_errors=True) as work,
            hold(Path(work)),
        ):
            yield Path(work) / target.name
    except OSError as error:
        raise DataError(
            f"{target}: cannot be written: {reason(error)} (set ASSAY_DATA to a folder that can)"
        ) from error


def _clear(cache: Path) -> None:
    """Remove the folders of fetches that were killed: old enough to be held, but not held."""
    for left in cache.glob(f"{WORKSHOP}*"):
        with suppress(OSError), hold(left) as taken:
            if taken and time() - left.stat().st_mtime > YOUNG:
                shutil.rmtree(left, ignore_errors=True)


def _publish(work: Path, target: Path, collection: Collection) -> None:
    """Move the finished folder into place, and a damaged one out of it.

    If another process was first, its copy, which is identical, is kept.
    """
    if target.is_dir() and _faults(target, collection):
        with suppress(FileNotFoundError):  # another process was first
            target.rename(work.with_name("damaged"))
    try:
        work.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _gather(collection: Collection, base_url: str | None, work: Path, progress: Any) -> None:
    """Get each file of the collection into ``work``, and check its hash."""
    work.mkdir()
    place = base_url or collection.address
    for name, known_hash in collection.files.items():
        if place.startswith(("http://", "https://")):
            _download(f"{place.rstrip('/')}/{name}", work / name, known_hash, collection.most, progress)
        else:
            _copy(expanded(place), work / name, known_hash)


def _copy(place: Path, target: Path, known_hash: str) -> None:
    path = place / target.name if place.is_dir() else place
    if not path.is_file():
        raise DataError(
            f"{path}: no such file (expected {target.name}, a folder that holds it, or an address)"
        )
    shutil.copyfile(path, target)
    found = digest(target, known_hash)
    if found != known_hash:
        raise DataError(f"{path}: is {found} but {known_hash} is recorded (get the file again)")


def _download(url: str, target: Path, known_hash: str, most: int, progress: Any) -> None:
    """Download a file; retry once if it fails."""
    for left in reversed(range(RETRIES + 1)):
        try:
            download(url, target, known_hash, most, progress)
        except DataError:
            if not left:
                raise
            if progress:
                progress.reset()
        else:
            return
