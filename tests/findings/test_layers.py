import xml.etree.ElementTree as ET
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest
from factories import EPOCHS, make_header, make_results, make_study

from assay.findings.layers import QUANTITIES, layers
from assay.records.runs import LayerRecord, RunId, RunRecord, Status
from assay.report.layer_figures import layer_plots, shade
from assay.results import Results
from assay.store import SQLiteStore
from assay.store.lookup import DATABASE

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_a_line_is_the_mean_over_finished_runs(results: Results, quantity: str) -> None:
    found = layers(results, "average")
    scale = 100 if quantity == "dead_share" else 1
    assert found.seeds == 5
    assert found.epochs == tuple(range(EPOCHS + 1))
    assert found.names == ("conv1", "relu1", "conv2", "relu2", "conv3", "relu3", "linear1")
    for name, values in found.series[quantity].items():
        every = [
            [
                getattr(layer, quantity)
                for layer in results.layers(RunId("average", seed))
                if layer.layer == name
            ]
            for seed in range(5)
        ]
        assert values == pytest.approx(scale * np.mean(every, axis=0))
    kinds = {name.rstrip("123") for name in found.series[quantity]}
    assert kinds == ({"relu"} if quantity == "dead_share" else {"conv", "linear"})


def written(folder: Path, *records: LayerRecord, status: Status = Status.RUNNING) -> Results:
    store = SQLiteStore.create(folder / DATABASE, make_header(make_study(seeds=1)))
    store.add_run(RunRecord("max", 0, status, "numba", 1, 1, 1, "computed"))
    with store.together():
        for record in records:
            store.database.put("layer", {"arm": "max", "seed": 0, **vars(record)})
    store.close()
    return Results.open(folder)


def layer(epoch: int, gradient: float | None, dead: float | None = None) -> LayerRecord:
    return LayerRecord(epoch, "x1", 1.0, gradient, 0.0, gradient, gradient, dead, 1.0)


def test_what_is_not_finite_is_a_gap(tmp_path: Path) -> None:
    found = layers(written(tmp_path, layer(0, 1.0), layer(1, inf), status=Status.DIVERGED), "max")
    assert found.seeds == 1
    np.testing.assert_equal(found.series["gradient_norm"]["x1"], (1.0, nan))


@pytest.mark.parametrize("gradients", [(0.0, 0.0), (1e-3, 0.0), (1e-300, 1e-200), (5.0,)])
def test_gradients_of_zero_and_next_to_it_can_be_drawn(tmp_path: Path, gradients: tuple[float, ...]) -> None:
    records = [layer(epoch, value, 1.0) for epoch, value in enumerate(gradients)]
    drawings = layer_plots(layers(written(tmp_path, *records), "max"), "key")
    assert [ET.fromstring(drawing.svg).get("role") for drawing in drawings] == ["img"] * 3


def test_an_arm_without_records_has_no_layers(tmp_path: Path) -> None:
    found = layers(written(tmp_path), "max")
    assert (found.seeds, found.epochs, found.names) == (0, (), ())
    assert layer_plots(found, "key") == []


def test_the_description_gives_first_and_last_of_every_layer(tmp_path: Path) -> None:
    found = layers(make_results(tmp_path), "max")
    gradient, update, dead = layer_plots(found, "key")
    assert "conv2 from 0.002 to 0.002" in update.description
    assert dead.description == "relu1 from 12 to 12; relu2 from 25 to 25"
    first, last = found.series["gradient_norm"]["conv1"][0], found.series["gradient_norm"]["conv1"][-1]
    assert f"conv1 from {first:.2g} to {last:.2g}; conv2 from " in gradient.description
    assert "max: Norm of the gradient, by epoch" in gradient.svg


def test_each_layer_has_a_line_of_its_own_colour(tmp_path: Path) -> None:
    found = layers(make_results(tmp_path), "max")
    colours = [shade(index, len(found.names)) for index in range(len(found.names))]
    assert len(set(colours)) == len(found.names)
    drawn = [drawing.svg for drawing in layer_plots(found, "key")]
    for name, colour in zip(found.names, colours, strict=True):
        assert [colour in svg for svg in drawn] == [name in found.series[quantity] for quantity in QUANTITIES]


def test_a_single_layer_has_a_colour() -> None:
    assert shade(0, 1) == shade(0, 5)
