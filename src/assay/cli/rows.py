"""What ``--format json`` and ``csv`` print for plans, seeds and layers: stable keys, numeric values."""

from collections.abc import Iterator
from dataclasses import asdict, fields
from math import prod

from assay.cli.formats import Row
from assay.data.outline import Outline
from assay.findings.seeds_needed import Need, SeedPlan
from assay.nn.network import Network
from assay.running.estimate import Estimate
from assay.running.pace import Basis
from assay.running.plan import Plan
from assay.testing.check import Check
from assay.testing.gradients import Mismatch
from assay.testing.situations import BATCH

ARM_COLUMNS = (
    "arm", "runs", "engine", "why", "rule", "batch_size", "epochs", "parameters", "flops",
    "steps_per_second", "seconds_per_run", "slowest_seconds_per_run", "memory",
)  # fmt: skip
NEED_COLUMNS = tuple(field.name for field in fields(Need))
CHECK_COLUMNS = (
    "layer", "passed", "batch", "entries", "wrong_gradients", "built_in", "differences", "note",
    "forward_seconds", "built_in_forward_seconds", "forward_backward_seconds",
    "built_in_forward_backward_seconds",
)  # fmt: skip


def arms(plan: Plan, estimate: Estimate) -> Iterator[Row]:
    """Yield a row per arm: its training, its network and the cost of a run, in seconds and bytes."""
    for cohort, cost in zip(plan.cohorts, estimate.cohorts, strict=True):
        recipe, network = cohort.recipe, cohort.network
        yield {
            "arm": cohort.arm.name,
            "levels": dict(cohort.arm.levels),
            "runs": cost.runs,
            "engine": cohort.engine.name,
            "why": cohort.why,
            "rule": recipe.optimizer.title,
            "batch_size": recipe.batch_size,
            "epochs": recipe.epochs,
            "parameters": network.parameter_count,
            "flops": network.flops,
            "flops_unknown": network.uncounted,
            "steps_per_second": cost.steps_per_second,
            "seconds_per_run": cost.seconds,
            "slowest_seconds_per_run": cost.slowest,
            "guessed": cost.basis is Basis.GUESS,
            "memory": cost.memory,
            "layers": list(layers(network)),
        }


def layers(network: Network) -> Iterator[Row]:
    """Yield a row per layer: its output shape, parameters, FLOPs and receptive field."""
    for node, field in zip(network.nodes, network.receptive_fields, strict=True):
        yield {
            "layer": node.name,
            "kind": node.layer.title,
            "output_shape": node.output_shape,
            "parameters": sum(prod(parameter.shape) for parameter in node.parameters.values()),
            "flops": None if node.uncounted else node.flops,
            "receptive_field": field if field[0] else None,
        }


def plan(found: Plan, sizes: Outline, estimate: Estimate) -> Row:
    """Return a plan as one object that contains its arms."""
    study = found.study
    data = asdict(sizes)
    del data["seconds"]
    return {
        "study": study.name,
        "question": study.question,
        "source": study.source or None,
        "control": study.control,
        "margin": study.margin / 100,
        "looks": study.looks,
        "seeds": study.seeds,
        "runs": len(found.runs),
        "data": {"source": study.data.source, **data},
        "workers": estimate.workers,
        "seconds": estimate.seconds,
        "slowest_seconds": estimate.slowest,
        "parts": estimate.parts,
        "load": estimate.load,
        "memory": estimate.memory,
        "code": dict(study.code),
        "checks": [asdict(check) for check in found.checks],
        "arms": list(arms(found, estimate)),
    }


def seeds(found: SeedPlan, cost: Estimate, own: int, pilot: str | None) -> Row:
    """Return the seeds that a study needs as one object with its comparisons; ``own`` is how many it has."""
    return {
        "difference": found.difference,
        "power": found.power,
        "margin": found.margin,
        "alpha": found.alpha,
        "seeds": found.seeds,
        "equivalent_seeds": found.equivalent,
        "own_seeds": own,
        "own_detectable": found.detectable(own) if own > 1 else None,
        "runs": sum(cohort.runs for cohort in cost.cohorts),
        "workers": cost.workers,
        "seconds": cost.seconds,
        "slowest_seconds": cost.slowest,
        "pilot": pilot,
        "pilot_changed": found.changed,
        "comparisons": [asdict(need) for need in found.needs],
    }


def check(found: Check) -> Row:
    """Return the findings of a check; times are medians in seconds."""
    compared = found.comparison
    forward = compared.forward if compared else (None, None)
    both = compared.forward_backward if compared else (None, None)
    wrong, differences = found.mismatches, compared.differences if compared else ()
    medians = [timing.median if timing else None for timing in (*forward, *both)]
    return {
        "layer": found.name,
        "passed": found.passed,
        "input_shape": found.input_shape,
        "batch": BATCH,
        "entries": found.entries,
        "wrong_gradients": len(wrong),
        "gradients": list(map(_mismatch, wrong)),
        "built_in": type(compared.built_in).__name__ if compared else None,
        "differences": len(differences) if compared else None,
        "numbers": list(map(_mismatch, differences)),
        "turns": dict(compared.turns) if compared else {},
        "note": found.note or None,
        **dict(zip(CHECK_COLUMNS[-4:], medians, strict=True)),
    }


def _mismatch(found: Mismatch) -> Row:
    return {field.name: getattr(found, field.name) for field in fields(found)}
