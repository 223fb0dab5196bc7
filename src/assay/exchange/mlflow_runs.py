"""MLflow: a study as a run with one run nested in it for each arm and seed."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from time import monotonic, time
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # before it is imported: a study tells nobody

import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from sqlalchemy import event
from sqlalchemy.engine import Engine

from assay.errors import UsageError
from assay.exchange.logs import CURVES, Log, ends_of, hyperparameters, values_of
from assay.findings.findings import build
from assay.records.runs import EpochRecord, RunId, RunRecord, Status
from assay.report.export import report_json, to_toml
from assay.report.files import made
from assay.results import Results
from assay.store.durable import name_flushed, place_beside
from assay.store.weights import path_of
from assay.study.study import Study

DATABASE = "mlflow.db"
LONGEST = 500
"""Letters of a parameter: as many as every store of MLflow's takes."""
STUDY, ARM, SEED = "assay.study", "assay.arm", "assay.seed"
EVERY = 5.0
"""Seconds for which epochs may be kept back: each batch of metrics costs MLflow tens of milliseconds."""
BATCH = 1000
"""Metrics of one batch, as many as MLflow takes."""


@dataclass
class _Child:
    """The run of an arm and seed: its id, the epochs that are logged, and what is kept back."""

    id: str
    new: bool
    steps: set[int] = field(default_factory=set)
    metrics: list[Metric] = field(default_factory=list)
    params: list[Param] = field(default_factory=list)
    tags: list[RunTag] = field(default_factory=list)

    def add(self, values: Mapping[str, float], step: int) -> None:
        """Keep the values that are finite for the next batch."""
        now = int(1000 * time())
        self.metrics += [Metric(name, value, now, step) for name, value in values.items() if isfinite(value)]


