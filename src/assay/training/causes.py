"""Explain in words why a run has learnt nothing, from the records of its layers.

A run is stuck when it was trained to its end and never did better than
guessing by the classes' shares: a mean cross-entropy of their entropy, ln K
when K classes are balanced.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import inf, isfinite
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from assay.optim.recipe import Recipe
from assay.records.runs import EpochRecord, LayerRecord, above_chance

LEARNT_LOSS = 0.01
"""A run that has learnt something has once had a training loss this share below that of guessing, or, too
sure of itself for that, an accuracy above chance, ..."""
FLAT = 0.001
"""... which is luck, though, where the loss is never further than this share from that of guessing."""

DEAD = 0.99
"""A layer passes nothing on when this share of its units is dead."""
VIOLENT = 0.5
"""An update this large against the weights forgets what they were."""
STILL = 0.1
"""Weights have not moved when all updates together come to no more than this share of them."""
SHRUNK = 0.9
"""Weights have shrunk when their norm at the end is less than this share of what it was."""
FADED = 1e-4
"""The signal has faded when the scores' spread is less than this share of the first layer's."""

Examination = Sequence[LayerRecord]


def chance(labels: NDArray[np.int64]) -> tuple[float, float]:
    """Return the loss, in nats, and the accuracy of guessing by the classes' shares."""
    shares = np.bincount(labels) / len(labels)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum()), float(shares.max())


def stuck(history: Sequence[EpochRecord], labels: NDArray[np.int64]) -> bool:
    """Whether a run was never better than guessing on its training set, which has these labels."""
    loss, accuracy = chance(labels)
    losses = [record.train_loss / loss - 1 for record in history if loss]
    if not losses or min(losses) < -LEARNT_LOSS:
        return False
    highest = max(record.train_accuracy for record in history)
    return max(map(abs, losses)) < FLAT or not above_chance(highest, accuracy)


def why_stuck(layers: Sequence[LayerRecord], recipe: Recipe, examples: int) -> str:
    """Return which layer shows first why a run is stuck, how it shows, and what to try.

    ``layers`` are the run's examinations, ``examples`` is the size of its training set.
    """
    if not layers or layers[0].epoch:
        return "no layer was examined before the first step, so nothing shows why (begun by an older assay)"
    return next(_Diagnosis(_by_epoch(layers), recipe, recipe.steps(examples)).causes())


def why_diverged(history: Sequence[EpochRecord], layers: Sequence[LayerRecord], fault: str = "") -> str:
    """Return when a run stopped being finite, which layer shows it first, and what preceded it.

    ``fault`` is what the training found, if it was asked.
    """
    before, last = [(), (), *_by_epoch(layers)][-2:]
    finite = [record for record in history if isfinite(record.train_loss)]
    parts = [
        fault or f"the loss was no longer finite after epoch {len(history)}",
        *_first_broken(last),
        f"the last finite training loss was {finite[-1].train_loss:.3g} (epoch {finite[-1].epoch})"
        if finite
        else "no training loss was finite",
        *_largest_update(before),
    ]
    return f"{'; '.join(parts)} (try a smaller learning rate)"


