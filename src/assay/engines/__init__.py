"""How to run the mathematics fast: engines that all agree with `assay.nn`."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec

from assay.engines.base import Engine
from assay.engines.reference import ReferenceEngine
from assay.errors import UnsupportedError, UsageError, suggestion
from assay.network import Network
from assay.recipe import Recipe

AUTO = "auto"


def _numba() -> Engine:
    from assay.engines.numba import NumbaEngine

    return NumbaEngine()


def _torch(device: str | None = None) -> Engine:
    if find_spec("torch") is None:
        raise UnsupportedError("engine 'torch' needs PyTorch (pip install 'assay[torch]')")
    from assay.engines.torch import TorchEngine

    return TorchEngine(device)


ENGINES: dict[str, Callable[[], Engine]] = {
    "numba": _numba,
    "torch": _torch,
    "torch:cpu": lambda: _torch("cpu"),
    "torch:cuda": lambda: _torch("cuda"),
    "reference": ReferenceEngine,
}
"""Every engine by its name, fastest first; what an engine needs is imported when it is asked for."""


def engine(name: str, network: Network, recipe: Recipe) -> Engine:
    """Return the engine called ``name``, or for "auto" the fastest that has all that is needed.

    Raises `UsageError` for an unknown name and `UnsupportedError` where the
    engine lacks a layer or a rule.
    """
    if name == AUTO:
        return next(found for found in _candidates() if not found.missing(network, recipe))
    if name not in ENGINES:
        raise UsageError(f"engine {name!r} is unknown ({suggestion(name, [AUTO, *ENGINES])})")
    found = ENGINES[name]()
    found.check(network, recipe)
    return found


def _candidates() -> Iterator[Engine]:
    """Make the engines that are installed, one after the other, each on the device that it prefers."""
    for name, make in ENGINES.items():
        if ":" not in name and (name != "torch" or find_spec("torch") is not None):
            yield make()
