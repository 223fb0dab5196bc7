"""Where an arm has more epochs than a screen has room for, several share a point."""

from typing import Any

import numpy as np
import pytest
from serving import Tab

from assay.results import Results
from assay.view import points as sent


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent, "MOST_POINTS", 3)


@pytest.mark.usefixtures("few")
def test_points_stand_for_three_epochs_and_the_last_for_two(shelf: Any) -> None:
    with Results.open(shelf / "finished") as results:
        found = sent.points(results, "max", "valid_accuracy", each=True)
        runs = [results.epochs(run.id) for run in results.of("max")]
    values = 100 * np.array([[epoch.valid_accuracy for epoch in run] for run in runs])
    parts = (slice(0, 3), slice(3, 6), slice(6, 8))
    assert (found["every"], found["last"]) == (3, 8)
    means = values.mean(axis=0)
    assert found["mean"] == pytest.approx([means[part].mean() for part in parts], rel=1e-4)
    assert found["low"] == pytest.approx([values[:, part].min() for part in parts], rel=1e-4)
    assert found["high"] == pytest.approx([values[:, part].max() for part in parts], rel=1e-4)
    assert found["runs"][0][1:] == [pytest.approx(values[0, [2, 5, 7]], rel=1e-4), 8]


@pytest.mark.usefixtures("few")
def test_the_page_names_the_epochs_that_points_stand_for(tab: Tab, keys: dict[str, str]) -> None:
    page = tab.open(f"/study/{keys['finished']}")
    page.wait_for_selector("#curves canvas")
    page.locator("#curves .plot").focus()
    reading = page.locator("#curves .reading")
    found = []
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        found.append(reading.inner_text().partition("epoch ")[2].partition(":")[0])
    assert found == ["3", "4", "6", "8"]  # 4 is where a run of the other arm broke off
    assert reading.inner_text().startswith("max, mean of 5 seeds, epoch 8: ")
