"""Schedules: what the learning rate is multiplied by at each step.

A schedule is a frozen dataclass, called with the step t, from 1 as in
`assay.optim.Optimizer.update`; it keeps no state. Lengths are in steps; a
recipe gives them in epochs, and `Schedule.in_steps` turns those into steps.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from math import cos, pi
from typing import ClassVar, Self

from assay.errors import finite, require


class Schedule(ABC):
    """A pure function from step to factor."""

    lengths: ClassVar[tuple[str, ...]] = ()
    """The fields that count steps."""

    @abstractmethod
    def __call__(self, t: int) -> float:
        """Return the factor at step ``t``, 1 for the first."""

    def in_steps(self, per_epoch: int) -> Self:
        """Return the schedule whose lengths, now in epochs, are counted in steps."""
        return replace(self, **{name: getattr(self, name) * per_epoch for name in self.lengths})  # type: ignore[type-var]


@dataclass(frozen=True)
class Constant(Schedule):
    """1 throughout."""

    def __call__(self, t: int) -> float:
        """Return 1."""
        del t
        return 1.0


CONSTANT = Constant()


@dataclass(frozen=True)
class StepLR(Schedule):
    """gamma^floor((t - 1) / step_size): a drop every ``step_size`` steps, as in ``torch.optim``."""

    step_size: int
    gamma: float = 0.1
    lengths: ClassVar[tuple[str, ...]] = ("step_size",)

    def __post_init__(self) -> None:
        """Reject an empty step and a factor that is not positive."""
        require(self.step_size >= 1, "step_size", self.step_size, "an integer >= 1")
        _require_positive("gamma", self.gamma)

    def __call__(self, t: int) -> float:
        """Return the factor."""
        return float(self.gamma ** ((t - 1) // self.step_size))


@dataclass(frozen=True)
class ExponentialLR(Schedule):
    """gamma^(t - 1): decay by the same factor every step, as in ``torch.optim``."""

    gamma: float

    def __post_init__(self) -> None:
        """Reject a factor that is not positive."""
        _require_positive("gamma", self.gamma)

    def __call__(self, t: int) -> float:
        """Return the factor."""
        return float(self.gamma ** (t - 1))

    def in_steps(self, per_epoch: int) -> Self:
        """Return the schedule that falls evenly by gamma per epoch."""
        return replace(self, gamma=self.gamma ** (1 / per_epoch))


@dataclass(frozen=True)
class CosineAnnealingLR(Schedule):
    """From 1 along half a cosine to ``eta_min`` after ``T_max`` steps, then constant.

    eta_min + (1 - eta_min) (1 + cos(pi (t - 1) / T_max)) / 2; Loshchilov and
    Hutter 2017, eq. 5. ``eta_min`` is a share of lr, where PyTorch's is a rate;
    PyTorch's rises again after T_max steps.
    """

    T_max: int
    eta_min: float = 0.0
    lengths: ClassVar[tuple[str, ...]] = ("T_max",)

    def __post_init__(self) -> None:
        """Reject an empty schedule and an end outside [0, 1]."""
        require(self.T_max >= 1, "T_max", self.T_max, "an integer >= 1")
        require(0 <= self.eta_min <= 1, "eta_min", self.eta_min, "a number in [0, 1]")

    def __call__(self, t: int) -> float:
        """Return the factor."""
        return _cosine(1.0, self.eta_min, (t - 1) / self.T_max)


@dataclass(frozen=True)
class OneCycleLR(Schedule):
    """Up from 1 / ``div_factor`` to 1, then down to 1 / (div_factor ``final_div_factor``).

    Both ways along half a cosine, as ``torch.optim``'s; lr is its ``max_lr``.
    The peak is at step ``pct_start total_steps``, the end at ``total_steps``.
    Source: Smith and Topin 2018. The momentum is unchanged.
    """

    total_steps: int
    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    lengths: ClassVar[tuple[str, ...]] = ("total_steps",)

    def __post_init__(self) -> None:
        """Reject a schedule without a rise and a fall."""
        require(self.total_steps >= 1, "total_steps", self.total_steps, "an integer >= 1")
        require(0 < self.pct_start < 1, "pct_start", self.pct_start, "a number in (0, 1)")
        for key in ("div_factor", "final_div_factor"):
            _require_positive(key, getattr(self, key))

    def __call__(self, t: int) -> float:
        """Return the factor."""
        peak, start = self.pct_start * self.total_steps, 1 / self.div_factor
        if t < peak:
            return _cosine(start, 1.0, (t - 1) / (peak - 1))
        return _cosine(1.0, start / self.final_div_factor, (t - peak) / (self.total_steps - peak))


@dataclass(frozen=True)
class WarmUp(Schedule):
    """t / ``steps`` on the first ``steps`` steps, then ``after`` from its start (Goyal et al. 2017)."""

    steps: int
    after: Schedule = CONSTANT
    lengths: ClassVar[tuple[str, ...]] = ("steps",)

    def __post_init__(self) -> None:
        """Reject an empty warm-up."""
        require(self.steps >= 1, "steps", self.steps, "an integer >= 1")

    def __call__(self, t: int) -> float:
        """Return the factor."""
        return t / self.steps if t <= self.steps else self.after(t - self.steps)

    def in_steps(self, per_epoch: int) -> Self:
        """Return the schedule in steps, including the one that follows."""
        return replace(super().in_steps(per_epoch), after=self.after.in_steps(per_epoch))


def _cosine(start: float, end: float, share: float) -> float:
    """Return the value ``share`` of the way from ``start`` to ``end`` along half a cosine."""
    return end + (start - end) * (1 + cos(pi * min(share, 1.0))) / 2


def _require_positive(key: str, value: float) -> None:
    require(value > 0, key, value, "a number > 0")
    require(finite(value), key, value, "a finite number")
