"""Executors: where and how a study's tasks are trained."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Sequence

from assay.running.messages import Context, Message, Task
from assay.store.machines import WorkingMachine


class Executor(ABC):
    """Trains tasks somewhere, and yields their messages; it knows nothing about the store.

    The contract, which `assay.testing.ExecutorConformance` tests:

    - `run` takes the context once, before the first task. What is in it, the plan and the data set, may be
      shared as objects by workers in the same process; an executor with workers elsewhere gives each of
      them the study's tables, the engine of each arm and the data set in its own way, once.
    - Tasks and messages are plain data: dataclasses, numbers, text and NumPy arrays. Pickled and unpickled,
      they do the same, bit for bit. No task names a file or holds a session, a lock or a connection.
    - A task is taken from ``tasks`` when a worker is free for it, and no earlier: creating one may read
      a checkpoint. One whose workers are of several kinds, some with a GPU, takes tasks while a worker of
      any kind is free. Tasks are taken, and messages yielded, in the thread that iterates.
    - A worker does a task by `assay.running.worker.work`. The messages of one run come in order: `Begun`,
      then `StepsTaken` and one `EpochTrained` per epoch, then exactly one `Finished` or `Failed`. Those of
      different runs may be mixed. A message is not changed once it is yielded.
    - An exception raised while a run is trained costs only that run: it is `Failed`, with its traceback, and
      the others go on. A run whose worker is lost is `Failed` too. What `work` lets through, such as
      `KeyboardInterrupt`, is raised by the iteration.
    - Closing the generator stops the workers at their next message, and returns when they have stopped.
      An exception raised by ``tasks`` does the same. Afterwards `run` may be called again.
    """

    at_once: int
    """How many tasks are trained at once."""

    elsewhere: bool = False
    """Whether other machines train, which may have a GPU that this one lacks."""

    @abstractmethod
    def run(self, context: Context, tasks: Iterable[Task]) -> Generator[Message, None, None]:
        """Train every task; yield messages as they come, until the last run has ended."""

    def machines(self) -> Sequence[WorkingMachine]:
        """Return the machines that train now, and what runs on each; none where that is this one alone."""
        return ()
