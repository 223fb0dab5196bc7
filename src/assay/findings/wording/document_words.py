"""The sentences that a document of several studies leads with."""

from collections.abc import Collection, Mapping, Sequence
from statistics import median

from assay.findings.numbers import names, plural, share
from assay.findings.wording.code_words import CLAIM_VERDICTS
from assay.stats import ClaimVerdict


def answer(counts: Mapping[ClaimVerdict | None, int]) -> str:
    """Say what became of the claims; ``counts`` has how many have each verdict, None those not tested yet."""
    total, untested = sum(counts.values()), counts.get(None, 0)
    waiting = f"{plural(untested, 'claim')} not tested yet" if untested else ""
    if untested == total:
        return f"{waiting or 'No claim to test'}."
    said = [
        f"{counts.get(verdict, 0)} {'is' if counts.get(verdict, 0) == 1 else 'are'} {word}"
        for verdict, word in CLAIM_VERDICTS.items()
    ]
    return f"Of {plural(total, 'claim')}, {', '.join(filter(None, (names(said), waiting)))}."


def unlike(ways: Collection[str]) -> str:
    """Say how the runs of the studies differ from the source's; nothing where they do not."""
    if not ways:
        return ""
    how = next(iter(ways)) if len(ways) == 1 else "other settings than the source's"
    return f"Our runs had {how}: the printed numbers stand beside ours without a judgement."


def agreement(agree: int, of: int, level: float, widths: Sequence[float], losses: bool) -> str:
    """Say how many of the published numbers lie where one run of theirs would.

    By chance alone a share of ``level`` would not. ``widths`` are those of the intervals of accuracies, as
    shares; ``losses`` says that there are losses among the numbers.
    """
    if not of:
        return ""
    kinds = "accuracies and losses" if losses else "accuracies"
    return (
        f"{agree} of {of} different published {kinds} lie where one run of theirs would, had it our mean and "
        f"spread; by chance alone about {level * of:.0f} would lie outside. {_wide(widths)}"
    )


def standing(stand: int, supported: int) -> str:
    """Say how many of the ``supported`` claims stand when all are judged together; of one, nothing."""
    if supported < 2:
        return ""
    return (
        "Judged one by one, one in twenty false claims may pass for supported; judged all together, by "
        f"Holm's correction, {stand} of the {supported} {'stands' if stand == 1 else 'stand'}."
    )


def _wide(widths: Sequence[float]) -> str:
    """Say how wide the intervals are: to lie in a wide one is no close agreement."""
    if not widths:
        return ""
    if len(widths) == 1:
        wide = f"Its interval is {share(widths[0])} points wide"
    else:
        wide = (
            f"These intervals are {share(min(widths))} to {share(max(widths))} points wide, in the median "
            f"{share(median(widths))}"
        )
    return f"{wide}: to lie in a wide one is no close agreement."