@dataclass(frozen=True)
class _Diagnosis:
    """The causes found in a stuck run's examinations, at least two, with ``steps`` updates after each."""

    examinations: Sequence[Examination]
    recipe: Recipe
    steps: int

    def causes(self) -> Iterator[str]:
        """Yield the signs found: before the first step, over the whole run, then epoch by epoch."""
        start, *rest = self.examinations
        yield from self._signs(start)
        yield from self._still()
        yield from self._faded()
        for examination in rest:
            yield from self._signs(examination)
        yield "no layer shows why (try another learning rate, or more epochs)"

    def _signs(self, examination: Examination) -> Iterator[str]:
        """Yield the signs in one examination, the most serious first, then by layer."""
        for sign in (self._dead, self._decayed, self._violent):
            for layer in examination:
                for cause in sign(layer, examination):
                    yield f"{layer.layer}, {_when(layer)}: {cause}"

    @property
    def updates(self) -> int:
        """How many updates the run took."""
        return self.steps * (len(self.examinations) - 1)

    def _dead(self, layer: LayerRecord, _: Examination) -> Iterator[str]:
        if layer.dead_share is not None and layer.dead_share >= DEAD:
            remedy = "a smaller learning rate" if layer.epoch else "another initialisation"
            yield f"{layer.dead_share:.0%} of its units are dead, no gradient passes them (try {remedy})"

    def _decayed(self, layer: LayerRecord, examination: Examination) -> Iterator[str]:
        """Yield it if the weights followed weight decay rather than the loss, and did shrink."""
        weights, gradient, decay = layer.weight_norm, layer.gradient_norm, layer.decay_norm
        left = next(last.weight_norm for last in self.examinations[-1] if last.layer == layer.layer)
        if weights is None or gradient is None or decay is None or left is None:
            return
        if gradient < decay and left < SHRUNK * weights:
            what = "penalties" if self.recipe.penalties else "weight decay"
            yield (
                f"the loss's gradient (norm {gradient:.2g}) is smaller than that of {what} "
                f"({decay:.2g}), so its weights followed {what}: their norm fell from {weights:.2g} to "
                f"{left:.2g}{self._without(examination)}{_fading(examination)}"
            )

    def _without(self, examination: Examination) -> str:
        """Say whether the loss alone would have moved any layer."""
        largest = max(layer.loss_ratio or 0.0 for layer in examination)
        if self.updates * largest > STILL:
            return " (try smaller penalties)" if self.recipe.penalties else " (try less weight decay)"
        return f"; without it no update would exceed {largest:.2g} of a layer's weights, too little to learn"

    def _violent(self, layer: LayerRecord, _: Examination) -> Iterator[str]:
        if layer.update_ratio is not None and layer.update_ratio >= VIOLENT:
            size = f"{layer.update_ratio:.2g} times the size of its weights"
            yield f"one update is {size} (try a smaller learning rate)"

    def _still(self) -> Iterator[str]:
        """Yield the first layer with weights if no layer has moved in the whole run."""
        ratios = {
            layers[0].layer: [layer.update_ratio for layer in layers if layer.update_ratio is not None]
            for layers in zip(*self.examinations[:-1], strict=True)
        }
        moved = {name: self.steps * sum(values) for name, values in ratios.items() if values}
        if moved and max(moved.values()) <= STILL:
            first = next(iter(moved))
            largest, rounding = max(ratios[first]), float(np.finfo(self.recipe.parameter_dtype).epsneg)
            lost = ", less than rounding keeps" if largest < rounding else ""
            yield (
                f"{first}: an update is at most {largest:.2g} times the size of its weights{lost}, all "
                f"{self.updates:,} together {moved[first]:.2g}, and no layer moves more than "
                f"{max(moved.values()):.2g} (try a larger learning rate or more epochs)"
                f"{_fading(self.examinations[0])}"
            )

    def _faded(self) -> Iterator[str]:
        """Yield the first layer behind which the signal has faded."""
        examination = self.examinations[0]
        for layer in examination:
            if layer.spread < FADED * _first(examination).spread:
                what = "it gives nearly the same whatever the example"
                yield f"{layer.layer}, {_when(layer)}: {what}{_fading(examination)}"


def _by_epoch(layers: Sequence[LayerRecord]) -> list[Examination]:
    return [tuple(group) for _, group in groupby(layers, attrgetter("epoch"))]


def _when(layer: LayerRecord) -> str:
    return f"after epoch {layer.epoch}" if layer.epoch else "before the first step"


def _fading(examination: Examination) -> str:
    """Say so if the scores hardly distinguish examples that the first layer with weights still does."""
    first, last = _first(examination), examination[-1]
    if last.spread >= FADED * first.spread:
        return ""
    return (
        f". The signal fades from layer to layer: what tells examples apart is {first.spread:.2g} behind "
        f"{first.layer} and {last.spread:.2g} in the scores (try larger initial weights, as He's, batch "
        "normalisation or fewer layers)"
    )


def _first(examination: Examination) -> LayerRecord:
    """Return the first layer with weights."""
    return next((layer for layer in examination if layer.weight_norm is not None), examination[0])


def _first_broken(examination: Examination) -> Iterator[str]:
    """Yield the first layer whose weights or output, or else whose gradient, is not finite."""
    for layer in examination:
        if inf in (layer.weight_norm, layer.spread):
            what = "weights are" if layer.weight_norm == inf else "output is"
            yield f"{layer.layer} is the first layer whose {what} not finite"
            return
    for layer in examination:
        if layer.gradient_norm == inf:
            yield f"{layer.layer} is the first layer whose gradient is not finite"
            return


def _largest_update(examination: Examination) -> Iterator[str]:
    ratios = {layer.layer: layer.update_ratio or 0.0 for layer in examination}
    if ratios:
        largest = max(ratios, key=ratios.__getitem__)
        size = f"{ratios[largest]:.2g} times the size of the weights of {largest}"
        yield f"{_when(examination[0])}, one update was {size}"
