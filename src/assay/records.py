"""What is known of a run, as data: the words that training, store and report share."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Where a run stands; only ``done`` runs enter a comparison."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    DIVERGED = "diverged"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing more will be done for the run."""
        return self in (Status.DONE, Status.DIVERGED)


@dataclass(frozen=True)
class RunId:
    """A run is an arm and a seed."""

    arm: str
    seed: int

    def __str__(self) -> str:
        return f"{self.arm}, seed {self.seed}"


@dataclass(frozen=True)
class EpochRecord:
    """A run at the end of an epoch (from 1).

    Losses are the mean cross-entropy in nats without penalties, accuracies
    are shares from 0 to 1; both are measured with the weights that the epoch
    ended with, on the whole split. ``seconds`` is the epoch's time with its
    evaluations, ``steps_per_second`` counts training alone.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    valid_loss: float
    valid_accuracy: float
    seconds: float
    steps_per_second: float


@dataclass(frozen=True)
class TestResult:
    """The one use of the test set by a run, at the epoch that validation chose."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    loss: float
    correct: int
    total: int

    @property
    def accuracy(self) -> float:
        """Share of correct answers, 0 to 1."""
        return self.correct / self.total


@dataclass(frozen=True)
class RunRecord:
    """One row of the results: a run, what came out and what it cost.

    ``peak_memory`` is in bytes, ``memory_source`` says whether it was
    "measured" or "computed"; ``flops`` counts one example forward.
    """

    arm: str
    seed: int
    status: Status
    engine: str
    parameters: int
    flops: int
    peak_memory: int
    memory_source: str
    epochs: int = 0
    best_epoch: int | None = None
    valid_best: float | None = None
    valid_final: float | None = None
    test: TestResult | None = None
    steps_per_second: float | None = None
    seconds_per_epoch: float | None = None
    message: str | None = None

    @property
    def id(self) -> RunId:
        """Arm and seed."""
        return RunId(self.arm, self.seed)

    @property
    def test_accuracy(self) -> float | None:
        """Share of correct test answers, 0 to 1; None until the test set was opened."""
        return self.test.accuracy if self.test else None

    @property
    def test_loss(self) -> float | None:
        """Mean cross-entropy on the test set, nats."""
        return self.test.loss if self.test else None
