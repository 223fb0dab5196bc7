"""What a command of the command line said."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """What a command ended with and wrote."""

    status: int
    out: str
    err: str


Assay = Callable[..., Said]
