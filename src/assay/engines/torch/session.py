"""R runs in training, side by side on one device."""

from collections.abc import Sequence
from math import prod
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from assay.engines.base import (
    EVALUATION_BATCH,
    Evaluation,
    Images,
    Labels,
    OnSteps,
    Recipe,
    Session,
    State,
    masks,
)
from assay.engines.torch.build import Store, ops
from assay.engines.torch.composite import backward
from assay.engines.torch.device import at_work
from assay.engines.torch.examples import Examples
from assay.engines.torch.op import Generators
from assay.engines.torch.penalties import add_gradients
from assay.engines.torch.rules import RULES
from assay.engines.torch.weights import Weights
from assay.network import Network
from assay.shapes import Array

REPORT_EVERY = 10


class TorchSession(Session):
    """Parameters, gradients and the rule's memory of all runs in flat tensors, and an op for each layer."""

    @at_work()
    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        seeds: Sequence[int],
        states: Sequence[State],
        device: torch.device,
    ) -> None:
        super().__init__(network, recipe, seeds)
        runs, self._device = len(self.seeds), device
        dtypes = (getattr(torch, recipe.parameter_dtype), getattr(torch, recipe.dtype))
        self._weights = Weights(network, runs, *dtypes, device)
        self._parameters = self._weights.all
        self._rule = RULES[type(recipe.optimizer)](recipe.optimizer)
        self._slots = self._load(states)
        self._buffers = {
            name: torch.tensor(np.stack([state.buffers[name] for state in states])).to(device)
            for name in states[0].buffers
        }
        self._ops = ops(network.nodes, Store(runs, self._parameters, self._buffers))
        self._examples = Examples(recipe, network.input_shape, device)
        self._steps = states[0].step

    def _load(self, states: Sequence[State]) -> dict[str, Tensor]:
        """Take over the parameters and return the rule's slots, as flat as these or one number for all."""
        self._weights.load(self._weights.theta, [state.parameters for state in states])
        self._weights.round()
        slots = {}
        for key, value in self.recipe.optimizer.slots(np.zeros(1)).items():
            memory = [{name: own[key] for name, own in state.slots.items()} for state in states]
            if value.ndim:
                slots[key] = torch.zeros_like(self._weights.theta)
                self._weights.load(slots[key], memory)
            else:
                slots[key] = torch.tensor(next(iter(memory[0].values())))
        return slots

    @at_work()
    def train_epoch(self, images: Images, labels: Labels, epoch: int, on_steps: OnSteps) -> None:
        """Take one pass over the training set, the short last batch included."""
        schedule = self.recipe.schedule.in_steps(self.recipe.steps(len(labels)))
        batches = self._examples.batches(images, labels, self.seeds, epoch)
        for count, (x, answers) in enumerate(batches, start=1):
            self._steps += 1
            self._differentiate(x, answers, epoch, count)
            add_gradients(self.recipe.penalties, self.network.parameters, self._parameters)
            theta, grad = self._weights.theta, self._weights.grad
            self._rule.update(theta, grad, self._slots, self._steps, schedule(self._steps))
            self._weights.round()
            if count % REPORT_EVERY == 0:
                on_steps(count)
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def _differentiate(self, x: Tensor, labels: Tensor, epoch: int, count: int) -> None:
        """Leave the gradient of each run's mean cross-entropy in the weights."""
        draws = [masks(seed, epoch, count) for seed in self.seeds]
        caches = []
        for op in self._ops:
            generators = Generators(lambda name: [draw(name) for draw in draws], op.site.name)
            x, cache = op.forward_training(x, generators)
            caches.append(cache)
        dscores = torch.softmax(x.to(self._weights.theta.dtype), dim=2)
        dscores.scatter_add_(2, labels[..., None], torch.full_like(dscores[..., :1], -1))
        backward(self._ops, caches, dscores.div_(labels.shape[1]).to(x.dtype))

    @at_work()
    def scores(self, images: Images) -> list[Array]:
        """Return the class scores of a batch."""
        return list(self._scores(self._examples.upload(images)).cpu().numpy())

    def _scores(self, pixels: Tensor) -> Tensor:
        """Return class scores (R, N, K), in the precision of the parameters."""
        x = self._examples.inputs(pixels.expand(len(self.seeds), *pixels.shape))
        for op in self._ops:
            x, _ = op.forward(x)
        return x.to(self._weights.theta.dtype)

    def clock(self) -> float:
        """Return the session's time: the work of a GPU is not this thread's."""
        return perf_counter() if self._device.type == "cuda" else super().clock()

    @at_work()
    def evaluate(self, images: Images, labels: Labels) -> list[Evaluation]:
        """Measure each run on a whole split, on the device; the loss is computed in float64."""
        pixels, answers = self._examples.upload(images), self._examples.upload(labels)
        losses, predicted = [], []
        for start in range(0, len(labels), EVALUATION_BATCH):
            batch = slice(start, start + EVALUATION_BATCH)
            scores = self._scores(pixels[batch])
            log_p = torch.log_softmax(scores.double(), dim=2)
            expected = answers[batch].expand(len(self.seeds), -1)[..., None]
            losses.append(-log_p.gather(2, expected).sum(dim=(1, 2)))
            predicted.append(scores.argmax(dim=2))
        total = torch.stack(losses).sum(dim=0) / len(labels)
        return [
            Evaluation(float(loss), answer, answer == labels)
            for loss, answer in zip(total, torch.cat(predicted, dim=1).cpu().numpy(), strict=True)
        ]

    @at_work()
    def states(self) -> list[State]:
        """Return a copy of the state of each run."""
        parameters = self._weights.save(self._weights.theta)
        slots = {key: self._saved(slot) for key, slot in self._slots.items()}
        buffers = {name: value.cpu().numpy() for name, value in self._buffers.items()}
        return [
            State(
                own,
                {name: {key: saved[run][name] for key, saved in slots.items()} for name in own},
                self._steps,
                {name: value[run].copy() for name, value in buffers.items()},
            )
            for run, own in enumerate(parameters)
        ]

    def _saved(self, slot: Tensor) -> list[dict[str, Array]]:
        if slot.ndim:
            return self._weights.save(slot)
        return [{name: slot.cpu().numpy().copy() for name in self._parameters} for _ in self.seeds]

    def memory(self) -> int:
        """Compute the bytes of a run's parameters, gradients, slots, and activations kept for backward."""
        weights, runs = self._weights, len(self.seeds)
        flat = {id(tensor): tensor for tensor in (weights.theta, weights.value, weights.grad)}
        tensors = [*flat.values(), *self._slots.values(), *self._buffers.values()]
        kept = sum(tensor.numel() * tensor.element_size() for tensor in tensors) // runs
        activations = self.recipe.batch_size * sum(prod(op.site.input_shape) for op in self._ops)
        return kept + activations * weights.value.element_size()
