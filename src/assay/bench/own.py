"""assay itself as a method of the training benchmark."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from assay.bench.problem import BATCH, Problem, Trainer
from assay.engines import engine
from assay.engines.base import Images, Labels, Session
from assay.errors import UnsupportedError
from assay.optim.recipe import Dtype
from assay.shapes import Array


class Own(Trainer):
    """An engine with one worker per thread, each training its own runs."""

    def __init__(self, problem: Problem, engine_name: str, dtype: Dtype = "float32") -> None:
        """Open the sessions; `UnsupportedError` if the engine lacks something, such as the device."""
        super().__init__(problem)
        recipe = problem.recipe(dtype)
        if engine_name == "torch":
            engine_name = f"torch:{problem.device}"
        elif problem.device != "cpu":
            raise UnsupportedError("runs on the CPU only")
        found = engine(engine_name, problem.network, recipe)
        size = found.runs_per_session
        self.models = problem.models or problem.threads * size
        seeds = range(self.models)
        groups = [seeds[first : first + size] for first in range(0, self.models, size)]
        self.sessions = [
            found.session(problem.network, recipe, group, [problem.state(seed) for seed in group])
            for group in groups
        ]
        self.slices: dict[int, tuple[Images, Labels]] = {}
        self.pool = ThreadPoolExecutor(problem.threads)

    def epoch(self, steps: int) -> None:
        """Train."""
        list(self.pool.map(partial(self._pass, steps), self.sessions))

    def _pass(self, steps: int, session: Session) -> None:
        session.train_epoch(*self._data(steps * BATCH), self.epochs, lambda _: None)

    def _data(self, count: int) -> tuple[Images, Labels]:
        """Return the first ``count`` images, always the same arrays, which an engine may keep on a device."""
        if count not in self.slices:
            self.slices[count] = self.problem.images[:count], self.problem.labels[:count]
        return self.slices[count]

    def scores(self) -> Array:
        """Return class scores."""
        return self.sessions[0].scores(self.problem.images[:BATCH])[0]
