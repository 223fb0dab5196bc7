"""Families of networks that a study file can name, including a general one that lists layers.

A family is a frozen dataclass whose fields are the ``[network]`` table's keys;
`Architecture.build` turns it into a `Network` for an input shape and a number
of classes K.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay import nn
from assay.errors import StudyError
from assay.nn.layer import Layer
from assay.nn.network import expect_layers
from assay.shapes import Shape
from assay.study import tables
from assay.study.architecture import Architecture, at_least_one
from assay.study.convolutional import ConvBlocks, ConvPool, ResNet
from assay.study.initializers import INITIALIZERS, InitName
from assay.study.layer_tables import (
    ActivationName,
    Chosen,
    activation,
    count_layers,
    layers_of,
    normalisation,
)
from assay.study.module_family import Module
from assay.study.own_classes import waiting


@dataclass(frozen=True)
class Dense(Architecture):
    """Fully connected: Flatten, then Linear and ``activation`` for each of ``hidden``, then Linear.

    The default is the 2017 report's 784-100-100-100-100-47 network; without any hidden
    layer it is softmax regression. With ``batch_norm`` a BatchNorm1d follows each hidden
    Linear. ``input_dropout`` and ``hidden_dropout`` are the probabilities of dropping a
    pixel or a hidden unit: 1 minus the inclusion probability that the report uses.
    """

    hidden: tuple[int, ...] = (100, 100, 100, 100)
    init: InitName = "GlorotUniform"
    batch_norm: bool | Chosen = False
    input_dropout: float = 0.0
    hidden_dropout: float = 0.0
    activation: ActivationName | Chosen = "ReLU"

    def __post_init__(self) -> None:
        """Refuse layers without units."""
        at_least_one("hidden", self.hidden)
        expect_layers("hidden", len(self.hidden))

    def layers_for(self, input_shape: Shape, classes: int) -> list[Layer]:
        """Return the layers."""
        del input_shape
        init = INITIALIZERS[self.init]
        layers: list[Layer] = [nn.Flatten(), *_dropout(self.input_dropout)]
        for units in self.hidden:
            norm = normalisation(self.batch_norm, nn.BatchNorm1d())
            layers += [nn.Linear(units, weight_init=init), *norm, activation(self.activation)]
            layers += _dropout(self.hidden_dropout)
        return [*layers, nn.Linear(classes, weight_init=init)]


@dataclass(frozen=True)
class Layers(Architecture):
    """Any network: a list of layer tables, each with ``layer`` and that layer's arguments.

    A Linear without ``out_features`` gives one score per class.
    """

    layers: tuple[dict[str, Any], ...]

    def __post_init__(self) -> None:
        """Refuse an invalid list of layers before there is data."""
        if not self.layers:
            raise StudyError("layers: expected at least one; got none")
        expect_layers("layers", count_layers(self.layers))
        if not waiting(self.layers):
            _ = self.layers_for((), 1)

    def layers_for(self, input_shape: Shape, classes: int) -> list[Layer]:
        """Return the layers."""
        del input_shape
        return list(layers_of(self.layers, classes, "layers"))


@dataclass(frozen=True)
class Unknown(Architecture):
    """The network of runs that were trained elsewhere; no study file names it."""

    def layers_for(self, input_shape: Shape, classes: int) -> list[Layer]:
        """Refuse: `StudyError`."""
        del input_shape, classes
        raise StudyError("its runs were trained elsewhere, and their networks are not known")


FAMILIES: dict[str, type[Architecture]] = {
    cls.__name__: cls for cls in (Dense, ConvPool, ConvBlocks, ResNet, Layers, Module)
}


def from_table(table: Mapping[str, Any], where: str = "network") -> Architecture:
    """Return the architecture that a ``[network]`` table describes."""
    if table.get("family") == Module.__name__:
        return Module.from_table(table, where)
    return tables.choose(FAMILIES, "family", table, where)


def _dropout(p: float) -> list[Layer]:
    return [nn.Dropout(p)] if p else []
