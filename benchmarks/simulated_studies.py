"""Do the procedures of assay.stats keep their promises? Simulated studies whose truth is known.

Each line is a promise, what it should be and what 20,000 studies gave, with its Monte-Carlo standard error.
Run it as ``python benchmarks/simulated_studies.py [--studies 20000]``: some minutes on two cores.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from time import perf_counter

import numpy as np

from assay.stats import Comparison, alpha_at, compare, compare_crossed, holm
from assay.streams import stream

LOOKS = (5, 10, 20)
VERSUS = ("ab", "ac", "ad")
ALL_PAIRS = (*VERSUS, "bc", "bd", "cd")


@dataclass(frozen=True)
class Promise:
    """What a procedure says of itself: a rate within ``tolerance`` of ``nominal``, or one that is no more."""

    name: str
    nominal: float
    tolerance: float
    study: Callable[[np.random.Generator], bool]
    at_most: bool = False

    def kept(self, rate: float, error: float) -> bool:
        """Whether the simulated rate keeps it; with few studies chance may do more than the tolerance."""
        gap, tolerance = rate - self.nominal, max(self.tolerance, 3 * error)
        return gap <= tolerance and (self.at_most or gap >= -tolerance)


def t_covers(n: int) -> Callable[[np.random.Generator], bool]:
    """Whether the paired t interval holds a true difference of .2."""

    def study(rng: np.random.Generator) -> bool:
        seed = rng.normal(88, 0.3, n)
        low, high = compare(seed + rng.normal(0.2, 0.25, n), seed + rng.normal(0, 0.25, n)).interval
        return bool(low <= 0.2 <= high)

    return study


def t_rejects(rng: np.random.Generator) -> bool:
    """Whether equal arms are called different."""
    return compare(rng.normal(0, 0.354, 8), np.zeros(8)).p < 0.05


def equivalent(n: int, true: float) -> Callable[[np.random.Generator], bool]:
    """Whether two arms that differ by ``true`` points are called equivalent within .3."""
    return lambda rng: compare(rng.normal(true, 0.2, n), np.zeros(n)).tost_p < 0.05


def family(rng: np.random.Generator, shared: float, pairs: Sequence[str]) -> list[Comparison]:
    """Compare ``pairs`` of four equal arms, 8 seeds; ``shared`` is the spread of the first one."""
    arms = {"a": rng.normal(88, shared, 8), **{name: rng.normal(88, 0.25, 8) for name in "bcd"}}
    return [compare(arms[a], arms[b], confidence=1 - 0.05 / len(pairs)) for a, b in pairs]


def holm_rejects(shared: float, pairs: Sequence[str]) -> Callable[[np.random.Generator], bool]:
    """Whether Holm calls any of the equal arms different."""
    return lambda rng: min(holm([c.p for c in family(rng, shared, pairs)])) < 0.05


def simultaneous_covers(rng: np.random.Generator) -> bool:
    """Whether all simultaneous intervals against a control of no spread hold the truth, 0."""
    return all(low <= 0 <= high for low, high in (c.interval for c in family(rng, 0, VERSUS)))


def crossed_study(rng: np.random.Generator, n: int, images: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the correctness of two equal arms; every seed and every image leans to one of them by itself."""
    lean = (rng.normal(0, 0.02, (n, 1)) + rng.uniform(-0.25, 0.25, (1, images))) / 2
    u = rng.random((n, images))
    return u < 0.15 + lean, u > 0.85 + lean


def crossed_misses(n: int) -> Callable[[np.random.Generator], bool]:
    """Whether the crossed interval, which is too wide with few seeds, misses the truth."""
    return lambda rng: not crossed_covers(n)(rng)


def crossed_covers(n: int) -> Callable[[np.random.Generator], bool]:
    """Whether the crossed interval holds the truth, 0, of new seeds and new images."""

    def study(rng: np.random.Generator) -> bool:
        low, high = compare_crossed(*crossed_study(rng, n, 300)).interval
        return bool(low <= 0 <= high)

    return study


def paired_covers_new_images(rng: np.random.Generator) -> bool:
    """Whether the paired t interval does, which does not promise it."""
    a, b = crossed_study(rng, 30, 300)
    low, high = compare(100 * a.mean(axis=1), 100 * b.mean(axis=1)).interval
    return bool(low <= 0 <= high)


