"""What the tests of the check share."""

import pytest


@pytest.fixture(autouse=True)
def _timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long layers take is measured in one round: no test asks for how long."""
    monkeypatch.setattr("assay.testing.comparison.ROUNDS", 1)
