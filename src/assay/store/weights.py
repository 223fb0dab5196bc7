"""Weights in safetensors files, written so that a crash leaves the old file or the new one.

No pickle is involved, so an untrusted file cannot carry code.
"""

import errno
import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from assay.errors import StoreError, reason, shown
from assay.records import free_memory
from assay.records.runs import RunId
from assay.shapes import Array
from assay.store import durable
from assay.store.contract import Header

WEIGHTS = "weights"
"""The folder in a results folder that holds the trained networks."""
UNREADABLE = (
    SafetensorError, KeyError, ValueError, TypeError, OSError,
    AttributeError,  # a number type that NumPy lacks
    RecursionError,  # JSON that is nested too deeply
)  # fmt: skip
_OLD_DIGEST = "sha256"
_META = "assay"  # a single key: safetensors writes several in no fixed order
_NAME = re.compile(r".+-(0|[1-9][0-9]*)(\.part)?\.safetensors")


def path_of(folder: Path, run: RunId, *, unfinished: bool = False) -> Path:
    """Return the path of a run's weights."""
    return folder / WEIGHTS / f"{run.arm}-{run.seed}{'.part' if unfinished else ''}.safetensors"


def cut_off(path: Path) -> Path:
    """Return where weights are written before they are whole at ``path``; what is left there is not whole."""
    return path.with_suffix(".tmp")


def networks_in(folder: Path) -> Iterator[Path]:
    """Yield the files of trained networks in a results folder.

    Left out are those of other programs: safetensors files that neither are named as a run's weights are nor
    say that they are assay's. A file that cannot be read may be a network.
    """
    yield from filter(_may_be_ours, (folder / WEIGHTS).glob("*.safetensors"))


def _may_be_ours(path: Path) -> bool:
    if _NAME.fullmatch(path.name) or not path.is_file():
        return True
    try:
        with safe_open(path, framework="numpy") as file:
            return _META in (file.metadata() or {})
    except UNREADABLE:
        return True


def save_weights(path: Path, weights: dict[str, Array], identity: dict[str, Any]) -> None:
    """Write a finished run's weights."""
    write_tensors(path, weights, json.dumps(identity))


def load_weights(path: Path, identity: dict[str, Any] | None = None) -> dict[str, Array]:
    """Read a finished run's weights; `StoreError` unless they are whole and, by ``identity``, its own."""
    weights, meta = read_tensors(path, "run the study again into another folder")
    check_identity(path, identity or {}, meta)
    return weights


def identity_of(run: RunId, header: Header) -> dict[str, Any]:
    """Return what a file of weights says of itself: its run, and the digests of the study and its data."""
    return {"arm": run.arm, "seed": run.seed, "study": header.digest, "data": header.data_digest}


def check_identity(path: Path, expected: dict[str, Any], found: dict[str, Any]) -> None:
    """Raise `StoreError` unless a file's metadata, ``found``, say that it is the ``expected`` run's."""
    for key, value in expected.items():
        if found.get(key) != value:
            raise StoreError(
                f"{path}: belongs to {key} {shown(found.get(key))}, expected {value!r} (remove the file)"
            )


def write_tensors(path: Path, tensors: dict[str, Array], meta: str) -> None:
    """Write named arrays, with ``meta``, a JSON object, beside them; on disk when it returns.

    The file is written beside its destination, flushed and renamed, and the folder is flushed; until then the
    previous file stays intact, even through a power cut. Raises `StoreError` if it cannot be written.
    """
    contiguous = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    payload = save(contiguous, metadata={_META: f"{_digest(contiguous, meta)} {meta}"})
    try:
        durable.make_folder(path.parent)
        durable.write_flushed(path, cut_off(path), payload)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            why = f"{reason(error)}; let {path.parent} be written into"
            raise StoreError(f"{path}: cannot be written ({why})") from None
        raise StoreError(f"{path}: cannot be written, {len(payload):,} bytes needed ({error})") from None


def read_tensors(path: Path, what_to_do: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays and their metadata; `StoreError`, ending in ``what_to_do``, if damaged."""
    if not path.is_file():
        raise StoreError(f"{path}: the weights are missing ({what_to_do})")
    try:
        expect_room(path)
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            found = file.metadata() or {}
        digest, text = _parts(found)
        meta = dict(json.loads(text))
    except UNREADABLE as error:
        raise StoreError(f"{path}: no checkpoint of assay's, or incomplete: {error} ({what_to_do})") from None
    if digest != _digest(tensors, text):
        raise StoreError(f"{path}: damaged, its contents do not match their SHA-256 ({what_to_do})")
    return tensors, meta


def expect_room(path: Path) -> None:
    """Raise `ValueError` for a file that does not fit in memory, whatever it holds."""
    if (size := path.stat().st_size) > free_memory.available():
        raise ValueError(f"{size >> 20:,} MiB, {free_memory.described()}")


def _parts(metadata: dict[str, str]) -> tuple[str, str]:
    """Return digest and JSON; the assay of store format 1 kept them under two keys."""
    if _OLD_DIGEST in metadata:
        return metadata[_OLD_DIGEST], metadata[_META]
    digest, _, text = metadata[_META].partition(" ")
    return digest, text


def _digest(tensors: dict[str, Array], meta: str) -> str:
    """Return the SHA-256 of a checkpoint's entire contents: safetensors itself checks only lengths."""
    digest = sha256(meta.encode())
    for name, value in sorted(tensors.items()):
        digest.update(repr((name, value.dtype.str, value.shape)).encode())
        digest.update(np.asarray(value, order="C").data)
    return digest.hexdigest()
