"""Checkpoints of unfinished runs: their state, their best weights, their history and their layers'.

A finished run keeps only its best weights (`assay.store.weights`).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from operator import attrgetter
from pathlib import Path
from typing import Any

from assay.engines.base import State
from assay.errors import StoreError
from assay.records.runs import EpochRecord, LayerRecord
from assay.shapes import Array
from assay.store.notes import is_word
from assay.store.weights import check_identity, read_tensors, write_tensors
from assay.training.train import Progress

_EPOCH = tuple(field.name for field in fields(EpochRecord))
_LAYER = attrgetter(*(field.name for field in fields(LayerRecord)))
_SHARES = attrgetter("train_accuracy", "valid_accuracy")
_AMOUNTS = attrgetter("train_loss", "valid_loss", "seconds", "steps_per_second")
PARTS = ("state/", "buffer/", "best/", "slot/")
"""With which the names of a checkpoint's arrays begin, and those of finished weights never do."""
AGAIN = "remove it, and the run starts again from its first epoch"
"""What to do about a checkpoint from which nothing can be continued."""


@dataclass
class Encoded:
    """A run's records as JSON, each encoded once: every checkpoint holds all of them.

    Otherwise a run of 100 epochs and 20 layers would take 17 ms of the driver's time in its last epochs.
    """

    history: list[str] = field(default_factory=list)
    layers: list[str] = field(default_factory=list)
    last: EpochRecord | None = None
    """The last epoch that is encoded."""

    def text(self, progress: Progress) -> str:
        """Return the JSON of all records of ``progress``, which goes on from what was encoded before."""
        known = len(self.history)
        if known and progress.history[known - 1 : known] != [self.last]:  # begun anew
            self.history, self.layers = [], []
        self.history += map(_epoch, progress.history[len(self.history) :])
        self.layers += [json.dumps(_LAYER(record)) for record in progress.layers[len(self.layers) :]]
        self.last = progress.history[-1] if progress.history else None
        return f'"history": [{", ".join(self.history)}], "layers": [{", ".join(self.layers)}]'


def save_progress(
    path: Path, progress: Progress, identity: dict[str, Any], encoded: Encoded | None = None
) -> None:
    """Write a run's progress; on disk when it returns. ``encoded`` is kept between a run's checkpoints."""
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
    }
    records = (encoded or Encoded()).text(progress)
    write_tensors(path, tensors, f"{json.dumps(meta)[:-1]}, {records}}}")


def _epoch(record: EpochRecord) -> str:
    return json.dumps({name: getattr(record, name) for name in _EPOCH})


def load_progress(path: Path, identity: dict[str, Any]) -> Progress:
    """Read a run's progress; `StoreError` if the file is damaged or another run's."""
    tensors, meta = read_tensors(path, AGAIN)
    check_identity(path, identity, meta)
    try:
        progress = _progress(tensors, meta)
    except (KeyError, TypeError) as error:
        raise StoreError(f"{path}: holds no unfinished run, {error} is missing ({AGAIN})") from None
    if odd := next(_odd(progress), None):
        raise StoreError(f"{path}: holds no unfinished run, {odd} ({AGAIN})")
    return progress


def _progress(tensors: dict[str, Array], meta: dict[str, Any]) -> Progress:
    slots: dict[str, dict[str, Array]] = {name: {} for name in _under(tensors, "state/")}
    for full, value in _under(tensors, "slot/").items():
        name, _, key = full.rpartition("/")
        slots[name][key] = value
    history = [EpochRecord(**record) for record in meta["history"]]
    layers = [LayerRecord(*record) for record in meta.get("layers", ())]  # store format 1 had none
    state = State(_under(tensors, "state/"), slots, meta["step"], _under(tensors, "buffer/"))
    return Progress(
        state, _under(tensors, "best/"), meta["best_epoch"], history, layers, meta.get("fault", "")
    )


def _odd(progress: Progress) -> Iterator[str]:
    """Yield what cannot be of a run, whoever wrote it; its fault and its layers' names reach terminals."""
    if type(progress.state.step) is not int or type(progress.best_epoch) is not int:
        yield "its step and best epoch are not whole numbers"
    if not is_word(progress.fault):
        yield "its fault is no printable text"
    for number, epoch in enumerate(progress.history, start=1):
        measured = (*_SHARES(epoch), *_AMOUNTS(epoch), epoch.evaluation_seconds or 0)
        if epoch.epoch != number or not all(type(value) in (int, float) for value in measured):
            yield f"its epoch {number} is none"
        elif not all(0 <= share <= 1 for share in _SHARES(epoch)):
            yield f"the accuracies of its epoch {number} are no shares"
    for layer in progress.layers:
        _, name, *values = _LAYER(layer)
        if type(layer.epoch) is not int or not (name and is_word(name)) or not all(map(_is_norm, values)):
            yield "its layers are none"


def _is_norm(value: object) -> bool:
    return value is None or type(value) in (int, float)


def _under(tensors: dict[str, Array], prefix: str) -> dict[str, Array]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
