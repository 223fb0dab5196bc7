"""Logs are read back by the tools they are written for; one that fails does no harm."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from later import Later, event_accumulator, plugin_data_pb2, sqlalchemy, tracking
from patience import PATIENCE
from tiny import tiny_study

from assay.errors import UsageError
from assay.exchange.exporting import export_results
from assay.exchange.importing import import_results
from assay.exchange.log_kinds import LOGS, live
from assay.exchange.logs import Live, Log, replay
from assay.findings.findings import build
from assay.running.run import run

tensorboard_events = Later("assay.exchange.tensorboard_events")
REST = {"progress": False, "workers": 1}


@pytest.fixture(scope="module")
def mlflow_runs():
    """assay's own module, whose import takes seconds."""
    from assay.exchange import mlflow_runs

    return mlflow_runs


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A folder for MLflow; making the tables of its database takes seconds."""
    return str(tmp_path_factory.mktemp("mlflow"))


@pytest.fixture(scope="module", autouse=True)
def _artefacts(store):
    """MLflow keeps artefacts below the folder in which it first met a database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(store)
        yield


@pytest.fixture(scope="module")
def results(tmp_path_factory, characters):
    with run(tiny_study(characters), tmp_path_factory.mktemp("run") / "out", **REST) as found:
        yield found


def read(folder):
    found = event_accumulator.EventAccumulator(str(folder))
    found.Reload()
    return found


def check_event_files(results, folder):
    """Every number of every epoch, each run's hyperparameters, and the answer."""
    for record in results.runs:
        events = read(folder / record.arm / str(record.seed))
        for tag, field in (("loss/valid", "valid_loss"), ("accuracy/train", "train_accuracy")):
            expected = [(epoch.epoch, getattr(epoch, field)) for epoch in results.epochs(record.id)]
            shown = [(event.step, event.value) for event in events.Scalars(tag)]
            assert shown == [(step, pytest.approx(value, rel=1e-6)) for step, value in expected]
        [test] = events.Scalars("accuracy/test")
        assert test.value == pytest.approx(record.test_accuracy, rel=1e-6)
        start = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
        values = plugin_data_pb2.HParamsPluginData.FromString(start).session_start_info.hparams
        assert values["recipe.optimizer.lr"].number_value == 0.03
        assert values["seed"].number_value == record.seed
        assert values["factor.reduction"].string_value == record.arm
    root = read(folder)
    [text] = root.Tensors("verdict")
    assert build(results).answer in text.tensor_proto.string_val[0].decode()
    experiment = root.summary_metadata["_hparams_/experiment"].plugin_data.content
    assert plugin_data_pb2.HParamsPluginData.FromString(experiment).experiment.name == "tiny"


def test_tensorboards_own_reader_finds_all(results, tmp_path):
    [place] = export_results(results, "tensorboard", out=tmp_path / "logs")
    assert place == str(tmp_path / "logs")
    check_event_files(results, tmp_path / "logs")
    with pytest.raises(UsageError, match="holds event files already"):
        export_results(results, "tensorboard", out=tmp_path / "logs")


