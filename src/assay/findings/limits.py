"""What the data of a study cannot say: a code for each limit, with the numbers that its sentence takes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from assay.findings.arms import ArmRow
from assay.findings.effects import Effect
from assay.findings.factorial import factorial_of, has_factors
from assay.findings.interim import first_look
from assay.findings.stopping import stopping_of
from assay.records.runs import THEN
from assay.stats import Comparison, Family, Note, Verdict, never_seen_bound
from assay.store.readout import Readout
from assay.study.as_published import unlike_source
from assay.study.module_family import Module
from assay.study.own_references import references


class LimitCode(StrEnum):
    """Every limit that a report may state, most serious first."""

    INTERIM = "interim"
    EXTENDED = "extended"
    LOOKS = "looks"
    EARLY_LOOK = "early look"
    BEYOND_LOOK = "beyond look"
    IMPORTED = "imported"
    SYNTHETIC = "synthetic"
    UNCHECKED = "unchecked"
    OWN_CODE = "own code"
    OTHER_IMAGES = "other images"
    UNLIKE_SOURCE = "unlike source"
    DOUBTFUL = "doubtful"
    FAILING = "failing"
    DIVERGED = "diverged"
    ERROR = "error"
    STUCK = "stuck"
    INCONCLUSIVE = "inconclusive"
    ONE_SEED = "one seed"
    TWO_SEEDS = "two seeds"
    FEW_SEEDS = "few seeds"
    NO_FACTORS = "no factors"
    RARE_FAILURES = "rare failures"
    NOTE = "note"
    SCOPE = "scope"
    GROUPS = "groups"
    FRAGILE = "fragile"
    MAXIMUM = "maximum"
    OPTIMISTIC = "optimistic"
    EARLY_STOPPING = "early stopping"
    COMPUTED_MEMORY = "computed memory"
    MODULES = "modules"
    PROCESSORS = "processors"
    TIMES = "times"


@dataclass(frozen=True)
class Limit:
    """One limit: its code, and what `assay.findings.wording.limit_words` needs to say it, by name."""

    code: LimitCode
    numbers: Mapping[str, Any]


def limits(
    results: Readout, arms: Sequence[ArmRow], family: Family | None, effects: Sequence[Effect]
) -> list[Limit]:
    """Return the limits of what has been found, most serious first."""
    found = [
        *_progress(results), *_images(results), *_failing(results, arms, effects), *_open(results, effects),
        *_rare(arms, effects, results.confidence), *_notes(effects), *_scope(results, effects),
        *_maximum(family), *_costs(results, arms),
    ]  # fmt: skip
    order = list(LimitCode)
    return sorted(found, key=lambda limit: order.index(limit.code))


def _limit(code: LimitCode, **numbers: Any) -> Limit:
    return Limit(code, numbers)


def _progress(results: Readout) -> Iterator[Limit]:
    """Yield the limits due to when seeds were chosen and looked at."""
    study, look = results.study, results.look
    if not results.complete:
        yield _limit(LimitCode.INTERIM, done=results.done, total=results.total, first_look=first_look(study))
    if study.parent is not None:
        yield _limit(LimitCode.EXTENDED, parent=study.parent)
    if results.unchecked:
        yield _limit(LimitCode.UNCHECKED, found=results.unchecked)
    if study.code:
        classes = sorted(set(references((study.base, study.factors))))
        yield _limit(LimitCode.OWN_CODE, classes=classes)
    if look is None:
        return
    yield _limit(LimitCode.LOOKS, look=look)
    if not look.last:
        yield _limit(LimitCode.EARLY_LOOK)
    beyond = sum(run.status.ended for run in results.store.runs()) - results.done
    if beyond:
        yield _limit(LimitCode.BEYOND_LOOK, runs=beyond)


def _images(results: Readout) -> Iterator[Limit]:
    """Yield the limits due to the images, and to the source having used others."""
    study, synthetic = results.study, results.header.synthetic
    if study.imported:
        yield _limit(LimitCode.IMPORTED, reading=study.source)
    if synthetic:
        yield _limit(LimitCode.SYNTHETIC)
    if study.data.groups is not None:
        yield _limit(LimitCode.GROUPS, groups=study.data.groups)
    if study.published and not synthetic:
        yield _limit(LimitCode.OTHER_IMAGES)
    unlike = unlike_source(study)
    if unlike and (study.published or study.claims):
        yield _limit(LimitCode.UNLIKE_SOURCE, how=unlike)
    for arm, row in study.published.items():
        if "doubt" in row:
            yield _limit(LimitCode.DOUBTFUL, arm=arm, why=row["doubt"])


def _failing(results: Readout, arms: Sequence[ArmRow], effects: Sequence[Effect]) -> Iterator[Limit]:
    """Yield which runs failed and, for several comparisons, how often (for one, the answer says so)."""
    for effect in effects if len(effects) > 1 else ():
        if effect.pair.failures.any:
            yield _limit(LimitCode.FAILING, pair=effect.pair)
    for arm in arms:
        if arm.diverged:
            yield _limit(LimitCode.DIVERGED, arm=arm)
        if arm.failed:
            yield _limit(LimitCode.ERROR, arm=arm)
        if arm.stuck:
            run = next(run for run in results.of(arm.name) if run.stuck)
            yield _limit(LimitCode.STUCK, arm=arm, seed=run.seed, why=run.message)


def _open(results: Readout, effects: Sequence[Effect]) -> Iterator[Limit]:
    """Yield what is not decided, or cannot be with so few seeds."""
    if any(effect.pair.judgement.verdict is Verdict.INCONCLUSIVE for effect in effects):
        yield _limit(LimitCode.INCONCLUSIVE)
    n = len(results.study.seeds)
    if n <= 2:
        yield _limit(LimitCode.ONE_SEED if n == 1 else LimitCode.TWO_SEEDS)
    elif n < 10 and effects:
        yield _limit(LimitCode.FEW_SEEDS, n=n)
    if results.complete and has_factors(results.study) and factorial_of(results) is None:
        yield _limit(LimitCode.NO_FACTORS)


def _rare(arms: Sequence[ArmRow], effects: Sequence[Effect], sure: float) -> Iterator[Limit]:
    """Yield how often runs may fail without one of so few having failed."""
    whole = [arm.ended for arm in arms if arm.ended and not arm.failures]
    if effects and whole:
        bound = never_seen_bound(min(whole), confidence=sure)
        yield _limit(LimitCode.RARE_FAILURES, runs=min(whole), bound=bound, sure=sure)


def _notes(effects: Sequence[Effect]) -> Iterator[Limit]:
    """Yield the comparisons' notes, in the order of `Note`, once for all that share a note."""
    found: dict[tuple[Note, int], list[tuple[str, Comparison]]] = {}
    for effect in effects:
        c = effect.pair.comparison
        for note in c.notes if effect.pair.interval else ():
            # The one note whose sentence names the number of seeds.
            seeds = c.n if note is Note.SIGN_FLIP_FLOOR else 0
            found.setdefault((note, seeds), []).append((effect.name, c))
    order = list(Note)
    for (note, _), noted in sorted(found.items(), key=lambda item: order.index(item[0][0])):
        where = [] if len(noted) == len(effects) else [name for name, _ in noted]
        yield _limit(LimitCode.NOTE, note=note, of=noted[0][1], where=where, several=len(effects) > 1)


