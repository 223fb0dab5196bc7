"""The check itself: gradients by differences in many situations, then the built-in of the same kind."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from inspect import isclass
from typing import Any

import numpy as np

from assay.errors import AssayError
from assay.nn.trial import trial_values
from assay.optim.rule_styles import as_rule, as_stepping_rule
from assay.shapes import Shape
from assay.testing.comparison import LayerComparison, compare_layers
from assay.testing.counterpart import counterpart, kind_of
from assay.testing.gradients import Mismatch
from assay.testing.learning_rules import check_rule
from assay.testing.loss_styles import as_loss
from assay.testing.losses import check_loss
from assay.testing.modules import importable
from assay.testing.randomness import modes
from assay.testing.situations import BATCH, RANDOM
from assay.testing.source import as_layer, assumed, blamed, load, make, of_functions, split
from assay.testing.subject import Subject
from assay.testing.succession import faults_in_succession
from assay.testing.trying import probes_of
from assay.training.nondecreasing import false_claim


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
    """What else is wrong: evaluation beside training, ``nondecreasing``, a loss's value, a rule's steps."""
    writes: tuple[str, ...] = ()
    """Which of its arguments it writes into: "backward writes into its upstream gradient"."""
    remarks: tuple[str, ...] = ()
    """What is worth knowing but not wrong: overflows, randomness, shapes that do not fit."""
    arguments: tuple[str, ...] = ("x",)
    """Whose gradients were checked: x, then the parameters; empty for a learning rule."""
    situations: tuple[str, ...] = ()
    """The inputs with which it was tried, in words."""

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
    with importable(path), np.errstate(all="ignore"):
        found = load(path, name)
        if isclass(found) and (stepping := as_stepping_rule(found, given)) is not None:
            with blamed(where, path):
                return _of_rule(name, stepping, given, tolerance)
        guesses = assumed(found, given) if isclass(found) else {}
        given = {**guesses, **given}
        of = make if isclass(found) else of_functions
        made = of(found, given, where, path)
        with blamed(where, path):
            if (rule := as_rule(made, given)) is not None:
                return _of_rule(name, rule, given, tolerance)
            if (loss := as_loss(made)) is not None:
                return _of_loss(name, loss, tolerance)
        layer = as_layer(made, where)
        result = check_subject(Subject(layer, name, given, path, tolerance), against, input_shape)
        notes = [f"{key}={value} was assumed (give --set {key}=VALUE)" for key, value in guesses.items()]
        return replace(result, remarks=(*notes, *result.remarks))


def check_subject(subject: Subject, against: str | None = None, input_shape: Shape | None = None) -> Check:
    """Check a layer that has been made; `check` says how."""
    layer, name = subject.layer, subject.name
    probes, misfits = probes_of(subject, input_shape)
    found = probes[0]
    shape = found.shape
    with subject.blamed(shape):
        mode = modes(layer, shape, name)
        values = trial_values(layer, shape)
        later = () if found.mismatches else tuple(faults_in_succession(layer, shape, values))
        claims = filter(None, [false_claim(layer, shape)])
        if mode.random and not against:
            comparison, note = None, "not compared: what it draws is its own"
        else:
            comparison, note = _compared(subject, against, shape)
        mismatches = tuple(
            replace(each, situation="") if each.situation == RANDOM else each for each in found.mismatches
        )
    remarks = [*found.remarks, *mode.remarks, *misfits]
    if mode.random:
        remarks.insert(0, "random: checked with what it draws held still")
    return Check(
        name,
        shape,
        found.entries,
        mismatches,
        comparison,
        note,
        faults=(*mode.faults, *later, *claims),
        writes=tuple(dict.fromkeys(each for probe in probes for each in probe.writes)),
        remarks=tuple(dict.fromkeys(remarks)),
        arguments=("x", *layer.parameters(shape)),
        situations=tuple(dict.fromkeys(each for probe in probes for each in probe.tried)),
    )


def _compared(subject: Subject, against: str | None, shape: Shape) -> tuple[LayerComparison | None, str]:
    layer, kind = subject.layer, against or kind_of(subject.name)
    if kind is None:
        return None, "no built-in layer has its name (give --against NAME to choose one)"
    try:
        built_in = counterpart(kind, layer, shape, subject.settings)
        return compare_layers(layer, built_in, shape, BATCH, subject.tolerance), ""
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
