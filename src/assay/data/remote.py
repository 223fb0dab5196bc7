"""Data sets fetched from where they are published, only when the user asks.

`fetch` downloads into the user's cache (or the folder that the environment
variable ``ASSAY_DATA`` names), checks each file's hash, and leaves either the
whole set or nothing. Loading never downloads.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from assay.data.archive import unpack
from assay.data.examples import Source
from assay.data.folder import open_folder
from assay.errors import DataError, suggestion

RETRIES = 1
TIMEOUT = 30.0  # seconds without a byte
DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Collection:
    """Published files: their address, and each file's name and hash.

    ``classes`` names the labels where no mapping file does. The hashes are
    those that the publisher or torchvision records.
    """

    title: str
    address: str
    files: dict[str, str]
    classes: tuple[str, ...] | None = None
    size: str = "11 MB"


def _mnist_files(*md5: str) -> dict[str, str]:
    names = [
        f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
    ]
    return {name: f"md5:{value}" for name, value in zip(names, md5, strict=True)}


ARCHIVE = "gzip.zip"
EMNIST_SETS = {
    "balanced": "letters and digits, balanced, in 47 classes",
    "bymerge": "letters and digits, all, in 47 classes",
    "byclass": "letters and digits, all, in 62 classes",
    "letters": "letters, small and capital together",
    "digits": "digits",
    "mnist": "digits, as many as MNIST has",
}
COLLECTIONS = {
    "emnist": Collection(
        "EMNIST (Cohen et al. 2017): handwritten letters and digits",
        "https://biometrics.nist.gov/cs_links/EMNIST/",
        {ARCHIVE: "sha256:fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"},
        size="562 MB",
    ),
    "mnist": Collection(
        "MNIST (LeCun et al. 1998): handwritten digits",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        _mnist_files(
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
        DIGITS,
    ),
    "fashion-mnist": Collection(
        "Fashion-MNIST (Xiao et al. 2017): articles of clothing",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        _mnist_files(
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
        ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot"),
        "31 MB",
    ),
    "kmnist": Collection(
        "KMNIST (Clanuwat et al. 2018): cursive Japanese",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        _mnist_files(
            "bdb82020997e1d708af4cf47b453dcf7",
            "e144d726b3acfaa3e44228e80efcd344",
            "5c965bf0a639b31b8f53240b1b52f4d7",
            "7320c461ea6c1c855c0b718fb2a4b134",
        ),
        ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        "21 MB",
    ),
}
NAMES = (*(f"emnist/{name}" for name in EMNIST_SETS), "mnist", "fashion-mnist", "kmnist")


def cache_folder() -> Path:
    """Return the folder of fetched data: ``$ASSAY_DATA``, else the user's cache."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get("ASSAY_DATA") or user_cache_dir("assay", appauthor=False)).expanduser()


def is_fetched(name: str) -> bool:
    """Tell whether the set ``name`` (one of `NAMES`) is in the cache."""
    return (cache_folder() / name.partition("/")[0]).is_dir()


def open_fetched(name: str) -> Source:
    """Open the fetched set ``name``; `DataError` with the command that fetches it where it is missing."""
    collection, _, part = name.partition("/")
    folder = cache_folder() / collection
    if not folder.is_dir():
        raise DataError(
            f"data set {name!r} is not in {folder.parent}"
            f" (run `assay data fetch {collection}`, or use --data glyphs, which needs no download)"
        )
    query = f"?prefix=emnist-{part}" if part else ""
    return open_folder(f"{folder}{query}", COLLECTIONS[collection].classes)


def fetch(name: str, *, base_url: str | None = None, progress: Any = None) -> Path:
    """Get the set ``name`` ("emnist", "mnist", ...) into the cache and return its folder.

    ``base_url`` replaces the published address: another server's, a local
    folder that holds the published files, or the path of EMNIST's archive
    itself. Hashes are checked either way. ``progress`` is told of each file's
    bytes: an object with tqdm's ``total``, ``update``, ``reset`` and ``close``.
    Raises `DataError` where anything fails, and then leaves nothing behind.
    """
    name = name.partition("/")[0]
    if name not in COLLECTIONS:
        raise DataError(f"nothing to fetch is called {name!r} ({suggestion(name, COLLECTIONS)})")
    target = cache_folder() / name
    if target.is_dir():
        return target
    with _workshop(target) as work:
        _gather(COLLECTIONS[name], base_url, work, progress)
        archive = work / ARCHIVE
        if archive.exists():
            unpack(archive, work)
            archive.unlink()
        _publish(work, target)
    return target


@contextmanager
def _workshop(target: Path) -> Iterator[Path]:
    """Lend a temporary folder beside ``target``; a full disk or forbidden folder is a `DataError`."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".fetch-", dir=target.parent, ignore_cleanup_errors=True) as work:
            yield Path(work) / target.name
    except OSError as error:
        raise DataError(
            f"{target}: cannot be written: {error.strerror or error} (set ASSAY_DATA to a folder that can)"
        ) from error


def _publish(work: Path, target: Path) -> None:
    """Move the finished folder into place; if another process was first, keep its copy, which is equal."""
    try:
        work.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _gather(collection: Collection, base_url: str | None, work: Path, progress: Any) -> None:
    """Bring each file of the collection into ``work`` with its hash checked."""
    work.mkdir()
    place = base_url or collection.address
    for name, known_hash in collection.files.items():
        if place.startswith(("http://", "https://")):
            _download(f"{place.rstrip('/')}/{name}", work, known_hash, progress)
        else:
            _copy(Path(place).expanduser(), work / name, known_hash)


def _copy(place: Path, target: Path, known_hash: str) -> None:
    import pooch

    path = place / target.name if place.is_dir() else place
    if not path.is_file():
        raise DataError(
            f"{path}: no such file (expected {target.name}, a folder that holds it, or an address)"
        )
    shutil.copyfile(path, target)
    algorithm, _, expected = known_hash.partition(":")
    found = pooch.file_hash(str(target), alg=algorithm)
    if found != expected:
        raise DataError(f"{path}: {algorithm} is {found} but {expected} is recorded (get the file again)")


def _download(url: str, folder: Path, known_hash: str, progress: Any) -> None:
    """Download ``url`` through pooch, which retries and keeps a file only if its hash matches."""
    import logging

    import pooch
    from requests.exceptions import RequestException

    base, _, name = url.rpartition("/")
    registry = pooch.create(folder, f"{base}/", registry={name: known_hash}, retry_if_failed=RETRIES)
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        registry.fetch(name, downloader=partial(_save, progress))
    except RequestException as error:
        raise DataError(
            f"{url}: download failed: {_reason(error)} (try again, or give another address)"
        ) from error
    except ValueError as error:
        raise DataError(
            f"{url}: the file's hash is not the recorded {known_hash} (damaged or changed?)"
        ) from error


def _save(progress: Any, url: str, output_file: str, registry: Any) -> None:
    """Download one file for pooch, refusing what is plainly not data."""
    import pooch

    with ExitStack() as opened:

        def close_later(response: Any, **_: object) -> None:
            opened.callback(response.close)  # pooch leaves it open where the transfer fails

        hooks = {"response": [close_later, refuse_downgrade]}
        download = pooch.HTTPDownloader(progressbar=progress or False, timeout=TIMEOUT, hooks=hooks)
        download(url, output_file, registry)
    with open(output_file, "rb") as file:
        start = file.read(512)
    if start.lstrip()[:1] == b"<":
        size = Path(output_file).stat().st_size
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


def _reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code} {response.reason}"
    if "IncompleteRead" in str(error):
        return "the connection closed before the whole file came"
    return type(error).__name__
