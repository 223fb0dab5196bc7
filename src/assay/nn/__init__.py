"""The mathematics: one file a layer kind, forward and backward side by side, in plain NumPy."""

from assay.nn.adaptive_avg_pool2d import AdaptiveAvgPool2d as AdaptiveAvgPool2d
from assay.nn.avg_pool2d import AvgPool2d as AvgPool2d
from assay.nn.conv2d import Conv2d as Conv2d
from assay.nn.flatten import Flatten as Flatten
from assay.nn.layer import Layer as Layer
from assay.nn.linear import Linear as Linear
from assay.nn.loss import softmax_cross_entropy as softmax_cross_entropy
from assay.nn.max_pool2d import MaxPool2d as MaxPool2d
from assay.nn.relu import ReLU as ReLU
