"""Waiting for what is to come, however busy the machine is: the bound is for what never comes."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 240.0
"""Seconds after which what is awaited is taken for something that never happens."""


def eventually(happens: Callable[[], Any], pause: Callable[[float], Any] = time.sleep) -> bool:
    """Return whether something happens before patience ends; between two looks, ``pause`` 0.05 seconds."""
    last = time.monotonic() + PATIENCE
    while not happens():
        if time.monotonic() > last:
            return False
        pause(0.05)
    return True
