"""Every built-in layer runs the tests that assay ships for a user's own."""

import pytest

from assay import nn
from assay.testing import LayerConformance

MAPS = ((1, 1, 1), (2, 3, 1), (2, 5, 7))
VECTORS = ((1,), (7,))
BLOCK = (nn.Conv2d(2, 3, padding=1, bias=False), nn.BatchNorm2d(), nn.ReLU(), nn.Dropout(0.3))

CASES = [
    (nn.Linear(3), VECTORS, ((2, 3, 3),), 1),
    (nn.Linear(1, bias=False), VECTORS, (), 1),
    (nn.Conv2d(3, 3, padding=1), MAPS, ((7,), (3, 3)), 1),
    (nn.Conv2d(2, (2, 3), (2, 1), (1, 2), (1, 2), bias=False), MAPS, ((7,),), 1),
    (nn.Conv2d(4, 3, padding=1, groups=2), ((2, 5, 3),), ((3, 5, 3),), 1),
    (nn.MaxPool2d(3, 2, 1), MAPS, ((7,),), 1),
    (nn.MaxPool2d((2, 3)), ((2, 5, 7),), (), 1),
    (nn.AvgPool2d(3, 2, 1), MAPS, ((7,),), 1),
    (nn.AvgPool2d(2, 1, 1, count_include_pad=False), MAPS, (), 1),
    (nn.AdaptiveAvgPool2d(1), MAPS, ((7,),), 1),
    (nn.AdaptiveAvgPool2d((2, 3)), MAPS, (), 1),
    (nn.BatchNorm1d(), VECTORS, ((2, 3, 3),), 2),
    (nn.BatchNorm2d(), MAPS, ((7,),), 2),
    (nn.BatchNormPerActivation(), MAPS + VECTORS, (), 2),
    (nn.Dropout(0.4), MAPS + VECTORS, (), 1),
    (nn.Dropout2d(0.4), MAPS, ((7,),), 1),
    *[
        (activation(), MAPS + VECTORS, (), 1)
        for activation in (
            nn.ReLU,
            nn.LeakyReLU,
            nn.ELU,
            nn.SELU,
            nn.Sigmoid,
            nn.Tanh,
            nn.Softplus,
            nn.GELU,
            nn.Flatten,
        )
    ],
    (nn.Reshape((5, 2)), ((10,), (2, 5, 1)), ((9,),), 1),
    (nn.ZeroPad2d((0, 1, 2, 3)), MAPS, ((7,),), 1),
    (nn.Sequential((nn.Flatten(), nn.Linear(3), nn.Tanh(), nn.Linear(2))), MAPS, (), 1),
    (nn.Residual(BLOCK), ((2, 3, 5),), ((3, 3, 5),), 2),
    (nn.Residual(BLOCK, (nn.Conv2d(2, 1), nn.BatchNorm2d())), MAPS, ((7,),), 2),
]


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{i}-{type(case[0]).__name__}" for i, case in enumerate(CASES)], scope="class"
)
class TestEveryLayer(LayerConformance):
    @pytest.fixture(autouse=True)
    def _take(self, case):
        self.layer, self.shapes, self.refused, self.smallest_training_batch = case


def test_no_layer_is_left_out():
    exported = {
        value for value in vars(nn).values() if isinstance(value, type) and issubclass(value, nn.Layer)
    }
    assert exported - {nn.Layer} == {type(case[0]) for case in CASES}


def test_layers_are_values():
    """Equal hyper-parameters make equal layers, and a layer can stand in a set."""
    assert nn.Conv2d(3, 3) == nn.Conv2d(3, 3)
    assert len({case[0] for case in CASES}) == len(CASES)
