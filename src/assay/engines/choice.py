"""Which engine trains a network: the one asked for, the one begun with, or the fastest on this machine."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from assay.engines import speed
from assay.engines.base import Engine
from assay.engines.reference import ReferenceEngine
from assay.errors import AssayError, UnsupportedError, UsageError, shown, suggestion
from assay.nn.authored import is_ours
from assay.nn.network import Network
from assay.optim.recipe import Recipe

AUTO = "auto"

COMPARED_FROM, OF_BFLOAT16 = 200_000_000, 50_000_000
"""Forward FLOPs of a minibatch from which the torch engine may be the faster one on a CPU, and in bfloat16.

Below, the numba engine was 1.2 to 16 times as fast on every network of both reports and on some others
with minibatches of up to 2048, with AVX-512, with AVX2 and without either, because PyTorch's operations cost
more to launch than to run. In bfloat16, for which a processor may have a unit that PyTorch uses (AMX), it
was so up to a quarter of that. So below it PyTorch, which takes two seconds to import, is not
considered unless there may be a GPU for it.
"""
FULL = 100
"""Examples of a minibatch that numbers of FLOPs are of: fewer do not fill the numba engine's vectors."""


def _numba() -> Engine:
    if os.environ.get("NUMBA_DISABLE_JIT", "") not in ("", "0"):
        raise UnsupportedError(
            "engine 'numba': NUMBA_DISABLE_JIT is set, so nothing is compiled "
            "(unset it, or use --engine reference)"
        )
    from assay.engines.numba import NumbaEngine

    return NumbaEngine()


def expect_torch(what: str) -> None:
    """Raise `UnsupportedError`, before anything imports it, if ``what`` needs a PyTorch that is not there."""
    if find_spec("torch") is None:
        raise UnsupportedError(f"{what} needs PyTorch (pip install 'assay[torch]')")


def _torch(device: str | None = None, elsewhere: bool = False) -> Engine:
    expect_torch("engine 'torch'")
    from assay.engines.torch import TorchEngine

    try:
        return TorchEngine(device, elsewhere=elsewhere)
    except UnsupportedError as error:
        raise UnsupportedError(f"{error} (use --engine torch:cpu)") from None


ENGINES: dict[str, Callable[[], Engine]] = {
    "numba": _numba,
    "torch": _torch,
    "torch:cpu": lambda: _torch("cpu"),
    "torch:cuda": lambda: _torch("cuda"),
    "reference": ReferenceEngine,
}
"""Every engine by name; an engine's dependencies are imported when it is requested."""


INSTEAD = {"bfloat16": "torch", "tf32": "torch:cuda"}
"""The engine to suggest for a precision that the reference engine, which supports all else, lacks."""

GPU = "torch:cuda"

ON_A_GPU = (AUTO, "torch", GPU)
"""The names that request an engine which computes on a GPU, if there is one."""


@dataclass(frozen=True)
class Choice:
    """An engine, and why it was chosen; "" if it was requested by name."""

    engine: Engine
    why: str = ""


def choose(name: str, network: Network, recipe: Recipe, *, elsewhere: bool = False) -> Choice:
    """Return the engine called ``name``, or for "auto" the one that trains the network fastest.

    "auto" takes the numba engine for a network of few FLOPs (`COMPARED_FROM`),
    else measures the numba and the torch engine (`speed.compare`), each on the
    device that it prefers; the reference engine where neither has all that is
    needed. Where runs are trained ``elsewhere``, "torch:cuda" needs no GPU here.

    Raises `UsageError` for an unknown name and `UnsupportedError` where
    the engine lacks a layer or a rule.
    """
    if name == AUTO:
        return _fastest(network, recipe)
    if name not in ENGINES:
        raise UsageError(f"engine {shown(name)} is unknown ({suggestion(name, [AUTO, *ENGINES])})")
    return Choice(_able(name, network, recipe, elsewhere))


def engine(name: str, network: Network, recipe: Recipe) -> Engine:
    """Return what `choose` chooses."""
    return choose(name, network, recipe).engine


def resume(name: str, network: Network, recipe: Recipe, *, elsewhere: bool = False) -> Choice:
    """Return the engine called ``name``, with which runs were begun: another one would round otherwise.

    Raises `UnsupportedError` if it is no longer available.
    """
    try:
        found = choose(name, network, recipe, elsewhere=elsewhere).engine
        return Choice(found, "the runs were begun with it")
    except AssayError:
        raise UnsupportedError(
            f"begun with engine {shown(name)}, which cannot be used here "
            "(continue where it can, or begin anew with another --out)"
        ) from None


def may_use_gpu(name: str, *, elsewhere: bool = False) -> bool:
    """Tell whether the engine called ``name`` may compute on a GPU, of this machine or of those elsewhere."""
    return (name in ON_A_GPU and speed.has_gpu()) or (name == GPU and elsewhere)


def _able(name: str, network: Network, recipe: Recipe, elsewhere: bool) -> Engine:
    """Return an engine that supports all that is needed, or say which one to use instead."""
    found = _torch("cuda", elsewhere=True) if name == GPU and elsewhere else ENGINES[name]()
    try:
        found.check(network, recipe)
    except UnsupportedError as error:
        instead = INSTEAD.get(recipe.dtype, "reference, which has all")
        raise UnsupportedError(f"{error} (use --engine {instead})") from None
    return found


def _fastest(network: Network, recipe: Recipe) -> Choice:
    numba = ENGINES["numba"]()
    missing = numba.missing(network, recipe)
    if missing:
        return _without_numba(network, recipe, f"numba has no {', '.join(missing)}")
    if why := _numba_is_unrivalled(network, recipe):
        return Choice(numba, why)
    rates = speed.recall(network, recipe)
    if rates is None:
        torch = ENGINES["torch"]()
        if missing := torch.missing(network, recipe):
            return Choice(numba, f"{torch.name} has no {', '.join(missing)}")
        rates = speed.compare([numba, torch], network, recipe)
    best = max(rates, key=lambda name: rates[name].of_the_machine)
    return Choice(ENGINES[best](), _told(best, rates))


def _without_numba(network: Network, recipe: Recipe, why: str) -> Choice:
    if find_spec("torch") is not None:
        torch = ENGINES["torch"]()
        if not torch.missing(network, recipe):
            return Choice(torch, why)
    return Choice(engine("reference", network, recipe), f"the slowest one: {why}{_hint(network)}")


def _hint(network: Network) -> str:
    """Say what would let the numba engine train a user's own layers."""
    own = [type(node.layer) for node in network.nodes if not is_ours(type(node.layer))]
    slow = any(cls.elementwise is None for cls in own)
    return "; it takes layers that have compiled functions, elementwise" if slow else ""


def _numba_is_unrivalled(network: Network, recipe: Recipe) -> str:
    if find_spec("torch") is None:
        return "PyTorch is not installed"
    least = OF_BFLOAT16 if recipe.dtype == "bfloat16" else COMPARED_FROM
    if network.flops * max(recipe.batch_size, FULL) < least and not speed.has_gpu():
        return f"the fastest below {least / 1e6:g}M FLOPs a minibatch"
    return ""


def _told(best: str, rates: speed.Rates) -> str:
    """Write the rates, fastest first: ``numba: 1,610 steps/s; torch:cpu 180``."""
    others = "".join(f"; {name} {_number(rate.steps)}" for name, rate in rates.items() if name != best)
    return f"{best}: {_number(rates[best].steps)} steps/s{others}"


def _number(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"
