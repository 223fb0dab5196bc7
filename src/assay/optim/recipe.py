"""A recipe: how a network is trained."""

from dataclasses import dataclass, fields, replace
from typing import Literal

from assay.errors import require
from assay.optim import Optimizer
from assay.optim.augment import Transform, expect_distinct
from assay.optim.penalties import Penalty
from assay.optim.schedules import CONSTANT, Schedule

MOST = 10_000_000
"""The maximum number of epochs, and of examples in a batch."""

OPTIONS = ("schedule", "penalties", "augment")
"""Parts of a recipe, besides its learning rule, that an engine may not support."""


Measure = Literal["sample", "all"]
Dtype = Literal["float32", "tf32", "float64", "bfloat16"]


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: everything but the network, the data and the seed.

    ``dtype`` is the precision that layers compute with; with "bfloat16", which
    the torch engine has, and the numba engine where the processor multiplies
    it, parameters are kept, and updated, in float32. "tf32" is float32 with
    factors of products rounded to 10 binary digits; an NVIDIA GPU has it.
    ``schedule`` multiplies the optimizer's lr, its lengths counted in epochs;
    ``penalties`` are minimised along with the cross-entropy, though no reported
    loss includes them; ``augment`` distorts training images anew each epoch.
    ``measure`` says what the training figures of an epoch are computed on: a fixed
    sample of the training images as large as the validation set, or all of them.
    With ``patience`` a run ends once this many epochs in a row have not raised its best
    validation accuracy, or after ``epochs``; schedules count ``epochs`` either way.
    """

    optimizer: Optimizer
    batch_size: int = 100
    epochs: int = 100
    dtype: Dtype = "float32"
    schedule: Schedule = CONSTANT
    penalties: tuple[Penalty, ...] = ()
    augment: tuple[Transform, ...] = ()
    measure: Measure = "sample"
    patience: int | None = None

    def __post_init__(self) -> None:
        """Reject sizes with which nothing would be trained, and a transform given twice."""
        keys = ("batch_size", "epochs", *(() if self.patience is None else ("patience",)))
        for key in keys:
            value = getattr(self, key)
            require(value >= 1, key, value, "an integer >= 1")
            require(value <= MOST, key, value, f"at most {MOST:,}")
        expect_distinct(self.augment)

    @property
    def parameter_dtype(self) -> Literal["float32", "float64"]:
        """The precision, a NumPy one, in which parameters, buffers and the rule's state are kept."""
        return "float64" if self.dtype == "float64" else "float32"

    @property
    def layer_dtype(self) -> Literal["float32", "float64", "bfloat16"]:
        """The precision of activations."""
        return "float32" if self.dtype == "tf32" else self.dtype

    @property
    def options(self) -> frozenset[str]:
        """Which of `OPTIONS` the recipe uses."""
        defaults = {field.name: field.default for field in fields(self)}
        return frozenset(key for key in OPTIONS if getattr(self, key) != defaults[key])

    @property
    def stops_early(self) -> bool:
        """Whether a run may end before its last epoch: a first best epoch leaves fewer than ``epochs``."""
        return self.patience is not None and self.patience + 1 < self.epochs

    def fitted(self, examples: int) -> "Recipe":
        """Return the recipe with batches no larger than a training set of ``examples``."""
        return replace(self, batch_size=min(self.batch_size, examples))

    def steps(self, examples: int) -> int:
        """Return how many steps an epoch over ``examples`` takes, including a short last one."""
        return -(-examples // self.batch_size)
