"""A layer tried with maps, vectors or sequences: for which shapes it is right, and for which not."""

from dataclasses import replace
from functools import partial

from assay.errors import AssayError, UsageError
from assay.nn.coursework.adapter import modes_checked
from assay.nn.layer import Layer
from assay.nn.returned import expect_output
from assay.nn.trial import trial_values
from assay.shapes import Shape, text
from assay.testing.fitting import candidates, is_refusal, odd_sizes
from assay.testing.probing import Probe, probe
from assay.testing.situations import BATCH, RANDOM, situations
from assay.testing.source import words
from assay.testing.subject import Subject

MOST_TRIED = 4
"""How many shapes of maps, and of vectors, are gone through where backward fails."""


def probes_of(subject: Subject, asked: Shape | None) -> tuple[list[Probe], list[str]]:
    """Return the probes of all shapes for which the layer is right, or else of one for which it is wrong.

    Also in words, for which shapes it is not right though it was tried with them. One for which plain random
    inputs are right and others wrong is no matter of shapes: the layer is wrong.
    """
    if asked:
        return [_probe(subject, asked)], []
    right: list[Probe] = []
    wrong: list[Probe] = []
    failed: list[tuple[Shape, AssayError]] = []
    kinds = _shapes_that_fit(subject)
    for shapes in kinds:
        for shape in shapes[:MOST_TRIED]:
            try:
                found = _probe(subject, shape, locate=len(kinds) == 1)
            except AssayError as error:
                if isinstance(error.__cause__, NotImplementedError):
                    raise
                failed.append((shape, error))
                continue
            (wrong if found.mismatches else right).append(found)
            break
    if not right and not wrong:
        raise failed[0][1]
    decisive = [each for each in wrong if each.mismatches[0].situation != RANDOM] if right else wrong
    if decisive:
        return decisive[:1] if len(kinds) == 1 else [_probe(subject, decisive[0].shape)], []
    misfits = [f"not right for an input of {text(each.shape)}: {each.mismatches[0]}" for each in wrong]
    misfits += [f"not for an input of {text(shape)}: {error}" for shape, error in failed]
    return right, misfits


def _probe(subject: Subject, shape: Shape, *, locate: bool = True) -> Probe:
    layer, modes = subject.layer, modes_checked(subject.layer)
    once = partial(probe, layer, modes=modes, locate=locate, tolerance=subject.tolerance)
    with subject.blamed(shape):
        _check_forward(layer, shape)
        found = once(shape)
    for odd in odd_sizes(layer, shape, subject.settings):
        if found.mismatches or not _fits(layer, odd):
            continue
        with subject.blamed(odd):
            other = once(odd, quick=True)
        found.tried.append(f"an input of {text(odd)}")
        found.mismatches += [replace(each, situation=f"an input of {text(odd)}") for each in other.mismatches]
    return found


def _fits(layer: Layer, shape: Shape) -> bool:
    try:
        return min(layer.output_shape(shape), default=1) >= 1
    except Exception:
        return False


def _shapes_that_fit(subject: Subject) -> list[list[Shape]]:
    """Return the shapes of maps that fit, and of vectors, or else of sequences; likely ones first."""
    layer, where, path = subject.layer, subject.where, subject.path
    found: list[list[Shape]] = []
    refusals: list[Exception] = []
    tried: list[Shape] = []
    for kind, shapes in candidates(layer, subject.settings).items():
        if kind == "sequences" and found:
            break
        fitting: list[Shape] = []
        for shape in shapes:
            tried.append(shape)
            try:
                if min(layer.output_shape(shape), default=1) >= 1:
                    fitting.append(shape)
            except NotImplementedError as error:
                raise UsageError(f"{where}: {words(error, path)}") from error
            except Exception as error:  # a user's code may raise anything for a shape that does not fit
                refusals.append(error)
        if fitting:
            found.append(fitting)
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
    """Refuse what is not a layer at all before derivatives are taken."""
    found = layer.forward(trial_values(layer, shape), next(iter(situations(shape))).x.copy())
    expect_output(found, (BATCH, *layer.output_shape(shape)))
