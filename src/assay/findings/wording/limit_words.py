"""The sentences at the end of every report: what its data cannot say."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from assay.findings.arms import ArmRow
from assay.findings.limits import Limit, LimitCode
from assay.findings.numbers import (
    capital,
    confidence,
    ended,
    names,
    plural,
    seeds,
    share,
    speed,
    whole_percent,
)
from assay.findings.stopping import Stopping
from assay.findings.wording import code_words, comparison_words
from assay.stats import Comparison, Look, Note
from assay.store.unchecked import Unchecked

MOST_NAMES = 3
"""More comparisons than this are counted, not named."""


def limits(found: Iterable[Limit]) -> tuple[str, ...]:
    """Return the sentences of the limits, each once."""
    return tuple(dict.fromkeys(map(sentence, found)))


def sentence(limit: Limit) -> str:
    """Return the sentence of a limit."""
    return SENTENCES[limit.code](**limit.numbers)


def _interim(done: int, total: int, first_look: int | None) -> str:
    return (
        f"Interim: {ended(done, total)}. Means will move; there is no interval, p-value or verdict before "
        f"{code_words.first_verdict(first_look)}, because looking early and often finds differences "
        "that are not there."
    )


def _extended(parent: str) -> str:
    return (
        f"Extended after seeing results: seeds were added to study {parent[:12]}, whose report was known, or "
        "its settings changed. Whoever does so until the answer pleases finds one that does, so p is smaller "
        "and intervals are narrower than they should be."
    )


def _unchecked(found: Sequence[Unchecked]) -> str:
    wrong = "; ".join(f"{each.cls} ({each.place}): {each.wrong}" for each in found)
    return (
        f"Trained unchecked (--unchecked), although found wrong before training: {wrong}. The results are of "
        "this code as it is, not of what it was to compute."
    )


def _own_code(classes: Sequence[str]) -> str:
    return (
        f"The study has code of its own, {names(list(classes))}, which its folder keeps under code. What it "
        "computes is among the FLOPs only as far as it counts it."
    )


def _looks(look: Look) -> str:
    declared = names([str(seeds) for seeds in look.looks])
    return (
        f"Looks were declared at {declared} seeds, and this is {look}: each tests at "
        f"{confidence(look.alpha)}, so that all of them together report a difference that is not "
        "there in at most 5% of studies."
    )


def _early_look() -> str:
    return (
        "A difference found at an early look tends to be larger than the true one: large ones are found "
        "early."
    )


def _beyond_look(runs: int) -> str:
    return (
        f"{plural(runs, 'run')} of later seeds ended already; nothing here speaks of them before the next "
        "look."
    )


def _imported(reading: str) -> str:
    after = f"They are after {reading}. " if reading else ""
    return (
        f"{after}These numbers were measured elsewhere and imported: networks, recipes and images are "
        "unknown here, and so is whether the test set chose anything. Runs are paired by their seeds; that "
        "pays where one seed gives all arms the same data in the same order."
    )


def _synthetic() -> str:
    return (
        "The characters are synthetic, drawn by a program. What holds for them need not hold for real "
        "handwriting."
    )


def _other_images() -> str:
    return (
        "Published numbers are of their authors' images. Other images, fewer of them, or classes in other "
        "shares move an accuracy by themselves: one that disagrees need not be wrong."
    )


def _unlike_source(how: str) -> str:
    return (
        f"These runs had {how}. Published numbers stand beside ours without a judgement, and what was "
        "claimed of the source's own runs may come out otherwise here."
    )


def _doubtful(arm: str, why: str) -> str:
    return f"What was printed for {arm} is doubtful: {why}."


def _diverged(arm: ArmRow) -> str:
    also = " Its mean and every comparison with it speak of the seeds on which it learnt."
    return (
        f"{arm.diverged} of {plural(arm.planned, 'run')} of {arm.name} diverged: an outcome in itself, which "
        f"no mean contains.{'' if arm.never_learnt else also}"
    )


def _error(arm: ArmRow) -> str:
    return f"{arm.failed} of {plural(arm.planned, 'run')} of {arm.name} failed with an error."


def _stuck(arm: ArmRow, seed: int, why: str) -> str:
    left_out = "" if arm.never_learnt else ", which its mean and comparisons leave out"
    return (
        f"{arm.stuck} of {plural(arm.done, 'finished run')} of {arm.name} learnt nothing (stuck at chance "
        f"level): an outcome in itself{left_out}. Seed {seed}: {why}."
    )


def _inconclusive() -> str:
    return (
        "Inconclusive does not mean that there is no difference: it means that these runs do not tell. Who "
        "adds seeds because of it and tests again calls equal arms different in up to 10 of 100 studies, not "
        "in 5, unless looks were declared beforehand."
    )


def _one_seed() -> str:
    return "One seed: the numbers compare two trained networks, not two ways of building them."


def _two_seeds() -> str:
    return "Two seeds: both values and their mean are given; an interval needs at least three."


def _few_seeds(n: int) -> str:
    return (
        f"{seeds(n)} are few: only differences that are large against the spread between seeds can be seen."
    )


def _no_factors() -> str:
    return (
        "Main effects and interactions of the factors are not estimated: that takes 3 seeds on which every "
        "arm finished."
    )


def _rare_failures(runs: int, bound: float, sure: float) -> str:
    learnt = "learnt" if runs == 1 else "all learnt"
    return (
        f"A rare failure cannot be seen with so few seeds: where {plural(runs, 'run')} of an arm {learnt}, "
        f"up to {whole_percent(bound)} of its seeds may fail (with {confidence(sure)} confidence)."
    )


def _note(note: Note, of: Comparison, where: Sequence[str], several: bool) -> str:
    """Say what a comparison notes; of several, only the kind of thing and of which."""
    said = code_words.note(note, of, detail=not several)
    return f"{capital(said)}{_some(where)}."


def _scope(images: int | None, crossed: bool, per_seed: bool) -> str:
    these = "the test images that were used" if images is None else f"these {images:,} test images"
    other = (
        " The interval on new images adds the other source of chance: which images of the same kind are in "
        "the test set."
    )
    also = other if crossed else ""
    own = ", each with a new division into training and validation images," if per_seed else ""
    return f"Interval and p speak of new training seeds{own} on {these}.{also}"


def _groups(groups: str) -> str:
    return (
        f"Images of one {groups} are all on one side: training, validation and test have none in common, so "
        f"accuracies speak of a new {groups}. Intervals take test images as independent, which those of one "
        f"{groups} are not."
    )


def _fragile(where: Sequence[str]) -> str:
    return (
        f"On other images of the same kind the difference could be nil{_some(where)}: the interval on new "
        "images holds 0, which more seeds alone may not change."
    )


def _maximum(optimism: float) -> str:
    return (
        f"The best of several equal arms would stand about {share(optimism)} points too high by chance alone."
    )


def _optimistic() -> str:
    return (
        "Best validation accuracy is the highest over all epochs, hence optimistic: compare it with its like "
        "only, never with a test accuracy."
    )


def _early_stopping(rows: Sequence[Stopping]) -> str:
    said = [
        f"{row.stopped} of {plural(row.finished, 'run')} of {row.arm} before epoch {row.planned:,} "
        f"(patience {row.patience:,}, {speed(row.epochs)} epochs on average)"
        for row in rows
    ]
    return (
        f"Training stopped early, when validation accuracy no longer rose: {names(said)}. Times are per "
        "epoch, so the epochs are a cost beside them."
    )


def _computed_memory(arms: list[str]) -> str:
    which = f" of {names(arms)}" if arms else ""
    return f"Peak memory{which} was computed from the shapes of the network, not measured."


def _modules(arms: list[str], on_gpu: bool) -> str:
    again = (
        " On a GPU a run that was interrupted does not go on bit for bit: sums there have no fixed order."
        if on_gpu
        else ""
    )
    return (
        f"The network of {names(arms)} is a PyTorch module of the study's own: its FLOPs count matrix "
        "products and convolutions alone, how many of its units are dead is not known, and what it keeps "
        f"outside parameters and buffers is not stored.{again}"
    )


def _processors(arms: list[str], kinds: Sequence[str]) -> str:
    return (
        f"Runs of {names(arms)} were trained on {len(kinds)} types of processor ({'; '.join(kinds)}): their "
        "results agree as those of seeds do, not bit for bit, and their times do not compare."
    )


def _times(machine: str, evaluation: tuple[float, float] | None) -> str:
    also, where = "", f" ({machine})" if machine else ""
    if evaluation:
        low, high = map(whole_percent, evaluation)
        also = f"; evaluation took another {low if low == high else f'{low} to {high}'} of that"
    return (
        f"Times are of training alone{also}. They hold for one machine{where}: processor time of the run's "
        "own thread, whatever else was at work there (on a GPU, time by the clock)."
    )


def _some(which: Sequence[str]) -> str:
    """Name which comparisons are meant, in brackets; nothing where all are."""
    shown, more = which[:MOST_NAMES], len(which) - MOST_NAMES
    named = ", ".join([*shown, f"{more} more"] if more > 0 else shown)
    return f" ({named})" if named else ""


SENTENCES: Mapping[LimitCode, Callable[..., str]] = {
    LimitCode.INTERIM: _interim,
    LimitCode.EXTENDED: _extended,
    LimitCode.LOOKS: _looks,
    LimitCode.EARLY_LOOK: _early_look,
    LimitCode.BEYOND_LOOK: _beyond_look,
    LimitCode.IMPORTED: _imported,
    LimitCode.SYNTHETIC: _synthetic,
    LimitCode.UNCHECKED: _unchecked,
    LimitCode.OWN_CODE: _own_code,
    LimitCode.OTHER_IMAGES: _other_images,
    LimitCode.UNLIKE_SOURCE: _unlike_source,
    LimitCode.DOUBTFUL: _doubtful,
    LimitCode.FAILING: comparison_words.failures,
    LimitCode.DIVERGED: _diverged,
    LimitCode.ERROR: _error,
    LimitCode.STUCK: _stuck,
    LimitCode.INCONCLUSIVE: _inconclusive,
    LimitCode.ONE_SEED: _one_seed,
    LimitCode.TWO_SEEDS: _two_seeds,
    LimitCode.FEW_SEEDS: _few_seeds,
    LimitCode.NO_FACTORS: _no_factors,
    LimitCode.RARE_FAILURES: _rare_failures,
    LimitCode.NOTE: _note,
    LimitCode.SCOPE: _scope,
    LimitCode.GROUPS: _groups,
    LimitCode.FRAGILE: _fragile,
    LimitCode.MAXIMUM: _maximum,
    LimitCode.OPTIMISTIC: _optimistic,
    LimitCode.EARLY_STOPPING: _early_stopping,
    LimitCode.COMPUTED_MEMORY: _computed_memory,
    LimitCode.MODULES: _modules,
    LimitCode.PROCESSORS: _processors,
    LimitCode.TIMES: _times,
}