def _scope(results: Readout, effects: Sequence[Effect]) -> Iterator[Limit]:
    if not any(effect.interval for effect in effects):
        return
    crossed = any(effect.crossed for effect in effects)
    per_seed = results.study.data.per_seed
    yield _limit(LimitCode.SCOPE, images=results.test_images, crossed=crossed, per_seed=per_seed)
    fragile = [effect.name for effect in effects if _only_on_these_images(effect)]
    if fragile:
        yield _limit(LimitCode.FRAGILE, where=[] if len(effects) == 1 else fragile)


def _only_on_these_images(effect: Effect) -> bool:
    """Whether seeds distinguish the arms, but possibly only on this finite test set."""
    told_apart = effect.pair.judgement.verdict in (Verdict.BETTER, Verdict.WORSE)
    if effect.crossed is None or not told_apart:
        return False
    low, high = effect.crossed.interval
    return low <= 0 <= high


def _maximum(family: Family | None) -> Iterator[Limit]:
    if family and len(family.pairs) > 1 and family.optimism:
        yield _limit(LimitCode.MAXIMUM, optimism=family.optimism)


def _costs(results: Readout, arms: Sequence[ArmRow]) -> Iterator[Limit]:
    """Yield the limits due to how accuracies were picked and costs measured; none of runs from elsewhere."""
    if results.study.imported:
        return
    if any(arm.valid_best is not None for arm in arms):
        yield _limit(LimitCode.OPTIMISTIC)
    early = [row for row in stopping_of(results, None) if row.patience is not None and row.finished]
    if early:
        yield _limit(LimitCode.EARLY_STOPPING, rows=early)
    computed = [arm.name for arm in arms if arm.memory_source not in ("", "measured")]
    if computed:
        yield _limit(LimitCode.COMPUTED_MEMORY, arms=[] if len(computed) == len(arms) else computed)
    yield from _modules(results)
    yield from _processors(results)
    machine = results.header.versions.get("machine", "")
    yield _limit(LimitCode.TIMES, machine=machine, evaluation=_evaluation(arms))


def _evaluation(arms: Sequence[ArmRow]) -> tuple[float, float] | None:
    """Return the least and the most that evaluation took, as a share of training; None where unknown."""
    known = [
        arm.evaluation_seconds_per_epoch / arm.seconds_per_epoch
        for arm in arms
        if arm.evaluation_seconds_per_epoch is not None and arm.seconds_per_epoch
    ]
    return (min(known), max(known)) if known else None


def _modules(results: Readout) -> Iterator[Limit]:
    """Yield which arms are PyTorch modules of the user's, and whether on a GPU."""
    found = [arm.name for arm in results.study.arms if isinstance(arm.settings.architecture, Module)]
    engines = {run.engine for name in found for run in results.of(name)}
    if found:
        yield _limit(LimitCode.MODULES, arms=found, on_gpu="torch:cuda" in engines)


def _processors(results: Readout) -> Iterator[Limit]:
    """Yield where runs, or parts of one, were trained on several types of processor."""
    found = {arm.name: {run.processor for run in results.of(arm.name)} - {None} for arm in results.study.arms}
    kinds = sorted({kind for each in found.values() for one in each if one for kind in one.split(THEN)})
    if len(kinds) > 1:
        yield _limit(LimitCode.PROCESSORS, arms=[arm for arm, each in found.items() if each], kinds=kinds)
