"""The recogniser that comes with assay: one network, trained by assay, in plain NumPy.

Its weights are kept in 16 bits; its card, `recogniser.json`, says what it was trained on and how well it
does.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay import nn
from assay.nn.loss import softmax
from assay.nn.network import Network, to_input
from assay.shapes import Array

AT_ONCE = 32
"""Images that go through the network together: more would only take more memory."""


@dataclass(frozen=True)
class Recogniser:
    """A trained network: its classes, and the temperature that makes shares of its scores probabilities."""

    network: Network
    weights: dict[str, Array]
    classes: tuple[str, ...]
    temperature: float

    def scores(self, images: NDArray[np.uint8]) -> Array:
        """Return the class scores (N, K) of images (N, 28, 28), light on black, in float32."""
        parts = [
            self.network.forward(self.weights, to_input(images[at : at + AT_ONCE], self.network, "float32"))[
                0
            ]
            for at in range(0, len(images), AT_ONCE)
        ]
        return np.concatenate([np.zeros((0, len(self.classes)), np.float32), *parts])

    def probabilities(self, images: NDArray[np.uint8]) -> Array:
        """Return the probability (N, K) of each class for images (N, 28, 28), calibrated, in float64."""
        return softmax(self.scores(images), self.temperature)


@cache
def card() -> dict[str, Any]:
    """Return the model card of the recogniser: data, recipe, accuracy, confusion, limits."""
    found: dict[str, Any] = json.loads(files(__package__).joinpath("recogniser.json").read_text("utf-8"))
    return found


@cache
def recogniser() -> Recogniser:
    """Return the recogniser; it is read once."""
    found = card()
    layers = tuple(getattr(nn, layer.pop("layer"))(**layer) for layer in map(dict, found["layers"]))
    with files(__package__).joinpath("recogniser.npz").open("rb") as file, np.load(file) as arrays:
        weights = {name: value.astype(np.float32) for name, value in arrays.items()}
    return Recogniser(Network(layers), weights, tuple(found["classes"]), found["temperature"])
