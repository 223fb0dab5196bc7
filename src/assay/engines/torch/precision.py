"""TF32 or float32: PyTorch's choice is the whole process's, a recipe's that of its session.

Convolutions of float32 are computed in TF32 on a GPU unless PyTorch is told
otherwise; here "float32" is float32, and TF32 must be asked for.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial, wraps
from threading import Condition
from typing import Concatenate, ParamSpec, Protocol, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")
Precision = Callable[[], AbstractContextManager[None]]
"""Makes what is to be entered for computing in a precision."""


class Precise(Protocol):
    """A session, which says how precisely."""

    precision: Precision


S = TypeVar("S", bound=Precise)


class _Products:
    """Lets sessions that agree on TF32 compute beside each other; others wait until they are done."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._inside = 0
        self._before = (True, False)

    @contextmanager
    def __call__(self, tf32: bool) -> Iterator[None]:
        """Compute with or without TF32."""
        wanted = (tf32, tf32)
        with self._changed:
            self._changed.wait_for(lambda: not self._inside or _settings() == wanted)
            if not self._inside:
                self._before = _settings()
                _set(wanted)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                if not self._inside:
                    _set(self._before)
                    self._changed.notify_all()


def _settings() -> tuple[bool, bool]:
    return torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32


def _set(settings: tuple[bool, bool]) -> None:
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = settings


_PRODUCTS = _Products()


def precision(device: torch.device, dtype: str) -> Precision:
    """Return the precision of a recipe's ``dtype``; where TF32 cannot be meant, nothing is set."""
    if device.type == "cuda" and dtype in ("float32", "tf32"):
        return partial(_PRODUCTS, dtype == "tf32")
    return nullcontext


def in_its_precision(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Enter the session's precision for the time of a method."""

    @wraps(method)
    def inside(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self.precision():
            return method(self, *args, **kwargs)

    return inside