def test_event_files_need_neither_tensorflow_nor_torch(results, tmp_path):
    """Not even where they are installed: here are two that refuse to be imported."""
    for name in ("tensorflow", "torch"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('imported')")
    code = (
        "from assay.exchange.exporting import export_results\n"
        f"export_results({str(results.folder)!r}, 'tensorboard', out={str(tmp_path / 'logs')!r})\n"
        "import sys; assert not {'tensorflow', 'torch'} & set(sys.modules)"
    )
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": path})
    check_event_files(results, tmp_path / "logs")


def check_mlflow(results, store, name="tiny"):
    client = tracking.MlflowClient(
        f"sqlite:///{store}/mlflow.db", registry_uri=f"sqlite:///{store}/mlflow.db"
    )
    experiment = client.get_experiment_by_name(name)
    runs = client.search_runs([experiment.experiment_id])
    [parent] = [found for found in runs if "assay.study" in found.data.tags]
    tags, found = parent.data.tags, build(results)
    assert tags["assay.study"] == results.study.digest
    assert tags["assay.answer"] == found.answer
    assert tags["assay.verdict.max-average"] == found.effects[0].verdict
    children = [child for child in runs if child.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(children) == len(runs) - 1 == len(results.runs)
    by_run = {(c.data.params["arm"], int(c.data.params["seed"])): c for c in children}
    for record in results.runs:
        child = by_run[record.arm, record.seed]
        for metric, field in (("loss/valid", "valid_loss"), ("accuracy/train", "train_accuracy")):
            history = client.get_metric_history(child.info.run_id, metric)
            shown = sorted((point.step, point.value) for point in history)
            assert shown == [(e.epoch, getattr(e, field)) for e in results.epochs(record.id)]
        assert child.data.metrics["accuracy/test"] == record.test_accuracy
        assert child.data.params["recipe.optimizer.lr"] == "0.03"
        assert child.info.status == "FINISHED"
        [weights] = client.list_artifacts(child.info.run_id)
        assert weights.path == f"{record.arm}-{record.seed}.safetensors"
    assert {a.path for a in client.list_artifacts(parent.info.run_id)} == {"findings.json", "study.toml"}


def test_mlflows_own_client_finds_all_and_nothing_twice(results, store):
    for _ in range(2):
        [address] = export_results(results, "mlflow", out=store)
        assert address == f"sqlite:///{store}/mlflow.db"
        check_mlflow(results, store)


def test_epochs_reach_mlflow_in_batches(results, store, monkeypatch, mlflow_runs):
    """A run costs one, however many epochs it has, and one more for each thousand metrics."""
    batches = []
    of_client = tracking.MlflowClient.log_batch

    def counted(client, run, metrics=(), **others):
        batches.append(len(metrics))
        of_client(client, run, metrics=metrics, **others)

    monkeypatch.setattr(tracking.MlflowClient, "log_batch", counted)
    for name, most in (("whole", 1000), ("cut", 5)):
        monkeypatch.setattr(mlflow_runs, "BATCH", most)
        batches.clear()
        log = mlflow_runs.MLflowLog(store)
        renamed = Renamed(results, name)
        replay(renamed, log)
        each = 3 * 6 + 4  # metrics of three epochs, and of the end
        assert sorted(batches) == sorted([0] + len(results.runs) * batched(each, most))
        check_mlflow(renamed, store, name)


def batched(count, most):
    return [min(most, count - at) for at in range(0, count, most)]


class Renamed:
    """Results of a study of another name."""

    def __init__(self, results, name):
        self.results, self.study = results, replace(results.study, name=name)

    def __getattr__(self, name):
        return getattr(self.results, name)


def test_what_is_kept_back_is_logged_in_time(results, store, monkeypatch, mlflow_runs):
    """While a study runs, whoever looks sees epochs that are some seconds old."""
    monkeypatch.setattr(mlflow_runs, "EVERY", 0.0)
    log, [run, *_] = mlflow_runs.MLflowLog(store), results.runs
    log.begin(replace(results.study, name="looked-at"))
    for epoch in results.epochs(run.id):
        log.epoch(run.id, epoch)
        client = tracking.MlflowClient(log.address, registry_uri=log.address)
        experiment = client.get_experiment_by_name("looked-at").experiment_id
        [child] = client.search_runs([experiment], f"tags.`assay.arm` = '{run.arm}'")
        history = client.get_metric_history(child.info.run_id, "loss/valid")
        assert sorted(point.step for point in history) == [*range(1, epoch.epoch + 1)]


def test_runs_that_others_nest_in_a_study_are_left_alone(results, store, mlflow_runs):
    shared = Renamed(results, "shared")
    replay(shared, mlflow_runs.MLflowLog(store))
    client = tracking.MlflowClient(f"sqlite:///{store}/mlflow.db")
    experiment = client.get_experiment_by_name("shared").experiment_id
    [study] = client.search_runs([experiment], "tags.`assay.question` != ''")
    theirs = client.create_run(experiment, tags={"mlflow.parentRunId": study.info.run_id})
    client.set_terminated(theirs.info.run_id)
    replay(shared, mlflow_runs.MLflowLog(store))
    assert len(client.search_runs([experiment])) == 1 + len(results.runs) + 1


def test_mlflows_database_is_whole_or_absent(tmp_path, monkeypatch, mlflow_runs):
    """It is made beside its place, which takes a while."""
    monkeypatch.setattr(mlflow_runs, "_client", lambda address: fail())
    with pytest.raises(RuntimeError):
        mlflow_runs.MLflowLog(str(tmp_path))
    assert [*tmp_path.iterdir()] == []


def test_a_database_that_another_log_makes_meanwhile_stays(tmp_path, monkeypatch, mlflow_runs):
    """Making it takes seconds, in which the other one may have logged already."""
    monkeypatch.setattr(mlflow_runs, "_client", lambda address: of_another(tmp_path, address))
    mlflow_runs.MLflowLog(str(tmp_path))
    assert (tmp_path / "mlflow.db").read_text() == "of another"
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


def of_another(folder, address):
    if not address.endswith("/mlflow.db"):  # that of the tables, which are made beside it
        Path(address.removeprefix("sqlite:///")).touch()
        (folder / "mlflow.db").write_text("of another")


def test_a_run_that_has_ended_holds_no_file_open(results, tmp_path):
    """A study may have more runs than a process may have open files."""
    log = tensorboard_events.TensorBoardLog(tmp_path)
    log.begin(results.study)
    for record in results.runs:
        log.epoch(record.id, results.epochs(record.id)[0])
        assert len(opened(tmp_path)) == 2
        log.ended(record)
    assert len(opened(tmp_path)) == 1
    log.close()


def opened(folder):
    """The files in a folder that this process holds open."""
    paths = [path.resolve() for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return [path for path in paths if path.is_relative_to(folder.resolve())]


@pytest.mark.parametrize("name", LOGS)
def test_a_study_is_logged_while_it_runs(name, characters, tmp_path, store, monkeypatch, capsys):
    """Stopped after an epoch and continued, the log is whole."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store}/mlflow.db")
    study = tiny_study(characters, name="live")
    seen = []

    def stop(event):
        seen.append(event)
        if type(event).__name__ == "EpochEnded" and len(seen) < 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), live(name, tmp_path / "out") as log:
        run(study, tmp_path / "out", on_event=log.with_others(stop), **REST)
    with live(name, tmp_path / "out") as log:
        run(study, tmp_path / "out", on_event=log, **REST).close()
    assert capsys.readouterr().err == ""
    with live(name, tmp_path / "out") as log:
        run(study, tmp_path / "out", on_event=log, **REST).close()
    assert "nothing was left to train or to log (`assay export " in capsys.readouterr().err
    with run(study, tmp_path / "out", **REST) as results:
        if name == "mlflow":
            check_mlflow(results, store, "live")
        else:
            record = results.runs[-1]
            events = read(tmp_path / "out" / "tensorboard" / record.arm / str(record.seed))
            assert [event.step for event in events.Scalars("loss/train")] == [1, 2, 3]


def test_of_imported_runs_nothing_is_made_up(tmp_path):
    rows = [{"arm": arm, "seed": seed, "share": 0.5 + seed / 8} for arm in "ab" for seed in (0, 1, 2)]
    with import_results(rows, tmp_path / "out") as results:
        export_results(results, "tensorboard", out=tmp_path / "logs")
    events = read(tmp_path / "logs" / "a" / "1")
    assert events.Tags()["scalars"] == ["accuracy/test"]
    start = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    assert set(plugin_data_pb2.HParamsPluginData.FromString(start).session_start_info.hparams) == {
        "factor.arm",
        "seed",
    }


class Broken(Log):
    """A log that breaks, or hangs, wherever it is asked to."""

    def __init__(self, where, how):
        self.where, self.how = where, how

    def _maybe(self, where):
        if where == self.where:
            self.how()

    def begin(self, study):
        self._maybe("begin")

    def epoch(self, run, record):
        self._maybe("epoch")

    def ended(self, run):
        self._maybe("ended")

    def conclude(self, results):
        self._maybe("conclude")

    def close(self):
        self._maybe("close")


def fail():
    raise RuntimeError("no route\nto host")


@pytest.mark.parametrize("where", ["begin", "epoch", "ended", "conclude", "close", "hangs", "opening"])
def test_a_log_that_fails_does_the_study_no_harm(where, characters, tmp_path, capsys):
    opened = fail if where == "opening" else lambda: Broken(where, fail)
    done = Event()
    if where == "hangs":
        opened = lambda: Broken("epoch", lambda: done.wait(PATIENCE))  # noqa: E731
    study = tiny_study(characters, seeds=[0], training={"epochs": 1})
    with Live(opened, tmp_path / "out", "mlflow", patience=0.2 if where == "hangs" else 30) as log:
        results = run(study, tmp_path / "out", on_event=log, **REST)
    with results:
        assert results.complete
    done.set()
    said = capsys.readouterr().err
    why = "is not finished after 0.2 s" if where == "hangs" else r"RuntimeError: no route\nto host"
    assert said.count("\n") == 1
    assert said.startswith(f"assay: log mlflow: {why}")


def test_unknown_and_missing_logs_are_refused(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match=r"log: unknown 'mlfow' \(did you mean 'mlflow'\?\)"):
        live("mlfow", tmp_path)
    monkeypatch.setattr("assay.exchange.extras.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"log tensorboard: needs .* 'assay\[tensorboard\]'"):
        live("tensorboard", tmp_path)


def test_an_mlflow_that_cannot_be_reached_is_said(results, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UsageError, match=f"export to mlflow: {address}: cannot be written"):
            export_results(results, "mlflow", out=address)
    with pytest.raises(UsageError, match="nosuch://here: is no address that MLflow takes"):
        export_results(results, "mlflow", out="nosuch://here")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be made"):
        export_results(results, "mlflow", out=tmp_path / "file" / "below")
    with pytest.raises(UsageError, match="event files cannot be written"):
        export_results(results, "tensorboard", out=tmp_path / "file" / "below")


def test_mlflow_is_told_not_to_report(store, mlflow_runs):
    mlflow_runs.MLflowLog(store)
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_what_a_program_keeps_in_sqlite_is_flushed_while_mlflow_makes_its_tables(tmp_path, mlflow_runs):
    ours, theirs = tmp_path / ".mlflow.db.1", tmp_path / "their.db"
    found = {}
    with mlflow_runs._unflushed(ours):
        for path in (ours, theirs):
            engine = sqlalchemy.create_engine(f"sqlite:///{path}")
            with engine.connect() as connection:
                found[path] = connection.execute(sqlalchemy.text("PRAGMA synchronous")).scalar()
            engine.dispose()
    assert found == {ours: 0, theirs: 2}
