"""Settings that all tests share. That this file is here lets tests import their neighbours in tests/."""

import os

import pytest
from hypothesis import settings
from tiny import ENGINES, write_characters

# No deadline: the machine's load is no property of the code. CI draws the same
# examples each time, so that a failure is a change's fault.
settings.register_profile("assay", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "assay")


@pytest.fixture(scope="session")
def characters(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A few small drawn characters, as a data source."""
    return write_characters(tmp_path_factory.mktemp("characters"))


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Every engine of the CPU, by name."""
    return str(request.param)
