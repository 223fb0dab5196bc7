"""Findings: everything reported about a study, computed once and drawn many times.

Accuracies and their differences are shares, losses in nats, memory in bytes. Until every declared run has
ended, or every run of a declared look, there are runs, means and spreads, but no interval, p-value or
verdict: looking early and stopping when it suits reports differences that are not there. At a look,
everything is about its seeds alone.
"""

from dataclasses import dataclass

from assay.findings.answer import conclude
from assay.findings.arms import ArmRow, arm_row
from assay.findings.calibration_rows import Calibration, calibration_of
from assay.findings.cells import findings_html
from assay.findings.claim_verdicts import ClaimRow, claims
from assay.findings.comparisons import all_decided, family_of
from assay.findings.costs import Cost, costs_of
from assay.findings.curves import Curves, curves
from assay.findings.effects import Effect, effects_of
from assay.findings.factorial import factorial_of
from assay.findings.inside import Inside
from assay.findings.layers import LayerCurves, layers
from assay.findings.limits import limits
from assay.findings.numbers import interval_name, simultaneous
from assay.findings.published import PublishedRow, published
from assay.findings.rerun import Rerun, rerun_of
from assay.findings.stopping import Stopping, stopping_of
from assay.findings.two_networks import TwoNetworks, two_networks
from assay.findings.wording.answer_words import answer
from assay.findings.wording.limit_words import limits as said_limits
from assay.records.runs import ELSEWHERE, RunRecord
from assay.stats import Factorial, Family, Look
from assay.store.readout import ALPHA, Readout
from assay.study.as_published import unlike_source


@dataclass(frozen=True)
class Findings:
    """What a study's runs show: everything its report says, as data.

    ``answer`` answers the question in words, ``effects`` are the comparisons with their verdicts, ``claims``
    and ``published`` what was published, tested; ``limits`` state what does not follow. Accuracies are
    shares.
    """

    name: str
    question: str
    source: str
    answer: str
    done: int
    total: int
    margin: float
    """The margin of accuracies, in points as the study declares it."""
    arms: tuple[ArmRow, ...]
    family: Family | None
    """The comparisons; None for a single arm and until there may be a verdict."""
    effects: tuple[Effect, ...]
    networks: tuple[TwoNetworks, ...]
    """With a single seed, what can be said of the trained networks instead of the arms."""
    factorial: Factorial | None
    """Main effects and interactions; None with fewer than two factors and until there may be a verdict."""
    costs: tuple[Cost, ...]
    """What the arms cost against the control, or the best arm; none until there may be a verdict."""
    claims: tuple[ClaimRow, ...]
    """What was published as sentences, tested."""
    published: tuple[PublishedRow, ...]
    """What was published as numbers, beside ours."""
    curves: tuple[Curves, ...]
    layers: tuple[LayerCurves, ...]
    """How the layers of each arm fared, for the arms with such records."""
    runs: tuple[RunRecord, ...]
    """Every run; at a declared look those of its seeds."""
    limits: tuple[str, ...]
    rerun: Rerun
    inside: Inside | None = None
    """What the networks do with single images, where this was examined."""
    level: float = ALPHA
    """The level of every test: 0.05, or the look's share of it."""
    confidence: float = 1 - ALPHA
    """The confidence of every interval, 1 - level."""
    look: Look | None = None
    """The declared look reported on; None where none is declared or reached."""
    resolved: bool = False
    """Whether every comparison is decided."""
    stopped: bool = False
    """Whether a run was begun that nothing is working on any more."""
    train_sample: int | None = None
    """The number of training images behind the curves; None where all were used."""
    stopping: tuple[Stopping, ...] = ()
    """The epochs that runs took, arm by arm, where some arm stops early."""
    calibration: tuple[Calibration, ...] = ()
    """Whether networks are as sure as they are right, arm by arm, where this was measured."""
    unlike_source: str = ""
    """How the runs differ from those whose numbers and claims were published."""

    @property
    def imported(self) -> bool:
        """Whether the runs were trained elsewhere: neither costs nor epochs are known."""
        return self.rerun.study.get("engine") == ELSEWHERE

    @property
    def complete(self) -> bool:
        """Whether every declared run has come to its end, or a declared look has decided everything."""
        return self.done == self.total or (self.look is not None and self.resolved)

    @property
    def judged(self) -> bool:
        """Whether there may be intervals and verdicts: all runs have ended, or those of a declared look."""
        return self.done == self.total or self.look is not None

    @property
    def stamp(self) -> str:
        """How far the study has come: complete, resolved at look 1 of 3, interim k/n or stopped at k/n."""
        if self.complete and self.done < self.total:
            return f"resolved at {self.look}"
        not_yet = f"{'stopped at' if self.stopped else 'interim'} {self.done}/{self.total}"
        how_far = "complete" if self.complete else not_yet
        return f"{how_far}, {self.look}" if self.look else how_far

    @property
    def longest(self) -> int:
        """The most epochs that a run took."""
        return max((run.epochs or 0 for run in self.runs), default=0)

    @property
    def interval_name(self) -> str:
        """The name of an effect's interval; several hold simultaneously with this confidence."""
        return self._intervals(1)

    @property
    def intervals_name(self) -> str:
        """The name of the effects' intervals."""
        return self._intervals(2)

    @property
    def equivalence_intervals_name(self) -> str:
        """The name of the intervals by which equivalence is judged."""
        return simultaneous(interval_name(2 * self.confidence - 1, 2), len(self.effects))

    def _intervals(self, n: int) -> str:
        name = interval_name(self.confidence, n) + (f" ({self.look})" if self.look else "")
        return simultaneous(name, len(self.effects))

    def __repr__(self) -> str:
        """Say how far the study has come, and its answer."""
        return f"<{self.name}, {self.stamp}: {self.answer}>"

    def _repr_html_(self) -> str:
        return findings_html(self)

    def place(self, arm: str) -> int:
        """Return the index of an arm in the study, which determines its colour and marker."""
        return [row.name for row in self.arms].index(arm)


