"""Text above and below tables and figures in more than one kind of document."""

from collections.abc import Mapping

from assay.findings.confusion import Confusion
from assay.findings.numbers import confidence, names, seeds
from assay.stats import Factorial

HEADINGS: Mapping[str, str] = {
    "factors": "What each factor does",
    "claims": "What was claimed",
    "arms": "What each arm reached, and what it cost",
    "published": "The published numbers beside ours",
    "curves": "Epoch by epoch",
    "mistakes": "What is taken for what",
    "inside": "Inside one network",
    "limits": "What the data cannot say",
    "rerun": "How to run it again",
}
REACHED = "What each arm reached"
ORIGIN = "Where the numbers are from"
"""Headings of results that were imported, which have no cost and cannot be run again."""

TEST_ONCE = (
    "Test accuracy is measured once a run, at the epoch that validation chose; the best validation accuracy "
    "is the highest over epochs and optimistic."
)
CALIBRATION = "As sure as it is right"
CALIBRATED = (
    "A network gives a probability with each answer. Of the answers given with 90%, 90% should be right; the "
    "expected calibration error is how far the two lie apart, on average over the test images: with 1%, one "
    "point. Scores are first divided by the temperature, which the validation set chose: above 1, the "
    "network was surer than it was right."
)
CLAIM_RULES = (
    "Found: the mean difference of the two arms in percentage points, or the factor between them, with the "
    "interval or bound that decides, over the seeds on which both learnt. A claim is supported if all that "
    "it expects is, contradicted if one comparison shows the opposite, too small to matter if one shows "
    "neither and excludes a difference that would matter, and undecided otherwise. Claims are judged one by "
    "one; the study's own comparisons all at once, so that one may decide what the other leaves open."
)
LEFT_IN_REPORT = "{} more in the report"
LEFT_TO_IMPORT = "{} more in the report that `assay import` writes"


def deciding(unit: str, intervals: str, equivalence: str = "", level: float = 0.05) -> str:
    """Say above which intervals a table of comparisons has; those of equivalent arms answer another question.

    ``unit`` is that of the differences; ``equivalence`` names the intervals that two one-sided tests at
    ``level`` make, and is empty where no arms are equivalent.
    """
    of_equivalent = (
        f"; of equivalent arms {equivalence} for equivalence (two one-sided tests at {confidence(level)})"
        if equivalence
        else ""
    )
    return f"differences {unit}; {intervals} for a difference{of_equivalent}; p adjusted"


def not_judged_yet(stamp: str) -> str:
    """Say that published numbers stand beside means that still move."""
    return f"Our means so far ({stamp}): the published numbers are not judged yet."


def depends(factorial: Factorial) -> str:
    """Say, above the simple effects, which main effects say little by themselves."""
    return (
        "The effect of one factor depends on the level of another: the main effects of "
        f"{names(list(factorial.qualified))} are averages over unlike effects. What each does at each level "
        "of the other:"
    )


MOST_BANDS = 16
"""Arms up to which curves have bands, which hide each other where there are more."""


def reading(longest: int, arms: int) -> str:
    """Say what is drawn of runs of at most ``longest`` epochs and that many ``arms``."""
    if longest > 1 and arms > MOST_BANDS:
        return "Lines: means over seeds."
    drawn = "Points: means over seeds. Bars:" if longest == 1 else "Lines: means over seeds. Bands:"
    return f"{drawn} from the lowest seed to the highest."


def confusion(of: Confusion) -> str:
    """Say what a confusion matrix shows."""
    return (
        f"Confusion matrix of {of.arm}: the share of each character’s test images, mean over "
        f"{seeds(of.seeds)}, that is read as each. Area is share."
    )
