"""Trained weights as one safetensors file, with the model card in its metadata."""

import json
from pathlib import Path

from assay.exchange.card import card
from assay.findings.trained import Trained
from assay.store.readout import Readout
from assay.store.weights import write_tensors


def write_weights(results: Readout, trained: Trained, path: Path) -> None:
    """Write parameters and buffers under their names in the network, which are a PyTorch state dict's too.

    Raises `StoreError` if the file cannot be written.
    """
    write_tensors(path, dict(trained.weights), json.dumps(card(results, trained)))
