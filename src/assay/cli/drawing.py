"""A plan in the terminal: the study, its data, its networks, and their time and memory."""

from collections.abc import Iterator
from dataclasses import MISSING, fields
from math import prod
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from assay import shapes
from assay.data import DataSpec
from assay.data.outline import Outline
from assay.findings.numbers import count, mebibytes, names, plural, speed
from assay.nn.network import Network
from assay.optim.recipe import Recipe
from assay.report.text import duration, grid
from assay.running.estimate import Estimate
from assay.running.pace import Basis
from assay.running.plan import Cohort, Plan
from assay.training.own_layers import OwnCheck


def study(plan: Plan) -> Text:
    """Return the question, what is compared, and over how many seeds."""
    of, arms, seeds = plan.study, len(plan.study.arms), len(plan.study.seeds)
    lines = [
        f"{of.name}: {of.question}",
        f"{plural(arms, 'arm')} x {plural(seeds, 'seed')} = {plural(len(plan.runs), 'run')}"
        + (f"; control: {of.control}" if of.control else "")
        + f"; equivalent within {of.margin:g} points"
        + (f"; looks at {names([str(look) for look in of.looks])} seeds" if of.looks else ""),
    ]
    return Text("\n".join([*lines, f"after {of.source}"] if of.source else lines))


def data(spec: DataSpec, sizes: Outline) -> Text:
    """Return the sizes of the data set, and whether they are only assumed."""
    channels, height, width = sizes.input_shape
    words = (
        f"data {spec.source}: {sizes.train:,} images to train, {sizes.valid:,} to validate, {sizes.test:,} "
        f"to test; {height} x {width} pixels{', in colour' if channels == 3 else ''}, {sizes.classes} classes"
    )
    if sizes.assumed:
        words += "; it is not on this machine (see `assay data list`): EMNIST Balanced's sizes are assumed"
    if spec.per_seed:
        words += "; divided into training and validation images anew for every seed"
    if spec.groups is not None:
        words += f"; divided by {spec.groups}"
    return Text("\n".join([words, *sizes.notes]))


def networks(plan: Plan) -> Group:
    """Return each network once, under the names and recipes of its arms."""
    arms: dict[Network, list[Cohort]] = {}
    for cohort in plan.cohorts:
        arms.setdefault(cohort.network, []).append(cohort)
    return Group(*(part for network, cohorts in arms.items() for part in _network(network, cohorts)))


def costs(estimate: Estimate) -> Group:
    """Return how long the runs will take, their memory, and how that was estimated."""
    table = grid("arm", "steps/s", "time a run", "memory a run")
    for cohort in estimate.cohorts:
        rate = speed(cohort.steps_per_second)
        table.add_row(cohort.arm, rate, duration(cohort.seconds), f"{mebibytes(cohort.memory)} MiB")
    return Group(
        Text(),
        table,
        Text(
            f"Estimate: about {expected(estimate)} and {mebibytes(estimate.memory)} MiB for the whole "
            f"command, with {plural(estimate.workers, 'run')} at a time{_parts(estimate)}. "
            f"{_basis(estimate)} "
            f"Memory is computed from the shapes of the network.{_narrowed(estimate)}"
        ),
    )


PARTS = {
    "starting": "to start",
    "images": "to read or draw the images",
    "compiling": "to compile kernels, once",
    "training": "of training",
    "evaluating": "of evaluation",
    "keeping": "to keep what each epoch gives",
    "report": "for the report",
}
"""What a command's time goes into, in words."""


def _parts(estimate: Estimate) -> str:
    """Name the parts that are more than a fifth: ``: 5.0 s of training, 4.0 s for the report``."""
    large = {part: seconds for part, seconds in estimate.parts.items() if 5 * seconds > estimate.seconds}
    words = (
        f"{duration(large[part])} {PARTS[part]}" for part in sorted(large, key=lambda part: -large[part])
    )
    return f": {', '.join(words)}" if large else ""


BASES = {
    Basis.RUNS: "those of runs finished on this machine",
    Basis.MOMENTS: "the fastest of several moments of training on random images",
    Basis.GUESS: "a guess from what the kernels will multiply, as these are not compiled yet",
}
"""Where steps a second come from, in words."""


