"""MLflow: a study as a run with one run nested in it for each arm and seed."""

import logging
import os
from math import isfinite
from pathlib import Path
from time import time
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # before it is imported: a study tells nobody

import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from assay.errors import UsageError
from assay.exchange.logs import CURVES, Log, ends_of, hyperparameters, values_of
from assay.findings.findings import build
from assay.records.runs import EpochRecord, RunId, RunRecord, Status
from assay.report.export import report_json, to_toml
from assay.report.files import made
from assay.results import Results
from assay.store.weights import path_of
from assay.study.study import Study

DATABASE = "mlflow.db"
LONGEST = 500
"""Letters of a parameter: as many as every store of MLflow's takes."""
STUDY, ARM, SEED = "assay.study", "assay.arm", "assay.seed"


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
            self._client = MlflowClient(self.address, registry_uri=self.address)
        except self.errors as error:
            raise UsageError(f"{self.address}: is no address that MLflow takes ({error})") from None
        self._study: Study | None = None
        self._parent = ""
        self._children: dict[RunId, str] = {}
        self._steps: dict[RunId, set[int]] = {}

    def begin(self, study: Study) -> None:
        """Find or create the experiment of the study's name, and the study's run."""
        self._study = study
        found = self._client.get_experiment_by_name(study.name)
        self._experiment = (
            found.experiment_id if found else self._client.create_experiment(study.name, self._artifacts)
        )
        tags = {STUDY: study.digest, "assay.question": study.question}
        self._parent, _ = self._run(tags, study.name, STUDY)

    def epoch(self, run: RunId, record: EpochRecord) -> None:
        """Log an epoch's metrics, unless the run has them."""
        child = self._child(run)
        if record.epoch not in self._steps[run]:
            self._log(child, values_of(record, CURVES), record.epoch)

    def ended(self, run: RunRecord) -> None:
        """Log what the run reached, and end it."""
        child = self._child(run.id)
        self._log(child, ends_of(run), run.epochs)
        self._client.set_tag(child, "assay.outcome", run.outcome)
        if run.message:
            self._client.set_tag(child, "assay.message", run.message)
        self._client.set_terminated(child, "FINISHED" if run.status is Status.DONE else "FAILED")

    def conclude(self, results: Results) -> None:
        """Tag the study's run with answer and verdicts; keep study, findings and weights as artefacts."""
        found, client = build(results), self._client
        tags = {"assay.answer": found.answer, "assay.stamp": found.stamp}
        tags |= {f"assay.verdict.{e.pair.a}-{e.pair.b}": e.verdict.value for e in found.effects}
        client.log_batch(self._parent, tags=[RunTag(key, value) for key, value in tags.items()])
        client.log_text(self._parent, to_toml(found.rerun.study), "study.toml")
        client.log_text(self._parent, report_json(found), "findings.json")
        for run in results.runs:
            weights = path_of(results.folder, run.id)
            if run.status is Status.DONE and weights.exists():
                client.log_artifact(self._child(run.id), str(weights))
        client.set_terminated(self._parent, "FINISHED" if found.complete else "KILLED")

    def close(self) -> None:
        """Nothing is open."""

    def _child(self, run: RunId) -> str:
        """Return the run of an arm and seed, begun or continued."""
        if run not in self._children:
            assert self._study is not None  # begun first
            tags = {MLFLOW_PARENT_RUN_ID: self._parent, ARM: run.arm, SEED: str(run.seed)}
            child, new = self._run(tags, str(run), MLFLOW_PARENT_RUN_ID, ARM, SEED)
            if new:
                values = {**hyperparameters(self._study.arm(run.arm)), "seed": run.seed, "arm": run.arm}
                params = [Param(key, str(value)[:LONGEST]) for key, value in values.items()]
                self._client.log_batch(child, params=params)
            history = [] if new else self._client.get_metric_history(child, "loss/valid")
            self._children[run], self._steps[run] = child, {metric.step for metric in history}
        return self._children[run]

    def _run(self, tags: dict[str, str], name: str, *keys: str) -> tuple[str, bool]:
        """Return the id of the run with the same tags under ``keys``, or of a new one; and if it is new."""
        same = " and ".join(f"tags.`{key}` = '{tags[key]}'" for key in keys)
        found: list[Any] = self._client.search_runs([self._experiment], same, max_results=1)
        if found:
            return str(found[0].info.run_id), False
        run = self._client.create_run(self._experiment, run_name=name, tags=tags)
        return str(run.info.run_id), True

    def _log(self, run: str, values: dict[str, float], step: int) -> None:
        now = int(1000 * time())
        shown = [Metric(name, value, now, step) for name, value in values.items() if isfinite(value)]
        self._client.log_batch(run, metrics=shown)
