"""The torch engine: larger networks, on the CPU or a GPU."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch

from assay.engines.base import Engine, Recipe, Session, State
from assay.engines.torch.build import lacks
from assay.engines.torch.device import choose
from assay.engines.torch.module_network import ModuleNetwork
from assay.engines.torch.module_session import ModuleSession
from assay.engines.torch.penalties import GRADIENTS
from assay.engines.torch.rules import RULES
from assay.engines.torch.session import TorchSession
from assay.engines.torch.ways import Ways
from assay.nn.network import Network
from assay.optim.recipe import OPTIONS

RUNS_ON_GPU = 16
"""Runs trained side by side on a GPU, which one small network leaves idle; fewer when memory is short."""


class TorchEngine(Engine):
    """PyTorch's kernels for each layer, forward and backward, without autograd.

    On the CPU a session has one run and one thread, and the same run ends with
    the same bits on one machine with one version of PyTorch, whatever the
    number of workers and interruptions: cohorts are not trained side by side,
    because a kernel's sums may be ordered differently for more runs. On a GPU
    they are, and atomic additions there make even equal runs differ in their
    last bits.
    """

    options = frozenset(OPTIONS)

    def __init__(
        self, device: str | None = None, ways: Ways | None = None, *, elsewhere: bool = False
    ) -> None:
        """Choose a device by name and, unless others are given, the methods that are fastest there.

        One that trains ``elsewhere``, on other machines, need not be here.
        """
        self._device, self._ways = torch.device(device) if device and elsewhere else choose(device), ways
        tf32 = {"tf32"} if self._device.type == "cuda" else set()
        self.dtypes = frozenset({"float32", "float64", "bfloat16"} | tf32)
        self.name = f"torch:{self._device.type}"
        self.runs_per_session = 1 if self._device.type == "cpu" else RUNS_ON_GPU

    @property
    def devices(self) -> int:
        """How many GPUs PyTorch sees."""
        return max(torch.cuda.device_count(), 1) if self._device.type == "cuda" else super().devices

    def on_device(self, number: int) -> AbstractContextManager[None]:
        """Return a context in which "cuda", without a number, is this GPU for the calling thread."""
        on_gpu = self._device.type == "cuda"
        context: AbstractContextManager[None] = torch.cuda.device(number) if on_gpu else nullcontext()
        return context

    @property
    def sessions_at_once(self) -> int:
        """One on each GPU, which its sessions share."""
        return self.devices if self._device.type == "cuda" else super().sessions_at_once

    @property
    def processor(self) -> str:
        """The processor, or the GPU."""
        on_gpu = self._device.type == "cuda"
        return torch.cuda.get_device_name(self._device) if on_gpu else super().processor

    def lacks(self, network: Network, recipe: Recipe) -> list[str]:
        """Name the user's own layers, rule and penalties: the engine supports all of assay's."""
        rules = [recipe.optimizer.title] if type(recipe.optimizer) not in RULES else []
        others = [*rules, *(type(item).__name__ for item in recipe.penalties if type(item) not in GRADIENTS)]
        layers = [] if isinstance(network, ModuleNetwork) else lacks(node.layer for node in network.nodes)
        return [*layers, *others]

    def session(
        self, network: Network, recipe: Recipe, seeds: Sequence[int], states: Sequence[State]
    ) -> Session:
        """Open a session for runs that are at the same step."""
        if isinstance(network, ModuleNetwork):
            return ModuleSession(network, recipe, seeds, states, self._device)
        return TorchSession(network, recipe, seeds, states, self._device, self._ways)