def _basis(estimate: Estimate) -> str:
    """Say where the steps a second come from, of the arms only where these differ in it."""
    arms = {basis: [c.arm for c in estimate.cohorts if c.basis is basis] for basis in Basis}
    found = [(BASES[basis], f"for {names(of)} ") for basis, of in arms.items() if of]
    return f"Steps a second are {'; '.join((of if len(found) > 1 else '') + words for words, of in found)}."


def _narrowed(estimate: Estimate) -> str:
    arms = [cohort.arm for cohort in estimate.cohorts if cohort.narrowed]
    of = f" The networks of {names(arms)} are too large to be measured as they are: narrower ones were, and "
    return f"{of}time and memory are theirs in proportion to operations and parameters." if arms else ""


def expected(estimate: Estimate) -> str:
    """Format the time, its upper end where that reads otherwise, and why: ``12 s (up to 20 s)``."""
    likely, slowest = duration(estimate.seconds), duration(estimate.slowest)
    if likely == slowest:
        return likely
    busy = f"the machine is busy, load {estimate.load:.1f} on {plural(estimate.processors, 'processor')}"
    return f"{likely} (up to {slowest}{f': {busy}' if estimate.is_busy else ''})"


def settings(thing: Any) -> str:
    """Format a dataclass's required and non-default settings, and always ``lr``: ``16, 3, padding=1``."""
    return ", ".join(_settings(thing))


def _settings(thing: Any) -> Iterator[str]:
    for field in (each for each in fields(thing) if each.repr):
        value = getattr(thing, field.name)
        if field.default is MISSING:
            yield str(value)
        elif field.name == "lr" or (value != field.default and isinstance(value, int | float | tuple)):
            yield f"{field.name}={value}"


def checks(plan: Plan) -> Text:
    """Say what was found of the user's own layers, rules and penalties; nothing where there are none."""
    return Text("\n".join(["", *(_check(found) for found in plan.checks)] if plan.checks else []))


def _check(found: OwnCheck) -> str:
    verdict = f"wrong, trained unchecked: {found.wrong}" if found.wrong else "right"
    return f"{found.cls}, {found.place}: checked: {verdict}"


def _network(network: Network, cohorts: list[Cohort]) -> Iterator[RenderableType]:
    for cohort in cohorts:
        recipe, rule = cohort.recipe, cohort.recipe.optimizer
        yield Text(
            f"\n{cohort.arm.name}: {rule.title} {settings(rule)}, minibatch {recipe.batch_size}, "
            f"{_epochs(recipe)}, {''.join(_options(recipe))}{cohort.engine.name} engine"
            + (f" ({cohort.why})" if cohort.why else "")
        )
    yield _layers(network)


def _epochs(recipe: Recipe) -> str:
    said = plural(recipe.epochs, "epoch")
    return f"at most {said}, patience {recipe.patience}" if recipe.stops_early else said


def _options(recipe: Recipe) -> Iterator[str]:
    """Yield the recipe's optional parts: ``penalties L2 0.001, ``."""
    for key in sorted(recipe.options):
        value = getattr(recipe, key)
        kinds = value if isinstance(value, tuple) else (value,)
        yield f"{key} {' + '.join(f'{type(kind).__name__} {settings(kind)}'.strip() for kind in kinds)}, "


def _layers(network: Network) -> Table:
    table = grid("layer", "settings", "output", "parameters", "FLOPs", "sees", left=2)
    for node, seen in zip(network.nodes, network.receptive_fields, strict=True):
        learnt = sum(prod(parameter.shape) for parameter in node.parameters.values())
        table.add_row(
            node.name,
            settings(node.layer),
            shapes.text(node.output_shape),
            f"{learnt:,}",
            "not counted" if node.uncounted else count(node.flops),
            f"{seen[0]} x {seen[1]}" if seen[0] else "",
        )
    table.add_section()
    table.add_row("all", "", "", f"{network.parameter_count:,}", count(network.flops), "")
    return table
