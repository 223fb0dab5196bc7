"""First kernels and feature maps of networks whose weights are known."""

import numpy as np
import pytest

from assay import nn
from assay.findings.feature_maps import MOST_KERNELS, MOST_MAPS, MOST_UNITS, features, first_kernels
from assay.findings.trained import Trained
from assay.nn.network import Network
from assay.records.runs import RunRecord, Status

SHAPE, CLASSES = (1, 8, 6), tuple("abcd")
IMAGE = np.arange(48, dtype=np.uint8).reshape(8, 6) * 5


def network(*layers: nn.Layer) -> Trained:
    found = Network((*layers, nn.Linear(len(CLASSES))), SHAPE)
    weights = found.initialise(1, np.float64) | found.initial_buffers(np.float64)
    run = RunRecord("arm", 0, Status.DONE, "reference", 1, 1, 1, "computed")
    return Trained(found, weights, "float64", run=run)


def test_kernels_of_a_convolution_are_its_weights() -> None:
    found = network(nn.Conv2d(5, (3, 2)), nn.ReLU(), nn.Flatten())
    kernels = first_kernels(found)
    assert (kernels.layer, kernels.dense, kernels.total) == ("conv1", False, 5)
    np.testing.assert_array_equal(kernels.weights, found.weights["conv1.weight"][:, 0])


def test_of_many_kernels_the_first_are_shown() -> None:
    kernels = first_kernels(network(nn.BatchNorm2d(), nn.Conv2d(MOST_KERNELS + 3, 3), nn.Flatten()))
    assert (kernels.total, len(kernels.weights)) == (MOST_KERNELS + 3, MOST_KERNELS)


def test_a_block_s_first_convolution_meets_the_pixels() -> None:
    block = nn.Residual((nn.Conv2d(1, 3, padding=1), nn.ReLU()))
    found = network(block, nn.Flatten())
    kernels = first_kernels(found)
    np.testing.assert_array_equal(kernels.weights[0], found.weights["residual1.conv1.weight"][0, 0])


def test_units_with_the_largest_weights_are_shown_as_images() -> None:
    found = network(nn.Flatten(), nn.Linear(30), nn.ReLU())
    weight = found.weights["linear1.weight"]
    weight[17] *= 10
    kernels = first_kernels(found)
    assert (kernels.layer, kernels.dense, kernels.total) == ("linear1", True, 30)
    assert kernels.weights.shape == (MOST_UNITS, 8, 6)
    norms = np.linalg.norm(kernels.weights, axis=(1, 2))
    assert sorted(norms) == pytest.approx(sorted(np.linalg.norm(weight, axis=1))[-MOST_UNITS:])
    assert any(np.array_equal(image.ravel(), weight[17]) for image in kernels.weights)


def test_weights_that_do_not_meet_the_pixels_are_not_shown() -> None:
    assert first_kernels(network(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(3))) is None


@pytest.mark.parametrize(
    ("layers", "shown"),
    [
        ((nn.Conv2d(3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()), ["relu1", "maxpool1"]),
        ((nn.Conv2d(3, 3), nn.BatchNorm2d(), nn.ReLU(), nn.Flatten()), ["relu1"]),
        ((nn.Conv2d(3, 3, padding=1), nn.Conv2d(3, 3, padding=1), nn.Flatten()), ["conv1", "conv2"]),
        ((nn.Flatten(), nn.Linear(7), nn.ReLU(), nn.Linear(7), nn.ReLU()), ["relu1", "relu2"]),
    ],
)
def test_each_stage_is_shown_once_and_scores_are_not(layers: tuple[nn.Layer, ...], shown: list[str]) -> None:
    found = network(*layers)
    seen = features(found, IMAGE, 9, "c", CLASSES)
    assert [layer.layer for layer in seen.layers] == shown
    outputs = found.outputs(IMAGE)
    for layer in seen.layers:
        output = outputs[layer.layer]
        assert layer.total == (len(output) if output.ndim == 3 else output.size)
        np.testing.assert_array_equal(layer.maps.ravel(), output.ravel()[: layer.maps.size])
        assert layer.single == (output.ndim == 1)


def test_of_many_maps_the_first_are_shown() -> None:
    seen = features(network(nn.Conv2d(20, 3), nn.ReLU(), nn.Flatten()), IMAGE, 9, "c", CLASSES)
    assert [(layer.total, len(layer.maps)) for layer in seen.layers] == [(20, MOST_MAPS)]


def test_answers_are_the_likeliest_with_their_shares() -> None:
    found = network(nn.Flatten(), nn.Linear(7), nn.ReLU())
    seen = features(found, IMAGE, 9, "c", CLASSES)
    scores = list(found.outputs(IMAGE).values())[-1]
    expected = np.exp(scores) / np.exp(scores).sum()
    assert [name for name, _ in seen.answers] == [CLASSES[place] for place in np.argsort(-expected)[:3]]
    assert [share for _, share in seen.answers] == pytest.approx(sorted(expected)[::-1][:3])
    assert (seen.index, seen.true) == (9, "c")


def test_kernels_of_colours_are_images_in_colour() -> None:
    for layers in ((nn.Conv2d(5, (3, 2)), nn.Flatten()), (nn.Flatten(), nn.Linear(7))):
        found = Network((*layers, nn.Linear(4)), (3, 8, 6))
        weights = found.initialise(1, np.float64)
        run = RunRecord("arm", 0, Status.DONE, "reference", 1, 1, 1, "computed")
        kernels = first_kernels(Trained(found, weights, "float64", run=run))
        assert kernels is not None
        first = next(iter(weights.values())).reshape(len(kernels.weights), 3, *kernels.weights.shape[1:3])
        for channel in range(3):
            np.testing.assert_array_equal(kernels.weights[..., channel], first[:, channel])