def build(results: Readout, inside: Inside | None = None) -> Findings:
    """Compute what a study's results show, complete or not.

    ``inside`` is what `assay.findings.inside.look_inside` found, which takes the data set and the weights.
    """
    whole, results = results, results.at_look()
    study = results.study
    arms = tuple(arm_row(results, arm) for arm in study.arms)
    family = family_of(results)
    effects = effects_of(results, family)
    return Findings(
        name=study.name,
        question=study.question,
        source=study.source,
        answer=answer(conclude(arms, family, results.done, results.total, results.look)),
        done=whole.done,
        total=whole.total,
        margin=study.margin,
        arms=arms,
        family=family,
        effects=effects,
        networks=two_networks(results, effects),
        factorial=factorial_of(results),
        costs=costs_of(results, family),
        claims=claims(results),
        published=published(results),
        curves=tuple(curves(results, arm.name) for arm in study.arms),
        layers=tuple(found for arm in study.arms if (found := layers(results, arm.name)).epochs),
        runs=tuple(results.runs),
        limits=said_limits(limits(results, arms, family, effects)),
        stopping=stopping_of(results, family),
        calibration=calibration_of(results),
        rerun=rerun_of(whole),
        inside=inside,
        level=results.alpha,
        confidence=results.confidence,
        look=results.look,
        resolved=all_decided(family),
        stopped=whole.stopped,
        train_sample=_train_sample(results),
        unlike_source=unlike_source(results.study),
    )


def answer_alone(results: Readout) -> str:
    """Return the answer that `build` would give, and compute nothing else."""
    results = results.at_look()
    arms = tuple(arm_row(results, arm) for arm in results.study.arms)
    return answer(conclude(arms, family_of(results), results.done, results.total, results.look))


def _train_sample(results: Readout) -> int | None:
    sizes = results.header.sizes
    whole = any(arm.settings.recipe.measure == "all" for arm in results.study.arms)
    return None if whole or sizes["valid"] >= sizes["train"] else sizes["valid"]
