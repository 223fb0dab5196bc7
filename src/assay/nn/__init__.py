"""The mathematics: one file per kind of layer, forward and backward side by side, in plain NumPy."""

from assay.nn.adaptive_avg_pool2d import AdaptiveAvgPool2d as AdaptiveAvgPool2d
from assay.nn.avg_pool2d import AvgPool2d as AvgPool2d
from assay.nn.batch_norms import BatchNorm1d as BatchNorm1d
from assay.nn.batch_norms import BatchNorm2d as BatchNorm2d
from assay.nn.batch_norms import BatchNormPerActivation as BatchNormPerActivation
from assay.nn.conv2d import Conv2d as Conv2d
from assay.nn.dropout import Dropout as Dropout
from assay.nn.dropout import Dropout2d as Dropout2d
from assay.nn.flatten import Flatten as Flatten
from assay.nn.layer import Layer as Layer
from assay.nn.linear import Linear as Linear
from assay.nn.loss import softmax_cross_entropy as softmax_cross_entropy
from assay.nn.max_pool2d import MaxPool2d as MaxPool2d
from assay.nn.rectifiers import ELU as ELU
from assay.nn.rectifiers import SELU as SELU
from assay.nn.rectifiers import LeakyReLU as LeakyReLU
from assay.nn.relu import ReLU as ReLU
from assay.nn.reshape import Reshape as Reshape
from assay.nn.residual import Residual as Residual
from assay.nn.sequential import Sequential as Sequential
from assay.nn.smooth import GELU as GELU
from assay.nn.smooth import Sigmoid as Sigmoid
from assay.nn.smooth import Softplus as Softplus
from assay.nn.smooth import Tanh as Tanh
from assay.nn.zero_pad2d import ZeroPad2d as ZeroPad2d
