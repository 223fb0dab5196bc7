"""Layers made of layers."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from assay.engines.torch.op import Cache, Generators, Op, Site


class ChainOp(Op):
    """Layers one after the other."""

    def __init__(self, site: Site, layer: Any, ops: Sequence[Op]) -> None:
        super().__init__(site, layer)
        self._ops = ops

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Apply one after the other."""
        caches = []
        for op in self._ops:
            x, cache = op.forward(x)
            caches.append(cache)
        return x, caches

    def forward_training(self, x: Tensor, generators: Generators) -> tuple[Tensor, Cache]:
        """Apply one after the other in training mode; they share the generators in this order."""
        caches = []
        for op in self._ops:
            x, cache = op.forward_training(x, generators)
            caches.append(cache)
        return x, caches

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Apply the chain rule down to the first layer with something to learn."""
        return backward(self._ops, cache, dy)


class ResidualOp(Op):
    """F(x) + S(x)."""

    def __init__(self, site: Site, layer: Any, ways: tuple[Op, Op]) -> None:
        super().__init__(site, layer)
        self._ways = ways

    def forward(self, x: Tensor) -> tuple[Tensor, Cache]:
        """Add both branches."""
        (added, cache), (kept, kept_cache) = (way.forward(x) for way in self._ways)
        return added + kept, (cache, kept_cache)

    def forward_training(self, x: Tensor, generators: Generators) -> tuple[Tensor, Cache]:
        """Add both branches in training mode."""
        (added, cache), (kept, kept_cache) = (way.forward_training(x, generators) for way in self._ways)
        return added + kept, (cache, kept_cache)

    def backward(self, cache: Cache, dy: Tensor) -> Tensor | None:
        """Send dy down both branches, either of which may overwrite it."""
        layers, shortcut = self._ways
        dx, dx_kept = layers.backward(cache[0], dy.clone()), shortcut.backward(cache[1], dy)
        return dx + dx_kept if dx is not None and dx_kept is not None else None


def backward(ops: Sequence[Op], caches: Sequence[Cache], dy: Tensor | None) -> Tensor | None:
    """Apply the chain rule from the last layer to the first one needed."""
    for op, cache in zip(reversed(ops), reversed(caches), strict=True):
        if dy is None:
            break
        dy = op.backward(cache, dy)
    return dy
