"""What is said of runs by any metric of theirs, such as a loss."""

from assay.findings.measured import Measured
from assay.findings.numbers import capital, names
from assay.findings.wording import code_words, comparison_words


def verdicts(found: Measured) -> list[str]:
    """Return a sentence for each comparison, the interval that decided in it."""
    return [comparison_words.comparison(pair, found.family.m, found.metric) for pair in found.family.pairs]


def remarks(found: Measured, table: str) -> list[str]:
    """Return how the numbers were read, and what to know before trusting the verdicts."""
    of = found.metric
    better = "less" if of.less_is_better else "more"
    said = [
        f"Read from the column {of.name} of {table}, of which {better} is better. A difference of less than "
        f"{of.margin(found.margin)}, as declared, does not matter.",
        "The numbers were measured elsewhere: whether arms shared data, budget and choice of epoch is not "
        "known here.",
    ]
    said += [comparison_words.failures(pair) for pair in found.family.pairs if pair.failures.any]
    noted: dict[str, list[str]] = {}
    for pair in found.family.pairs:
        for code in pair.comparison.notes:
            note = code_words.note(code, pair.comparison)
            noted.setdefault(note, []).append(f"{pair.a} less {pair.b}")
    for note, pairs in noted.items():
        of_some = "" if len(pairs) == len(found.family.pairs) else f"{names(pairs)}: "
        said.append(f"{capital(of_some + note)}.")
    return said
