"""A check in words, a line each."""

from collections.abc import Iterator
from dataclasses import fields

from assay.bench.clock import Timing
from assay.nn.layer import Layer
from assay.shapes import text
from assay.testing.check import Check
from assay.testing.comparison import SPEED_BATCH, LayerComparison
from assay.testing.gradients import Mismatch
from assay.testing.situations import BATCH


def lines(check: Check) -> list[str]:
    """Return what a check found, the most important first."""
    found = [f"{check.name}{_input(check)}"]
    if check.mismatches:
        found += ["gradients: wrong", *_mismatches(check)]
    elif check.kind == "rule":
        found += [] if check.faults else [f"steps: right, {check.entries} agree"]
    else:
        but = f", but {' and '.join(check.writes)}" if check.writes else ""
        found.append(f"gradients: right{but}, {check.entries:,} entries agree with central differences")
    found += [f"wrong: {fault}" for fault in check.faults]
    if check.writes and (check.mismatches or check.kind == "rule"):
        found += [f"  {written}" for written in check.writes]
    found += [f"note: {remark}" for remark in check.remarks]
    if check.kind != "layer":
        return found
    if check.comparison is None:
        return [*found, f"built-in: {check.note}"]
    return [*found, *_compared(check.comparison)]


def _input(check: Check) -> str:
    if check.kind == "layer":
        return f", input {text(check.input_shape)}, batch of {BATCH}"
    return f", a {'learning rule' if check.kind == 'rule' else 'loss'}"


def _mismatches(check: Check) -> Iterator[str]:
    for mismatch in check.mismatches:
        yield f"  {mismatch}"
        if mismatch.guess:
            yield f"    perhaps: {mismatch.guess}"


def _compared(comparison: LayerComparison) -> list[str]:
    name = type(comparison.built_in).__name__
    turns = [f"{argument} {turn}" for argument, turn in comparison.turns.items()]
    turned = f", with {', '.join(turns)}" if turns else ""
    found = [f"built-in: {_built_in(comparison.built_in)}"]
    if comparison.differences:
        found += [f"  {_difference(difference, name)}" for difference in comparison.differences]
    else:
        found.append(f"  forward and backward give the same numbers{turned}")
    return [
        *found,
        f"speed on a batch of {SPEED_BATCH}:",
        f"  forward {_speed(comparison.forward, name)}",
        f"  forward and backward {_speed(comparison.forward_backward, name)}",
    ]


def _built_in(layer: Layer) -> str:
    """Write a layer as the call that makes it, without what is default anyway."""
    given = (
        f"{field.name}={getattr(layer, field.name)!r}"
        for field in fields(layer)  # type: ignore[arg-type]
        if field.init and getattr(layer, field.name) != field.default
    )
    return f"{type(layer).__name__}({', '.join(given)})"


def _difference(found: Mismatch, name: str) -> str:
    place = ", ".join(str(i) for i in found.index)
    return (
        f"{found.argument}[{place}] is {found.found:.6g}, {name} gives {found.expected:.6g}; "
        f"{found.wrong} of {found.entries} entries differ"
    )


def _speed(times: tuple[Timing, Timing], name: str) -> str:
    theirs, ours = (timing.median for timing in times)
    return f"{theirs * 1e3:.3g} ms, {name} {ours * 1e3:.3g} ms: {theirs / ours:.2g} times as long"