class MLflowLog(Log):
    """A log at a tracking address, by default MLflow's own, which is ``mlflow.db`` in this folder.

    A ``place`` that is a folder holds everything: the database ``mlflow.db`` and the artefacts. A log that
    was begun is continued: what it lacks is added, and no epoch is logged twice.
    """

    errors = (OSError, MlflowException)

    def __init__(self, place: str | None = None) -> None:
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._artifacts: str | None = None
        if place is not None and "://" not in place:
            folder = made(Path(place).resolve())
            self._artifacts, place = (folder / "artifacts").as_uri(), f"sqlite:///{folder / DATABASE}"
        self.address = place or mlflow.get_tracking_uri()
        try:
            _make_tables(self.address)
            self._client = _client(self.address)
        except self.errors as error:
            raise UsageError(f"{self.address}: is no address that MLflow takes ({error})") from None
        self._study: Study | None = None
        self._parent = ""
        self._known: dict[RunId, str] = {}
        self._children: dict[RunId, _Child] = {}
        self._flushed = monotonic()

    def begin(self, study: Study) -> None:
        """Find or create the experiment of the study's name, and the study's run."""
        self._study = study
        found = self._client.get_experiment_by_name(study.name)
        self._experiment = (
            found.experiment_id if found else self._client.create_experiment(study.name, self._artifacts)
        )
        same = f"tags.`{STUDY}` = '{study.digest}'"
        begun: list[Any] = self._client.search_runs([self._experiment], same, max_results=1) if found else []
        if begun:
            self._parent = str(begun[0].info.run_id)
            self._known = self._found()
        else:
            tags = {STUDY: study.digest, "assay.question": study.question}
            run = self._client.create_run(self._experiment, run_name=study.name, tags=tags)
            self._parent, self._known = str(run.info.run_id), {}

    def epoch(self, run: RunId, record: EpochRecord) -> None:
        """Log an epoch's metrics, unless the run has them; at once, or with others a little later."""
        child = self._child(run)
        if record.epoch not in child.steps:
            child.add(values_of(record, CURVES), record.epoch)
        if monotonic() - self._flushed >= EVERY:
            for each in self._children.values():
                self._flush(each)
            self._flushed = monotonic()

    def ended(self, run: RunRecord) -> None:
        """Log what the run reached, and end it."""
        child = self._child(run.id)
        child.add(ends_of(run), run.epochs)
        child.tags.append(RunTag("assay.outcome", run.outcome))
        if run.message:
            child.tags.append(RunTag("assay.message", run.message))
        self._flush(child)
        self._client.set_terminated(child.id, "FINISHED" if run.status is Status.DONE else "FAILED")

    def conclude(self, results: Results) -> None:
        """Tag the study's run with answer and verdicts; keep study, findings and weights as artefacts."""
        found, client = build(results), self._client
        tags = {"assay.answer": found.answer, "assay.stamp": found.stamp}
        tags |= {f"assay.verdict.{e.pair.a}-{e.pair.b}": e.verdict.value for e in found.effects}
        client.log_batch(self._parent, tags=[RunTag(key, value) for key, value in tags.items()])
        client.log_text(self._parent, to_toml(found.rerun.study), "study.toml")
        client.log_text(self._parent, report_json(found), "findings.json")
        for run in results.runs:
            if run.status is Status.DONE:
                self._keep(self._child(run.id), path_of(results.folder, run.id))
        client.set_terminated(self._parent, "FINISHED" if found.complete else "KILLED")

    def close(self) -> None:
        """Log what was kept back."""
        for child in self._children.values():
            self._flush(child)

    def _keep(self, child: _Child, weights: Path) -> None:
        """Keep a run's weights as an artefact, once."""
        there = [] if child.new else self._client.list_artifacts(child.id)
        if weights.exists() and weights.name not in [found.path for found in there]:
            self._client.log_artifact(child.id, str(weights))

    def _child(self, run: RunId) -> _Child:
        """Return the run of an arm and seed, begun or continued."""
        if run not in self._children:
            self._children[run] = self._continued(run) if run in self._known else self._begun(run)
        return self._children[run]

    def _continued(self, run: RunId) -> _Child:
        known = self._known[run]
        history = self._client.get_metric_history(known, "loss/valid")
        return _Child(known, new=False, steps={metric.step for metric in history})

    def _begun(self, run: RunId) -> _Child:
        assert self._study is not None  # begun first
        tags = {MLFLOW_PARENT_RUN_ID: self._parent, ARM: run.arm, SEED: str(run.seed)}
        created = self._client.create_run(self._experiment, run_name=str(run), tags=tags)
        values = {**hyperparameters(self._study.arm(run.arm)), "seed": run.seed, "arm": run.arm}
        params = [Param(key, str(value)[:LONGEST]) for key, value in values.items()]
        return _Child(str(created.info.run_id), new=True, params=params)

    def _found(self) -> dict[RunId, str]:
        """Return the runs of arms and seeds that an earlier log has begun."""
        same, token = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{self._parent}'", None
        found: dict[RunId, str] = {}
        while True:
            page = self._client.search_runs([self._experiment], same, max_results=BATCH, page_token=token)
            for run in page:
                tags = run.data.tags
                if ARM in tags and tags.get(SEED, "").isdecimal():  # others may have nested runs here too
                    found[RunId(tags[ARM], int(tags[SEED]))] = str(run.info.run_id)
            token = page.token
            if not token:
                return found

    def _flush(self, child: _Child) -> None:
        """Log what was kept back of a run."""
        if not (child.metrics or child.params or child.tags):
            return
        first, *rest = [child.metrics[at : at + BATCH] for at in range(0, max(len(child.metrics), 1), BATCH)]
        self._client.log_batch(child.id, metrics=first, params=child.params, tags=child.tags)
        for metrics in rest:
            self._client.log_batch(child.id, metrics=metrics)
        child.metrics, child.params, child.tags = [], [], []


def _client(address: str) -> MlflowClient:
    return MlflowClient(address, registry_uri=address)


def _make_tables(address: str) -> None:
    """Make the database of a file that is not there yet, and give it its name when it is whole.

    MLflow makes its tables in hundreds of steps, each of which SQLite would flush to the disk.
    """
    scheme, _, name = address.partition(":///")
    path = Path(name)
    if scheme != "sqlite" or "?" in name or path.exists() or not path.parent.is_dir():
        return
    beside = place_beside(path)
    try:
        with _unflushed(beside):
            _client(f"sqlite:///{beside}")
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        name_flushed(beside, path)  # another log may have begun there meanwhile
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _unflushed(path: Path) -> Iterator[None]:
    """Let SQLAlchemy's connections to the database at ``path``, and to no other, leave flushing to us."""

    def connected(connection: Any, record: Any) -> None:
        del record
        if type(connection).__module__ == "sqlite3":
            [(_, _, file), *_] = connection.execute("PRAGMA database_list")
            if Path(file).name == path.name:
                connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", connected)
    try:
        yield
    finally:
        event.remove(Engine, "connect", connected)
