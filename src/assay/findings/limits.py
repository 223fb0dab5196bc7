"""What the data of a study cannot say: the sentences that stand below every report."""

from collections.abc import Iterator, Sequence

from assay.findings import wording
from assay.findings.arms import ArmRow
from assay.findings.effects import Effect
from assay.findings.factorial import factorial_of, has_factors
from assay.findings.numbers import capital, confidence, ended, names, plural, seeds, share, whole_percent
from assay.findings.waiting import first_verdict
from assay.stats import Family, Verdict, never_seen_bound
from assay.stats.ttest import FEWEST
from assay.store.readout import Readout
from assay.study.as_published import unlike_source


def limits(
    results: Readout, arms: Sequence[ArmRow], family: Family | None, effects: Sequence[Effect]
) -> list[str]:
    """Return the limits of what has been found, the gravest first."""
    found = [*_interim(results), *_extended(results), *_looked(results), *_synthetic(results)]
    found += _published(results)
    found += [*_failing(effects), *_lost(arms), *_stuck(results, arms)]
    found += [*_open(effects), *_few(results, effects), *_factors(results)]
    found += [*_rare(arms, effects, results.confidence)]
    found += [*_notes(effects), *_scope(results, effects), *_maximum(family), *_costs(results, arms)]
    return list(dict.fromkeys(found))


def _interim(results: Readout) -> Iterator[str]:
    if not results.complete:
        yield (
            f"Interim: {ended(results.done, results.total)}. Means will "
            f"move; there is no interval, p-value or verdict before {first_verdict(results.study)}, because "
            "whoever looks early and often finds differences that are none."
        )


def _extended(results: Readout) -> Iterator[str]:
    parent = results.study.parent
    if parent is not None:
        yield (
            f"Extended after seeing results: seeds were added to study {parent[:12]}, whose report was "
            "known. Whoever adds seeds until the answer pleases finds one that does, so p is smaller and "
            "intervals are narrower than they should be."
        )


def _looked(results: Readout) -> Iterator[str]:
    look = results.look
    if look is None:
        return
    declared = names([str(seeds) for seeds in look.looks])
    yield (
        f"Looks were declared at {declared} seeds, and this is {look}: each tests at "
        f"{100 * look.alpha:.3g}%, so that all of them together report a difference that is not there in "
        "at most 5% of studies."
    )
    if not look.last:
        yield (
            "A difference found at an early look tends to be larger than the true one: large ones are found "
            "early."
        )
    beyond = sum(run.status.ended for run in results.store.runs()) - results.done
    if beyond:
        yield (
            f"{plural(beyond, 'run')} of later seeds ended already; nothing here speaks of them before "
            "the next look."
        )


def _synthetic(results: Readout) -> Iterator[str]:
    if results.header.synthetic:
        yield (
            "The characters are synthetic, drawn by a program. What holds for them need not hold for real "
            "handwriting."
        )


def _published(results: Readout) -> Iterator[str]:
    if results.study.published and not results.header.synthetic:
        yield (
            "Published numbers are of their authors' images. Other images, fewer of them, or classes in "
            "other shares move an accuracy by themselves: one that disagrees need not be wrong."
        )
    unlike = unlike_source(results.study)
    if unlike and (results.study.published or results.study.claims):
        yield (
            f"These runs had {unlike}. Published numbers stand beside ours without a judgement, and what "
            "was claimed of the source's own runs may come out otherwise here."
        )
    for arm, row in results.study.published.items():
        if "doubt" in row:
            yield f"What was printed for {arm} is doubtful: {row['doubt']}."


def _failing(effects: Sequence[Effect]) -> Iterator[str]:
    """Say of each of several comparisons how often its arms fail; of a single one the answer does."""
    for effect in effects if len(effects) > 1 else ():
        if effect.pair.failures.any:
            yield wording.failures(effect.pair)


def _lost(arms: Sequence[ArmRow]) -> Iterator[str]:
    for arm in arms:
        if arm.diverged:
            yield (
                f"{arm.diverged} of {plural(arm.planned, 'run')} of {arm.name} diverged: an outcome in "
                f"itself, which no mean contains.{_speaks_of(arm)}"
            )
        if arm.failed:
            yield f"{arm.failed} of {plural(arm.planned, 'run')} of {arm.name} failed with an error."


def _stuck(results: Readout, arms: Sequence[ArmRow]) -> Iterator[str]:
    for arm in arms:
        if arm.stuck:
            run = next(run for run in results.of(arm.name) if run.stuck)
            yield (
                f"{arm.stuck} of {plural(arm.done, 'finished run')} of {arm.name} learnt nothing (stuck at "
                f"chance level): an outcome in itself{_left_out(arm)}. Seed {run.seed}: {run.message}."
            )


def _speaks_of(arm: ArmRow) -> str:
    if arm.never_learnt:
        return ""
    return " Its mean and every comparison with it speak of the seeds on which it learnt."


def _left_out(arm: ArmRow) -> str:
    return "" if arm.never_learnt else ", which its mean and comparisons leave out"


def _rare(arms: Sequence[ArmRow], effects: Sequence[Effect], sure: float) -> Iterator[str]:
    """Say how often runs may fail without one of so few having failed."""
    whole = [arm.ended for arm in arms if arm.ended and not arm.failures]
    if effects and whole:
        bound = whole_percent(never_seen_bound(min(whole), confidence=sure))
        yield (
            f"A rare failure cannot be seen with so few seeds: where {plural(min(whole), 'run')} of an arm "
            f"all learnt, up to {bound} of its seeds may fail (with {confidence(sure)} confidence)."
        )


