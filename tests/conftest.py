"""Settings and fixtures that all tests share; what tests import of each other is in tests/helpers."""

import gc
import os
from collections.abc import Callable, Iterator
from functools import cache

import pytest
import typer.main
from example_counts import USUAL
from hypothesis import HealthCheck, settings
from pages import leave_figures_empty, leave_figures_unwritten
from tiny import ENGINES, write_characters

from assay.engines import speed
from assay.records import observations

pytest_plugins = ["report_fixtures"]  # "reports" is one of pytest's own

# No deadline, and no limit on drawing: the machine's load is no property of the code. CI draws the same
# examples each time, so that a failure is a change's fault. By hand, after a change of
# what they protect: pytest --hypothesis-profile=thorough
settings.register_profile(
    "assay", deadline=None, max_examples=USUAL, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("assay"), derandomize=True)
settings.register_profile("thorough", settings.get_profile("assay"), max_examples=20 * USUAL)
settings.load_profile("ci" if os.environ.get("CI") else "assay")


LONGEST = (
    "test_user_script",
    "test_sheet",
    "test_browsed",
    "test_ray",
    "test_registers",
    "test_junk_studies",
)
"""Modules with tests that take longest."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left alone with it at the end."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


def pytest_configure() -> None:
    """Look for no garbage in cycles while tests are collected."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Look for cycles seldom, and not among what is imported: otherwise it takes 8% of the time."""
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def _no_measurements(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Engines are compared without a clock: the numba engine is the fastest; and nothing is kept at home."""
    kept = tmp_path_factory.mktemp("speeds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed, "steps_per_second", lambda engine, *_: 2.0 if engine.name == "numba" else 1.0)
        patch.setattr(observations, "folder", lambda: kept)
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_command_line() -> Iterator[None]:
    """Typer makes the command line anew for each call, which takes longer than most of what is refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", cache(typer.main.get_command))
        yield


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are empty, for who reads the words of a report: drawing them is most of its time."""
    leave_figures_empty(monkeypatch)


@pytest.fixture
def unwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are laid out and not written, for who wants to see that any numbers have their figures."""
    leave_figures_unwritten(monkeypatch)


@pytest.fixture(scope="session")
def characters(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A few small drawn characters, as a data source."""
    return write_characters(tmp_path_factory.mktemp("characters"))


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Every engine of the CPU, by name."""
    return str(request.param)


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what makes assay forget which code it has read and trusts, as a new process does."""

    from assay.study import own_code

    def forget() -> None:
        for name in ("_snapshots", "_live", "_folders"):
            monkeypatch.setattr(own_code, name, {})
        for name in ("_trusted", "_unchecked"):
            monkeypatch.setattr(own_code, name, set())

    forget()
    return forget
