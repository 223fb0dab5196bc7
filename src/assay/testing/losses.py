"""Losses in the styles of courses: their value, and its gradient by the scores against differences.

- An object with ``loss(outputs, targets)`` and ``loss.grad(outputs, targets)``.
- An object with ``forward(x, t)``, the value, and ``backward(dout=1)``, the gradient.
- A function ``softmax_loss(x, y) -> (loss, dx)``, also with a third argument ``mask``.

Targets are labels, one-hot rows or real numbers, inputs scores or probabilities: what it takes is found by
trying.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from inspect import signature
from itertools import product
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.errors import UsageError
from assay.nn.coursework.copies import copied, same
from assay.nn.coursework.remembered import undisturbed
from assay.nn.coursework.signatures import positional
from assay.nn.loss import cross_entropy
from assay.shapes import Array, Shape
from assay.streams import stream
from assay.testing.gradients import LEAST_SCALE, Mismatch
from assay.testing.guesses import guess
from assay.testing.situations import BATCH, RANDOM
from assay.training.judging import PRECISIONS, ClaimedDerivative, judge

CLASSES = 5
TOLERANCE = 1e-4
"""Books add 1e-7 to what they take the logarithm of; no mistake is as small."""


class Loss(NamedTuple):
    """A loss as a function of scores and targets that returns its value and its gradient."""

    name: str
    root: object
    call: Callable[..., tuple[Any, Any]]
    masked: bool = False


class _Form(NamedTuple):
    """What a loss takes."""

    inputs: str
    targets: str
    shape: Shape


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


def as_loss(found: object) -> Loss | None:
    """Return an object or a function as a loss; None for what is none."""
    name = getattr(found, "__name__", type(found).__name__)
    if isinstance(found, FunctionType):
        names = list(signature(found).parameters)
        return Loss(name, found, found, "mask" in names) if _is_loss_function(found) else None
    if callable(getattr(found, "grad", None)) and callable(found) and not hasattr(found, "fprop"):
        grad: Any = found.grad  # type: ignore[attr-defined]

        def both(x: Array, t: Array) -> tuple[Any, Any]:
            return found(copied(x), t.copy()), grad(x, t)

        return Loss(name, found, both)
    forward, backward = (getattr(found, method, None) for method in ("forward", "backward"))
    if (
        callable(forward)
        and callable(backward)
        and len(positional(forward)) == 2
        and not positional(backward)[1:]
    ):

        def passes(x: Array, t: Array) -> tuple[Any, Any]:
            value = forward(x, t)
            return value, backward(*([1.0] if positional(backward) else []))

        return Loss(name, found, passes)
    return None


def _is_loss_function(found: FunctionType) -> bool:
    name = found.__name__.lower()
    named = any(word in name for word in ("loss", "entropy", "error", "mse", "hinge", "nll", "svm"))
    return named and len(positional(found)) in (2, 3) and "forward" not in name and "backward" not in name


def check_loss(loss: Loss, tolerance: float = 0.0) -> LossFound:
    """Check a loss; `UsageError` where it takes none of the inputs that are tried.

    ``tolerance`` is what numbers may be off, where it is more than `TOLERANCE`.
    """
    form = _form(loss)
    found = LossFound(form.shape[1:], int(np.prod(form.shape)), tolerance=max(TOLERANCE, tolerance))
    found.remarks.append(f"takes {form.inputs} and {form.targets}")
    for name, x, *targets in _situations(form, masked=loss.masked):
        with _held(loss), np.errstate(all="ignore"):
            _try(loss, name, x, targets, found)
    _check_value(loss, form, found)
    return found


def _form(loss: Loss) -> _Form:
    """Return the first form of inputs that gives a finite value and a gradient of the inputs' shape."""
    shapes: tuple[Shape, ...] = ((BATCH, CLASSES), (BATCH, 1), (BATCH,))
    shapes = ((BATCH, 2, CLASSES),) if loss.masked else shapes
    refusals: list[Exception] = []
    for shape, inputs, targets in product(
        shapes, ("scores", "probabilities"), ("labels", "one-hot targets", "real targets", "signs")
    ):
        if targets == "labels" and shape[-1] != CLASSES:
            continue
        form = _Form(inputs, targets, shape)
        _, x, *rest = next(_situations(form, masked=loss.masked))
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


def _situations(form: _Form, *, masked: bool) -> Iterator[tuple[Any, ...]]:
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


def _check_value(loss: Loss, form: _Form, found: LossFound) -> None:
    """Compare what is called a softmax cross-entropy with the definition."""
    name = loss.name.lower()
    if form.targets not in ("labels", "one-hot targets") or not any(
        w in name for w in ("softmax", "entropy")
    ):
        return
    if "binary" in name or form.shape[-1] == 1:
        return
    _, x, targets, *mask = next(_situations(form, masked=loss.masked))
    with _held(loss), np.errstate(all="ignore"):
        value = float(_called(loss, x.copy(), [targets, *mask])[0])
    labels = targets if form.targets == "labels" else targets.argmax(axis=-1)
    scores = x if form.inputs == "scores" else np.log(x)
    each = cross_entropy(scores.reshape(-1, CLASSES), labels.ravel())
    total = float((each * mask[0].ravel()).sum() if mask else each.sum())
    for words, expected in (("mean", total / len(x)), ("sum", total)):
        if abs(value - expected) <= found.tolerance * max(1, abs(expected)):
            found.remarks.append(f"value: cross-entropy, the {words} over the batch")
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
