"""The folder of real characters, where there is one."""

import os
from pathlib import Path

import pytest

EMNIST47 = Path(os.environ.get("ASSAY_EMNIST47", Path(__file__).parents[3] / "shared" / "data" / "emnist47"))
needs_emnist47 = pytest.mark.skipif(
    not EMNIST47.is_dir(), reason="no folder of real characters (name one in ASSAY_EMNIST47)"
)
