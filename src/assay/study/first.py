"""A first study: a file with comments, from a question, settings with their values, and a data set."""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, get_type_hints

import tomli_w

from assay.errors import StudyError, shown
from assay.study import own_references, tables, toml
from assay.study.architectures import FAMILIES
from assay.study.checks import expect_name
from assay.study.factors import Factor, to_tables
from assay.study.study import Study
from assay.study.tables import Table

QUESTION = "Do 200 hidden units recognise characters better than 50?"
VARY = ("network.hidden", ([50], [200]))
"""A setting and its values."""

DATA = "glyphs"
IMAGES = 8000
"""Training images that are drawn for a first study."""

MARGIN = 0.3
"""Percentage points below which a difference does not matter."""

STEPS = 2000
"""Steps in which small networks learn enough to be told apart; most take seconds, and the largest minutes."""

BATCHES = {2000: 100, 1000: 50, 0: 20}
"""The size of a minibatch by the number of training images from which it is taken."""

FEWEST, MOST = 4, 200
"""Epochs: of many images all are seen a few times, of a few none too often."""

TEMPLATE = """\
# A study of assay's: what all arms share, and what they differ in. `assay schema` has all keys.
# `assay show {name}.toml` prints the plan, `assay run {name}.toml` trains it, or continues it.

{head}
# Every arm is trained once with each seed; `assay plan {name}.toml` says how many tell a difference.
seeds = 5

# Differences below so many percentage points do not matter; declare it before you see results.{of_test}
margin = {margin:g}

# The network: {families}.
[network]
{network}
# The learning rule; also SGD, Adagrad, RMSprop, AdamW, Adamax and NAdam.
[optimizer]
{optimizer}
# Chosen for {images} training images: {epochs} epochs of {steps} steps are {all_steps:,} steps a run.
# With far fewer, networks have hardly begun to learn. `assay show {name}.toml` says how long it takes.
[training]
batch_size = {batch_size}
epochs = {epochs}

# glyphs are drawn characters; idx:DIR is a folder of IDX files; `assay data list` names others.
[data]
{data}
# What the arms differ in: each level is the settings that it changes; several factors are crossed.
{factors}
# What `assay run {name}.toml --quick` lays over all of it, to try it out.
[quick]
seeds = 3
training.epochs = 1
"""


def first_study(
    name: str,
    question: str,
    *vary: tuple[str, Sequence[Any]],
    data: str = DATA,
    images: int = IMAGES,
    test: int | None = None,
    folder: Path = Path(),
) -> str:
    """Return the text of a study file whose arms differ in the settings that ``vary`` gives values to.

    Several settings are crossed, and the first values make the control. The minibatch's size and the number
    of epochs follow from the number of training ``images`` (`minibatch_and_epochs`), and the margin is that
    of any study or, if it is more, one of the ``test`` images. Python files that values
    name are looked for in ``folder``, and not run. Raises `StudyError` for what is not a study.
    """
    expect_name(name, f"{shown(name)}: name")
    crossed = to_tables([Factor(key, list(values)) for key, values in vary], {}, name)
    factors = {factor: _said(factor, levels) for factor, levels in crossed.items()}
    for (key, _), levels in zip(vary, factors.values(), strict=True):
        if len(levels) < 2:
            raise StudyError(f"{name}: {key}: found {len(levels)}, expected two or more values")
    keys = [key for key, _ in vary]
    base = _base(keys, data)
    margin = margin_of(test)
    head = {"name": name, "question": question, "control": "-".join(map(next, map(iter, factors.values())))}
    batch_size, epochs = minibatch_and_epochs(images)
    steps = -(-images // batch_size)
    text = TEMPLATE.format(
        name=name,
        images=f"{images:,}",
        batch_size=batch_size,
        margin=margin,
        of_test="" if margin == MARGIN else f"\n# It is one of your {test:,} test images.",
        epochs=epochs,
        steps=f"{steps:,}",
        all_steps=epochs * steps,
        head=tomli_w.dumps(head),
        families=", ".join(FAMILIES),
        factors="\n".join(chain(*(_lines(factor, levels) for factor, levels in factors.items()))),
        **{table: tomli_w.dumps(found) for table, found in base.items()},
    )
    _expect_study(toml.loads(text), folder, name)
    return text


def _base(keys: Sequence[str], data: str) -> dict[str, Table]:
    """Return the tables that all arms share, where ``keys`` are what they differ in."""
    return {
        "network": {"family": _family(keys)},
        "optimizer": {"rule": "Adam"} if "optimizer.rule" in keys else {"rule": "Adam", "lr": 0.001},
        "data": {"source": data, **({"train": IMAGES} if data == DATA else {})},
    }


def _expect_study(values: Table, folder: Path, name: str) -> None:
    """Raise `StudyError` unless a study can be made of tables, and of the Python files that they name."""
    code = own_references.read(values, folder, {}, name)
    Study.from_tables({**values, "code": code} if code else values, name)


def minibatch_and_epochs(images: int) -> tuple[int, int]:
    """Return the size of a minibatch and the number of epochs with which a first study takes `STEPS` steps.

    There are `FEWEST` epochs at least, and `MOST` at most.
    """
    batch_size = next(size for least, size in BATCHES.items() if images >= least)
    steps = -(-images // batch_size)
    return batch_size, min(max(-(-STEPS // steps), FEWEST), MOST)


def margin_of(test: int | None) -> float:
    """Return the margin of a first study on ``test`` images: `MARGIN` or, if it is more, one of them."""
    return max(MARGIN, math.ceil(1000 / max(test, 2)) / 10) if test else MARGIN


def _said(factor: str, levels: Table) -> Table:
    """Name numbers, and what is on or off, after their setting: "filters-8 is better than filters-4"."""
    switch = {"true": factor, "false": f"no-{factor}"}
    return {
        switch.get(level, level if level[:1].isalpha() else f"{factor}-{level}"): overrides
        for level, overrides in levels.items()
    }


def _lines(factor: str, levels: Table) -> Iterator[str]:
    """Yield a line for a factor and for each setting of each level, as people write them."""
    yield f"[factors.{_key(factor)}]"
    for level, overrides in levels.items():
        for path, value in tables.leaves(overrides):
            yield f"{'.'.join(map(_key, (level, *path)))} = {_inline(value)}"
    yield ""


def _key(name: str) -> str:
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else _inline(name)


def _inline(value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    return tomli_w.dumps({"v": value}).removeprefix("v = ").strip()


def _family(keys: Sequence[str]) -> str:
    """Return the first family that has those of the settings that are a network's; Dense if none has."""
    names = {name for table, _, name in (key.partition(".") for key in keys) if table == "network"}
    having = (family for family, cls in FAMILIES.items() if names <= get_type_hints(cls).keys())
    return next(having, "Dense")
