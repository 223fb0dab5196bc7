"""Studies trained in a Ray cluster of several nodes, here all on one machine, come out as in threads."""

import gc
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import on_nodes
import pytest
from nodes import SETTINGS, add_node, kill_training, start_cluster, training
from own_classes import own_arms, spoil
from patience import PATIENCE, eventually
from tiny import outcome, tiny_study

from assay.cli import main
from assay.data import load
from assay.errors import AssayError, UnsupportedError
from assay.records import machine
from assay.records.runs import RunId, Status
from assay.results import Results
from assay.running.cluster import Ray, members, wires
from assay.running.cluster.connect import join, ray
from assay.running.events import EpochEnded
from assay.running.messages import Begun, Context, Finished, Task
from assay.running.plan import make_plan
from assay.running.run import run
from assay.running.threads import Threads
from assay.store.machines import kept_machines
from assay.study.builtin import load_study
from assay.study.toml import dumps as to_toml
from assay.testing import ExecutorConformance

try:
    ray()  # which reads its settings when it is first imported
except UnsupportedError:
    pytest.skip("Ray is not installed (pip install 'assay[ray]')", allow_module_level=True)
SLOTS = 2
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="nodes of a cluster on one machine need Linux"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def cluster():
    """A cluster of one node, to which more can be added.

    There is one for all tests, and one connection to it: each node and each worker is a few processes that
    take seconds of processor time to start, and a new connection begins with new workers.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        made = start_cluster(SLOTS)
        yield made
        made.shutdown()
    del made
    gc.collect()  # what Ray leaves open is complained of here, not in the test of somebody else


@pytest.fixture(scope="module")
def connected(cluster):
    """The executor of this cluster, which waits long for a worker on a busy machine."""
    executor = Ray(cluster.address)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(members, "FIRST", PATIENCE)
        yield executor
    executor.close()


@pytest.fixture
def joined(connected):
    """The same, with all slots."""
    connected.slots = None
    return connected


@pytest.fixture
def wider(cluster):
    """The cluster with another node, which pretends to have a GPU."""
    add_node(cluster, num_cpus=1, num_gpus=1)
    return cluster


@pytest.fixture(scope="module")
def expected(characters, tmp_path_factory):
    with run(tiny_study(characters), tmp_path_factory.mktemp("plain"), workers=1) as results:
        return outcome(results)


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:99999999", "a b:1", "ray://"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(AssayError, match="is no address, expected HOST:PORT"):
        join(address, None, 0)


def test_where_no_cluster_is_one_line_says_so():
    with pytest.raises(AssayError) as caught:
        join("127.0.0.1:1", None, 0)
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).startswith("--on ray: no cluster can be used at 127.0.0.1:1 (")


def test_a_wrong_address_is_refused_before_anything_is_read(characters, tmp_path, capsys):
    """On a study that has ended too, of which nothing is left to train."""
    tiny_file = tmp_path / "tiny.toml"
    tiny_file.write_text(to_toml(tiny_study(characters, seeds=[0], training={"epochs": 1}).to_tables()))
    run(load_study(tiny_file), tmp_path / "out", workers=1, progress=False).close()
    for address in ("nowhere", "127.0.0.1:1", "ray://127.0.0.1:1"):
        for out in ("out", "new"):
            assert main(["run", str(tiny_file), "--out", str(tmp_path / out), "--on", address]) == 2
            said = capsys.readouterr().err
            assert said.startswith("assay: error: --on ray: ")
            assert said.count("\n") == 1
        assert not (tmp_path / "new").exists()


class TestRay(ExecutorConformance):
    """With one executor, whose slots are changed, and fewer processors than it is allowed at most."""

    @pytest.fixture(autouse=True)
    def executor(self, joined):
        def make(slots):
            joined.slots = slots
            return joined

        self.make = make


def test_other_drivers(cluster, joined, characters, expected, tmp_path):
    """One outside the cluster is its client, which cannot stream by itself: an actor relays.

    One that is killed is continued from the last epochs that were stored. Both in a process of their own:
    this one is connected.
    """
    script = Path(tmp_path, "driver.py")
    script.write_text(
        "import os, signal\n"
        "from tiny import tiny_study\n"
        "from assay.running.cluster import Ray\n"
        "from assay.running.events import EpochEnded\n"
        "from assay.running.run import run\n"
        "def die(event):\n"
        "    if isinstance(event, EpochEnded) and event.record.epoch == 2:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        f"study, outside = tiny_study({characters!r}), Ray({cluster.client!r})\n"
        f"assert outside.at_once == {SLOTS + len(cluster.worker_nodes)}\n"
        "outside.slots = 1\n"
        f"run(study, {str(tmp_path / 'client')!r}, executor=outside).close()\n"
        "outside.close()\n"
        f"inside = Ray({cluster.address!r}, slots=1)\n"
        f"run(study, {str(tmp_path / 'killed')!r}, executor=inside, on_event=die)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run([sys.executable, script], env=environment, check=False, timeout=240)
    assert ended.returncode == -signal.SIGKILL
    with Results.open(tmp_path / "client") as results:
        assert outcome(results) == expected
    with run(tiny_study(characters), tmp_path / "killed", executor=joined) as results:
        assert outcome(results) == expected


def test_a_study_is_the_same_on_several_nodes(wider, joined, characters, expected, tmp_path):
    """And what runs where is told meanwhile."""
    study, told = tiny_study(characters), []

    def on_event(event):
        if isinstance(event, EpochEnded):
            told.append(kept_machines(tmp_path))

    with run(study, tmp_path, executor=joined, on_event=on_event, progress=False) as results:
        assert outcome(results) == expected
        assert {record.host for record in results.runs} == {machine.host()}
    assert {tuple(sorted(one.slots for one in machines)) for machines in told} == {(1, SLOTS)}
    assert [len(one.runs) for one in told[0]] == [one.slots for one in told[0]]
    assert {run for machines in told for one in machines for run in one.runs} == {*expected_ids(study)}
    assert kept_machines(tmp_path) == []


def expected_ids(study):
    return [RunId(arm.name, seed) for arm in study.arms for seed in study.seeds]


def test_code_of_ones_own_travels_as_it_was_read(joined, characters, tmp_path, forgetful):
    """A layer, a rule and a penalty; a layer that ends each of its workers costs its run alone."""
    own_arms(tmp_path, characters, without=["compiled", "module"])
    study = load_study(tmp_path / "own.toml", trust=["mylayers.py", "myrules.py"])
    with run(study, tmp_path / "plain", executor=Threads(2)) as results:
        expected = outcome(results)
    spoil(tmp_path)
    joined.slots = 1
    with run(study, tmp_path / "ray", executor=joined) as results:
        found = outcome(results)
    died = found[RunId("dies", 0)]
    assert died.status is Status.FAILED
    assert died.message.startswith("its worker was lost 3 times without an epoch in between (")
    same = [key for key in expected if "dies" not in str(key)]
    assert {key: found[key] for key in same} == {key: expected[key] for key in same}


def test_a_node_with_another_version_is_refused(joined, characters, tmp_path, monkeypatch):
    """With what differs."""
    ours = members.facts(["reference"])
    other = replace(ours, software={**ours.software, "numpy": "1.0", "assay": "9 (0)"})
    monkeypatch.setattr(members, "facts", lambda engines: other)
    with pytest.raises(AssayError) as caught:
        run(tiny_study(characters), tmp_path, executor=joined)
    numpy, assay = ours.software["numpy"], ours.software["assay"]
    assert f"assay {assay} there, 9 (0) here, numpy {numpy} there, 1.0 here" in str(caught.value)


def test_a_study_for_gpus_is_planned_where_there_is_none(joined, characters, tmp_path, monkeypatch):
    """Whether they can be used, the nodes say."""
    study = tiny_study(characters, engine="torch:cuda", seeds=[0])
    with pytest.raises(UnsupportedError, match="no CUDA device"):
        run(study, tmp_path / "here")
    assert members.facts(["reference", "torch:cuda"]).engines == {"reference"}
    monkeypatch.setattr(members, "FIRST", 0.5)
    monkeypatch.setattr(members.Members, "_ask", None)  # nobody is asked
    monkeypatch.setattr(members.Members, "_room", lambda self, resources: {"GPU": 0})
    with pytest.raises(UnsupportedError, match=r"no node can train this study \(no node has a GPU\)"):
        run(study, tmp_path / "there", executor=joined)


def test_each_task_asks_for_what_its_arm_needs(wider, joined, characters, monkeypatch, tmp_path):
    """On a node that pretends to have a GPU: cohorts there, single runs on processors, at the same time.

    The costliest arms of each kind go first.
    """
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(on_nodes)  # nodes cannot import it
    monkeypatch.setattr(members, "probe", on_nodes.claimed)
    monkeypatch.setattr(members, "facts", on_nodes.claimed)
    monkeypatch.setattr(wires, "train", on_nodes.occupied(tmp_path, 6))
    sent, remote = [], ray().remote
    monkeypatch.setattr(ray(), "remote", lambda function: sent.append(function) or remote(function))
    arms = {
        f"{engine.partition(':')[0]}-{filters}": {"engine": engine, "network": {"filters": filters}}
        for engine in ("torch:cuda", "numba")
        for filters in (4, 8, 12)
    }
    study = tiny_study(characters, factors={"arm": arms}, control="numba-4")
    data = load(study.data)
    plan = make_plan(study, data, elsewhere=True)
    costliest = sorted(plan.cohorts, key=lambda cohort: -cohort.cost)
    tasks = [
        Task(cohort.arm.name, seeds, cohort.engine.name, data.digest, (None,) * len(seeds))
        for cohort in costliest
        for seeds in ([(0, 1)] if cohort.engine.name == "torch:cuda" else [(0,), (1,)])
    ]
    told = [*joined.run(Context(plan, data), tasks)]
    assert joined.at_once == SLOTS + 1 + 1
    begun = [message.rows[0] for message in told if isinstance(message, Begun)]
    assert {(row.engine, row.host) for row in begun} == {("torch:cuda", "GPU"), ("numba", "CPU")}
    of_gpu = [row.arm for row in begun if row.engine == "torch:cuda"]
    assert of_gpu == ["torch-12", "torch-8", "torch-4"]
    assert sum(isinstance(message, Finished) for message in told) == 12
    assert sent.count(wires.train) == 1  # not once a task


def test_without_ray_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(AssayError, match=r"--on ray needs Ray \(pip install 'assay\[ray\]'\)"):
        Ray()


def test_stopping_leaves_nothing_running(cluster, joined, characters, tmp_path):
    at_work = []

    def stop(event):
        if isinstance(event, EpochEnded):
            at_work.extend(training(*cluster.list_all_nodes()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tiny_study(characters, training={"epochs": 50}), tmp_path, executor=joined, on_event=stop)
    assert at_work
    assert eventually(lambda: not training(*cluster.list_all_nodes()))
    assert kept_machines(tmp_path) == []
    with Results.open(tmp_path) as results:
        assert Status.FAILED not in {record.status for record in results.runs}


def test_what_is_lost_costs_nothing(wider, joined, characters, tmp_path):
    """The workers of one node, as where a system is short of memory, and another node altogether.

    Whatever they were at is continued elsewhere from its last epoch, and every run ends once.
    """
    study = tiny_study(characters, training={"epochs": 6})
    with run(study, tmp_path / "plain", workers=1) as results:
        expected = outcome(results)
    nodes, killed, seen = {node.node_id: node for node in wider.list_all_nodes()}, [], []

    def on_event(event):
        if isinstance(event, EpochEnded):
            seen.append((event.run, event.record.epoch))
            lose(nodes.pop(where(joined, event.run), None))

    def lose(node):
        if node is wider.head_node:
            killed.extend(kill_training(node))
        elif node:
            wider.remove_node(node, allow_graceful=False)

    with run(study, tmp_path / "ray", executor=joined, on_event=on_event) as results:
        assert outcome(results) == expected
        assert results.store.test_openings() == len(results.runs)
    assert killed
    assert not nodes
    assert len(seen) == len({*seen}) == 6 * len(expected_ids(study))
    wider.wait_for_nodes(timeout=PATIENCE)


def where(executor, run):
    """Return the node that an executor lets train a run."""
    return next(node.id for attempt, node in executor.pool.trying.values() if run in attempt.task.runs)
