"""A study takes no more memory than it says: the images once, and little for each run."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "memory.py"

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="this system does not tell a process's peak memory"
)


def test_the_images_are_in_memory_once_and_a_run_takes_at_most_64_mb():
    """EMNIST's size, where a second copy of the images would be more than one run may take."""
    command = [sys.executable, str(SCRIPT), "A2", "--runs", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["A2", "1"]], done.stderr
    assert done.returncode == 0, done.stdout
