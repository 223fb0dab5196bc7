"""Checkpoints: weights in safetensors files, written so that a crash leaves the old or the new one.

A checkpoint of an unfinished run holds its state, its best weights and its
history, also its layers'; a finished run keeps its best weights alone. There is no pickle here,
so a file from a stranger can carry no code.
"""

import json
import os
from dataclasses import asdict, astuple
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from assay.engines.base import State
from assay.errors import StoreError
from assay.records.runs import EpochRecord, LayerRecord, RunId
from assay.shapes import Array
from assay.training.train import Progress

_META = "assay"  # one key alone: safetensors writes several in no fixed order


def path_of(folder: Path, run: RunId, *, unfinished: bool = False) -> Path:
    """Return where a run's weights are kept."""
    return folder / "weights" / f"{run.arm}-{run.seed}{'.part' if unfinished else ''}.safetensors"


def save_progress(path: Path, progress: Progress, identity: dict[str, Any]) -> None:
    """Write a run's progress; on disk when it returns."""
    state = progress.state
    tensors = {f"state/{name}": value for name, value in state.parameters.items()}
    tensors |= {f"buffer/{name}": value for name, value in state.buffers.items()}
    tensors |= {f"best/{name}": value for name, value in progress.best.items()}
    for name, slots in state.slots.items():
        tensors |= {f"slot/{name}/{key}": value for key, value in slots.items()}
    meta = {
        **identity,
        "step": state.step,
        "best_epoch": progress.best_epoch,
        "history": [asdict(record) for record in progress.history],
        "layers": [astuple(record) for record in progress.layers],
    }
    _write(path, tensors, meta)


def load_progress(path: Path, identity: dict[str, Any]) -> Progress:
    """Read a run's progress; `StoreError` if the file is damaged or another run's."""
    tensors, meta = _read(path, "remove it, and the run starts again from its first epoch")
    _check_identity(path, identity, meta)
    try:
        return _progress(tensors, meta)
    except (KeyError, TypeError) as error:
        raise StoreError(f"{path}: holds no unfinished run, {error} is missing (remove the file)") from None


def _progress(tensors: dict[str, Array], meta: dict[str, Any]) -> Progress:
    slots: dict[str, dict[str, Array]] = {name: {} for name in _under(tensors, "state/")}
    for full, value in _under(tensors, "slot/").items():
        name, _, key = full.rpartition("/")
        slots[name][key] = value
    history = [EpochRecord(**record) for record in meta["history"]]
    layers = [LayerRecord(*record) for record in meta["layers"]]
    state = State(_under(tensors, "state/"), slots, meta["step"], _under(tensors, "buffer/"))
    return Progress(state, _under(tensors, "best/"), meta["best_epoch"], history, layers)


def save_weights(path: Path, weights: dict[str, Array], identity: dict[str, Any]) -> None:
    """Write a finished run's weights."""
    _write(path, weights, identity)


def load_weights(path: Path) -> dict[str, Array]:
    """Read a finished run's weights."""
    return _read(path, "run the study again into another folder")[0]


def _under(tensors: dict[str, Array], prefix: str) -> dict[str, Array]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _check_identity(path: Path, expected: dict[str, Any], found: dict[str, Any]) -> None:
    for key, value in expected.items():
        if found.get(key) != value:
            raise StoreError(
                f"{path}: belongs to {key} {found.get(key)!r}, expected {value!r} (remove the file)"
            )


def _write(path: Path, tensors: dict[str, Array], meta: dict[str, Any]) -> None:
    """Write beside, flush, rename, flush the folder: whole or not at all, also after a power cut."""
    contiguous = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    text = json.dumps(meta)
    payload = save(contiguous, metadata={_META: f"{_digest(contiguous, text)} {text}"})
    beside = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written, {len(payload):,} bytes needed ({error})") from None


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # Windows cannot open folders; its rename is journalled
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path, what_to_do: str) -> tuple[dict[str, Array], dict[str, Any]]:
    if not path.is_file():
        raise StoreError(f"{path}: the weights are missing ({what_to_do})")
    try:
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            found = file.metadata() or {}
        digest, _, text = found[_META].partition(" ")
        meta = dict(json.loads(text))
    except (SafetensorError, KeyError, ValueError, TypeError, OSError) as error:
        raise StoreError(f"{path}: no checkpoint of assay's, or incomplete: {error} ({what_to_do})") from None
    if digest != _digest(tensors, text):
        raise StoreError(f"{path}: damaged, its contents do not match their SHA-256 ({what_to_do})")
    return tensors, meta


def _digest(tensors: dict[str, Array], meta: str) -> str:
    """Return the SHA-256 of all that a checkpoint says: safetensors itself checks lengths alone."""
    digest = sha256(meta.encode())
    for name, value in sorted(tensors.items()):
        digest.update(repr((name, value.dtype.str, value.shape)).encode())
        digest.update(np.asarray(value, order="C").data)
    return digest.hexdigest()
