"""The answer to a study's question, as far as the data allow: codes and numbers, no words."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from assay.findings.arms import ArmRow
from assay.stats import Family, Look, MoreSeeds, Pair, Verdict, most_seeds


class AnswerKind(StrEnum):
    """What the answer can speak of."""

    INTERIM = "interim"
    """Nothing is answered before every run has ended."""
    NO_RESULT = "no result"
    """The only arm has no finished run."""
    GUESSES = "guesses"
    """No run of the only arm learnt anything."""
    ONE_ARM = "one arm"
    NOTHING_LEARNT = "nothing learnt"
    """No run of any arm learnt anything."""
    TWO_ARMS = "two arms"
    CONTROL_NEVER_LEARNT = "control never learnt"
    AGAINST_CONTROL = "against control"
    NONE_FINISHED = "none finished"
    RANKING = "ranking"


@dataclass(frozen=True)
class Conclusion:
    """What kind of answer there is, and everything its sentences are made from.

    ``family`` is None for a single arm and until there may be a verdict, ``look`` where none is declared or
    reached.
    """

    kind: AnswerKind
    arms: Sequence[ArmRow]
    family: Family | None
    done: int
    total: int
    look: Look | None

    @property
    def failing(self) -> list[ArmRow]:
        """The arms with failed runs; empty where no run learnt anything, which is reported instead."""
        if all(arm.never_learnt for arm in self.arms):
            return []
        return [arm for arm in self.arms if arm.failures]

    @property
    def guessing(self) -> list[str]:
        """The arms that finished runs and learnt nothing."""
        return [arm.name for arm in self.arms if arm.never_learnt and arm.done]

    @property
    def outlying(self) -> list[tuple[str, int, float]]:
        """Arm, seed and accuracy of runs that learnt, but far less than the arm's other seeds explain."""
        return [(arm.name, seed, value) for arm in self.arms for seed, value in arm.outlying.items()]

    @property
    def best_mean(self) -> float:
        """The mean test accuracy of the best arm."""
        return next(arm.test.mean for arm in self.arms if self.family and arm.name == self.family.best)

    @property
    def undecided(self) -> list[Pair]:
        """The comparisons without a verdict."""
        return self.judged(Verdict.INCONCLUSIVE)

    @property
    def decided_seeds(self) -> tuple[int, int]:
        """The fewest and the most seeds on which the decided comparisons rest."""
        decided = (pair for pair in self._pairs if pair.judgement.verdict is not Verdict.INCONCLUSIVE)
        counts = [pair.comparison.n for pair in decided]
        return min(counts), max(counts)

    @property
    def more_seeds(self) -> MoreSeeds | None:
        """How many more seeds may decide everything undecided, where known."""
        return most_seeds(pair.judgement.more_seeds for pair in self.undecided)

    @property
    def like_best(self) -> list[str]:
        """The arms that the data do not distinguish from the best one."""
        if self.family is None:
            return []
        return [arm for arm in self.family.not_distinguishable if arm != self.family.best]

    @property
    def close_to_best(self) -> list[str]:
        """The arms whose difference from the best one is real but negligible."""
        best = self.family.best if self.family else None
        pairs = [pair for pair in self.judged(Verdict.NEGLIGIBLE) if best in (pair.a, pair.b)]
        return [pair.b if pair.a == best else pair.a for pair in pairs]

    def judged(self, verdict: Verdict) -> list[Pair]:
        """Return the comparisons with this verdict."""
        return [pair for pair in self._pairs if pair.judgement.verdict is verdict]

    @property
    def _pairs(self) -> Sequence[Pair]:
        return self.family.pairs if self.family else ()


def conclude(
    arms: Sequence[ArmRow], family: Family | None, done: int, total: int, look: Look | None = None
) -> Conclusion:
    """Conclude from ``done`` of ``total`` runs; at a ``look`` from those of its seeds."""
    kind = AnswerKind.INTERIM if done < total else _kind(arms, family)
    return Conclusion(kind, arms, family, done, total, look)


def _kind(arms: Sequence[ArmRow], family: Family | None) -> AnswerKind:
    if family is None:
        return _of_one(arms[0])
    if all(arm.never_learnt for arm in arms):
        return AnswerKind.NOTHING_LEARNT
    if len(family.pairs) == 1:
        return AnswerKind.TWO_ARMS
    if family.control is None:
        return AnswerKind.NONE_FINISHED if family.best is None else AnswerKind.RANKING
    never = family.failures[family.control].share == 1
    return AnswerKind.CONTROL_NEVER_LEARNT if never else AnswerKind.AGAINST_CONTROL


def _of_one(arm: ArmRow) -> AnswerKind:
    if not arm.test.n:
        return AnswerKind.NO_RESULT
    return AnswerKind.GUESSES if arm.never_learnt else AnswerKind.ONE_ARM
