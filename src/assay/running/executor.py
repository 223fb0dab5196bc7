"""Executors: where and how a study's tasks are trained."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable

from assay.running.messages import Context, Message, Task


class Executor(ABC):
    """Trains tasks somewhere, and yields what they bring; it knows nothing of the store.

    The contract, which `assay.testing.ExecutorConformance` tests:

    - `run` takes the context once, before the first task. What is in it, the plan and the data set, may be
      shared as objects by workers in the same process; an executor with workers elsewhere gives each of
      them the study's tables, the engine of each arm and the data set in its own way, once.
    - Tasks and messages are plain data: dataclasses, numbers, text and NumPy arrays. Pickled and unpickled,
      they do the same, bit for bit. No task names a file or holds a session, a lock or a connection.
    - A task is taken from ``tasks`` when there is a worker free for it, and no earlier: making one may read
      a checkpoint. Tasks are taken, and messages yielded, in the thread that iterates.
    - A worker does a task by `assay.running.worker.work`. The messages of one run come in order: `Begun`,
      then `StepsTaken` and one `EpochTrained` per epoch, then exactly one `Finished` or `Failed`. Those of
      different runs may be mixed. A message is not changed once it is yielded.
    - Whatever is raised while a run is trained costs that run alone: it is `Failed`, with its traceback, and
      the others go on. A run whose worker is lost is `Failed` too. What `work` lets through, as
      `KeyboardInterrupt`, is raised by the iteration.
    - Closing the generator stops the workers, at the next message they tell, and returns when they have
      stopped. So does whatever is raised by ``tasks``. Afterwards `run` may be called again.
    """

    at_once: int
    """How many tasks are trained at once."""

    @abstractmethod
    def run(self, context: Context, tasks: Iterable[Task]) -> Generator[Message, None, None]:
        """Train every task; yield messages as they come, until the last run has ended."""
