"""The networks that are timed."""

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
