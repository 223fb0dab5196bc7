"""Learning rules in the styles of courses: their path beside that of the definition, step by step.

Which rule it is, its name says (Adam, RMSprop, momentum, ...); its numbers are read off its attributes or
settings. The styles are those of `assay.optim.rule_styles`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from assay.nn.coursework.remembered import Snapshot, undisturbed
from assay.optim.rule_styles import Starter
from assay.shapes import Array, Shape
from assay.streams import stream
from assay.testing.formulas import Formula
from assay.testing.rule_kinds import TITLES, accepted, formulas, kind_of, mistaken

STEPS = 8
SHAPES: tuple[Shape, ...] = ((3, 4), (5,))
TOLERANCE = 1e-8
"""How far a step may be off, relative to the largest step."""


@dataclass
class RuleFound:
    """What was found of a learning rule."""

    shape: Shape
    steps: int
    faults: list[str] = field(default_factory=list)
    writes: dict[str, None] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


class _Path(NamedTuple):
    grads: list[list[Array]]
    points: list[list[Array]]
    memory: list[dict[str, Array]]
    numbers: Mapping[str, Any]


def check_rule(name: str, start: Starter, settings: Mapping[str, Any], tolerance: float = 0.0) -> RuleFound:
    """Follow a rule for some steps; `UsageError` where its name does not say which it is.

    ``tolerance`` is what a step may be off, where it is more than `TOLERANCE`.
    """
    found = RuleFound(SHAPES[0], STEPS)
    kind_of(name)
    path = _follow(start, found)
    said = {**path.numbers, **settings}
    kind = kind_of(name, said)
    if all(np.array_equal(a, b) for a, b in zip(path.points[0], path.points[-1], strict=True)):
        found.faults.append(f"the parameters do not move in {STEPS} steps")
        return found
    best: tuple[int, str] = (-1, "")
    for rule in formulas(kind, said):
        for words, form in accepted(rule, said):
            parts = _parts(path, form, tolerance)
            if parts is None:
                found.remarks.append(f"the steps are those of {TITLES[kind]}{f', {words}' if words else ''}")
                return found
            best = max(best, parts, key=lambda pair: pair[0])
    found.faults.append(f"{best[1]}{_mistake(path, kind, said)}")
    return found


def _gradients() -> list[list[Array]]:
    """Return gradients of several sizes, zero among them, because each shows another slip."""
    sizes = [1.0, 0.5, 1e-3, 0.0, 2.0, 1e-5, 1.0, 0.1][:STEPS]
    return [
        [size * stream(t, "gradient", str(i)).normal(size=shape) for i, shape in enumerate(SHAPES)]
        for t, size in enumerate(sizes)
    ]


def _follow(start: Starter, found: RuleFound) -> _Path:
    params: list[Array] = [stream(0, "theta", str(i)).normal(size=shape) for i, shape in enumerate(SHAPES)]
    first: list[Array] = [value.copy() for value in params]
    probe = start([value.copy() for value in first])
    grads = _gradients()
    with undisturbed(probe.root):
        update = start(params)
        points: list[list[Array]] = [first]
        memory: list[dict[str, Array]] = []
        for each in grads:
            given: list[Array] = [grad.copy() for grad in each]
            points.append([np.array(value) for value in update.step(given)])
            memory.append(Snapshot(update.root).numbers())
            if any(not np.array_equal(a, b) for a, b in zip(given, each, strict=True)):
                found.writes["writes into its gradients"] = None
        return _Path(grads, points, memory, dict(update.numbers()))


def _parts(path: _Path, rule: Formula, tolerance: float = 0.0) -> tuple[int, str] | None:
    """Return at which step a path parts from the rule's, and that in words; None where it does not."""
    slots: list[dict[str, Array]] = [{} for _ in SHAPES]
    for t, each in enumerate(path.grads, start=1):
        for i, grad in enumerate(each):
            before, after = path.points[t - 1][i], path.points[t][i]
            expected, step = rule.step(grad, slots[i], t, before), before - after
            size = max(float(np.abs(expected).max()), rule.lr * 1e-6)
            room = max(TOLERANCE, tolerance) * size + 1e-13
            if not (np.abs(step - expected) <= room).all():
                index = np.unravel_index(np.argmax(np.abs(step - expected)), step.shape)
                return t, (
                    f"parts from {TITLES[rule.kind]} at step {t}: theta falls by {step[index]:.6g}, "
                    f"by the definition {expected[index]:.6g}{_quantities(path.memory[t - 1], slots[0])}"
                )
    return None


def _quantities(memory: Mapping[str, Array], slots: Mapping[str, Array]) -> str:
    """Say which of the remembered quantities are as they should be, where any is."""
    agree = [
        name
        for name, value in slots.items()
        if any(
            m.shape == value.shape and np.allclose(m, value, rtol=1e-9, atol=1e-15) for m in memory.values()
        )
    ]
    if not agree:
        return ""
    differ = [name for name in slots if name not in agree]
    return f" (its {' and '.join(agree)} agree{f', its {differ[0]} not' if differ else ''})"


def _mistake(path: _Path, kind: str, said: Mapping[str, Any]) -> str:
    for rule in formulas(kind, said):
        for words, form in mistaken(rule, said):
            if _parts(path, form) is None:
                return f": {words}"
    return ""
