"""Arms whose runs are identical, however their settings are spelt: comparing them is pointless."""

from collections.abc import Hashable, Iterable
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache

from assay.errors import StudyError
from assay.nn.adaptive_avg_pool2d import AdaptiveAvgPool2d
from assay.nn.dropout import Dropout
from assay.nn.layer import Layer
from assay.nn.network import Network, Node
from assay.nn.sliding import Sliding
from assay.nn.zero_pad2d import ZeroPad2d
from assay.optim.augment import Elastic, Rotate, Shift, Transform
from assay.optim.recipe import Recipe
from assay.optim.schedules import Schedule
from assay.shapes import pair
from assay.study.own_coursework import OwnCoursework

SAMPLED = 500
"""Number of epochs at whose first and last steps schedules are compared, evenly spaced in longer training."""


def expect_different(runs: Iterable[tuple[str, Hashable]], where: str) -> None:
    """Refuse two arms, given by their names and what their runs depend on, that are the same."""
    seen: dict[Hashable, str] = {}
    for arm, run in runs:
        if run in seen:
            raise StudyError(
                f"{where}: arms {seen[run]!r} and {arm!r} are the same run: network, recipe, data and engine "
                "do not differ (change one of their levels, which keeps what it does not name, or leave one "
                "out)"
            )
        seen[run] = arm


def run_of(network: Network, recipe: Recipe, engine: str, examples: int | None) -> Hashable:
    """Return what a run's results depend on besides data and seed, the same for every spelling."""
    nodes = tuple(_node(node) for node in network.nodes if not _idle(node.layer))
    return (nodes, network.input_shape, _recipe(recipe, examples), engine)


def _node(node: Node) -> Hashable:
    """Return a layer with its name, which determines the random draws of its weights and masks."""
    return (node.name, _layer(node.layer))


def _idle(layer: Layer) -> bool:
    return isinstance(layer, Dropout) and layer.p == 0


def _layer(layer: Layer) -> Hashable:
    """Return a layer's kind and arguments, with abbreviated and omitted sizes written out."""
    if not is_dataclass(layer) or isinstance(layer, OwnCoursework):
        return layer
    values = {field.name: getattr(layer, field.name) for field in fields(layer)}
    sliding = getattr(layer, "sliding", None)
    if isinstance(sliding, Sliding):
        values |= {field.name: getattr(sliding, field.name) for field in fields(sliding)}
    if isinstance(layer, AdaptiveAvgPool2d):
        values["output_size"] = pair(layer.output_size)
    if isinstance(layer, ZeroPad2d):
        values["padding"] = layer.sides
    return (type(layer), *((key, _argument(value)) for key, value in values.items()))


def _argument(value: Hashable) -> Hashable:
    if isinstance(value, tuple):
        return tuple(_layer(item) if isinstance(item, Layer) else item for item in value)
    return value


def _recipe(recipe: Recipe, examples: int | None) -> Hashable:
    """Return a recipe without settings that have no effect, in canonical order."""
    size = min(recipe.batch_size, examples or recipe.batch_size)
    steps = recipe.steps(examples or size)
    penalties = {replace(item, roles=tuple(sorted(item.roles))) for item in recipe.penalties if item.strength}
    augment = frozenset(item for item in recipe.augment if not _still(item))
    rates = _factors(recipe.schedule, recipe.epochs, steps)
    patience = recipe.patience if recipe.stops_early else None
    return (
        (recipe.optimizer, size, recipe.epochs, patience, recipe.dtype),
        (rates, frozenset(penalties), augment),
    )


def _still(transform: Transform) -> bool:
    """Whether a transform has no effect, such as a shift by 0 pixels."""
    amounts = {Shift: "pixels", Rotate: "degrees", Elastic: "alpha"}
    return type(transform) in amounts and getattr(transform, amounts[type(transform)]) == 0


@lru_cache
def _factors(schedule: Schedule, epochs: int, steps: int) -> tuple[float, ...]:
    """Return the factors by which a schedule multiplies lr at the first and last steps of epochs."""
    counted = schedule.in_steps(steps)
    chosen = range(0, epochs, -(-epochs // SAMPLED))
    return tuple(counted(t) for epoch in chosen for t in (epoch * steps + 1, (epoch + 1) * steps))
