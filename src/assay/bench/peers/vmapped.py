"""PyTorch's ``torch.func``: several models, stacked and trained together with ``vmap``."""

from copy import deepcopy

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn.functional import cross_entropy

from assay.bench.peers.torch_model import model
from assay.bench.problem import BATCH, ENSEMBLE, Problem, Trainer
from assay.shapes import Array


class Vmapped(Trainer):
    """Each model has its own minibatches; a single Adam updates the stacked parameters elementwise."""

    def __init__(self, problem: Problem) -> None:
        """Stack the models and put the data on the device."""
        super().__init__(problem)
        device, self.models = self.problem.device, self.problem.models or ENSEMBLE
        modules = [model(self.problem, seed) for seed in range(self.models)]
        self.skeleton = deepcopy(modules[0]).to("meta")
        self.parameters, _ = stack_module_state(modules)
        self.optimizer = torch.optim.Adam(self.parameters.values())
        self.gradients = vmap(grad(self.criterion))
        self.inputs = torch.from_numpy(self.problem.floats).to(device)
        self.answers = torch.from_numpy(self.problem.labels).to(device)

    def criterion(self, parameters: dict[str, Tensor], x: Tensor, answers: Tensor) -> Tensor:
        """Return one model's loss on a minibatch."""
        return cross_entropy(functional_call(self.skeleton, parameters, (x,)), answers)

    def epoch(self, steps: int) -> None:
        """Train."""
        torch.set_num_threads(self.problem.threads)
        orders = np.stack([self.batches(steps, seed) for seed in range(self.models)], axis=1)
        for batch in torch.from_numpy(orders).to(self.problem.device):
            detached = {name: value.detach() for name, value in self.parameters.items()}
            found = self.gradients(detached, self.inputs[batch], self.answers[batch])
            for name, value in self.parameters.items():
                value.grad = found[name]
            self.optimizer.step()
        if self.problem.device == "cuda":
            torch.cuda.synchronize()

    def scores(self) -> Array:
        """Return class scores."""
        first = {name: value[0].detach() for name, value in self.parameters.items()}
        return functional_call(self.skeleton, first, (self.inputs[:BATCH],)).cpu().numpy()
