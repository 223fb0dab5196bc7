"""The networks that are timed, and the least work that one of their training steps takes."""

from assay.nn.network import Network
from assay.study.architecture import Architecture
from assay.study.architectures import Dense
from assay.study.convolutional import ConvBlocks, ConvPool

NETWORKS: dict[str, Architecture] = {
    "D": Dense(),
    "A1": ConvPool((5,)),
    "A2": ConvPool((5, 10)),
    "B4-max": ConvBlocks(reduction="max"),
    "B4-average": ConvBlocks(reduction="average"),
    "B4-strided": ConvBlocks(reduction="strided"),
    "B4-dilated": ConvBlocks(reduction="dilated"),
}
"""The 2017 report's dense and two convolutional networks; the 2018 report's, for each reduction."""


def training_flops(network: Network) -> int:
    """Count the floating-point operations of a training step, per example.

    Only layers with parameters count, which do nearly all the work: once forward, twice
    backward (for the weights and for the input), but no gradient for the pixels.
    """
    weighted = [node.flops for node in network.nodes if node.parameters]
    return 3 * sum(weighted) - weighted[0]
