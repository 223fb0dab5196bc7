"""Where the torch engine computes, and with how many threads."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import torch

from assay.errors import UnsupportedError


def choose(name: str | None) -> torch.device:
    """Return the device ``name``, "cpu" or "cuda"; for None, the GPU if there is one.

    Raises `UnsupportedError` for a GPU that is not there.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UnsupportedError("no CUDA device")
    return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))


class _OneThread:
    """While any thread is inside, PyTorch uses one thread for each thread that calls it.

    PyTorch's number of threads is in part the process's and in part the
    calling thread's, so every entry sets it, and the last to leave restores it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._before = 1

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = torch.get_num_threads()
            self._inside += 1
            torch.set_num_threads(1)

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                torch.set_num_threads(self._before)


_ONE_THREAD = _OneThread()


@contextmanager
def at_work(autograd: bool = False) -> Iterator[None]:
    """Compute on one thread, by default without autograd; `MemoryError` when memory does not suffice.

    The memory is the device's.
    """
    try:
        with torch.enable_grad() if autograd else torch.inference_mode(), _ONE_THREAD:
            yield
    except torch.OutOfMemoryError as error:
        raise MemoryError(str(error)) from None
