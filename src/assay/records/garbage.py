"""Python's search for garbage in cycles, in processes that are assay's own.

Importing NumPy, Numba and assay makes some hundred thousand objects, of which next to none is garbage. By
default Python looks through them two hundred times meanwhile, and three times more when the process ends.
"""

import atexit
import gc

YOUNG = 20_000
"""How many new objects there are before the youngest are looked through; by default 700."""


def collect_seldom() -> None:
    """Look for garbage in cycles seldom, and not at the process's end, when its memory goes anyway.

    A command takes a fifth to a quarter less time. Never call it in a user's own process.
    """
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)
