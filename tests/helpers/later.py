"""Libraries that a few tests compare with, imported when the first of these asks for one.

Every process that runs tests collects all of them, and would import all of this to run a third.
"""

import sys
import warnings
from importlib import import_module
from typing import Any


class Later:
    """A module by its name, imported when an attribute is first asked for, whatever it warns of then."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):  # what collecting tests asks of whatever it meets
            raise AttributeError(attribute)
        if self._name not in sys.modules:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # deprecations in pandas and seaborn
                import_module(self._name)
        return getattr(sys.modules[self._name], attribute)


pandas = Later("pandas")
pingouin = Later("pingouin")
statsmodels = Later("statsmodels.stats.api")
linear_model = Later("statsmodels.regression.linear_model")
onnx, onnxruntime = Later("onnx"), Later("onnxruntime")
estimator_checks = Later("sklearn.utils.estimator_checks")
datasets, metrics, model_selection, neural_network, pipeline, preprocessing = (
    Later(f"sklearn.{name}")
    for name in ("datasets", "metrics", "model_selection", "neural_network", "pipeline", "preprocessing")
)
tracking = Later("mlflow.tracking")
sqlalchemy = Later("sqlalchemy")
event_accumulator = Later("tensorboard.backend.event_processing.event_accumulator")
plugin_data_pb2 = Later("tensorboard.plugins.hparams.plugin_data_pb2")
