"""A layer at work for R runs at once."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from assay.engines.torch.initial_weights import Weight
from assay.engines.torch.ways import PLAIN, Ways
from assay.shapes import Shape

Draw = Callable[[str], list[np.random.Generator]]
"""Returns each run's mask generator for a layer, by its name in the network."""

Cache = Any


@dataclass(frozen=True)
class Site:
    """A layer's place: its name and input, and its share of the R runs' values, by the layer's names."""

    name: str
    input_shape: Shape
    runs: int
    weights: Mapping[str, Weight]
    buffers: Mapping[str, Tensor]
    needs_dx: bool
    """Whether anything before the layer is learnt."""

    ways: Ways = PLAIN


class Generators:
    """Each run's generator for one layer, made when first asked for: few layers need any."""

    def __init__(self, draw: Draw, name: str) -> None:
        self._draw = draw
        self._name = name
        self._made: list[np.random.Generator] | None = None

    def __call__(self) -> list[np.random.Generator]:
        """Return them; the layers within one layer share them in turn."""
        if self._made is None:
            self._made = self._draw(self._name)
        return self._made


class Op(ABC):
    """Forward and backward, of values laid out as in `assay.engines.torch.layout`."""

    def __init__(self, site: Site, layer: Any) -> None:
        self.site = site
        self.layer = layer

    @abstractmethod
    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Return y, in evaluation mode, and what backward needs."""

    def forward_training(self, x: Tensor, generators: Generators) -> tuple[Tensor, Cache]:
        """Return the same in training mode."""
        del generators
        return self.forward(x)

    @abstractmethod
    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Write the gradients of the weights and return dL/dx; None if it is not needed. May overwrite dy."""
