"""The records of a run: the vocabulary that training, store and report share."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Status(StrEnum):
    """The status of a run; only ``done`` runs enter a comparison.

    A run is ``stopped`` if it is recorded as running but no process is training it any more.
    """

    PENDING = "pending"
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"
    DIVERGED = "diverged"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether the run needs no further work."""
        return self in (Status.DONE, Status.DIVERGED)


@dataclass(frozen=True)
class RunId:
    """A run's identity: an arm and a seed."""

    arm: str
    seed: int

    def __str__(self) -> str:
        return f"{self.arm}, seed {self.seed}"


THEN = ", then "
"""Between the names of machines that trained a run one after the other."""

ELSEWHERE = "elsewhere"
"""The engine of runs that assay did not train: their results were imported."""

LEARNT_ACCURACY = 0.1
"""A run has learnt something when its accuracy is this share of the way from guessing's to 1."""


def above_chance(accuracy: float, guessing: float) -> bool:
    """Whether an accuracy is above chance, where guessing is right for a share ``guessing``."""
    return accuracy > guessing + LEARNT_ACCURACY * (1 - guessing)


@dataclass(frozen=True)
class EpochRecord:
    """A run at the end of an epoch (from 1).

    Losses are the mean cross-entropy in nats without penalties, accuracies
    are shares from 0 to 1; both are measured with the weights that the epoch
    ended with: validation on its whole split, training on a sample of its
    images or on all (`assay.optim.recipe.Recipe`). ``seconds`` and
    ``steps_per_second`` are of training alone, ``evaluation_seconds`` of the
    evaluation that follows, None where an older store does not separate the two;
    all by the session's clock: processor time, or wall time on a GPU.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    valid_loss: float
    valid_accuracy: float
    seconds: float
    steps_per_second: float
    evaluation_seconds: float | None = None

    def told_apart(self, steps: int) -> "EpochRecord":
        """Split the seconds of a record of ``steps`` steps, which include evaluation, into the two."""
        if self.evaluation_seconds is not None or not self.steps_per_second:
            return self
        trained = min(self.seconds, steps / self.steps_per_second)
        return replace(self, seconds=trained, evaluation_seconds=self.seconds - trained)


@dataclass(frozen=True)
class LayerRecord:
    """A layer of a run at the end of an epoch; epoch 0 means before the first step.

    All norms are Euclidean, over all parameters of the layer at once.
    ``gradient_norm`` is that of the loss without penalties, ``decay_norm`` that
    of what weight decay and penalties add to it before the learning rule sees
    it, and ``update_ratio`` the norm of the update that the rule would make
    now, over ``weight_norm``; ``loss_ratio`` is the same without weight decay
    and penalties. All five are None for a layer without parameters, the ratios
    also if all parameters are 0. ``dead_share`` is the share of an
    activation's units, or feature maps, through which no gradient passes for
    any of the examined examples; None for other layers. ``spread`` is the
    standard deviation of the layer's outputs over examples, root mean square
    over the outputs: what remains to distinguish examples by. Values that are
    no longer finite are inf.
    """

    epoch: int
    layer: str
    weight_norm: float | None
    gradient_norm: float | None
    decay_norm: float | None
    update_ratio: float | None
    loss_ratio: float | None
    dead_share: float | None
    spread: float


@dataclass(frozen=True)
class TestResult:
    """The result of a run's only use of the test set, at the epoch chosen by validation."""

    __test__ = False  # not a test case, despite its name

    loss: float
    correct: int
    total: int

    @property
    def accuracy(self) -> float:
        """Share of correct answers, 0 to 1."""
        return self.correct / self.total


@dataclass(frozen=True)
class RunRecord:
    """One row of the results: a run, its outcome and its cost.

    ``peak_memory`` is in bytes, ``memory_source`` says whether it was
    "measured" or "computed"; ``flops`` counts one example forward. A run is
    ``stuck`` if it was trained to its end and never left chance level: it is
    done but counted as a failure, and ``message`` says why it learnt nothing,
    as it says why a run diverged or failed. ``best`` refers to the end of the
    best epoch by validation, which chose the weights, ``final`` to the last one.
    Both ``train_`` values are over all training images, whatever the epochs
    were measured on, and None until they are known. ``seconds_per_epoch`` and
    ``steps_per_second`` are of training alone; ``evaluation_seconds_per_epoch``
    is the rest, with the evaluation at the run's end distributed over the
    epochs. ``processor`` names the type of processor that trained the run, or
    the types if it was continued on another; None in an older store. ``temperature``
    turns the network's scores into probabilities (`assay.stats.calibration`),
    fitted on the validation set; ``calibration_error`` is the expected one at
    that temperature on the test set, a share. Both are None in an older store. ``host`` is the name of the
    machine that trained the run, or the names if it was continued on another; None in an older store.
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
    stuck: bool = False
    train_best: float | None = None
    train_final: float | None = None
    evaluation_seconds_per_epoch: float | None = None
    processor: str | None = None
    temperature: float | None = None
    calibration_error: float | None = None
    host: str | None = None

    @property
    def outcome(self) -> str:
        """The status in words: "done (stuck)" for a run that learnt nothing."""
        return f"{self.status.value} (stuck)" if self.stuck else self.status.value

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
        """Mean cross-entropy on the test set, nats; None if it was not opened, and of an imported run."""
        return self.test.loss if self.test and not self.imported else None

    @property
    def pace(self) -> float | None:
        """Seconds that an epoch takes, trained and evaluated; None until one has ended."""
        if self.seconds_per_epoch is None:
            return None
        return self.seconds_per_epoch + (self.evaluation_seconds_per_epoch or 0.0)

    @property
    def imported(self) -> bool:
        """Whether the run was trained elsewhere: only its test result is known, and no cost."""
        return self.engine == ELSEWHERE
