"""JAX: the whole step of several models under ``vmap``, compiled by ``jit``."""

from typing import NamedTuple

import jax
import numpy as np
from jax import numpy as jnp

from assay.bench.peers.functional import Parameters, forward
from assay.bench.problem import BATCH, ENSEMBLE, Problem, Trainer
from assay.errors import UnsupportedError
from assay.optim import Adam
from assay.shapes import Array


class Run(NamedTuple):
    """The state of a model: parameters, Adam's two moments, and the number of steps taken."""

    parameters: Parameters
    first: Parameters
    second: Parameters
    steps: jax.Array


class JaxVmapped(Trainer):
    """One compiled call per step, which gathers each model's minibatch from images preloaded as float32."""

    def __init__(self, problem: Problem) -> None:
        """Stack the models; `UnsupportedError` on a GPU."""
        super().__init__(problem)
        if self.problem.device != "cpu":
            raise UnsupportedError("is timed on the CPU only")
        jax.config.update("jax_platforms", "cpu")
        self.models = self.problem.models or ENSEMBLE
        self.forward = forward(self.problem.network)
        self.inputs, self.answers = jnp.asarray(self.problem.floats), jnp.asarray(self.problem.labels)
        runs = [self._start(seed) for seed in range(self.models)]
        self.runs = jax.tree.map(lambda *values: jnp.stack(values), *runs)
        self.step = jax.jit(jax.vmap(self._step, in_axes=(0, None, None, 0)), donate_argnums=0)

    def _start(self, seed: int) -> Run:
        parameters = {name: jnp.asarray(value) for name, value in self.problem.state(seed).parameters.items()}
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        return Run(parameters, zeros, jax.tree.map(jnp.copy, zeros), jnp.asarray(0))

    def _step(self, run: Run, inputs: jax.Array, answers: jax.Array, batch: jax.Array) -> Run:
        """Take one model's step."""
        gradients = jax.grad(self._loss)(run.parameters, inputs[batch], answers[batch])
        return adam(run, gradients)

    def _loss(self, parameters: Parameters, x: jax.Array, answers: jax.Array) -> jax.Array:
        log_p = jax.nn.log_softmax(self.forward(parameters, x))
        return -jnp.take_along_axis(log_p, answers[:, None], axis=1).mean()

    def epoch(self, steps: int) -> None:
        """Train."""
        orders = np.stack([self.batches(steps, seed) for seed in range(self.models)], axis=1)
        for batch in orders:
            self.runs = self.step(self.runs, self.inputs, self.answers, batch)
        jax.block_until_ready(self.runs)

    def scores(self) -> Array:
        """Return class scores."""
        first = jax.tree.map(lambda value: value[0], self.runs.parameters)
        return np.asarray(self.forward(first, self.inputs[:BATCH]))


def adam(run: Run, gradients: Parameters) -> Run:
    """Update one model with Adam's defaults."""
    rule, steps = Adam(), run.steps + 1
    beta1, beta2 = rule.betas
    first = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, run.first, gradients)
    second = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, run.second, gradients)
    share1, share2 = 1 - beta1**steps, 1 - beta2**steps

    def updated(theta: jax.Array, m: jax.Array, v: jax.Array) -> jax.Array:
        return theta - rule.lr * (m / share1) / (jnp.sqrt(v / share2) + rule.eps)

    return Run(jax.tree.map(updated, run.parameters, first, second), first, second, steps)
