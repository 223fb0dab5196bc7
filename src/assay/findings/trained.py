"""What a finished study leaves to examine: its test images, and the networks of its runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.data import Split, load
from assay.data.outline import outline
from assay.errors import DataError, ShapeError, StoreError, UsageError, some
from assay.nn.loss import softmax
from assay.nn.network import Network, to_input
from assay.records.runs import RunRecord, Status
from assay.shapes import Array, Shape
from assay.store.readout import Readout
from assay.store.weights import path_of
from assay.study.own_classes import waiting
from assay.study.own_code import expect_trusted


@dataclass(frozen=True)
class Fitted:
    """A network with the weights that training left it, in evaluation mode.

    ``weights`` are the network's parameters and buffers by name, ready for ``network.forward``; ``dtype`` is
    the precision that they were trained in. ``temperature`` is what scores are divided by for shares that are
    probabilities; None where none was fitted.
    """

    network: Network
    weights: Mapping[str, Array]
    dtype: str
    temperature: float | None = None

    def scores(self, images: NDArray[np.uint8]) -> Array:
        """Return the class scores (N, K) of ``images`` (N, H, W) or (N, H, W, C)."""
        return self.network.forward(self.weights, to_input(images, self.network, self.dtype))[0]

    def shares(self, scores: Array) -> Array:
        """Return the shares (N, K) of the classes by ``scores`` (N, K) and the temperature."""
        return softmax(scores, self.temperature or 1.0)

    def outputs(self, image: NDArray[np.uint8]) -> Mapping[str, Array]:
        """Return what each layer gives for one ``image``, by its name."""
        x = to_input(image[None], self.network, "float64")
        outputs, _ = self.network.traced(self.weights, x)
        return {node.name: y[0] for node, y in zip(self.network.nodes, outputs, strict=True)}


@dataclass(frozen=True)
class Trained(Fitted):
    """The network of a finished run, with the weights that validation chose."""

    run: RunRecord = field(kw_only=True)

    def __repr__(self) -> str:
        """Describe the network in one line: the run that trained it, and its size."""
        return f"<Trained {self.run.id}: {self.run.parameters:,} parameters, {self.dtype}>"


def load_test(results: Readout) -> Split:
    """Return the test images that a study was measured on, loaded unless they are at hand.

    Raises `DataError` where the data set is not on this machine or is not the one that the runs saw.
    """
    digest, kept = results.header.data_digest, results.at_hand
    if kept is not None and kept.is_of(digest):
        return kept.test
    data = load(results.data)
    if data.digest != digest:
        raise DataError(f"{data.name}: is not the data that the runs saw, its SHA-256 differs")
    return data.test


def best_run(results: Readout, arm: str | None = None, seed: int | None = None) -> RunRecord:
    """Return the finished run with the best validation accuracy; the first of equally good ones."""
    if results.study.imported:
        raise StoreError(f"{results.folder}: its runs were trained elsewhere, so there are no networks here")
    if arm is not None:
        results.study.arm(arm)
    if seed is not None and seed not in results.study.seeds:
        raise UsageError(
            f"{results.folder}: no run has seed {seed} (seeds: {some(map(str, results.study.seeds))})"
        )
    runs = [
        run
        for run in results.runs
        if run.status is Status.DONE and arm in (None, run.arm) and seed in (None, run.seed)
    ]
    if not runs:
        raise StoreError(f"{results.folder}: no such run is finished (see `assay status {results.folder}`)")
    return max(runs, key=lambda run: run.valid_best or 0.0)


def trained(results: Readout, run: RunRecord, input_shape: Shape) -> Trained:
    """Rebuild a run's network for images of ``input_shape`` (C, H, W), with its weights.

    Raises `StoreError` where the run saw images of another size, or its weights are missing or another
    network's, and `UsageError` where the network has layers of the study's own code, which may not be run.
    """
    network = network_for(results, run, input_shape)
    dtype = results.study.arm(run.arm).settings.recipe.parameter_dtype
    weights = results.weights(run.id)
    _expect_fitting(weights, network, dtype, path_of(results.folder, run.id))
    return Trained(network, weights, dtype, run.temperature, run=run)


def network_for(results: Readout, run: RunRecord, input_shape: Shape) -> Network:
    """Rebuild a run's network, without its weights; raises what `trained` does, which reads them."""
    settings = results.study.arm(run.arm).settings
    if waiting(settings.architecture):
        expect_trusted(results.study.code, results.study.name)
    try:
        network = settings.architecture.build(input_shape, len(results.header.classes))
    except ShapeError:  # too small for it
        network = None
    if network is None or (network.flops, network.parameter_count) != (run.flops, run.parameters):
        # Convolutions would accept images of another size, and misread them.
        size, colour = " x ".join(map(str, input_shape[1:])), " in colour" if input_shape[0] == 3 else ""
        raise StoreError(f"{results.folder}: was not trained on images of {size} pixels{colour}")
    return network


def image_shape(results: Readout) -> Shape:
    """Return the shape (C, H, W) of the images that a study is trained on."""
    return outline(results.data).input_shape


def _expect_fitting(weights: Mapping[str, Array], network: Network, dtype: str, path: Path) -> None:
    """Raise `StoreError` unless the weights in ``path`` are those of ``network``, and finite."""
    expected = {name: parameter.shape for name, parameter in network.parameters.items()}
    buffers = network.initial_buffers()
    expected |= {name: value.shape for name, value in buffers.items()}
    if {name: value.shape for name, value in weights.items()} != expected:
        raise StoreError(f"{path}: holds the weights of another network (run the study in another folder)")
    for name, value in weights.items():
        counts = name in buffers and buffers[name].dtype.kind in "iu"  # such as a module's batches seen
        of = str(buffers[name].dtype) if counts else dtype
        if value.dtype != of:
            raise StoreError(f"{path}: {name} is {value.dtype}, expected {of} (remove the file)")
        if not (finite := np.isfinite(value)).all():
            count = value.size - np.count_nonzero(finite)
            raise StoreError(f"{path}: {name} has values that are not finite: {count:,} (remove the file)")
