"""What a family of networks is."""

from abc import ABC, abstractmethod

from assay.errors import StudyError, shown
from assay.nn.layer import Layer
from assay.nn.network import Network
from assay.shapes import Shape


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


def at_least_one(key: str, values: tuple[object, ...]) -> None:
    """Raise `StudyError`, naming ``key``, unless all ``values`` are integers from 1 on."""
    for value in values:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise StudyError(f"{key} must be an integer >= 1; got {shown(value)}")