def declared_looks_reject(rng: np.random.Generator) -> bool:
    """Whether any of the declared looks calls equal arms different."""
    d = rng.normal(0, 0.354, max(LOOKS))
    return any(compare(d[:n], np.zeros(n)).p < alpha_at(n, LOOKS) for n in LOOKS)


def careless_looks_reject(rng: np.random.Generator) -> bool:
    """Whether testing at .05 at each of the same looks does."""
    d = rng.normal(0, 0.354, max(LOOKS))
    return any(compare(d[:n], np.zeros(n)).p < 0.05 for n in LOOKS)


def until_resolved(rng: np.random.Generator, true: float) -> tuple[bool, bool]:
    """Whether three arms, all ``true`` points above the control, are called different, and equivalent.

    At the first look at which each is called one of them, or at the last.
    """
    control, *arms = (rng.normal(mean, 0.25, max(LOOKS)) for mean in (0, true, true, true))
    for n in LOOKS:
        found, alpha = [compare(arm[:n], control[:n]) for arm in arms], alpha_at(n, LOOKS)
        different = [p < alpha for p in holm([c.p for c in found])]
        within = [p < alpha for p in holm([c.tost_p for c in found])]
        if all(map(max, different, within)):
            break
    return any(different), any(within)


def resolved_wrongly(rng: np.random.Generator) -> bool:
    """Whether running until all is resolved calls any of the equal arms different."""
    return until_resolved(rng, 0)[0]


def resolved_as_equivalent(rng: np.random.Generator) -> bool:
    """Whether it calls any of the arms equivalent that differ by the margin."""
    return until_resolved(rng, 0.3)[1]


PROMISES = (
    *(Promise(f"t interval covers, {n} seeds", 0.95, 0.007, t_covers(n)) for n in (3, 5, 10)),
    Promise("t test rejects equal arms", 0.05, 0.005, t_rejects),
    Promise("Holm rejects, 3 independent comparisons", 0.05, 0.005, holm_rejects(0, VERSUS)),
    Promise("Holm rejects, 3 against one control", 0.05, 0.005, holm_rejects(0.25, VERSUS), at_most=True),
    Promise("Holm rejects, 6 of all pairs", 0.05, 0.005, holm_rejects(0.25, ALL_PAIRS), at_most=True),
    Promise("simultaneous intervals all cover", 0.95, 0.007, simultaneous_covers),
    *(Promise(f"crossed misses, {n} seeds", 0.05, 0.005, crossed_misses(n), at_most=True) for n in (3, 10)),
    Promise("crossed interval covers, 30 seeds", 0.95, 0.007, crossed_covers(30)),
    Promise("equivalence claimed at the margin", 0.05, 0.005, equivalent(10, 0.3)),
    Promise("equivalence claimed beyond it", 0.05, 0.005, equivalent(10, 0.35), at_most=True),
    Promise("declared looks reject equal arms", 0.05, 0.005, declared_looks_reject, at_most=True),
    Promise("until resolved: rejects equal arms", 0.05, 0.005, resolved_wrongly, at_most=True),
    Promise("until resolved: equivalent at the margin", 0.05, 0.005, resolved_as_equivalent, at_most=True),
)  # fmt: skip

CONTRASTS = (
    ("paired t covers new images, 30 seeds", 0.95, paired_covers_new_images),
    ("three looks at .05 each reject equal arms", 0.05, careless_looks_reject),
)


def rate(name: str, studies: int, study: Callable[[np.random.Generator], bool]) -> float:
    """Return how often ``study`` comes true."""
    return sum(study(stream(k, "coverage", name)) for k in range(studies)) / studies


def lines(studies: int) -> Iterator[str]:
    """Yield the table, a line at a time."""
    yield f"{'':46}{'promised':>10}{'found':>9}{'+-':>8}"
    for promise in PROMISES:
        found = rate(promise.name, studies, promise.study)
        error = sqrt(found * (1 - found) / studies)
        bound = ("<= " if promise.at_most else "") + f"{promise.nominal:.3f}"
        kept = "kept" if promise.kept(found, error) else "BROKEN"
        yield f"{promise.name:46}{bound:>10}{found:9.4f}{error:8.4f}  {kept}"
    yield "and what is not promised:"
    for name, nominal, study in CONTRASTS:
        yield f"{name:46}{nominal:10.3f}{rate(name, studies, study):9.4f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--studies", type=int, default=20_000, help="simulated studies a line (default: 20000)"
    )
    studies, start = parser.parse_args().studies, perf_counter()
    for line in lines(studies):
        print(line, flush=True)
    print(f"{studies} studies a line, {perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
