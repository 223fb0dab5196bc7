"""Runs of a user's module in training, one after the other in every step's turn, by autograd."""

from collections.abc import Callable, Sequence
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
from assay.engines.torch.device import at_work
from assay.engines.torch.examples import Examples
from assay.engines.torch.initial_weights import Weight
from assay.engines.torch.module_making import WHOLE, drawn
from assay.engines.torch.module_network import ModuleNetwork
from assay.engines.torch.module_parts import kept, learnt
from assay.engines.torch.penalties import add_gradients
from assay.engines.torch.precision import in_its_precision, precision
from assay.engines.torch.rules import RULES
from assay.nn.network import Draw
from assay.shapes import Array


class _Run:
    """One run: its module, whose parameters are views of a flat tensor, and their gradients of another."""

    def __init__(
        self, network: ModuleNetwork, recipe: Recipe, seed: int, state: State, device: torch.device
    ) -> None:
        self.seed, self.step = seed, state.step
        self.module = network.module(seed).to(device, getattr(torch, recipe.parameter_dtype))
        self.rule = RULES[type(recipe.optimizer)](recipe.optimizer)
        self._shapes = {name: tuple(value.shape) for name, value in learnt(self.module).items()}
        size = sum(map(prod, self._shapes.values()))
        self.theta = torch.zeros(size, dtype=getattr(torch, recipe.parameter_dtype), device=device)
        self.grad = torch.zeros_like(self.theta)
        views, grads = self._views(self.theta), self._views(self.grad)
        for name, parameter in learnt(self.module).items():
            views[name].copy_(torch.tensor(state.parameters[name]))
            parameter.data, parameter.grad = views[name], grads[name]
        for name, value in kept(self.module).items():
            value.copy_(torch.tensor(state.buffers[name]))
        self.weights = {name: Weight(views[name], views[name], grads[name]) for name in views}
        self.slots = self._load(recipe, state)
        self.called: Callable[[Tensor], Tensor] = self.module
        if network.spec.compiled:
            self.called = torch.compile(self.module)

    def _load(self, recipe: Recipe, state: State) -> dict[str, Tensor]:
        """Return the rule's slots, as flat as the parameters or one number for all."""
        slots: dict[str, Tensor] = {}
        for key, value in recipe.optimizer.slots(np.zeros(1)).items():
            memory = {name: own[key] for name, own in state.slots.items()}
            if not value.ndim:
                slots[key] = torch.tensor(next(iter(memory.values())))
                continue
            slots[key] = torch.zeros_like(self.theta)
            for name, view in self._views(slots[key]).items():
                view.copy_(torch.tensor(memory[name]))
        return slots

    def _views(self, flat: Tensor) -> dict[str, Tensor]:
        pieces = torch.split(flat, [prod(shape) for shape in self._shapes.values()])
        named = zip(pieces, self._shapes.items(), strict=True)
        return {name: piece.view(shape) for piece, (name, shape) in named}

    def state(self) -> State:
        """Return a copy of the run's state."""
        slots: dict[str, dict[str, Array]] = {name: {} for name in self._shapes}
        for key, slot in self.slots.items():
            views = self._views(slot) if slot.ndim else dict.fromkeys(self._shapes, slot)
            for name, view in views.items():
                slots[name][key] = _array(view)
        parameters = {name: _array(view) for name, view in self._views(self.theta).items()}
        buffers = {name: _array(value) for name, value in kept(self.module).items()}
        return State(parameters, slots, self.step, buffers)


