"""Checks a layer that a user wrote: is its backward right, does it agree with assay's own, how fast is it."""

from assay.checking.check import Check as Check
from assay.checking.check import check as check
from assay.checking.check import check_layer as check_layer
from assay.checking.comparison import Comparison as Comparison
from assay.checking.source import input_shape as input_shape
from assay.checking.text import lines as lines