def _open(effects: Sequence[Effect]) -> Iterator[str]:
    if any(effect.pair.judgement.verdict is Verdict.INCONCLUSIVE for effect in effects):
        yield (
            "Inconclusive does not mean that there is no difference: it means that these runs do not tell. "
            "Who adds seeds because of it and tests again calls equal arms different in up to 10 of 100 "
            "studies, not in 5, unless looks were declared beforehand."
        )


def _few(results: Readout, effects: Sequence[Effect]) -> Iterator[str]:
    n = len(results.study.seeds)
    if n == 1:
        yield "One seed: the numbers compare two trained networks, not two ways of building them."
    elif n == 2:
        yield "Two seeds: both values and their mean are given; an interval needs at least three."
    elif n < 10 and effects:
        yield (
            f"{seeds(n)} are few: only differences that are large against the spread between seeds "
            "can be seen."
        )


def _factors(results: Readout) -> Iterator[str]:
    if results.complete and has_factors(results.study) and factorial_of(results) is None:
        yield (
            "Main effects and interactions of the factors are not estimated: that takes 3 seeds on which "
            "every arm finished."
        )


def _notes(effects: Sequence[Effect]) -> Iterator[str]:
    """Say what each comparison notes; of several, once for all that note the same kind of thing."""
    found: dict[str, list[str]] = {}
    for effect in effects:
        for note in effect.pair.comparison.notes if effect.pair.comparison.n >= FEWEST else ():
            found.setdefault(note if len(effects) == 1 else note.partition(":")[0], []).append(effect.name)
    for note, comparisons in found.items():
        where = "" if len(comparisons) == len(effects) else f" ({_some(comparisons)})"
        yield f"{capital(note)}{where}."


def _some(comparisons: list[str]) -> str:
    shown, more = comparisons[:3], len(comparisons) - 3
    return ", ".join([*shown, f"{more} more"] if more > 0 else shown)


def _scope(results: Readout, effects: Sequence[Effect]) -> Iterator[str]:
    if not any(effect.pair.comparison.interval for effect in effects):
        return
    images = results.header.sizes["test"]
    other = (
        " The interval on new images adds the other source of chance: which images of the same kind are in "
        "the test set."
    )
    also = other if any(effect.crossed for effect in effects) else ""
    yield f"Interval and p speak of new training seeds on these {images:,} test images.{also}"
    fragile = [effect.name for effect in effects if _only_on_these_images(effect)]
    if fragile:
        which = "" if len(effects) == 1 else f" ({_some(fragile)})"
        yield (
            f"On other images of the same kind the difference could be nil{which}: the interval on new "
            "images holds 0, which more seeds alone may not change."
        )


def _only_on_these_images(effect: Effect) -> bool:
    """Whether seeds tell the arms apart but the finite test set might be all that does."""
    told_apart = effect.pair.judgement.verdict in (Verdict.BETTER, Verdict.WORSE)
    if effect.crossed is None or not told_apart:
        return False
    low, high = effect.crossed.interval
    return low <= 0 <= high


def _maximum(family: Family | None) -> Iterator[str]:
    if family and len(family.pairs) > 1 and family.optimism:
        yield (
            f"The best of several equal arms would stand about {share(family.optimism)} points too high by "
            "chance alone."
        )


def _costs(results: Readout, arms: Sequence[ArmRow]) -> Iterator[str]:
    if any(arm.valid_best is not None for arm in arms):
        yield (
            "Best validation accuracy is the highest over all epochs, hence optimistic: compare it with its "
            "like only, never with a test accuracy."
        )
    computed = [arm.name for arm in arms if arm.memory_source not in ("", "measured")]
    if computed:
        which = "" if len(computed) == len(arms) else f" of {names(computed)}"
        yield f"Peak memory{which} was computed from the shapes of the network, not measured."
    machine = results.header.versions.get("machine")
    where = f" ({machine})" if machine else ""
    yield from _processors(results)
    yield (
        f"Times are of training alone{_evaluation(arms)}. They hold for one machine{where}: processor time "
        "of the run's own thread, whatever else was at work there (on a GPU, time by the clock)."
    )


def _evaluation(arms: Sequence[ArmRow]) -> str:
    """Say what evaluation took, against training."""
    known = [
        arm.evaluation_seconds_per_epoch / arm.seconds_per_epoch
        for arm in arms
        if arm.evaluation_seconds_per_epoch is not None and arm.seconds_per_epoch
    ]
    if not known:
        return ""
    low, high = whole_percent(min(known)), whole_percent(max(known))
    return f"; evaluation took another {low if low == high else f'{low} to {high}'} of that"


def _processors(results: Readout) -> Iterator[str]:
    """Say so where runs, or parts of one, were trained on several types of processor."""
    found = {arm.name: {run.processor for run in results.of(arm.name)} - {None} for arm in results.study.arms}
    kinds = sorted({kind for each in found.values() for one in each if one for kind in one.split(", then ")})
    if len(kinds) > 1:
        mixed = [arm for arm, each in found.items() if each]
        yield (
            f"Runs of {names(mixed)} were trained on {len(kinds)} types of processor ({'; '.join(kinds)}): "
            "their results agree as those of seeds do, not bit for bit, and their times do not compare."
        )
