"""Layers, losses and learning rules that are right, half of them awkward: none is called wrong."""

import pytest
from planted_layers import PLANTED, SETTINGS

from assay.testing.check import check

PLAIN = """
course: SumPoolingLayer AffineLayer SquareLayer ConvolutionalLayer MaxPoolingLayer SigmoidLayer ReluLayer TanhLayer EluLayer
course: SoftmaxLayer RadialBasisFunctionLayer DropoutLayer ReshapeLayer BatchNormalizationLayer
course: CrossEntropySoftmaxError SumOfSquaredDiffsError CrossEntropyError GradientDescentLearningRule
course: MomentumLearningRule AdamLearningRule RMSPropLearningRule
book: Affine Relu Convolution AveragePooling BatchNormalization Dropout MatMul Gated SoftmaxWithLoss SGD Nesterov
book: AdaGrad Adam
functions: affine_forward relu_forward conv_forward_naive max_pool_forward_naive batchnorm_forward
functions: layernorm_forward dropout_forward softmax_loss svm_loss temporal_softmax_loss sgd sgd_momentum rmsprop
functions: adam
own: PReLU Bilinear InstanceNorm Noise DepthwiseConvolution Whitening
"""

AWKWARD = """
awkward: ReluInPlace AffineInPlace NegatesAndBack Single SingleInAList Whole AlwaysSingle FreshGenerator
awkward: RandomSlope RandomAlways StateInItsClass CountsCalls VectorsOnly SoftmaxForVectors MapsOnly Identity
awkward: EveryOther Turned ReusesItsBuffer Absolute OneAtZero HardTanh Median LargeNumbers Steep Lazy Accumulates
awkward: ReturnsItsCache cache_in_place_forward OlderLinear
"""

ODD = """
odd: GeluByScipy ScipyConvolution Attention Dense Centre Inherited WithProperties Cached Slots ScalarScale
odd: OwnGenerator DropsChannels MovingScale GroupNorm BatchNorm2dOfMaps AveragesAll KeepsStd MaxOut GlobalMax Sorted
odd: Swish32 ReadsOnly Tuples TensorProduct Logs StraightThrough Transposes global_avg_forward scale_forward
pkg/inner/layers: Rectifier
harder: Stacked Context Decorated Softplus MishOfClass Blur Sparse Embeds PythonsRandom Upsample CropsToEven
harder: LogSoftmax CosineNorm Recurrent Highway Locked Warns BatchesOfTwo Prints Virtual BatchRenormless focal_loss
harder: HuberLoss AdamFused
"""


def targets(text):
    for line in text.split("\n"):
        module, _, names = line.partition(":")
        yield from (f"{module}.py:{name}" for name in names.split())


SHAPES = {"book.py:Convolution": (2, 5, 6), "awkward.py:Median": (5,)}


def found(target):
    return check(f"{PLANTED / target}", settings=SETTINGS.get(target), input_shape=SHAPES.get(target))


def test_there_are_sixty_and_more():
    assert len([*targets(PLAIN), *targets(AWKWARD)]) >= 60
    assert len([*targets(AWKWARD)]) >= 30
    assert len([*targets(ODD)]) >= 50


@pytest.mark.parametrize("target", [*targets(PLAIN), *targets(AWKWARD), *targets(ODD)])
def test_is_called_right(target):
    result = found(target)
    differences = result.comparison.differences if result.comparison else ()
    assert result.passed, (result.mismatches, result.faults, differences)
