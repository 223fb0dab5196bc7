"""Checkpoints of unfinished runs: their state, their best weights, their history and their layers'.

A finished run keeps only its best weights (`assay.store.weights`).
"""

from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from assay.engines.base import State
from assay.errors import StoreError
from assay.records.runs import EpochRecord, LayerRecord
from assay.shapes import Array
from assay.store.weights import read_tensors, write_tensors
from assay.training.train import Progress


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
        "fault": progress.fault,
        "history": [asdict(record) for record in progress.history],
        "layers": [astuple(record) for record in progress.layers],
    }
    write_tensors(path, tensors, meta)


def load_progress(path: Path, identity: dict[str, Any]) -> Progress:
    """Read a run's progress; `StoreError` if the file is damaged or another run's."""
    tensors, meta = read_tensors(path, "remove it, and the run starts again from its first epoch")
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
    return Progress(
        state, _under(tensors, "best/"), meta["best_epoch"], history, layers, meta.get("fault", "")
    )


def _under(tensors: dict[str, Array], prefix: str) -> dict[str, Array]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _check_identity(path: Path, expected: dict[str, Any], found: dict[str, Any]) -> None:
    for key, value in expected.items():
        if found.get(key) != value:
            raise StoreError(
                f"{path}: belongs to {key} {found.get(key)!r}, expected {value!r} (remove the file)"
            )
