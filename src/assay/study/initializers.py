"""Initialisers that a study file can name."""

from typing import Literal

from assay.nn.init import (
    PYTORCH_DEFAULT,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    LeCunNormal,
    LeCunUniform,
)

InitName = Literal[
    "GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LeCunUniform", "LeCunNormal", "PyTorch"
]
INITIALIZERS: dict[str, Initializer] = {
    "GlorotUniform": GlorotUniform(),
    "GlorotNormal": GlorotNormal(),
    "HeUniform": HeUniform(),
    "HeNormal": HeNormal(),
    "LeCunUniform": LeCunUniform(),
    "LeCunNormal": LeCunNormal(),
    "PyTorch": PYTORCH_DEFAULT,
}
"""``init`` by name; "PyTorch" is the scheme with which ``torch.nn`` initialises weights."""
