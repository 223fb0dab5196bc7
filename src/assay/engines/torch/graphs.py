"""Several steps of training as one CUDA graph, recorded once and replayed with other examples.

A step of small networks is a hundred kernels that take a GPU less time than
Python takes to start them; a graph starts all of them at once. It repeats what
was recorded to the letter, so whatever differs from step to step is read from
tensors that stay where they are.
"""

from collections.abc import Callable, Sequence
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assay.nn.dropout import Dropout
from assay.nn.layer import Layer
from assay.optim import NAdam
from assay.recipe import Recipe

STEPS = 10
"""Steps in a graph; what is left of an epoch, the short last batch included, is taken one by one."""

Step = Callable[[Tensor, Tensor, Tensor], None]
"""Takes a step: the positions of its examples (R, N), its number t and the schedule's factor, float64 ()."""

Record = Callable[[Callable[[], None]], Callable[[], None]]
"""Returns what repeats an action; need not have done it."""

_ONE_AT_A_TIME = Lock()


def record(action: Callable[[], None]) -> Callable[[], None]:
    """Record the kernels that ``action`` starts, without running them; other threads' are let through."""
    graph = torch.cuda.CUDAGraph()
    with _ONE_AT_A_TIME, torch.cuda.graph(graph, capture_error_mode="thread_local"):
        action()
    return graph.replay


def recordable(layers: Sequence[Layer], recipe: Recipe) -> bool:
    """Tell whether steps need nothing from the CPU: no masks, no distorted images, no number of NAdam's."""
    drawn = any(isinstance(layer, Dropout) for layer in layers)
    return not (drawn or recipe.augment or isinstance(recipe.optimizer, NAdam))


class Graph:
    """`STEPS` steps as one call. The first call takes them plainly, the second records them."""

    def __init__(self, step: Step, batch: tuple[int, int], device: torch.device, record: Record) -> None:
        self._step, self._record = step, record
        self._examples = torch.zeros((STEPS, *batch), dtype=torch.int64, device=device)
        self._numbers = torch.zeros((2, STEPS), dtype=torch.float64, device=device)
        self._warm = False
        self._replay: Callable[[], None] | None = None

    def __call__(self, examples: NDArray[np.int64], times: Sequence[int], factors: Sequence[float]) -> None:
        """Take the steps ``times`` with ``examples`` (STEPS, R, N) and the schedule's ``factors``."""
        self._examples.copy_(torch.from_numpy(examples))
        self._numbers.copy_(torch.tensor([times, factors], dtype=torch.float64))
        if not self._warm:  # libraries set themselves up at their first call, which cannot be recorded
            self._take()
            self._warm = True
            return
        self._replay = self._replay or self._record(self._take)
        self._replay()

    def _take(self) -> None:
        for examples, t, factor in zip(self._examples, *self._numbers, strict=True):
            self._step(examples, t, factor)
