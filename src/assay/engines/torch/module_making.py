"""Making a user's module, under a seed, and filling it with values."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from threading import RLock

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch import Tensor
from torch.nn.parameter import is_lazy

from assay import streams
from assay.engines.torch.module_parts import kept, learnt
from assay.nn.init import Initializer
from assay.shapes import Array, Shape

BASE = torch.nn.Module
"""What a user's class derives from."""

WHOLE = "module"
"""The name of the whole among its parts, and of its random numbers."""

Make = Callable[[], torch.nn.Module]


@dataclass(frozen=True)
class ModuleSpec:
    """Which module: ``identity`` is the digest of its code, its name and its arguments, ``make`` makes it.

    Weights are drawn by ``init`` from assay's streams, or, with None, by the module itself under the run's
    seed. ``compiled`` says whether sessions hand it to ``torch.compile``.
    """

    identity: str
    make: Make = field(repr=False, compare=False)
    init: Initializer | None = None
    compiled: bool = False


def made(spec: ModuleSpec, input_shape: Shape, seed: int) -> torch.nn.Module:
    """Make a module, its random numbers drawn under a run's seed; lazy parameters get their shapes."""
    with drawn(streams.stream(seed, "init", WHOLE)):
        module = spec.make()
        if any(map(is_lazy, chain(module.parameters(), module.buffers()))):
            with torch.no_grad():
                module.eval()(torch.zeros(2, *input_shape))
            module.train()
        return module


def load(module: torch.nn.Module, values: Mapping[str, Array]) -> None:
    """Copy parameters and buffers, by their names, into a module."""
    with torch.no_grad():
        for name, tensor in {**learnt(module), **kept(module)}.items():
            tensor.copy_(torch.from_numpy(np.array(values[name])))


_drawing = RLock()
"""PyTorch's generator is the whole process's: one thread at a time draws from it under its own seed."""


@contextmanager
def drawn(generator: np.random.Generator, device: torch.device | None = None) -> Iterator[None]:
    """Let PyTorch draw under a seed from ``generator``, and leave its own generators as they were."""
    devices = [device] if device is not None and device.type == "cuda" else []
    with _drawing, torch.random.fork_rng(devices):
        torch.manual_seed(int(generator.integers(2**63)))
        yield


def arrays(named: Mapping[str, Tensor], dtype: DTypeLike) -> dict[str, Array]:
    """Return tensors by their names as arrays of ``dtype``, integers as they are."""
    return {
        name: np.array(value.detach().numpy(), dtype if value.is_floating_point() else None)
        for name, value in named.items()
    }
