"""Layers from a study's tables: the names that there are, built-in layers and a user's own."""

from collections.abc import Mapping
from typing import Any, Literal

from assay import nn
from assay.errors import StudyError, shown
from assay.nn.layer import Layer
from assay.study import tables
from assay.study.initializers import INITIALIZERS
from assay.study.own_classes import own_layer
from assay.study.own_code import OwnClass

Chosen = dict[str, Any]
"""A table with ``layer`` and that layer's arguments, as in a list of layers."""

ActivationName = Literal["ReLU", "LeakyReLU", "ELU", "SELU", "Sigmoid", "Tanh", "Softplus", "GELU"]
ACTIVATIONS: dict[str, Layer] = {
    cls.__name__: cls()
    for cls in (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SELU, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.GELU)
}
"""``activation`` by name, each with PyTorch's defaults."""

LAYERS: dict[str, type[Layer]] = {
    cls.__name__: cls
    for cls in (
        nn.Linear, nn.Conv2d, nn.Flatten, nn.Reshape, nn.ZeroPad2d,
        nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d,
        nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SELU, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.GELU,
        nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNormPerActivation, nn.Dropout, nn.Dropout2d,
        nn.Residual,
    )
}  # fmt: skip
"""The layers that ``family = "Layers"`` can list."""

NESTED = ("layers", "shortcut")
"""The arguments of layers that are lists of layers themselves."""


def count_layers(values: Any) -> int:
    """Count the layers in a list of tables, including nested ones."""
    if not isinstance(values, list | tuple):
        return 0
    tables = [value for value in values if isinstance(value, Mapping)]
    return len(values) + sum(count_layers(table.get(key)) for table in tables for key in NESTED)


def layers_of(values: tuple[Any, ...], classes: int, where: str) -> tuple[Layer, ...]:
    """Build a list of layers."""
    return tuple(layer_of(value, classes, f"{where}[{index}]") for index, value in enumerate(values))


def layer_of(value: Any, classes: int, where: str) -> Layer:
    """Build one layer; layers that contain others hold tables of them."""
    if isinstance(value, Layer):
        return value
    if not isinstance(value, Mapping):
        raise StudyError(f"{where}: expected a table with 'layer'; got {shown(value)}")
    table = dict(value)
    own = table.get("layer")
    if isinstance(own, OwnClass):
        return own_layer(own, {key: item for key, item in table.items() if key != "layer"}, where)
    if isinstance(own, type) and issubclass(own, Layer):
        return tables.build(own, {key: item for key, item in table.items() if key != "layer"}, where)
    if table.get("layer") == "Linear":
        table.setdefault("out_features", classes)
    for key in ("weight_init", "bias_init"):
        if isinstance(table.get(key), str):
            table[key] = INITIALIZERS.get(table[key], table[key])
    for key in NESTED:
        if isinstance(table.get(key), list | tuple):
            table[key] = layers_of(tuple(table[key]), classes, f"{where}.{key}")
    return tables.choose(LAYERS, "layer", table, where)


def activation(value: Any) -> Layer:
    """Return the activation of a family, by its name, as a table or as a layer."""
    return ACTIVATIONS[value] if isinstance(value, str) else layer_of(value, 0, "activation")


def pooling(value: Any) -> Layer:
    """Return the pooling of a family: "max", "average", a table or a layer."""
    named = {"max": nn.MaxPool2d(2), "average": nn.AvgPool2d(2)}
    return named[value] if isinstance(value, str) else layer_of(value, 0, "pooling")


def normalisation(value: Any, built_in: Layer) -> list[Layer]:
    """Return the normalisation of a family: none if False, ``built_in`` if True, or a table or a layer."""
    if isinstance(value, bool):
        return [built_in] if value else []
    return [nn.BatchNormPerActivation() if value == "activation" else layer_of(value, 0, "batch_norm")]
