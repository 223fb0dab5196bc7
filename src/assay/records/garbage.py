"""Python's search for garbage in cycles, in processes that are assay's own.

Importing NumPy, Numba and assay makes some hundred thousand objects, of which next to none is garbage. By
default Python looks through them two hundred times meanwhile, and three times more when the process ends.
"""

import atexit
import gc

YOUNG = 20_000
"""How many new objects there are before the youngest are looked through; by default 700."""

_usual: list[tuple[int, int, int]] = []
"""How often it was looked for before, if this process looks seldom."""


def collect_seldom() -> None:
    """Look for garbage in cycles seldom, and not at the process's end, when its memory goes anyway.

    A command takes a fifth to a quarter less time. Never call it in a user's own process.
    """
    _usual[:] = [gc.get_threshold()]
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)


def collect_as_usual() -> None:
    """Look for garbage in cycles as Python does by default, also at the end: a user's own code is run here.

    Assay's own code makes none while it trains. A user's may at every step, as a function within a function
    does that calls itself, and keep with it all that it computed: gigabytes, until somebody looks.
    """
    if _usual:
        gc.set_threshold(*_usual[0])
        atexit.unregister(gc.freeze)  # a file that it left open in a cycle is to be written out
