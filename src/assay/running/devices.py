"""On which of this machine's devices a session is: the one with the fewest."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from assay.engines.base import Engine


class Devices:
    """The devices that threads of one executor share, such as the GPUs of this machine."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._busy: Counter[int] = Counter()

    @contextmanager
    def one_for(self, engine: Engine) -> Iterator[None]:
        """Let this thread's sessions be on the device of the engine's with the fewest at work."""
        with self._lock:
            number = min(range(engine.devices), key=lambda device: self._busy[device])
            self._busy[number] += 1
        try:
            with engine.on_device(number):
                yield
        finally:
            with self._lock:
                self._busy[number] -= 1
