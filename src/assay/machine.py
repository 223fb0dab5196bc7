"""What a study was run with: versions and machine, for its report."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("assay", "numpy", "scipy", "numba", "torch")


def versions() -> dict[str, str]:
    """Return the versions that results can depend on, and the machine."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    found["system"] = f"{platform.system()} {platform.machine()}"
    found["processors"] = str(os.cpu_count())
    return found
