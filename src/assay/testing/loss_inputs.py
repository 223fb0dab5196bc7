"""The scores, targets and masks that a loss is tried with: what it takes is not known."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.shapes import Array, Shape
from assay.streams import stream
from assay.testing.situations import RANDOM

CLASSES = 5


class LossForm(NamedTuple):
    """What a loss takes."""

    inputs: str
    targets: str
    shape: Shape


def loss_situations(form: LossForm, *, masked: bool) -> Iterator[tuple[Any, ...]]:
    """Yield a name, scores, targets and, where it takes one, a mask."""
    generator = stream(0, "losses")
    x = generator.normal(size=form.shape)
    labels = generator.integers(0, form.shape[-1], form.shape[:-1])
    targets: Any = {
        "labels": labels,
        "one-hot targets": np.eye(form.shape[-1])[labels] if form.shape[-1] > 1 else np.ones(form.shape),
        "real targets": generator.normal(size=form.shape),
        "signs": generator.choice([-1.0, 1.0], form.shape[:-1] or form.shape),
    }[form.targets].reshape(form.shape[: 1 + (len(form.shape) > 2)] if form.targets == "labels" else -1)
    if form.targets != "labels":
        targets = targets.reshape(form.shape if targets.size == x.size else form.shape[:-1])
    mask = [(generator.uniform(size=form.shape[:-1]) < 0.6).astype(float)] if masked else []
    if form.inputs == "probabilities":
        x = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True) if form.shape[-1] > 1 else 1 / (1 + np.exp(-x))
        yield RANDOM, x, targets, *mask
        yield "one example", x[:1], targets[:1], *(each[:1] for each in mask)
        return
    yield RANDOM, x, targets, *mask
    yield "ties", np.rint(x), targets, *mask
    yield "zeros", np.zeros_like(x), targets, *mask
    yield "one example", x[:1], targets[:1], *(each[:1] for each in mask)
    if form.targets in ("labels", "one-hot targets") and form.shape[-1] > 1:
        yield "scores of 5", _decided(5 * x, labels), targets, *mask
    yield "scores of 1e3", 1e3 * x, targets, *mask
    yield "a transposed array", np.asfortranarray(x), targets, *mask


def _decided(x: Array, labels: NDArray[np.integer]) -> Array:
    """Return scores with the largest exchanged for that of the label: its probability is not small."""
    swapped, largest = x.copy(), x.argmax(axis=-1)[..., None]
    values = np.take_along_axis(x, largest, -1), np.take_along_axis(x, labels[..., None], -1)
    np.put_along_axis(swapped, largest, values[1], -1)
    np.put_along_axis(swapped, labels[..., None], values[0], -1)
    return swapped
