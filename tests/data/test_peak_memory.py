"""No file that is not what it says takes more than 64 MB beyond its size, whatever it says."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "helpers" / "peak.py"
MOST = 64.0  # MB

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="this system does not tell a process's peak memory"
)


def test_malformed_studies_and_data_take_little_memory(tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, text=True, check=True
    )
    found = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(found) > 90
    for _, name, size, peak, _, said in found:
        assert float(peak) - float(size) <= MOST, f"{name}: {peak} MB for a file of {size} MB"
        assert "\\n" not in said.replace("\\\\n", ""), name
    assert [name for kind, name, *_, said in found if (said == "''") != kind.endswith(", read")] == []
