"""Proof for what fills a contract, one of assay's own or a user's: gradient check and conformance tests."""

from assay.testing.conformance import LayerConformance as LayerConformance
from assay.testing.conformance import check_layer as check_layer
from assay.testing.engine_conformance import EngineConformance as EngineConformance
from assay.testing.executor_conformance import ExecutorConformance as ExecutorConformance
from assay.testing.gradients import Mismatch as Mismatch
from assay.testing.gradients import central_differences as central_differences
from assay.testing.gradients import gradient_check as gradient_check
from assay.testing.store_conformance import StoreConformance as StoreConformance
