"""How to run the mathematics fast: engines that all agree with `assay.nn`."""

from collections.abc import Callable

from assay.engines.base import Engine
from assay.engines.reference import ReferenceEngine
from assay.errors import UsageError, suggestion
from assay.network import Network
from assay.recipe import Recipe

AUTO = "auto"


def _numba() -> Engine:
    from assay.engines.numba import NumbaEngine

    return NumbaEngine()


ENGINES: dict[str, Callable[[], Engine]] = {"numba": _numba, "reference": ReferenceEngine}
"""Every engine by its name, fastest first; what an engine needs is imported when it is asked for."""


def engine(name: str, network: Network, recipe: Recipe) -> Engine:
    """Return the engine called ``name``, or for "auto" the fastest that has all that is needed.

    Raises `UsageError` for an unknown name and `UnsupportedError` where the
    engine lacks a layer or a rule.
    """
    if name == AUTO:
        candidates = (make() for make in ENGINES.values())
        return next(found for found in candidates if not found.missing(network, recipe))
    if name not in ENGINES:
        raise UsageError(f"engine {name!r} is unknown ({suggestion(name, [AUTO, *ENGINES])})")
    found = ENGINES[name]()
    found.check(network, recipe)
    return found
