"""PyTorch in the usual loop: one model, autograd, Adam, one step at a time."""

import os
import shutil

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from assay.bench.peers.torch_model import model
from assay.bench.problem import BATCH, Problem, Trainer
from assay.errors import UnsupportedError
from assay.shapes import Array


class Eager(Trainer):
    """Images preloaded as float32 tensors; the baseline of assay's ratios."""

    layout = torch.contiguous_format

    def __init__(self, problem: Problem) -> None:
        """Build the model and put the data on the device."""
        super().__init__(problem)
        device = self.problem.device
        self.module = model(self.problem)
        self.module.to(memory_format=self.layout)  # type: ignore[call-overload]
        self.optimizer = torch.optim.Adam(self.module.parameters())
        self.inputs = torch.from_numpy(self.problem.floats).to(device, memory_format=self.layout)
        self.answers = torch.from_numpy(self.problem.labels).to(device)

    def epoch(self, steps: int) -> None:
        """Train."""
        torch.set_num_threads(self.problem.threads)
        for batch in torch.from_numpy(self.batches(steps)).to(self.problem.device):
            self.step(self.inputs[batch], self.answers[batch])
        if self.problem.device == "cuda":
            torch.cuda.synchronize()

    def step(self, x: Tensor, answers: Tensor) -> None:
        """Take a step."""
        self.optimizer.zero_grad()
        self.criterion(x, answers).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()

    def criterion(self, x: Tensor, answers: Tensor) -> Tensor:
        """Return a minibatch's loss."""
        return cross_entropy(self.module(x), answers)

    def scores(self) -> Array:
        """Return class scores."""
        with torch.no_grad():
            return self.module(self.inputs[:BATCH]).float().cpu().numpy()


class Loader(Eager):
    """The same loop with a DataLoader, which collates each minibatch from single images."""

    def epoch(self, steps: int) -> None:
        """Train."""
        torch.set_num_threads(self.problem.threads)
        order = self.batches(steps).ravel().tolist()
        data = TensorDataset(self.inputs, self.answers)
        for x, answers in DataLoader(data, batch_size=BATCH, sampler=order):
            self.step(x, answers)


class Autocast(Eager):
    """The same loop with channels last, and bfloat16 where autocast considers it safe."""

    layout = torch.channels_last

    def criterion(self, x: Tensor, answers: Tensor) -> Tensor:
        """Return a minibatch's loss."""
        with torch.autocast(self.problem.device, dtype=torch.bfloat16):
            return super().criterion(x, answers)


class Compiled(Eager):
    """The same loop with the model wrapped in ``torch.compile``."""

    def __init__(self, problem: Problem) -> None:
        """Raise `UnsupportedError` where there is no C++ compiler."""
        if not any(map(shutil.which, (os.environ.get("CXX", "c++"), "g++", "clang++"))):
            raise UnsupportedError("needs a C++ compiler, such as g++")
        super().__init__(problem)
        self.module = torch.compile(self.module)  # type: ignore[assignment]
