"""The logs that there are, by name."""

from collections.abc import Callable, Mapping
from pathlib import Path

from assay.errors import UsageError, suggestion
from assay.exchange.extras import expect_extra
from assay.exchange.logs import Live, Log


def live(name: str, folder: Path) -> Live:
    """Return the log called ``name`` of the study that is going to run in ``folder``.

    TensorBoard's is ``tensorboard`` in that folder, MLflow's where MLflow has its own. Raises `UsageError`
    for an unknown name and for a library that is not installed.
    """
    if name not in LOGS:
        raise UsageError(f"log: unknown {name!r} ({suggestion(name, LOGS)})")
    expect_extra(name, name, f"log {name}")
    return Live(lambda: LOGS[name](None, folder, True), folder, name)


def _tensorboard(place: str | None, folder: Path, continued: bool) -> Log:
    from assay.exchange.tensorboard_events import TensorBoardLog

    return TensorBoardLog(Path(place) if place is not None else folder / "tensorboard", continued=continued)


def _mlflow(place: str | None, folder: Path, continued: bool) -> Log:
    from assay.exchange.mlflow_runs import MLflowLog

    del folder, continued  # it has a place of its own, and finds by itself what was begun
    return MLflowLog(place)


LOGS: Mapping[str, Callable[[str | None, Path, bool], Log]] = {"tensorboard": _tensorboard, "mlflow": _mlflow}
"""How each log is opened: its place or None, the folder to be in by default, whether it may be there."""
