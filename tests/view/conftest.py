"""A shelf with studies, served, and a browser to look at it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from factories import make_results, make_study
from serving import Served, Tab, browsing, chromium, must_look, serving
from tiny import tiny_tables

from assay.records.runs import Status
from assay.results import Results
from assay.running.run import run
from assay.study.study import Study


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory, trained: Results) -> Path:
    """Four studies: finished, interim with every status, one that tries to escape, one with weights."""
    root = tmp_path_factory.mktemp("shelf")
    make_results(root / "finished", statuses={("average", 3): Status.DIVERGED}).close()
    statuses = {
        ("average", 1): Status.RUNNING,
        ("average", 2): Status.PENDING,
        ("max", 3): Status.FAILED,
        ("strided", 1): Status.DIVERGED,
    }
    make_results(root / "interim", make_study(("max", "average", "strided"), 4), statuses=statuses).close()
    question = 'Does <script>alert("&")</script> help?'
    hostile = make_study(question=question, data={"source": "idx:nowhere"})
    make_results(root / "hostile <b>&'", hostile).close()
    (root / "trained").symlink_to(trained.folder)
    return root


@pytest.fixture(scope="session")
def served(shelf: Path) -> Iterator[Served]:
    """The shelf, served from a thread."""
    with serving([shelf]) as found:
        yield found


@pytest.fixture(scope="session")
def keys(shelf: Path) -> dict[str, str]:
    """The ids of the studies by the names of their folders."""
    from assay.view.shelf import Shelf

    return {place.name: key for key, place in Shelf([shelf]).ids().items()}


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium; without it the tests that look are skipped, or fail where they must run."""
    if not chromium():
        (pytest.fail if must_look() else pytest.skip)("chromium is not installed: the page is not looked at")
    with browsing() as found:
        yield found


@pytest.fixture
def tab(browser: Any, served: Served) -> Iterator[Tab]:
    """A page in the browser, let in; its console must stay silent, and nothing come from elsewhere."""
    found = Tab(browser, served)
    yield found
    found.close()
    assert found.said == []
    assert [url for url in found.fetched if not url.startswith((served.origin, "data:", "blob:"))] == []


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A convolutional and a dense arm, trained for a moment on drawn characters of 28 x 28 pixels."""
    levels = {
        "conv": {"network": {"family": "ConvBlocks", "layers": 1, "filters": 4}},
        "dense": {"network": {"hidden": [48], "batch_norm": True}},
    }
    changes = {"data": {"train": 2000}, "training": {"epochs": 4}, "optimizer": {"lr": 0.01}, "seeds": [0]}
    tables = tiny_tables("glyphs", factors={"network": levels}, control="dense", **changes)
    study = Study.from_tables({**tables, "network": {"family": "Dense"}}, "drawn.toml")
    return run(study, tmp_path_factory.mktemp("drawn") / "out", progress=False)


@pytest.fixture(scope="session")
def sheet_served(drawn: Results) -> Iterator[Served]:
    """That study, served from a thread."""
    with serving([drawn.folder]) as found:
        yield found


@pytest.fixture(scope="session")
def sheet_tab(browser: Any, sheet_served: Served) -> Iterator[Tab]:
    """One page for all that is tried on the sheet."""
    found = Tab(browser, sheet_served)
    yield found
    found.close()


@pytest.fixture
def sheet(sheet_tab: Tab) -> Iterator[Any]:
    """The sheet as it is when it is opened; its console must stay silent, and nothing come from elsewhere."""
    sheet_tab.said.clear()
    sheet_tab.fetched.clear()
    yield sheet_tab.open("/draw")
    own = (sheet_tab.served.origin, "data:", "blob:")
    assert sheet_tab.said == []
    assert [url for url in sheet_tab.fetched if not url.startswith(own)] == []
