"""What tests do in a process that ought to have imported nothing large."""

import os
import sys

from assay.errors import UnsupportedError


def fail(reason: str) -> None:
    raise UnsupportedError(reason)


def seen() -> tuple[int, int, str | None, bool]:
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    return os.getpid(), processors, os.environ.get("A_NAME"), "numpy" in sys.modules
