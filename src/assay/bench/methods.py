"""The methods that the training benchmark compares, each made where it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from assay.bench.problem import Problem, Trainer
from assay.errors import UnsupportedError

YARDSTICK = "eager"
"""What the ratios are against."""


@dataclass(frozen=True)
class Method:
    """A way to train: in words, the package that it needs, and what makes its trainer.

    ``several`` says whether it trains as many models as the problem asks for,
    ``own`` whether it is assay's.
    """

    words: str
    needs: str
    make: Callable[[Problem], Trainer]
    several: bool = False
    own: bool = False

    def trainer(self, problem: Problem) -> Trainer:
        """Return the method at work on ``problem``; `UnsupportedError` says why it cannot be."""
        if find_spec(self.needs) is None:
            raise UnsupportedError(f"{self.needs} is not installed (pip install {self.needs})")
        return self.make(problem)


def _eager(problem: Problem) -> Trainer:
    from assay.bench.peers.eager import Eager

    return Eager(problem)


def _loader(problem: Problem) -> Trainer:
    from assay.bench.peers.eager import Loader

    return Loader(problem)


def _autocast(problem: Problem) -> Trainer:
    from assay.bench.peers.eager import Autocast

    return Autocast(problem)


def _compiled(problem: Problem) -> Trainer:
    from assay.bench.peers.eager import Compiled

    return Compiled(problem)


def _vmapped(problem: Problem) -> Trainer:
    from assay.bench.peers.vmapped import Vmapped

    return Vmapped(problem)


def _jax(problem: Problem) -> Trainer:
    from assay.bench.peers.jax_vmapped import JaxVmapped

    return JaxVmapped(problem)


def _keras(problem: Problem) -> Trainer:
    from assay.bench.peers.keras_fit import KerasFit

    return KerasFit(problem)


def _numba(problem: Problem) -> Trainer:
    from assay.bench.own import Own

    if problem.device != "cpu":
        raise UnsupportedError("runs on the CPU only")
    return Own(problem, "numba")


def _torch(problem: Problem) -> Trainer:
    from assay.bench.own import Own

    return Own(problem, f"torch:{problem.device}")


def _torch_bfloat16(problem: Problem) -> Trainer:
    from assay.bench.own import Own

    return Own(problem, f"torch:{problem.device}", "bfloat16")


METHODS: dict[str, Method] = {
    "numba": Method("assay numba", "numba", _numba, several=True, own=True),
    "torch": Method("assay torch", "torch", _torch, several=True, own=True),
    "torch-bf16": Method("assay torch, bfloat16", "torch", _torch_bfloat16, several=True, own=True),
    "eager": Method("PyTorch eager", "torch", _eager),
    "loader": Method("PyTorch eager, DataLoader", "torch", _loader),
    "autocast": Method("PyTorch bfloat16 autocast", "torch", _autocast),
    "compile": Method("PyTorch torch.compile", "torch", _compiled),
    "vmap": Method("PyTorch torch.func vmap", "torch", _vmapped, several=True),
    "jax": Method("JAX jit + vmap", "jax", _jax, several=True),
    "keras": Method("Keras fit", "keras", _keras),
}
"""Every method by its name; assay's own come first."""
