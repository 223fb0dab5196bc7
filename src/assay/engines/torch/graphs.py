"""Several steps of training as one CUDA graph, recorded once and replayed with other examples.

A step of small networks is a hundred kernels that take a GPU less time than
Python takes to start them; a graph starts all of them at once. It repeats
exactly what was recorded, so whatever differs from step to step is read from
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
from assay.optim.recipe import Recipe

STEPS = 10
"""Steps in a graph; what is left of an epoch, the short last batch included, is taken one by one."""

Step = Callable[[Tensor, Tensor, Tensor, Tensor], None]
"""Takes a step: pixels (R, N, ...) and labels (R, N), its number t and the schedule's factor, float64 ()."""

Data = tuple[Tensor, Tensor]
"""Images and labels on the device."""

Record = Callable[[Callable[[], None]], Callable[[], None]]
"""Returns a callable that repeats an action, without necessarily having run it."""

_ONE_AT_A_TIME = Lock()


def record(action: Callable[[], None]) -> Callable[[], None]:
    """Record the kernels that ``action`` starts, without running them; other threads' are let through."""
    graph = torch.cuda.CUDAGraph()
    with _ONE_AT_A_TIME, torch.cuda.graph(graph, capture_error_mode="thread_local"):
        action()
    return graph.replay


def recordable(layers: Sequence[Layer], recipe: Recipe) -> bool:
    """Tell whether steps need nothing from the CPU: no masks, no augmented images, no NAdam product."""
    drawn = any(isinstance(layer, Dropout) for layer in layers)
    return not (drawn or recipe.augment or isinstance(recipe.optimizer, NAdam))


class Graph:
    """`STEPS` steps as one call. The first call takes them plainly, the second records them.

    The graph reads images from its own copy, so that others can be put
    there: recording again would cost more than a while of training.
    """

    def __init__(self, step: Step, data: Data, batch: tuple[int, int], record: Record) -> None:
        self._step, self._record = step, record
        self._pixels, self._labels = (torch.empty_like(tensor) for tensor in data)
        self._shown: Data | None = None
        self._examples = torch.zeros((STEPS, *batch), dtype=torch.int64, device=self._pixels.device)
        self._numbers = torch.zeros((2, STEPS), dtype=torch.float64, device=self._pixels.device)
        self._warm = False
        self._replay: Callable[[], None] | None = None

    def holds(self, data: Data) -> bool:
        """Tell whether there is room for images and labels."""
        pixels, labels = data
        return pixels.shape[1:] == self._pixels.shape[1:] and len(labels) <= len(self._labels)

    def show(self, data: Data) -> None:
        """Train with these images and labels from now on."""
        if self._shown is None or any(a is not b for a, b in zip(self._shown, data, strict=True)):
            for kept, given in zip((self._pixels, self._labels), data, strict=True):
                kept[: len(given)].copy_(given)
            self._shown = data

    def __call__(self, examples: NDArray[np.int64], times: Sequence[int], factors: Sequence[float]) -> None:
        """Take the steps ``times`` with ``examples`` (STEPS, R, N) and the schedule's ``factors``."""
        self._examples.copy_(torch.from_numpy(examples))
        self._numbers.copy_(torch.tensor([times, factors], dtype=torch.float64))
        if not self._warm:  # libraries initialise themselves at their first call, which cannot be recorded
            self._take()
            self._warm = True
            return
        self._replay = self._replay or self._record(self._take)
        self._replay()

    def _take(self) -> None:
        for examples, t, factor in zip(self._examples, *self._numbers, strict=True):
            self._step(self._pixels[examples], self._labels[examples], t, factor)
