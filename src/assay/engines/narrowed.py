"""Networks that are too large to be measured as they are, and narrower ones in their place."""

from dataclasses import replace

from assay.errors import ShapeError
from assay.nn.layer import Layer
from assay.nn.linear import Linear
from assay.nn.network import Network

LARGE = 17_000_000
"""Parameters beyond which a network is narrowed: drawing many more, and a few steps with them, take minutes.

What is left is more than half of them, since outputs are halved: beyond a processor's caches, and enough to
occupy a GPU, as the network's own are; and beyond 32 MiB an array. Arrays as large are not reused: glibc's
malloc takes each from the system and gives it back, so that every page of every step's temporary arrays is
cleared anew. Measured on smaller ones, PyTorch's Adam seemed 1.4 to 1.7 times as fast as it is.
"""


def narrowed(network: Network) -> Network:
    """Return ``network``, or one like it with fewer parameters where it has more than `LARGE`.

    The outputs of every linear layer but the last are divided by a common power of two, the smallest that
    suffices. A network whose layers need the shapes they have is returned as it is, and so is one with a
    user's own layers, which may.
    """
    if any(layer.users_own for layer in network.layers):
        return network
    last = max((at for at, layer in enumerate(network.layers) if type(layer) is Linear), default=0)
    wide, widest = network.layers[:last], _widest(network.layers[:last])
    found, divisor = network, 1
    while found.parameter_count > LARGE and divisor < widest:
        divisor *= 2
        layers = (*(_narrow(layer, divisor) for layer in wide), *network.layers[last:])
        try:
            found = Network(layers, network.input_shape)
        except ShapeError:
            return network
    return found


def _widest(layers: tuple[Layer, ...]) -> int:
    return max((layer.out_features for layer in layers if type(layer) is Linear), default=1)


def _narrow(layer: Layer, divisor: int) -> Layer:
    if type(layer) is not Linear:
        return layer
    return replace(layer, out_features=max(layer.out_features // divisor, 1))
