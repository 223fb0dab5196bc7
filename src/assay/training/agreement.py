"""Whether a checkpoint agrees with itself, and with what is known of its run.

Its own SHA-256 shows damage. A file that is whole may still be another one: altered, or put there from
another folder. A run that was continued from it would have rows of one training and weights of another.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from assay.engines.base import State
from assay.nn.network import Network
from assay.nn.nodes import every
from assay.optim.recipe import Recipe
from assay.records.runs import EpochRecord, LayerRecord
from assay.shapes import Array
from assay.store.row_records import epoch_values
from assay.training.train import Progress, best_epoch_of

Faults = Iterator[str]
"""What does not agree; empty if all does."""

_MEASURED = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")


def against_itself(progress: Progress, recipe: Recipe, examples: int | None) -> Faults:
    """Yield what in a run's progress does not follow from its epochs, of ``examples`` each where known."""
    epochs = len(progress.history)
    if epochs > recipe.epochs:
        yield f"holds {epochs:,} epochs, of {recipe.epochs:,}"
    dtypes = {str(value.dtype) for value in progress.state.parameters.values()}
    if dtypes != {recipe.parameter_dtype}:
        found = " and ".join(sorted(dtypes)) or "none"
        yield f"its parameters are {found}, expected {recipe.parameter_dtype}"
    if examples is not None and progress.state.step != (steps := epochs * recipe.steps(examples)):
        yield f"was written at step {progress.state.step:,}, and {epochs:,} epochs end at {steps:,}"
    if progress.best_epoch != (best := best_epoch_of(progress.history, progress.fault)):
        yield f"says that epoch {progress.best_epoch} was the best, and it was {best}"
    kept = {name: _kind(value) for name, value in progress.best.items()}
    if kept != ({name: _kind(value) for name, value in progress.state.weights.items()} if best else {}):
        yield "its best weights are of another network than its last"


def against_rows(progress: Progress, epochs: Sequence[EpochRecord], layers: Sequence[LayerRecord]) -> Faults:
    """Yield where a run's progress differs from its rows in the store, as far as both go."""
    for kept, stored in zip(progress.history, epochs, strict=False):
        here, there = epoch_values(kept), epoch_values(stored)
        for name in _MEASURED:
            if here[name] != there[name]:
                yield f"its epoch {kept.epoch} has {name} {here[name]}, that of the results {there[name]}"
                return
    last = min(len(progress.history), len(epochs))
    both = ([layer for layer in part if layer.epoch <= last] for part in (progress.layers, layers))
    if epochs and next(both) != next(both):
        yield f"its layers, up to epoch {last}, are not those of the results"


def against_network(state: State, network: Network, recipe: Recipe) -> Faults:
    """Yield which arrays of a state are not those that the network has, trained by the recipe.

    What layers and a learning rule of a user's own remember may change its type, or anything, on the way.
    """
    dtype = np.dtype(recipe.parameter_dtype)
    shapes = {name: np.broadcast_to(dtype.type(0), spec.shape) for name, spec in network.parameters.items()}
    yield from _different("parameters have", state.parameters, shapes)
    if not any(node.layer.users_own for node in every(network.nodes)):
        yield from _different("buffers have", state.buffers, network.initial_buffers(dtype))
    for name, value in shapes.items():
        if name in state.slots and not recipe.optimizer.users_own:
            yield from _different(f"memory of {name} has", state.slots[name], recipe.optimizer.slots(value))


def _different(what: str, found: Mapping[str, Array], expected: Mapping[str, Array]) -> Faults:
    for name in sorted({*found, *expected}):
        one, other = (_kind(part[name]) if name in part else "none" for part in (found, expected))
        if one != other:
            yield f"its {what} {name} with {one}, the network {other}"
            return


def _kind(value: Array) -> str:
    return f"{value.dtype} {value.shape}"
