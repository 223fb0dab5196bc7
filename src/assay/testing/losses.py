"""Losses of courses: their value, and its gradient by the scores against differences.

Targets are labels, one-hot rows or real numbers, inputs scores or probabilities: what it takes is found by
trying. The styles are those of `assay.testing.loss_styles`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from assay.errors import UsageError
from assay.nn.coursework.copies import copied, same
from assay.nn.coursework.remembered import undisturbed
from assay.nn.loss import cross_entropy
from assay.shapes import Array, Shape
from assay.testing.gradients import LEAST_SCALE, Mismatch
from assay.testing.guesses import guess
from assay.testing.loss_inputs import CLASSES, LossForm, loss_situations
from assay.testing.loss_styles import Loss
from assay.testing.situations import BATCH, RANDOM
from assay.training.judging import PRECISIONS, ClaimedDerivative, judge

TOLERANCE = 1e-4
"""Books add 1e-7 to what they take the logarithm of; no mistake is as small."""


OTHERS = ("binary", "smooth", "focal", "weight", "balanced")
"""What is in the names of cross-entropies with another value."""


@dataclass
class LossFound:
    """What was found of a loss."""

    shape: Shape
    entries: int
    mismatches: list[Mismatch] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    writes: dict[str, None] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    tolerance: float = TOLERANCE
    """How far a gradient and a value may be off."""


def check_loss(loss: Loss, tolerance: float = 0.0) -> LossFound:
    """Check a loss; `UsageError` where it takes none of the inputs that are tried.

    ``tolerance`` is what numbers may be off, where it is more than `TOLERANCE`.
    """
    form = _form(loss)
    found = LossFound(form.shape[1:], int(np.prod(form.shape)), tolerance=max(TOLERANCE, tolerance))
    found.remarks.append(f"takes {form.inputs} and {form.targets}")
    for name, x, *targets in loss_situations(form, masked=loss.masked):
        with _held(loss), np.errstate(all="ignore"):
            _try(loss, name, x, targets, found)
    _check_value(loss, form, found)
    return found


def _form(loss: Loss) -> LossForm:
    """Return the first form of inputs that gives a finite value and a gradient of the inputs' shape."""
    shapes: tuple[Shape, ...] = ((BATCH, CLASSES), (BATCH, 1), (BATCH,))
    shapes = ((BATCH, 2, CLASSES),) if loss.masked else shapes
    refusals: list[Exception] = []
    for shape, inputs, targets in product(
        shapes, ("scores", "probabilities"), ("labels", "one-hot targets", "real targets", "signs")
    ):
        if targets == "labels" and shape[-1] != CLASSES:
            continue
        form = LossForm(inputs, targets, shape)
        _, x, *rest = next(loss_situations(form, masked=loss.masked))
        with _held(loss), np.errstate(all="ignore"):
            try:
                value, gradient = _called(loss, x, rest)
            except NotImplementedError:
                raise
            except Exception as error:
                refusals.append(error)
                continue
        if np.isfinite(value) and gradient.shape == shape:
            return form
    if refusals:
        raise refusals[0]
    raise UsageError("gives no finite value with a gradient of its inputs' shape, whatever it is given")


def _try(loss: Loss, name: str, x: Array, targets: list[Array], found: LossFound) -> None:
    given, own = copied(x), [target.copy() for target in targets]
    value, gradient = _called(loss, given, own)
    for word, now, then in (("scores", given, x), *(("targets", *p) for p in zip(own, targets, strict=True))):
        if not same(now, then):
            found.writes[f"writes into its {word}"] = None
    if not np.isfinite(value) or not np.isfinite(gradient).all():
        found.remarks.append(f"overflows: gives {value if not np.isfinite(value) else 'nan'} for {name}")
        return
    if found.mismatches or name == "scores of 1e3":  # where such an addition is all that there is
        return

    def value_at(moved: Array) -> Array:
        return np.array(float(_called(loss, moved, [target.copy() for target in targets])[0]))

    mismatch = _mismatch(value_at, x, gradient, found.tolerance)
    if mismatch:
        found.mismatches.append(replace(mismatch, situation="" if name == RANDOM else name))


def _mismatch(
    value_at: Callable[[Array], Array], x: Array, gradient: Array, tolerance: float
) -> Mismatch | None:
    size = max(float(np.abs(gradient).max(initial=0)), LEAST_SCALE)
    scale = min(float(np.abs(x).max(initial=0)), 1.0)
    expected, wrong = gradient.astype(float), np.zeros(x.shape, bool)
    for index in np.ndindex(x.shape):
        direction = np.zeros(x.shape)
        direction[index] = 1.0
        claim = ClaimedDerivative(
            lambda t, d=direction: value_at(x + t * d),  # type: ignore[misc]
            np.ones(()),
            float(gradient[index]),
            size,
            scale,
        )
        verdict, derivative = judge(claim, replace(PRECISIONS[np.dtype(np.float64)], tolerance=tolerance))
        if verdict == "wrong":
            wrong[index], expected[index] = True, derivative
    if not wrong.any():
        return None
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    difference = float(np.abs(gradient - expected)[wrong].max())
    return Mismatch(
        "x",
        first,
        float(gradient[first]),
        float(expected[first]),
        difference / max(float(np.abs(expected).max()), LEAST_SCALE),
        int(wrong.sum()),
        wrong.size,
        guess=guess(gradient, expected, None),
    )


def _check_value(loss: Loss, form: LossForm, found: LossFound) -> None:
    """Compare what is called a softmax cross-entropy with the definition."""
    name = loss.name.lower()
    if form.targets not in ("labels", "one-hot targets") or not any(
        w in name for w in ("softmax", "entropy")
    ):
        return
    if any(word in name for word in OTHERS) or form.shape[-1] == 1:
        return
    _, x, targets, *mask = next(loss_situations(form, masked=loss.masked))
    with _held(loss), np.errstate(all="ignore"):
        value = float(_called(loss, x.copy(), [targets, *mask])[0])
    labels = targets if form.targets == "labels" else targets.argmax(axis=-1)
    scores = x if form.inputs == "scores" else np.log(x)
    each = cross_entropy(scores.reshape(-1, CLASSES), labels.ravel())
    total = float((each * mask[0].ravel()).sum() if mask else each.sum())
    kept = float(mask[0].sum()) if mask else len(x)
    means = (("mean over the batch", total / len(x)), ("sum over the batch", total))
    for words, expected in (*means, ("mean over what is not masked", total / kept)):
        if abs(value - expected) <= found.tolerance * max(1, abs(expected)):
            found.remarks.append(f"value: cross-entropy, the {words}")
            return
    found.faults.append(
        f"value: gives {value:.6g}, softmax cross-entropy is {total / len(x):.6g} on average "
        f"(a sum of {total:.6g})"
    )


def _called(loss: Loss, x: Array, targets: list[Array]) -> tuple[float, Array]:
    value, gradient = loss.call(x, *targets)
    return float(value), np.array(gradient, np.float64)


@contextmanager
def _held(loss: Loss) -> Iterator[None]:
    with undisturbed(loss.root):
        yield
