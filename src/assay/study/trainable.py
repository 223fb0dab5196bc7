"""Whether a network can be trained at all, judged from its shapes before any weight is drawn."""

from dataclasses import dataclass
from math import isfinite, prod

import numpy as np

from assay.errors import ShapeError, StudyError
from assay.nn.adaptive_avg_pool2d import AdaptiveAvgPool2d
from assay.nn.network import Network, Node, expect_layers
from assay.nn.nodes import every
from assay.nn.sliding import Sliding
from assay.optim.recipe import Recipe
from assay.records import free_memory
from assay.shapes import pair

MOST_FLOPS = 10**12
"""The most forward operations per example: about a thousand times those of the reports' largest network."""

MOST_READS = 10**8
"""The most entries that the windows over one map read together; engines list them."""

LIST_BYTES = 16
"""What an engine that lists where every weight lies takes for each, while it plans."""

BYTES = {"float32": 4, "float64": 8, "bfloat16": 2}


@dataclass(frozen=True)
class Placement:
    """Where a network is to be trained, as far as its memory is concerned.

    ``on_gpu``: minibatches need not fit into the machine's memory. ``listed``: the engine lists where every
    weight lies, as numba's does. ``beside``: bytes of images that are still to be loaded.
    """

    on_gpu: bool = False
    listed: bool = False
    beside: int = 0


HERE = Placement()


def expect_trainable(network: Network, recipe: Recipe, examples: int | None, place: Placement = HERE) -> None:
    """Raise `ShapeError` or `StudyError` if a run could not complete its first epoch.

    ``examples`` is the size of the training set, None where it is not known.
    """
    expect_layers("layers", sum(1 for _ in every(network.nodes)))
    _expect_memory(network, recipe, place)
    _expect_work(network)
    _expect_batches(network, recipe, examples)
    _expect_rates(recipe, recipe.steps(examples or recipe.batch_size))


def training_bytes(network: Network, recipe: Recipe, on_gpu: bool = False, listed: bool = False) -> int:
    """Return the approximate memory of a run, in bytes.

    A session holds parameters, their gradients and the rule's memory, and a minibatch at every layer, as
    the reference engine does; others keep more of one and less of the other. As much as of parameters is held
    beside it: the state between two epochs, and the best weights so far. ``listed`` and ``on_gpu`` are as for
    `Placement`.
    """
    slots = sum(value.ndim for value in recipe.optimizer.slots(np.zeros(1)).values())
    held = network.parameter_count * (2 + slots) * BYTES[recipe.parameter_dtype]
    lists = LIST_BYTES * network.parameter_count if listed else 0
    return held if on_gpu else lists + 2 * held + recipe.batch_size * _entries(network) * BYTES[recipe.dtype]


def _entries(network: Network) -> int:
    """Return the number of entries in all layers' inputs for one example, including padding."""
    leaves = (node for node in every(network.nodes) if not node.layer.inner(node.input_shape))
    return sum(prod(_padded(node)) for node in leaves) + prod(network.output_shape)


def _padded(node: Node) -> tuple[int, ...]:
    sliding = _sliding(node)
    if sliding is None:
        return node.input_shape
    channels, *sizes = node.input_shape
    return (channels, *(size + 2 * border for size, border in zip(sizes, sliding.padding, strict=True)))


def _sliding(node: Node) -> Sliding | None:
    found = getattr(node.layer, "sliding", None)
    return found if isinstance(found, Sliding) else None


def _expect_memory(network: Network, recipe: Recipe, place: Placement) -> None:
    needed = training_bytes(network, recipe, place.on_gpu, place.listed)
    there = free_memory.available() - place.beside
    if needed > there:
        parameters, entries = _about(network.parameter_count), _about(_entries(network))
        raise ShapeError(
            f"a run takes about {_about(needed // 2**20)} MiB, {free_memory.described(place.beside)}: "
            f"{parameters} parameters, and {entries} numbers of each of {recipe.batch_size:,} examples "
            "(use fewer or smaller layers, or a smaller batch_size)"
        )


def _expect_work(network: Network) -> None:
    """Refuse windows whose entries a machine could not even list, and more work than fits in a day."""
    for node in every(network.nodes):
        if (reads := _reads(node)) > MOST_READS:
            raise ShapeError(
                f"layer {node.name}: its windows read {_about(reads)} entries of a map, more than "
                f"{MOST_READS:,} (use a smaller kernel, less padding or a smaller output)"
            )
    if network.flops > MOST_FLOPS:
        raise ShapeError(
            f"takes {_about(network.flops)} operations for one example, more than {MOST_FLOPS:,} "
            "(use fewer or smaller layers)"
        )


def _reads(node: Node) -> int:
    """Return how many entries of one map, the same ones over and over, a layer's windows read."""
    if isinstance(node.layer, AdaptiveAvgPool2d):  # which multiplies by one matrix per axis
        return sum(map(prod, zip(node.input_shape[1:], pair(node.layer.output_size), strict=True)))
    sliding = _sliding(node)
    return prod(node.output_shape[1:]) * sliding.area if sliding else 0


def _expect_batches(network: Network, recipe: Recipe, examples: int | None) -> None:
    """Refuse a training set whose last batch in an epoch is too small for a layer."""
    size = recipe.batch_size
    smallest = (examples % size if examples else 0) or size
    for node in every(network.nodes):
        try:
            node.layer.expect_batch(node.input_shape, smallest)
        except ShapeError as error:
            training = f"{examples:,} training images in batches of {size:,}: " if examples else ""
            raise ShapeError(f"{training}layer {node.name}: {error}") from None


def _expect_rates(recipe: Recipe, steps: int) -> None:
    """Refuse a schedule whose rate overflows or underflows during training."""
    schedule, last = recipe.schedule.in_steps(steps), recipe.epochs * steps
    for t in (1, 2, last // 2 + 1, last):
        try:
            rate = recipe.optimizer.lr * schedule(t)
        except ArithmeticError:
            rate = float("inf")
        if not isfinite(rate):
            raise StudyError(
                f"training: schedule: the learning rate is no finite number at step {t:,} of {last:,} "
                "(use a smaller gamma or fewer epochs)"
            )


def _about(count: int) -> str:
    """Format a number approximately if it has too many digits to print."""
    return f"{count:,}" if count < 10**18 else "more than 10^18"
