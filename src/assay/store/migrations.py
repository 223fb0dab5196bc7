"""The steps that bring a store of an older format to this one.

A file opened for writing is migrated in one transaction; for a file that is only read, a copy in memory
is migrated instead, so the reading code knows only the newest format. A new format is another row of `STEPS`.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import product
from typing import Any

from assay.store import digests

USUAL_BATCH = 100
"""The minibatch size of a study of format 2 that does not name one."""


@dataclass(frozen=True)
class Step:
    """Brings a store from the format before ``version`` to ``version``, within the caller's transaction."""

    version: int
    name: str
    take: Callable[[sqlite3.Connection], None]


def schema() -> list[str]:
    """Return the statements that create the tables of the newest format."""
    return files("assay.store").joinpath("schema.sql").read_text("utf-8").split(";\n")


def migrate(connection: sqlite3.Connection) -> None:
    """Apply every step that the store still lacks; a store in the newest format is left unchanged."""
    [version] = connection.execute("PRAGMA user_version").fetchone()
    for step in STEPS:
        if version < step.version:
            step.take(connection)
            connection.execute(f"PRAGMA user_version = {step.version}")


def _layers(connection: sqlite3.Connection) -> None:
    """Add the tables for layer records; whether a run was stuck was not recorded, so none is marked stuck."""
    connection.execute(
        "ALTER TABLE run ADD COLUMN stuck INTEGER NOT NULL DEFAULT 0 "
        "CHECK (stuck = 0 OR (stuck = 1 AND status = 'done'))"
    )
    norms = ("weight_norm", "gradient_norm", "decay_norm", "update_ratio", "loss_ratio", "dead_share")
    columns = ", ".join(f"{name} REAL" for name in norms)
    connection.execute(
        "CREATE TABLE layer (arm TEXT NOT NULL, seed INTEGER NOT NULL, epoch INTEGER NOT NULL, "
        f"layer TEXT NOT NULL, {columns}, spread REAL NOT NULL, PRIMARY KEY (arm, seed, epoch, layer)) STRICT"
    )


def _measure(connection: sqlite3.Connection) -> None:
    """Record that epochs were measured on all training images; separate training and evaluation time."""
    for column in (
        "train_best REAL",
        "train_final REAL",
        "evaluation_seconds_per_epoch REAL",
        "processor TEXT",
    ):
        connection.execute(f"ALTER TABLE run ADD COLUMN {column}")
    connection.execute("ALTER TABLE epoch ADD COLUMN evaluation_seconds REAL")
    for column, epoch in (("train_best", "best_epoch"), ("train_final", "epochs")):
        connection.execute(
            f"UPDATE run SET {column} = (SELECT train_accuracy FROM epoch "
            f"WHERE (epoch.arm, epoch.seed, epoch.epoch) = (run.arm, run.seed, run.{epoch}))"
        )
    header = {key: json.loads(value) for key, value in connection.execute("SELECT key, value FROM header")}
    study = header.get("study", {})
    for arm, size in _batch_sizes(study):
        _tell_apart(connection, arm, -(-header.get("sizes", {}).get("train", 0) // size))
    study = {**study, "training": {**study.get("training", {}), "measure": "all"}}
    connection.execute("UPDATE header SET value = ? WHERE key = 'study'", (json.dumps(study),))


def _tell_apart(connection: sqlite3.Connection, arm: str, steps: int) -> None:
    """Split an arm's seconds, which include evaluation, by its ``steps`` per epoch and their speed."""
    connection.execute(
        "UPDATE epoch SET seconds = :steps / steps_per_second, "
        "evaluation_seconds = seconds - :steps / steps_per_second "
        "WHERE arm = :arm AND steps_per_second > 0 AND :steps / steps_per_second <= seconds",
        {"arm": arm, "steps": float(steps)},
    )
    own = "FROM epoch WHERE (epoch.arm, epoch.seed) = (run.arm, run.seed)"
    connection.execute(
        "UPDATE run SET (seconds_per_epoch, evaluation_seconds_per_epoch) = "
        f"(SELECT avg(seconds), avg(evaluation_seconds) {own}) WHERE arm = ? AND EXISTS (SELECT 1 {own})",
        (arm,),
    )


def _batch_sizes(study: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield each arm's name and minibatch size from the tables of a study."""
    for chosen in product(*(levels.items() for levels in study.get("factors", {}).values())):
        name = "-".join(level for level, _ in chosen) or str(study.get("name"))
        tables = [study, *(overrides for _, overrides in chosen)]
        sizes = [
            table["training"]["batch_size"] for table in tables if "batch_size" in table.get("training", {})
        ]
        yield name, sizes[-1] if sizes else USUAL_BATCH


def _calibration(connection: sqlite3.Connection) -> None:
    """Add the columns of a run's calibration, which was not measured."""
    for column in ("temperature", "calibration_error"):
        connection.execute(f"ALTER TABLE run ADD COLUMN {column} REAL")


def _digests(connection: sqlite3.Connection) -> None:
    """Add where a run was trained, which was not recorded, and a digest to every row."""
    connection.execute("ALTER TABLE run ADD COLUMN host TEXT")
    for table in digests.TABLES:
        connection.execute(f"ALTER TABLE {table} ADD COLUMN digest BLOB NOT NULL DEFAULT x''")
        digests.write(connection, table)


STEPS = (
    Step(2, "layers and stuck runs", _layers),
    Step(3, "what an epoch costs, and what its figures are of", _measure),
    Step(4, "how probable a network's answers are", _calibration),
    Step(5, "the machine of each run, and a digest of each row", _digests),
)
"""The steps, oldest first."""
OLDEST = STEPS[0].version - 1
VERSION = STEPS[-1].version
