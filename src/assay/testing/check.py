"""The check itself: gradients by differences in many situations, then the built-in of the same kind."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from inspect import isclass
from pathlib import Path
from typing import Any

import numpy as np

from assay.errors import AssayError, ShapeError, UsageError
from assay.nn.coursework.adapter import modes_checked
from assay.nn.layer import Layer
from assay.shapes import Shape, text
from assay.testing import Mismatch
from assay.testing.comparison import LayerComparison, compare_layers
from assay.testing.counterpart import counterpart, kind_of
from assay.testing.fitting import candidates, is_refusal, odd_sizes
from assay.testing.learning_rules import as_rule, as_stepping_rule, check_rule
from assay.testing.losses import as_loss, check_loss
from assay.testing.modules import importable
from assay.testing.probing import Probe, draw, probe
from assay.testing.randomness import modes
from assay.testing.situations import BATCH, RANDOM, situations
from assay.testing.source import as_layer, assumed, blamed, load, make, of_functions, split, words


@dataclass(frozen=True)
class Check:
    """What is known of a layer, a loss or a learning rule after the check."""

    name: str
    input_shape: Shape
    entries: int
    """How many entries of gradients were compared with differences."""
    mismatches: tuple[Mismatch, ...] = ()
    """The first wrong entry of each argument whose gradient is wrong: x, then the parameters in order."""
    comparison: LayerComparison | None = None
    note: str = ""
    """Why there is no comparison."""
    kind: str = "layer"
    """``layer``, ``loss`` or ``rule``."""
    faults: tuple[str, ...] = ()
    """What else is wrong: evaluation beside training, a loss's value, a rule's steps."""
    writes: tuple[str, ...] = ()
    """What it writes into of that which it is handed: "backward writes into its upstream gradient"."""
    remarks: tuple[str, ...] = ()
    """What is to be known though it is not wrong: overflows, randomness, shapes that do not fit."""
    arguments: tuple[str, ...] = ("x",)
    """Whose gradients were checked: x, then the parameters; empty for a learning rule."""
    situations: tuple[str, ...] = ()
    """With which inputs it was tried."""

    @property
    def passed(self) -> bool:
        """Whether the arithmetic is right and, where compared, the numbers are those of the built-in."""
        differs = self.comparison is not None and bool(self.comparison.differences)
        return not self.mismatches and not self.faults and not differs


def check(
    target: str,
    against: str | None = None,
    input_shape: Shape | None = None,
    settings: Mapping[str, Any] | None = None,
    tolerance: float = 0.0,
) -> Check:
    """Check what ``target``, ``PATH.py:Name``, names: a class or a function.

    A layer is a subclass of `assay.nn.Layer`, has ``fprop`` and ``bprop`` or
    ``forward`` and ``backward``, or is a function forward beside its backward.
    A loss has a value and a gradient, a learning rule updates parameters
    (``assay.testing.losses``, ``assay.testing.learning_rules``). ``settings`` are the
    constructor's arguments. A layer is compared with the built-in called
    ``against``, or with that of the same name if there is one. Without an
    ``input_shape`` several small ones are tried, of maps and of vectors. ``tolerance`` is how far numbers
    may be off, relative to the largest, where that is more than rounding explains.

    Raises an `AssayError` of one line for a file or class that is not there,
    and for whatever the user's code raises.
    """
    path, name = split(target)
    where, given = f"{path}:{name}", dict(settings or {})
    with importable(path):
        found = load(path, name)
        if isclass(found) and (stepping := as_stepping_rule(found, given)) is not None:
            with blamed(where, path):
                return _of_rule(name, stepping, given, tolerance)
        guesses = assumed(found, given) if isclass(found) else {}
        given = {**guesses, **given}
        of = make if isclass(found) else of_functions
        made = of(found, given, where, path)
        with blamed(where, path):
            if (rule := as_rule(made)) is not None:
                return _of_rule(name, rule, given, tolerance)
            if (loss := as_loss(made)) is not None:
                return _of_loss(name, loss, tolerance)
        layer = as_layer(made, where)
        result = check_layer(layer, name, against, input_shape, given, path=path, tolerance=tolerance)
        notes = [f"{key}={value} was assumed (give --set {key}=VALUE)" for key, value in guesses.items()]
        return replace(result, remarks=(*notes, *result.remarks))


def check_layer(
    layer: Layer,
    name: str,
    against: str | None = None,
    input_shape: Shape | None = None,
    settings: Mapping[str, Any] | None = None,
    *,
    path: Path | None = None,
    tolerance: float = 0.0,
) -> Check:
    """Check a layer that is there already; `check` says how."""
    where = f"{path}:{name}" if path else name
    probes, misfits = _probes(layer, input_shape, settings or {}, where, path, tolerance)
    found = probes[0]
    shape = found.shape
    with blamed(f"{where}, input {text(shape)}, batch of {BATCH}", path):
        mode = modes(layer, shape)
        if mode.random and not against:
            comparison, note = None, "not compared: what it draws is its own"
        else:
            comparison, note = _compared(layer, name, against, shape, settings or {}, tolerance)
        mismatches = tuple(
            replace(each, situation="") if each.situation == RANDOM else each for each in found.mismatches
        )
    remarks = [*found.remarks, *mode.remarks, *misfits]
    if mode.random:
        remarks.insert(0, "random: checked with what it draws held still")
    writes, tried = (tuple(dict.fromkeys(i for each in probes for i in items(each))) for items in (_w, _t))
    return Check(
        name,
        shape,
        found.entries,
        mismatches,
        comparison,
        note,
        faults=mode.faults,
        writes=writes,
        remarks=tuple(dict.fromkeys(remarks)),
        arguments=("x", *layer.parameters(shape)),
        situations=tried,
    )


def _w(found: Probe) -> list[str]:
    return list(found.writes)


def _t(found: Probe) -> list[str]:
    return found.tried


def _probes(
    layer: Layer,
    asked: Shape | None,
    settings: Mapping[str, Any],
    where: str,
    path: Path | None,
    tolerance: float,
) -> tuple[list[Probe], list[str]]:
    """Return the probes of all shapes for which the layer is right, or else of one for which it is wrong.

    Also in words, for which shapes it is not right though it was tried with them.
    """
    once = partial(_probe, layer, settings=settings, where=where, path=path, tolerance=tolerance)
    if asked:
        return [once(asked)], []
    right: list[Probe] = []
    wrong: list[Probe] = []
    failed: list[tuple[Shape, AssayError]] = []
    shapes = _shapes_that_fit(layer, settings, where, path)
    for shape in shapes:
        try:
            found = once(shape, locate=len(shapes) == 1)
        except AssayError as error:
            if isinstance(error.__cause__, NotImplementedError):
                raise
            failed.append((shape, error))
            continue
        (wrong if found.mismatches else right).append(found)
    if not right and not wrong:
        raise failed[0][1]
    if not right:
        first = wrong[0].shape
        return wrong[:1] if len(shapes) == 1 else [once(first)], []
    misfits = [f"not right for an input of {text(each.shape)}: {each.mismatches[0]}" for each in wrong]
    misfits += [f"not for an input of {text(shape)}: {error}" for shape, error in failed]
    return right, misfits


def _probe(
    layer: Layer,
    shape: Shape,
    settings: Mapping[str, Any],
    where: str,
    path: Path | None,
    tolerance: float,
    *,
    locate: bool = True,
) -> Probe:
    with blamed(f"{where}, input {text(shape)}, batch of {BATCH}", path):
        _check_forward(layer, shape)
        found = probe(layer, shape, modes_checked(layer), locate=locate, tolerance=tolerance)
    for odd in odd_sizes(layer, shape, settings):
        if found.mismatches or not _fits(layer, odd):
            continue
        with blamed(f"{where}, input {text(odd)}, batch of {BATCH}", path):
            other = probe(layer, odd, modes_checked(layer), quick=True, locate=locate, tolerance=tolerance)
        found.tried.append(f"an input of {text(odd)}")
        found.mismatches += [replace(each, situation=f"an input of {text(odd)}") for each in other.mismatches]
    return found


def _fits(layer: Layer, shape: Shape) -> bool:
    try:
        return min(layer.output_shape(shape), default=1) >= 1
    except Exception:
        return False


def _shapes_that_fit(layer: Layer, settings: Mapping[str, Any], where: str, path: Path | None) -> list[Shape]:
    """Return one shape of maps and one of vectors, as far as the layer takes any."""
    found: list[Shape] = []
    refusals: list[Exception] = []
    tried: list[Shape] = []
    for shapes in candidates(layer, settings).values():
        for shape in shapes:
            tried.append(shape)
            try:
                if min(layer.output_shape(shape), default=1) >= 1:
                    found.append(shape)
                    break
            except NotImplementedError as error:
                raise UsageError(f"{where}: {words(error, path)}") from error
            except Exception as error:  # a user's code may raise anything for a shape that does not fit
                refusals.append(error)
    if found:
        return found
    own = next((error for error in refusals if not is_refusal(error)), None)
    if own:
        raise UsageError(f"{where}: {words(own, path)}") from own
    reason = f"; the first ended in {words(refusals[0], path)}" if refusals else ""
    listed = ", ".join(text(shape) for shape in tried)
    raise UsageError(
        f"{where}: takes none of the inputs {listed}{reason} (give its own with --input-shape C,H,W)"
    )


def _check_forward(layer: Layer, shape: Shape) -> None:
    """Refuse what is no layer at all before derivatives are taken."""
    expected = (BATCH, *layer.output_shape(shape))
    found: Any = layer.forward(draw(layer, shape), next(iter(situations(shape))).x.copy())
    if not isinstance(found, tuple) or len(found) != 2:
        raise ShapeError(f"forward must return (y, cache); got {type(found).__name__}")
    y: Any = found[0]
    if not isinstance(y, np.ndarray) or y.shape != expected:
        shown = text(y.shape) if isinstance(y, np.ndarray) else type(y).__name__
        raise ShapeError(f"forward gives {shown} for a batch of {BATCH}, output_shape says {text(expected)}")


def _compared(
    layer: Layer,
    name: str,
    against: str | None,
    shape: Shape,
    settings: Mapping[str, Any],
    tolerance: float,
) -> tuple[LayerComparison | None, str]:
    kind = against or kind_of(name)
    if kind is None:
        return None, "no built-in layer has its name (give --against NAME to choose one)"
    try:
        built_in = counterpart(kind, layer, shape, settings)
        return compare_layers(layer, built_in, shape, BATCH, tolerance), ""
    except AssayError as error:
        if against:
            raise
        return None, f"not compared with {kind}: {error}"


def _of_loss(name: str, loss: Any, tolerance: float) -> Check:
    found = check_loss(loss, tolerance)
    return Check(
        name,
        found.shape,
        found.entries,
        tuple(found.mismatches),
        kind="loss",
        faults=tuple(found.faults),
        writes=tuple(found.writes),
        remarks=tuple(found.remarks),
    )


def _of_rule(name: str, rule: Any, settings: Mapping[str, Any], tolerance: float) -> Check:
    found = check_rule(name, rule, settings, tolerance)
    return Check(
        name,
        found.shape,
        found.steps,
        kind="rule",
        arguments=(),
        faults=tuple(found.faults),
        writes=tuple(found.writes),
        remarks=tuple(found.remarks),
    )
