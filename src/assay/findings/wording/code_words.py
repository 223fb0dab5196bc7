"""The words for codes: verdicts, notes, and when there may be a verdict."""

from collections.abc import Mapping

from assay.findings.numbers import seeds
from assay.stats import ClaimVerdict, Comparison, Note, Verdict

VERDICTS: Mapping[Verdict, str] = {
    Verdict.BETTER: "better",
    Verdict.WORSE: "worse",
    Verdict.EQUIVALENT: "equivalent",
    Verdict.NEGLIGIBLE: "different but negligible",
    Verdict.INCONCLUSIVE: "inconclusive",
}
CLAIM_VERDICTS: Mapping[ClaimVerdict, str] = {
    ClaimVerdict.SUPPORTED: "supported",
    ClaimVerdict.CONTRADICTED: "contradicted",
    ClaimVerdict.TOO_SMALL: "too small to matter",
    ClaimVerdict.UNDECIDED: "undecided",
}
NOTES: Mapping[Note, str] = {
    Note.NO_SEED: "no seed that both arms finished",
    Note.ONE_SEED: "one seed",
    Note.TWO_SEEDS: "two seeds",
    Note.SIGN_FLIP_FLOOR: (
        "with {c.n} seeds the sign-flip p cannot fall below {c.smallest_sign_flip_p:.3g}, whatever the data"
    ),
    Note.NO_SPREAD: "all differences are equal",
    Note.TESTS_DISAGREE: "t and sign-flip tests disagree",
    Note.PAIRING: "pairing bought nothing",
    Note.SKEWED: "the differences are skewed",
}
"""What is noted, of several comparisons at once; ``c`` is one of them."""
DETAILS: Mapping[Note, str] = {
    Note.ONE_SEED: "two networks, not two methods",
    Note.TWO_SEEDS: "the two differences and their mean, no interval",
    Note.NO_SPREAD: "the spread between seeds is not seen, and p and interval are limits",
    Note.TESTS_DISAGREE: "p {c.p:.2g} against {c.sign_flip_p:.2g}",
    Note.PAIRING: "the arms' correlation over seeds is {c.correlation:z.2f}",
    Note.SKEWED: "see the sign-flip p {c.sign_flip_p:.2g}",
}
"""What is added to the note of a single comparison."""


def note(code: Note, of: Comparison, *, detail: bool = True) -> str:
    """Return what is noted of a comparison; without ``detail`` what is true of others too."""
    added = f": {DETAILS[code]}" if detail and code in DETAILS else ""
    return f"{NOTES[code]}{added}".format(c=of)


def first_verdict(first_look: int | None) -> str:
    """Say before what there is no verdict: "every run has ended", or the first of the declared looks."""
    return f"the first declared look, at {seeds(first_look)}" if first_look else "every run has ended"
