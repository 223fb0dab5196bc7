"""A recipe: how a network is trained."""

from dataclasses import dataclass
from typing import Literal

from assay.errors import StudyError
from assay.optim import Optimizer


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: everything but the network, the data and the seed."""

    optimizer: Optimizer
    batch_size: int = 100
    epochs: int = 100
    dtype: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        """Refuse sizes with which nothing would be trained."""
        for key in ("batch_size", "epochs"):
            value = getattr(self, key)
            if value < 1:
                raise StudyError(f"{key} must be an integer >= 1; got {value}")
