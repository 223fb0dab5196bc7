"""What a trained network looks for and what it sees: its first kernels, and the feature maps of an image."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod

import numpy as np
from numpy.typing import NDArray

from assay.findings.trained import Fitted
from assay.shapes import Array

MOST_KERNELS, MOST_UNITS, MOST_MAPS, MOST_VALUES = 64, 12, 16, 128
MOST_ANSWERS = 3


@dataclass(frozen=True, eq=False)
class Kernels:
    """What multiplies the pixels of an image.

    ``weights`` (n, h, w), or (n, h, w, 3) for images in colour, are the
    kernels of a convolution, or, where ``dense``, the weights from all pixels to
    each of the units with the largest weights; ``total`` is how many there are.
    """

    layer: str
    dense: bool
    total: int
    weights: Array = field(repr=False)


@dataclass(frozen=True, eq=False)
class LayerMaps:
    """What a layer gives for the image: its first maps (n, h, w) of ``total``; a unit is a map of 1 x 1."""

    layer: str
    total: int
    maps: Array = field(repr=False)

    @property
    def single(self) -> bool:
        """Whether these are the values of units."""
        return self.maps.shape[1:] == (1, 1)


@dataclass(frozen=True, eq=False)
class Features:
    """One test image on its way through a network.

    ``true`` is its class, ``answers`` the likeliest classes with the network's
    share of each, 0 to 1.
    """

    index: int
    true: str
    answers: tuple[tuple[str, float], ...]
    image: NDArray[np.uint8] = field(repr=False)
    layers: tuple[LayerMaps, ...]


def first_kernels(found: Fitted) -> Kernels | None:
    """Return the first weights of a network; None where they do not meet the pixels themselves."""
    network = found.network
    name = next((name for name, p in network.parameters.items() if p.role == "weight"), "")
    weight = found.weights.get(name, np.zeros(()))
    layer = name.removesuffix(".weight")
    if weight.ndim == 4 and weight.shape[1] == network.input_shape[0]:
        return Kernels(layer, False, len(weight), _as_images(weight[:MOST_KERNELS]))
    if weight.ndim == 2 and weight.shape[1] == prod(network.input_shape):
        strongest = np.sort(np.argsort(-np.square(weight).sum(axis=1), kind="stable")[:MOST_UNITS])
        return Kernels(
            layer, True, len(weight), _as_images(weight[strongest].reshape(-1, *network.input_shape))
        )
    return None


def _as_images(weights: Array) -> Array:
    """Return weights (n, C, h, w) laid out as images are: (n, h, w), or (n, h, w, C)."""
    return weights[:, 0] if weights.shape[1] == 1 else np.moveaxis(weights, 1, -1)


def features(
    found: Fitted, image: NDArray[np.uint8], index: int, true: str, classes: tuple[str, ...]
) -> Features:
    """Send ``image`` (H, W) or (H, W, C), number ``index`` of the test set, through a network."""
    outputs = found.outputs(image)
    [sure] = found.shares([*outputs.values()][-1][None])
    likeliest = np.argsort(-sure, kind="stable")[:MOST_ANSWERS]
    answers = tuple((classes[place], float(sure[place])) for place in likeliest)
    layers = tuple(_maps(name, outputs[name]) for name in _shown(found))
    return Features(index, true, answers, image, layers)


def _shown(found: Fitted) -> Iterator[str]:
    """Yield the layers to draw: not the scores, and no layer that the next one rectifies or normalises."""
    for node, after in pairwise(found.network.nodes):
        learns = any(parameter.role == "weight" for parameter in after.parameters.values())
        if (learns or after.output_shape != node.output_shape) and node.layer.kind != "flatten":
            yield node.name


def _maps(name: str, output: Array) -> LayerMaps:
    if output.ndim == 3:
        return LayerMaps(name, len(output), output[:MOST_MAPS])
    return LayerMaps(name, output.size, output.reshape(-1, 1, 1)[:MOST_VALUES])
