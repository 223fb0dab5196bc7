"""The networks that are timed, and what one step of theirs takes at least."""

from assay.nn.network import Network
from assay.study.architectures import Architecture, ConvBlocks, ConvPool, Dense

NETWORKS: dict[str, Architecture] = {
    "D": Dense(),
    "A1": ConvPool((5,)),
    "A2": ConvPool((5, 10)),
    "B4-max": ConvBlocks(reduction="max"),
    "B4-average": ConvBlocks(reduction="average"),
    "B4-strided": ConvBlocks(reduction="strided"),
    "B4-dilated": ConvBlocks(reduction="dilated"),
}
"""The 2017 report's dense network and its two convolutional ones; the 2018 report's, for each reduction."""


def training_flops(network: Network) -> int:
    """Count a training step's floating-point operations, one example.

    Those of the layers with parameters, where nearly all are: once forward, twice
    backward (for the weights and for the input), but no gradient for the pixels.
    """
    weighted = [node.flops for node in network.nodes if node.parameters]
    return 3 * sum(weighted) - weighted[0]
