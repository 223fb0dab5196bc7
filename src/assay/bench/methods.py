"""The methods that the training benchmark compares, each imported on first use."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec

from assay.bench.problem import Problem, Trainer
from assay.errors import UnsupportedError
from assay.optim.recipe import Dtype

YARDSTICK = "eager"
"""The method that ratios are relative to."""

Make = Callable[[Problem], Trainer]


@dataclass(frozen=True)
class Method:
    """A way to train: its description, the package that it needs, and a function that imports its trainer.

    ``several`` says whether it trains as many models side by side as the problem
    asks for, ``own`` whether it is assay's.
    """

    words: str
    needs: str
    load: Callable[[], Make]
    several: bool = False
    own: bool = False

    @contextmanager
    def usable(self) -> Iterator[None]:
        """Turn a missing package, and whatever a peer raises, into `UnsupportedError` with the reason.

        A peer that does not work here must not keep the user from timing the
        others; an error in assay itself is a bug.
        """
        if find_spec(self.needs) is None:
            raise UnsupportedError(f"{self.needs} is not installed (pip install {self.needs})")
        try:
            yield
        except Exception as error:
            if self.own or isinstance(error, UnsupportedError):
                raise
            first = str(error).strip().partition("\n")[0]
            raise UnsupportedError(f"does not work here ({type(error).__name__}: {first})") from error

    def ready(self, problem: Problem) -> Trainer:
        """Return a trainer of ``problem`` after its first step, which may compile."""
        with self.usable():
            trainer = self.load()(problem)
            trainer.train(1)
        return trainer


def _eager() -> Make:
    from assay.bench.peers.eager import Eager

    return Eager


def _loader() -> Make:
    from assay.bench.peers.eager import Loader

    return Loader


def _autocast() -> Make:
    from assay.bench.peers.eager import Autocast

    return Autocast


def _compiled() -> Make:
    from assay.bench.peers.eager import Compiled

    return Compiled


def _vmapped() -> Make:
    from assay.bench.peers.vmapped import Vmapped

    return Vmapped


def _jax() -> Make:
    from assay.bench.peers.jax_vmapped import JaxVmapped

    return JaxVmapped


def _keras() -> Make:
    from assay.bench.peers.keras_fit import KerasFit

    return KerasFit


def _own(engine_name: str, dtype: Dtype = "float32") -> Callable[[], Make]:
    """Return a function that imports one of assay's engines."""

    def load() -> Make:
        import_module(f"assay.engines.{engine_name}")
        from assay.bench.own import Own

        return partial(Own, engine_name=engine_name, dtype=dtype)

    return load


METHODS: dict[str, Method] = {
    "numba": Method("assay numba", "numba", _own("numba"), several=True, own=True),
    "numba-bf16": Method("assay numba, bfloat16", "numba", _own("numba", "bfloat16"), several=True, own=True),
    "torch": Method("assay torch", "torch", _own("torch"), several=True, own=True),
    "torch-bf16": Method("assay torch, bfloat16", "torch", _own("torch", "bfloat16"), several=True, own=True),
    "eager": Method("PyTorch eager", "torch", _eager),
    "loader": Method("PyTorch, DataLoader", "torch", _loader),
    "autocast": Method("PyTorch, bf16 autocast", "torch", _autocast),
    "compile": Method("PyTorch, torch.compile", "torch", _compiled),
    "vmap": Method("PyTorch, vmap", "torch", _vmapped, several=True),
    "jax": Method("JAX jit + vmap", "jax", _jax, several=True),
    "keras": Method("Keras fit", "keras", _keras),
}
"""All methods by name, assay's own first."""