class ModuleSession(Session):
    """Each run has a module of its own; a step is that of any PyTorch loop.

    Everything random in a step is drawn from a seed of the run, the epoch and the step, so that a run
    depends neither on its siblings nor on interruptions.
    """

    @at_work(autograd=True)
    def __init__(
        self,
        network: ModuleNetwork,
        recipe: Recipe,
        seeds: Sequence[int],
        states: Sequence[State],
        device: torch.device,
    ) -> None:
        super().__init__(network, recipe, seeds)
        self._device = device
        self._runs = [
            _Run(network, recipe, seed, state, device) for seed, state in zip(seeds, states, strict=True)
        ]
        self._examples = Examples(recipe, network.input_shape, device)
        self.precision = precision(device, recipe.dtype)
        self._half = recipe.dtype == "bfloat16"

    @at_work(autograd=True)
    @in_its_precision
    def train_epoch(self, images: Images, labels: Labels, epoch: int, on_steps: OnSteps) -> None:
        """Take one pass over the training set, the short last batch included."""
        schedule = self.recipe.schedule.in_steps(self.recipe.steps(len(labels)))
        orders = np.stack([epoch_order(seed, len(labels), epoch) for seed in self.seeds])
        for run in self._runs:
            run.module.train()
        batches = self._examples.batches(images, labels, orders, self.seeds, epoch)
        for count, (x, answers) in enumerate(batches, start=1):
            for run, own, expected in zip(self._runs, self._each(x), answers, strict=True):
                run.step += 1
                self._learn(run, own, expected, masks(run.seed, epoch, count), schedule(run.step))
            if count % REPORT_EVERY == 0:
                on_steps(count)
        if self._device.type == "cuda":
            torch.cuda.current_stream(self._device).synchronize()

    @flushed()
    def _learn(self, run: _Run, x: Tensor, labels: Tensor, draw: Draw, factor: float) -> None:
        """Take a step with a minibatch, penalties included."""
        run.grad.zero_()
        with drawn(draw(WHOLE), self._device):
            scores = self._called(run, x)
        torch.nn.functional.cross_entropy(scores, labels).backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            add_gradients(self.recipe.penalties, self.network.parameters, run.weights)
        run.rule.update(run.theta, run.grad, run.slots, run.step, factor)

    def _called(self, run: _Run, x: Tensor) -> Tensor:
        """Return scores in the precision of the parameters."""
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._half):
            return run.called(x).to(run.theta.dtype)

    def _each(self, x: Tensor) -> Sequence[Tensor]:
        """Return the batch of each run, (N, C, H, W), from what `Examples` lays out for all."""
        channels = self.network.input_shape[0]
        return [part.contiguous() for part in torch.split(x, channels, dim=1)]

    @at_work()
    @in_its_precision
    def scores(self, images: Images) -> list[Array]:
        """Return the class scores of a batch."""
        return [scores.cpu().numpy() for scores in self._scores(self._examples.upload(images))]

    @flushed()
    def _scores(self, pixels: Tensor) -> list[Tensor]:
        [x] = self._each(self._examples.inputs(pixels[None]))
        for run in self._runs:
            run.module.eval()
        return [self._called(run, x) for run in self._runs]

    def clock(self) -> float:
        """Return the session's clock: a GPU's work does not run in this thread."""
        return perf_counter() if self._device.type == "cuda" else super().clock()

    @at_work()
    @in_its_precision
    def evaluate(self, images: Images, labels: Labels, *, keep_scores: bool = False) -> list[Evaluation]:
        """Evaluate each run on a whole split, on the device; the loss is computed in float64."""
        pixels, answers = self._examples.upload(images), self._examples.upload(labels)
        losses = [0.0 for _ in self._runs]
        predicted: list[list[Tensor]] = [[] for _ in self._runs]
        kept: list[list[Array]] = [[] for _ in self._runs]
        for start in range(0, len(labels), EVALUATION_BATCH):
            batch = slice(start, start + EVALUATION_BATCH)
            for index, scores in enumerate(self._scores(pixels[batch])):
                loss = torch.nn.functional.cross_entropy(scores.double(), answers[batch], reduction="sum")
                losses[index] += float(loss)
                predicted[index].append(scores.argmax(dim=1))
                if keep_scores:
                    kept[index].append(scores.cpu().numpy())
        found = [torch.cat(parts).cpu().numpy() for parts in predicted]
        return [
            Evaluation(loss / len(labels), answer, answer == labels, np.concatenate(parts) if parts else None)
            for loss, answer, parts in zip(losses, found, kept, strict=True)
        ]

    @at_work()
    def states(self) -> list[State]:
        """Return a copy of the state of each run."""
        return [run.state() for run in self._runs]

    def memory(self) -> int:
        """Compute the bytes of a run's parameters, gradients, slots, and of what its modules take in."""
        run = self._runs[0]
        tensors = [run.theta, run.grad, *run.slots.values(), *kept(run.module).values()]
        held = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        activations = self.recipe.batch_size * sum(prod(node.input_shape) for node in self.network.nodes)
        return held + activations * run.theta.element_size()


def _array(tensor: Tensor) -> Array:
    found: Array = np.array(tensor.detach().cpu().numpy())
    return found
