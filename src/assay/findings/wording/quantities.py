"""How differences are written: those of accuracies in points, those of another metric by its name."""

from dataclasses import dataclass
from math import floor, log10

from assay.findings import numbers
from assay.stats.ttest import Interval


class Points:
    """Differences of accuracies: they are shares, and written in points."""

    unit = "points"

    def apart(self, value: float) -> str:
        """Write how far apart two values are: 0.42 points."""
        return numbers.apart(value)

    def margin(self, value: float) -> str:
        """Write a margin: 0.3 points."""
        return numbers.margin(value)

    def side(self, value: float) -> str:
        """Say on which side a value lies that differs by this much."""
        return "above" if value > 0 else "below"

    def signed(self, value: float) -> str:
        """Write a difference with its sign: +0.42."""
        return numbers.points(value)

    def interval(self, value: Interval) -> str:
        """Write an interval of differences whose direction words say: 0.20 to 0.61."""
        return numbers.interval(value)

    def signed_interval(self, value: Interval) -> str:
        """Write an interval of differences: -0.01 to +0.34."""
        return numbers.points_interval(value)


POINTS = Points()


@dataclass(frozen=True)
class OtherMetric:
    """A metric in its own unit, by ``name``.

    Where less is better, a difference is that of the values with their signs turned, so that more of it is
    better; it is written as that of the values themselves.
    """

    name: str
    less_is_better: bool

    @property
    def unit(self) -> str:
        """What differences are of: in val_loss."""
        return f"in {self.name}"

    def value(self, value: float) -> str:
        """Write a value to four digits, those of a whole number all: 0.4312, 12.57, 1,234."""
        decimals = 3 - floor(log10(abs(value))) if value else 0
        return f"{value:,.{min(max(decimals, 0), 12)}f}"

    def apart(self, value: float) -> str:
        """Write how far apart two values are: 0.031 in val_loss."""
        return f"{numbers.speed(abs(value))} {self.unit}"

    def margin(self, value: float) -> str:
        """Write a margin: 0.02 in val_loss."""
        return f"{value:.6g} {self.unit}"

    def side(self, value: float) -> str:
        """Say on which side a value lies: of less, better is below."""
        return "above" if (value > 0) != self.less_is_better else "below"

    def signed(self, value: float) -> str:
        """Write a difference of values with its sign: -0.031."""
        return _signed(-value if self.less_is_better else value)

    def interval(self, value: Interval) -> str:
        """Write an interval of differences whose direction words say: 0.012 to 0.050."""
        return f"{numbers.speed(value[0])} to {numbers.speed(value[1])}"

    def signed_interval(self, value: Interval) -> str:
        """Write an interval of differences of values: -0.050 to -0.012."""
        low, high = (-value[1], -value[0]) if self.less_is_better else value
        return f"{_signed(low)} to {_signed(high)}"


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{numbers.speed(value)}"


DifferencesOf = Points | OtherMetric
"""What is compared, as far as words for it go."""
