"""A layer that is to be checked, and what has to be known of it to say where it is wrong."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.errors import UsageError
from assay.nn.layer import Layer
from assay.shapes import Shape, text
from assay.testing.situations import BATCH
from assay.testing.source import blamed


@dataclass(frozen=True)
class Subject:
    """A layer called ``name``, made with ``settings``; ``path`` is the user's file, if it is from one.

    ``tolerance`` is how far numbers may be off, relative to the largest, where that is more than rounding
    explains.
    """

    layer: Layer
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    path: Path | None = None
    tolerance: float = 0.0

    @property
    def where(self) -> str:
        """What it is called in errors."""
        return f"{self.path}:{self.name}" if self.path else self.name

    @contextmanager
    def blamed(self, shape: Shape) -> Iterator[None]:
        """Return a context that turns what the layer raises for inputs of ``shape`` into one line."""
        try:
            with blamed(f"{self.where}, input {text(shape)}, batch of {BATCH}", self.path):
                yield
        except UsageError as error:
            kind = type(self.layer)
            nothing = kind.parameters is Layer.parameters and kind.buffers is Layer.buffers
            if not nothing or not isinstance(error.__cause__, KeyError):
                raise
            raise type(error)(
                f"{error}; params is empty (name parameters in def parameters(self, shape))"
            ) from error
