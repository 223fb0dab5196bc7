"""Controlled experiments on the ingredients of neural networks.

The public names. Each is imported on first use, so that
``import assay`` and ``assay --help`` cost nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from assay.errors import AssayError as AssayError
from assay.errors import DataError as DataError
from assay.errors import ShapeError as ShapeError
from assay.errors import StoreError as StoreError
from assay.errors import StudyError as StudyError
from assay.errors import UnsupportedError as UnsupportedError
from assay.errors import UsageError as UsageError

if TYPE_CHECKING:
    from assay import nn as nn
    from assay import optim as optim
    from assay.data import Dataset as Dataset
    from assay.data import DataSpec as DataSpec
    from assay.data import load as load_data
    from assay.exchange.exporting import export_results as export_results
    from assay.exchange.importing import import_results as import_results
    from assay.findings.claim_verdicts import ClaimRow as ClaimRow
    from assay.findings.effects import Effect as Effect
    from assay.findings.findings import Findings as Findings
    from assay.findings.prediction import Prediction as Prediction
    from assay.findings.prediction import predict as predict
    from assay.findings.seeds_needed import SeedPlan as SeedPlan
    from assay.findings.seeds_needed import plan_seeds as plan_seeds
    from assay.nn.network import Network as Network
    from assay.optim.recipe import Recipe as Recipe
    from assay.reading import read as read
    from assay.results import Results as Results
    from assay.running.extend import extend as extend
    from assay.running.plan import Plan as Plan
    from assay.running.plan import make_plan as make_plan
    from assay.running.run import run as run
    from assay.running.until_resolved import run_until_resolved as run_until_resolved
    from assay.stats.verdict import Verdict as Verdict
    from assay.study.architectures import Dense as Dense
    from assay.study.architectures import Layers as Layers
    from assay.study.builtin import builtin as builtin_studies
    from assay.study.builtin import load_study as load_study
    from assay.study.claims import Claim as Claim
    from assay.study.convolutional import ConvBlocks as ConvBlocks
    from assay.study.convolutional import ConvPool as ConvPool
    from assay.study.convolutional import ResNet as ResNet
    from assay.study.factors import Factor as Factor
    from assay.study.module_family import Module as Module
    from assay.study.study import Study as Study

    __version__: str

_HOMES = {
    "Claim": "study.claims:Claim",
    "ClaimRow": "findings.claim_verdicts:ClaimRow",
    "ConvBlocks": "study.convolutional:ConvBlocks",
    "ConvPool": "study.convolutional:ConvPool",
    "DataSpec": "data:DataSpec",
    "Dataset": "data:Dataset",
    "Dense": "study.architectures:Dense",
    "Effect": "findings.effects:Effect",
    "Factor": "study.factors:Factor",
    "Findings": "findings.findings:Findings",
    "Layers": "study.architectures:Layers",
    "Module": "study.module_family:Module",
    "Network": "nn.network:Network",
    "Plan": "running.plan:Plan",
    "Prediction": "findings.prediction:Prediction",
    "Recipe": "optim.recipe:Recipe",
    "ResNet": "study.convolutional:ResNet",
    "Results": "results:Results",
    "SeedPlan": "findings.seeds_needed:SeedPlan",
    "Study": "study.study:Study",
    "Verdict": "stats.verdict:Verdict",
    "builtin_studies": "study.builtin:builtin",
    "export_results": "exchange.exporting:export_results",
    "extend": "running.extend:extend",
    "import_results": "exchange.importing:import_results",
    "load_data": "data:load",
    "load_study": "study.builtin:load_study",
    "make_plan": "running.plan:make_plan",
    "nn": "nn",
    "optim": "optim",
    "plan_seeds": "findings.seeds_needed:plan_seeds",
    "predict": "findings.prediction:predict",
    "read": "reading.reader:read",
    "run": "running.run:run",
    "run_until_resolved": "running.until_resolved:run_until_resolved",
}
"""Where each name is imported from when it is first used."""

__all__ = [
    "AssayError",
    "Claim",
    "ClaimRow",
    "ConvBlocks",
    "ConvPool",
    "DataError",
    "DataSpec",
    "Dataset",
    "Dense",
    "Effect",
    "Factor",
    "Findings",
    "Layers",
    "Module",
    "Network",
    "Plan",
    "Prediction",
    "Recipe",
    "ResNet",
    "Results",
    "SeedPlan",
    "ShapeError",
    "StoreError",
    "Study",
    "StudyError",
    "UnsupportedError",
    "UsageError",
    "Verdict",
    "__version__",
    "builtin_studies",
    "export_results",
    "extend",
    "import_results",
    "load_data",
    "load_study",
    "make_plan",
    "nn",
    "optim",
    "plan_seeds",
    "predict",
    "read",
    "run",
    "run_until_resolved",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("assay")
    if name not in _HOMES:
        raise AttributeError(f"module 'assay' has no attribute {name!r}")
    home, _, attribute = _HOMES[name].partition(":")
    module = import_module(f"assay.{home}")
    return getattr(module, attribute) if attribute else module


def __dir__() -> list[str]:
    return __all__
