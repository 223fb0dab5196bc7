"""R runs in training, side by side on one device."""

from collections.abc import Sequence
from math import prod
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from assay.engines.base import (
    EVALUATION_BATCH,
    REPORT_EVERY,
    Evaluation,
    Images,
    Labels,
    OnSteps,
    Recipe,
    Session,
    State,
    epoch_order,
    masks,
)
from assay.engines.subnormals import flushed
from assay.engines.torch.build import Variables, leaves, ops
from assay.engines.torch.composite import backward
from assay.engines.torch.device import at_work
from assay.engines.torch.examples import Examples
from assay.engines.torch.graphs import STEPS, Graph, Record, record, recordable
from assay.engines.torch.initial_weights import Weights
from assay.engines.torch.op import Draw, Generators
from assay.engines.torch.penalties import add_gradients
from assay.engines.torch.precision import in_its_precision, precision
from assay.engines.torch.rules import RULES, Number
from assay.engines.torch.ways import Ways, best
from assay.nn.network import Network
from assay.optim.schedules import Schedule
from assay.shapes import Array


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
        ways: Ways | None = None,
    ) -> None:
        super().__init__(network, recipe, seeds)
        runs, self._device = len(self.seeds), device
        dtypes = (getattr(torch, recipe.parameter_dtype), getattr(torch, recipe.layer_dtype))
        self._weights = Weights(network, runs, *dtypes, device)
        self._parameters = self._weights.all
        self._rule = RULES[type(recipe.optimizer)](recipe.optimizer)
        self._slots = self._load(states)
        self._buffers = {
            name: torch.tensor(np.stack([state.buffers[name] for state in states])).to(device)
            for name in states[0].buffers
        }
        self.precision = precision(device, recipe.dtype)
        ways = ways or best(device, recipe.dtype)
        self._ops = ops(network.nodes, Variables(runs, self._parameters, self._buffers, ways))
        self._examples = Examples(recipe, network.input_shape, device)
        self._steps = states[0].step
        self._broken = torch.zeros(runs, dtype=torch.float64, device=device)
        known = recordable([*leaves(network.layers)], recipe)
        self._record: Record | None = record if device.type == "cuda" and known else None
        self._graph: Graph | None = None

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
    @in_its_precision
    def train_epoch(self, images: Images, labels: Labels, epoch: int, on_steps: OnSteps) -> None:
        """Take one pass over the training set, the short last batch included."""
        schedule = self.recipe.schedule.in_steps(self.recipe.steps(len(labels)))
        orders = np.stack([epoch_order(seed, len(labels), epoch) for seed in self.seeds])
        done = self._replay(images, labels, orders, schedule, on_steps) if self._record else 0
        rest = orders[:, done * self.recipe.batch_size :]
        batches = self._examples.batches(images, labels, rest, self.seeds, epoch)
        for count, (x, answers) in enumerate(batches, start=done + 1):
            self._steps += 1
            self._learn(x, answers, _masks(self.seeds, epoch, count), self._steps, schedule(self._steps))
            if count % REPORT_EVERY == 0:
                on_steps(count)
        if self._device.type == "cuda":  # not the whole device, on which another thread may be recording
            torch.cuda.current_stream(self._device).synchronize()

    def _replay(
        self, images: Images, labels: Labels, orders: Labels, schedule: Schedule, on_steps: OnSteps
    ) -> int:
        """Take as many of an epoch's steps as fill whole graphs, and return their number."""
        runs, size = len(self.seeds), self.recipe.batch_size
        count = orders.shape[1] // (STEPS * size)
        parts = orders[:, : count * STEPS * size].reshape(runs, count, STEPS, size).transpose(1, 2, 0, 3)
        for number, part in enumerate(parts, start=1):
            times = range(self._steps + 1, self._steps + STEPS + 1)
            self._graph_of(images, labels)(np.ascontiguousarray(part), times, [schedule(t) for t in times])
            self._steps += STEPS
            on_steps(number * STEPS)
        return count * STEPS

    def _graph_of(self, images: Images, labels: Labels) -> Graph:
        """Return a graph that reads these images: the existing one, if it has room for them."""
        data = self._examples.upload(images), self._examples.upload(labels)
        if self._graph is None or not self._graph.holds(data):
            assert self._record is not None
            batch = (len(self.seeds), self.recipe.batch_size)
            self._graph = Graph(self._recorded, data, batch, self._record)
        self._graph.show(data)
        return self._graph

    def _recorded(self, pixels: Tensor, labels: Tensor, t: Tensor, factor: Tensor) -> None:
        """Take a step that reads everything that changes from tensors."""
        self._learn(self._examples.inputs(pixels), labels, _no_masks, t, factor)

    @flushed()
    def _learn(self, x: Tensor, labels: Tensor, draw: Draw, t: Number, factor: Number) -> None:
        """Take step ``t`` with a minibatch of each run."""
        self._differentiate(x, labels, draw, t)
        add_gradients(self.recipe.penalties, self.network.parameters, self._parameters)
        self._rule.update(self._weights.theta, self._weights.grad, self._slots, t, factor)
        self._weights.round()

    def _differentiate(self, x: Tensor, labels: Tensor, draw: Draw, t: Number) -> None:
        """Leave the gradient of each run's mean cross-entropy in the weights."""
        caches = []
        for op in self._ops:
            x, cache = op.forward_training(x, Generators(draw, op.site.name))
            caches.append(cache)
        self._note(x, t)
        dscores = torch.softmax(x.to(self._weights.theta.dtype), dim=2)
        dscores.scatter_add_(2, labels[..., None], torch.full_like(dscores[..., :1], -1))
        backward(self._ops, caches, dscores.div_(labels.shape[1]).to(x.dtype))

    def _note(self, scores: Tensor, t: Number) -> None:
        """Note the first step of runs whose scores (R, N, K) are not finite; in place, for graphs."""
        finite = torch.isfinite(scores).flatten(1).all(dim=1)
        self._broken.copy_(torch.where(finite | (self._broken > 0), self._broken, t))

    def broken(self) -> list[int]:
        """Return each run's first step whose scores were not finite."""
        return [int(step) for step in self._broken.cpu().tolist()]

    @at_work()
    @in_its_precision
    def scores(self, images: Images) -> list[Array]:
        """Return the class scores of a batch."""
        return list(self._scores(self._examples.upload(images)).cpu().numpy())

    @flushed()
    def _scores(self, pixels: Tensor) -> Tensor:
        """Return class scores (R, N, K), in the precision of the parameters."""
        x = self._examples.inputs(pixels.expand(len(self.seeds), *pixels.shape))
        for op in self._ops:
            x, _ = op.forward(x)
        return x.to(self._weights.theta.dtype)

    def clock(self) -> float:
        """Return the session's clock: a GPU's work does not run in this thread."""
        return perf_counter() if self._device.type == "cuda" else super().clock()

    @at_work()
    @in_its_precision
    def evaluate(self, images: Images, labels: Labels, *, keep_scores: bool = False) -> list[Evaluation]:
        """Evaluate each run on a whole split, on the device; the loss is computed in float64."""
        pixels, answers = self._examples.upload(images), self._examples.upload(labels)
        losses, predicted, kept = [], [], []
        for start in range(0, len(labels), EVALUATION_BATCH):
            batch = slice(start, start + EVALUATION_BATCH)
            scores = self._scores(pixels[batch])
            log_p = torch.log_softmax(scores.double(), dim=2)
            expected = answers[batch].expand(len(self.seeds), -1)[..., None]
            losses.append(-log_p.gather(2, expected).sum(dim=(1, 2)))
            predicted.append(scores.argmax(dim=2))
            if keep_scores:
                kept.append(scores.cpu().numpy())
        found: Sequence[Array | None] = [*np.concatenate(kept, axis=1)] if kept else [None] * len(self.seeds)
        total = torch.stack(losses).sum(dim=0) / len(labels)
        return [
            Evaluation(float(loss), answer, answer == labels, scores)
            for loss, answer, scores in zip(
                total, torch.cat(predicted, dim=1).cpu().numpy(), found, strict=True
            )
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


def _masks(seeds: Sequence[int], epoch: int, step: int) -> Draw:
    """Return where each run's layers draw their masks from in ``step`` of ``epoch``."""
    return lambda layer: [masks(seed, epoch, step)(layer) for seed in seeds]


def _no_masks(layer: str) -> list[np.random.Generator]:
    raise AssertionError(f"{layer} draws masks, which no graph can repeat")
