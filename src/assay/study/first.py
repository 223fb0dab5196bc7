"""A first study: a file with comments, from a question, a setting with its values, and a data set."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, get_type_hints

import tomli_w

from assay.errors import StudyError
from assay.study import tables, toml
from assay.study.architectures import FAMILIES
from assay.study.factors import Factor
from assay.study.study import Study
from assay.study.tables import Table

QUESTION = "Do 200 hidden units recognise characters better than 50?"
VARY = ("network.hidden", ([50], [200]))
DATA = "glyphs"
IMAGES = 8000
"""Training images that are drawn for a first study."""

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

# Differences below so many percentage points do not matter; declare it before you see results.
margin = 0.3

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
# What the arms differ in: each level is the settings that it changes; a second factor would be crossed.
{factors}
# What `assay run {name}.toml --quick` lays over all of it, to try it out.
[quick]
seeds = 3
training.epochs = 1
"""


def first_study(
    name: str, question: str, key: str, values: Sequence[Any], data: str = DATA, images: int = IMAGES
) -> str:
    """Return the text of a study file whose arms differ in the setting ``key``, which has these ``values``.

    The first value makes the control. The minibatch's size and the number of epochs follow from the number
    of training ``images`` (`minibatch_and_epochs`). Raises `StudyError` for what is not a study.
    """
    levels = Factor(key, list(values)).table({}, name)
    if len(levels) < 2:
        raise StudyError(f"{name}: {key}: found {len(levels)} values, expected two or more")
    base = {
        "network": {"family": _family(key)},
        "optimizer": {"rule": "Adam"} if key == "optimizer.rule" else {"rule": "Adam", "lr": 0.001},
        "data": {"source": data, **({"train": IMAGES} if data == DATA else {})},
    }
    factor = key.rpartition(".")[2]
    head = {"name": name, "question": question, "control": next(iter(levels))}
    batch_size, epochs = minibatch_and_epochs(images)
    steps = -(-images // batch_size)
    text = TEMPLATE.format(
        name=name,
        images=f"{images:,}",
        batch_size=batch_size,
        epochs=epochs,
        steps=f"{steps:,}",
        all_steps=epochs * steps,
        head=tomli_w.dumps(head),
        families=", ".join(FAMILIES),
        factors="\n".join([f"[factors.{factor}]", *_lines(levels), ""]),
        **{table: tomli_w.dumps(found) for table, found in base.items()},
    )
    Study.from_tables(toml.loads(text), name)
    return text


def minibatch_and_epochs(images: int) -> tuple[int, int]:
    """Return the size of a minibatch and the number of epochs with which a first study takes `STEPS` steps.

    There are `FEWEST` epochs at least, and `MOST` at most.
    """
    batch_size = next(size for least, size in BATCHES.items() if images >= least)
    steps = -(-images // batch_size)
    return batch_size, min(max(-(-STEPS // steps), FEWEST), MOST)


def _lines(levels: Table) -> Iterator[str]:
    """Yield a line for each setting of each level, as people write them."""
    for level, overrides in levels.items():
        for path, value in tables.leaves(overrides):
            yield f"{'.'.join(map(_key, (level, *path)))} = {_inline(value)}"


def _key(name: str) -> str:
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else f'"{name}"'


def _inline(value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    return tomli_w.dumps({"v": value}).removeprefix("v = ").strip()


def _family(key: str) -> str:
    """Return the first family that has the setting; Dense for a setting of anything else."""
    table, _, name = key.partition(".")
    if table != "network":
        return "Dense"
    having = (family for family, cls in FAMILIES.items() if name in get_type_hints(cls))
    return next(having, "Dense")
