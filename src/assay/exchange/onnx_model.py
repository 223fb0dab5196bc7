"""Trained networks as ONNX models, written by hand with onnx's own helpers."""

from collections.abc import Mapping
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from assay.exchange.card import as_text, card
from assay.exchange.onnx_operators import OnnxGraph, place
from assay.findings.trained import Trained
from assay.nn.network import Network, local
from assay.shapes import Array
from assay.store.readout import Readout

OPSET, IR = 20, 10
"""The operators' version, the first with GELU, and that of the file."""

INPUT, OUTPUT, BATCH = "images", "scores", "N"


def write_onnx(results: Readout, trained: Trained, path: Path) -> None:
    """Write a trained network with its model card into ``path``."""
    model = model_of(trained.network, trained.weights, as_text(card(results, trained)))
    path.write_bytes(model.SerializeToString())


def model_of(
    network: Network, weights: Mapping[str, Array], properties: Mapping[str, str]
) -> onnx.ModelProto:
    """Return a network in evaluation mode as an ONNX model, with ``properties`` as its metadata.

    The model takes ``images``, float32 (N, C, H, W) with any N, pixels divided by 255, and gives ``scores``,
    float32 (N, K); a network in float64 is rounded to float32. Raises `UnsupportedError` for a layer that is
    not in the catalogue.
    """
    graph, x = OnnxGraph(), INPUT
    for node in network.nodes:
        x = place(graph, node, local(weights, node.name), x)
    graph.add(OUTPUT, "Identity", x)
    shapes = ((INPUT, network.input_shape), (OUTPUT, network.output_shape))
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [BATCH, *shape]) for name, shape in shapes
    ]
    drawn = helper.make_graph(graph.operators, "assay", values[:1], values[1:], graph.constants)
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(drawn, producer_name="assay", opset_imports=opset, ir_version=IR)
    helper.set_model_props(model, dict(properties))
    onnx.checker.check_model(model, full_check=True)
    return model
