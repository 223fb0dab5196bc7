"""Tests for layers, engines, stores and executors, a user's own too: gradient check and conformance tests.

Each name is imported on first use: a check of a layer needs no engine and no store.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.testing.conformance import LayerConformance as LayerConformance
    from assay.testing.conformance import check_layer as check_layer
    from assay.testing.engine_conformance import EngineConformance as EngineConformance
    from assay.testing.executor_conformance import ExecutorConformance as ExecutorConformance
    from assay.testing.gradients import Mismatch as Mismatch
    from assay.testing.gradients import central_differences as central_differences
    from assay.testing.gradients import gradient_check as gradient_check
    from assay.testing.store_conformance import StoreConformance as StoreConformance

_HOMES = {
    "EngineConformance": "testing.engine_conformance:EngineConformance",
    "ExecutorConformance": "testing.executor_conformance:ExecutorConformance",
    "LayerConformance": "testing.conformance:LayerConformance",
    "Mismatch": "testing.gradients:Mismatch",
    "StoreConformance": "testing.store_conformance:StoreConformance",
    "central_differences": "testing.gradients:central_differences",
    "check_layer": "testing.conformance:check_layer",
    "gradient_check": "testing.gradients:gradient_check",
}
"""Where each name is imported from when it is first used."""

__all__ = [
    "EngineConformance",
    "ExecutorConformance",
    "LayerConformance",
    "Mismatch",
    "StoreConformance",
    "central_differences",
    "check_layer",
    "gradient_check",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    found = globals()[name] = getattr(import_module(f"assay.{module}"), attribute)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
