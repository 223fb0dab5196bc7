"""Families of networks that a study file can name, including a general one that lists layers.

A family is a frozen dataclass whose fields are the ``[network]`` table's keys;
`Architecture.build` turns it into a `Network` for an input shape and a number
of classes K.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from assay import nn
from assay.errors import StudyError, shown
from assay.nn.convolution import MethodName
from assay.nn.init import PYTORCH_DEFAULT, GlorotNormal, GlorotUniform, HeNormal, HeUniform, Initializer
from assay.nn.layer import Layer
from assay.nn.network import Network, expect_layers
from assay.shapes import Shape
from assay.study import tables

InitName = Literal["GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "PyTorch"]
INITIALIZERS: dict[str, Initializer] = {
    "GlorotUniform": GlorotUniform(),
    "GlorotNormal": GlorotNormal(),
    "HeUniform": HeUniform(),
    "HeNormal": HeNormal(),
    "PyTorch": PYTORCH_DEFAULT,
}
"""``init`` by name; "PyTorch" is the scheme with which ``torch.nn`` initialises weights."""

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

BATCH_NORMS: dict[str, tuple[Layer, ...]] = {
    "none": (),
    "map": (nn.BatchNorm2d(),),
    "activation": (nn.BatchNormPerActivation(),),
}


class Architecture(ABC):
    """A network whose input shape and number of classes are not yet known."""

    @abstractmethod
    def layers_for(self, input_shape: Shape, classes: int) -> list[Layer]:
        """Return the layers that end in ``classes`` scores."""

    def build(self, input_shape: Shape, classes: int) -> Network:
        """Return the network; `ShapeError` or `StudyError` if it cannot be built."""
        network = Network(tuple(self.layers_for(input_shape, classes)), input_shape)
        if network.output_shape != (classes,):
            raise StudyError(
                f"network: gives {network.output_shape} scores for {classes} classes "
                "(end with Linear, without out_features)"
            )
        return network


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
    batch_norm: bool = False
    input_dropout: float = 0.0
    hidden_dropout: float = 0.0
    activation: ActivationName = "ReLU"

    def __post_init__(self) -> None:
        """Refuse layers without units."""
        _at_least_one("hidden", self.hidden)
        expect_layers("hidden", len(self.hidden))

    def layers_for(self, input_shape: Shape, classes: int) -> list[Layer]:
        """Return the layers."""
        del input_shape
        init = INITIALIZERS[self.init]
        layers: list[Layer] = [nn.Flatten(), *_dropout(self.input_dropout)]
        for units in self.hidden:
            norm = [nn.BatchNorm1d()] if self.batch_norm else []
            layers += [nn.Linear(units, weight_init=init), *norm, ACTIVATIONS[self.activation]]
            layers += _dropout(self.hidden_dropout)
        return [*layers, nn.Linear(classes, weight_init=init)]


@dataclass(frozen=True)
class ConvPool(Architecture):
    """For each of ``maps``: Conv2d 5x5, ``activation``, MaxPool2d 2; then Flatten and Linear.

    ``maps = [5]`` and ``[5, 10]`` are the 2017 report's two convolutional networks.
    ``batch_norm`` follows each convolution: "map" normalises each feature map,
    "activation" each pixel of each map on its own, as that report did.
    ``convolution`` is the ``method`` of every Conv2d.
    """

    maps: tuple[int, ...] = (5, 10)
    kernel_size: int = 5
    init: InitName = "GlorotUniform"
    batch_norm: Literal["none", "map", "activation"] = "none"
    convolution: MethodName = "im2col"
    activation: ActivationName = "ReLU"

    def __post_init__(self) -> None:
        """Refuse a network without convolutions, and layers without maps."""
        _at_least_one("maps", self.maps)
        _at_least_one("number of convolutions in maps", (len(self.maps),))
        expect_layers("maps", len(self.maps))

    def layers_for(self, input_shape: Shape, classes: int) -> list[Layer]:
        """Return the layers."""
        del input_shape
        init = INITIALIZERS[self.init]
        layers: list[Layer] = []
        for maps in self.maps:
            conv = nn.Conv2d(maps, self.kernel_size, weight_init=init, method=self.convolution)
            layers += [conv, *BATCH_NORMS[self.batch_norm], ACTIVATIONS[self.activation], nn.MaxPool2d(2)]
        return [*layers, nn.Flatten(), nn.Linear(classes, weight_init=init)]


@dataclass(frozen=True)
class ConvBlocks(Architecture):
    """The 2018 report's network: ``layers`` times Conv2d 3x3, ``activation`` and a reduction.

    The convolutions have ``filters`` maps, padding 1 and no bias. The
    ``reduction`` of block i (from 0) is max or average pooling 2 with stride 2
    and padding 1 (the average counts the padding), a strided convolution 3x3
    with padding 1 and stride 2, or a convolution 3x3 with padding 1 and
    dilation i + 2, both followed by ``activation``. ``stride`` and ``kernel_size`` override
    the reduction's. With ``batch_norm`` a BatchNorm2d, which the report lacks,
    follows each convolution. Where the maps are not 2x2 at the end, adaptive average pooling makes them
    so; Flatten and a Linear without bias follow. ``convolution`` is the
    ``method`` of every Conv2d.
    """

    layers: int = 4
    filters: int = 64
    reduction: Literal["max", "average", "strided", "dilated"] = "max"
    stride: int | None = None
    kernel_size: int | None = None
    batch_norm: bool = False
    init: InitName = "PyTorch"
    convolution: MethodName = "im2col"
    activation: ActivationName = "ReLU"

    def __post_init__(self) -> None:
        """Refuse a network without layers or filters, and a stride below 1."""
        _at_least_one("layers", (self.layers,))
        expect_layers("layers", self.layers)
        _at_least_one("filters", (self.filters,))
        _at_least_one("stride", () if self.stride is None else (self.stride,))
        _at_least_one("kernel_size", () if self.kernel_size is None else (self.kernel_size,))

    def layers_for(self, input_shape: Shape, classes: int) -> list[Layer]:
        """Return the layers."""
        layers: list[Layer] = []
        for index in range(self.layers):
            layers += [*self._conv(), *self._reduction(index)]
        if Network(tuple(layers), input_shape).output_shape[1:] != (2, 2):
            layers.append(nn.AdaptiveAvgPool2d(2))
        return [*layers, nn.Flatten(), nn.Linear(classes, bias=False, weight_init=INITIALIZERS[self.init])]

    def _conv(self, kernel_size: int = 3, stride: int = 1, dilation: int = 1) -> list[Layer]:
        """Return a convolution with the layers that follow it."""
        conv = nn.Conv2d(
            self.filters,
            kernel_size,
            stride=stride,
            padding=1,
            dilation=dilation,
            bias=False,
            weight_init=INITIALIZERS[self.init],
            method=self.convolution,
        )
        return [conv, *([nn.BatchNorm2d()] if self.batch_norm else []), ACTIVATIONS[self.activation]]

    def _reduction(self, index: int) -> list[Layer]:
        stride = self.stride or (1 if self.reduction == "dilated" else 2)
        match self.reduction:
            case "max":
                return [nn.MaxPool2d(self.kernel_size or 2, stride=stride, padding=1)]
            case "average":
                return [nn.AvgPool2d(self.kernel_size or 2, stride=stride, padding=1)]
            case "strided":
                return self._conv(self.kernel_size or 3, stride)
            case "dilated":
                return self._conv(self.kernel_size or 3, stride, dilation=index + 2)


@dataclass(frozen=True)
class ResNet(Architecture):
    """Blocks of two 3x3 convolutions, with or without the shortcut around each (He et al. 2016).

    A stem of one convolution, then for each of ``filters`` a stage of ``blocks``
    blocks at that width, max pooling 2 between stages, global average pooling
    and a Linear. Each convolution is followed by BatchNorm2d; a block ends in
    ``activation`` after the sum. ``residual`` False leaves the shortcuts out and changes
    nothing else: the plain net of the same depth and parameters.
    """

    filters: tuple[int, ...] = (16, 32)
    blocks: int = 2
    residual: bool = True
    init: InitName = "HeNormal"
    activation: ActivationName = "ReLU"

    def __post_init__(self) -> None:
        """Refuse a network without filters or blocks."""
        _at_least_one("filters", self.filters)
        _at_least_one("number of stages in filters", (len(self.filters),))
        _at_least_one("blocks", (self.blocks,))
        expect_layers("blocks", len(self.filters) * self.blocks)

    def layers_for(self, input_shape: Shape, classes: int) -> list[Layer]:
        """Return the layers."""
        del input_shape
        activation = ACTIVATIONS[self.activation]
        layers: list[Layer] = []
        for index, filters in enumerate(self.filters):
            layers += [nn.MaxPool2d(2)] if index else []
            layers += [
                *self._conv(filters),
                activation,
            ]  # the stem, or the convolution that widens a later stage
            for _ in range(self.blocks):
                layers += self._block(filters)
        return [
            *layers,
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(classes, weight_init=INITIALIZERS[self.init]),
        ]

    def _block(self, filters: int) -> list[Layer]:
        activation = ACTIVATIONS[self.activation]
        body = (*self._conv(filters), activation, *self._conv(filters))
        return [*([nn.Residual(body)] if self.residual else body), activation]

    def _conv(self, filters: int) -> list[Layer]:
        init = INITIALIZERS[self.init]
        return [nn.Conv2d(filters, 3, padding=1, bias=False, weight_init=init), nn.BatchNorm2d()]


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
        expect_layers("layers", _count(self.layers))
        _ = self.layers_for((), 1)

    def layers_for(self, input_shape: Shape, classes: int) -> list[Layer]:
        """Return the layers."""
        del input_shape
        return list(_layers(self.layers, classes, "layers"))


@dataclass(frozen=True)
class Unknown(Architecture):
    """The network of runs that were trained elsewhere; no study file names it."""

    def layers_for(self, input_shape: Shape, classes: int) -> list[Layer]:
        """Refuse: `StudyError`."""
        del input_shape, classes
        raise StudyError("its runs were trained elsewhere, and their networks are not known")


FAMILIES: dict[str, type[Architecture]] = {
    cls.__name__: cls for cls in (Dense, ConvPool, ConvBlocks, ResNet, Layers)
}


def from_table(table: Mapping[str, Any], where: str = "network") -> Architecture:
    """Return the architecture that a ``[network]`` table describes."""
    return tables.choose(FAMILIES, "family", table, where)


def _count(values: Any) -> int:
    """Count the layers in a list of tables, including nested ones."""
    if not isinstance(values, list | tuple):
        return 0
    tables = [value for value in values if isinstance(value, Mapping)]
    return len(values) + sum(_count(table.get(key)) for table in tables for key in NESTED)


def _layers(values: tuple[dict[str, Any], ...], classes: int, where: str) -> tuple[Layer, ...]:
    return tuple(_layer(value, classes, f"{where}[{index}]") for index, value in enumerate(values))


def _layer(value: Any, classes: int, where: str) -> Layer:
    """Build one layer; layers that contain others hold tables of them."""
    if not isinstance(value, Mapping):
        raise StudyError(f"{where}: expected a table with 'layer'; got {shown(value)}")
    table = dict(value)
    if table.get("layer") == "Linear":
        table.setdefault("out_features", classes)
    for key in ("weight_init", "bias_init"):
        if isinstance(table.get(key), str):
            table[key] = INITIALIZERS.get(table[key], table[key])
    for key in NESTED:
        if isinstance(table.get(key), list | tuple):
            table[key] = _layers(tuple(table[key]), classes, f"{where}.{key}")
    return tables.choose(LAYERS, "layer", table, where)


def _dropout(p: float) -> list[Layer]:
    return [nn.Dropout(p)] if p else []


def _at_least_one(key: str, values: tuple[object, ...]) -> None:
    for value in values:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise StudyError(f"{key} must be an integer >= 1; got {shown(value)}")
