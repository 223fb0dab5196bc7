"""Studies trained in a Ray cluster of several nodes, here all on one machine, come out as in threads."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import on_nodes
import pytest
from own_classes import own_arms, spoil
from tiny import outcome, tiny_study

from assay.cli import main
from assay.data import load
from assay.errors import AssayError, UnsupportedError
from assay.records import machine
from assay.records.runs import RunId, Status
from assay.results import Results
from assay.running.cluster import Ray, members, wires
from assay.running.cluster.connect import join, ray
from assay.running.events import EpochEnded, RunEnded
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
SLOTS = 4
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="nodes of a cluster on one machine need Linux"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def cluster():
    """A cluster of one node with four processors, to which more nodes can be added.

    There is one for all tests, and one connection to it, since each takes seconds to make and each new
    connection begins with new workers, though not with one for each processor whether it has a task or not.
    """
    from ray.cluster_utils import Cluster

    ports = {"gcs_server_port": _free_port(), "ray_client_server_port": _free_port()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_prestart_worker_first_driver", "0")
        made = Cluster(
            initialize_head=True, head_node_args={"num_cpus": SLOTS, "include_dashboard": False, **ports}
        )
        made.client = f"ray://{made.head_node.node_ip_address}:{ports['ray_client_server_port']}"
        yield made
        made.shutdown()
    del made
    gc.collect()  # what Ray leaves open is complained of here, not in the test of somebody else


@pytest.fixture(scope="module")
def connected(cluster):
    """The executor of this cluster."""
    executor = Ray(cluster.address)
    yield executor
    executor.close()


@pytest.fixture
def joined(connected):
    """The same, with all slots."""
    connected.slots = None
    return connected


@contextmanager
def more(cluster, count, slots, **options):
    """Add ``count`` nodes for a while."""
    added = [cluster.add_node(num_cpus=slots, **options) for _ in range(count)]
    try:
        yield added
    finally:
        for node in added:
            with suppress(Exception):  # it may be gone
                cluster.remove_node(node, allow_graceful=False)


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


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:1", "ray://127.0.0.1:1"])
def test_a_wrong_address_is_refused_before_anything_is_read(address, characters, tmp_path, capsys):
    """On a study that has ended too, of which nothing is left to train."""
    tiny_file = tmp_path / "tiny.toml"
    tiny_file.write_text(to_toml(tiny_study(characters, seeds=[0], training={"epochs": 1}).to_tables()))
    run(load_study(tiny_file), tmp_path / "out", workers=1, progress=False).close()
    for out in ("out", "new"):
        status = main(["run", str(tiny_file), "--out", str(tmp_path / out), "--on", address])
        assert status == 2
        said = capsys.readouterr().err
        assert said.startswith("assay: error: --on ray: ")
        assert said.count("\n") == 1
    assert not (tmp_path / "new").exists()


class TestRay(ExecutorConformance):
    """With one executor, whose slots are changed."""

    @pytest.fixture(autouse=True)
    def executor(self, joined):
        def make(slots):
            joined.slots = slots
            return joined

        self.make = make


@pytest.mark.parametrize(("count", "slots"), [(0, 1), (1, 2), (2, None)])
def test_a_study_is_the_same_on_any_number_of_nodes(
    count, slots, cluster, joined, characters, expected, tmp_path
):
    """And what runs where is told meanwhile."""
    joined.slots = slots
    study, told = tiny_study(characters), []

    def on_event(event):
        if isinstance(event, EpochEnded):
            told.append(kept_machines(tmp_path))

    with (
        more(cluster, count, SLOTS),
        run(study, tmp_path, executor=joined, on_event=on_event, progress=False) as results,
    ):
        assert outcome(results) == expected
        assert {record.host for record in results.runs} == {machine.host()}
    nodes = {len(machines) for machines in told}
    assert nodes == {count + 1}
    assert {one.slots for machines in told for one in machines} == {SLOTS}
    at_once = max(sum(len(one.runs) for one in machines) for machines in told)
    assert at_once == min(slots or 4, 4)
    assert {run for machines in told for one in machines for run in one.runs} == {*expected_ids(study)}
    if count:
        assert max(sum(bool(one.runs) for one in machines) for machines in told) == min(count + 1, at_once)
    assert kept_machines(tmp_path) == []


def expected_ids(study):
    return [RunId(arm.name, seed) for arm in study.arms for seed in study.seeds]


def test_code_of_ones_own_travels_as_it_was_read(joined, characters, tmp_path, forgetful):
    """Layers, a rule, a penalty and a module; a layer that ends its process costs its run alone."""
    own_arms(tmp_path, characters)
    study = load_study(tmp_path / "own.toml", trust=["mylayers.py", "myrules.py", "nets.py"])
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


def test_a_node_that_is_lost_costs_nothing(cluster, joined, characters, tmp_path):
    """Whatever it was at is continued elsewhere from its last epoch, and every run ends once."""
    study = tiny_study(characters, training={"epochs": 12}, seeds=[0, 1, 2])
    with run(study, tmp_path / "plain", workers=1) as results:
        expected = outcome(results)
    seen = []

    with more(cluster, 2, 1) as added:

        def on_event(event):
            if isinstance(event, EpochEnded):
                seen.append((event.run, event.record.epoch))
                if len(seen) in (6, 18):
                    cluster.remove_node(added.pop(), allow_graceful=False)

        with run(study, tmp_path / "ray", executor=joined, on_event=on_event) as results:
            assert outcome(results) == expected
            assert results.store.test_openings() == len(results.runs)
    assert len(seen) == len({*seen}) == 12 * len(expected_ids(study))


def test_a_worker_that_is_killed_costs_nothing(cluster, joined, characters, tmp_path):
    """As by a system that is short of memory."""
    study = tiny_study(characters, training={"epochs": 8})
    with run(study, tmp_path / "plain", workers=1) as results:
        expected = outcome(results)
    killed = []

    def on_event(event):
        if isinstance(event, EpochEnded) and event.record.epoch in (2, 5) and not killed:
            killed.extend(_kill(cluster))

    with run(study, tmp_path / "ray", executor=joined, on_event=on_event) as results:
        assert outcome(results) == expected
    assert killed


def test_a_run_that_no_worker_survives_fails_alone(cluster, joined, characters, tmp_path):
    """After three attempts without an epoch; the others go on."""
    study = tiny_study(characters, training={"epochs": 2}, seeds=[0])
    stop, failures = threading.Event(), []

    def kill():
        while not stop.is_set():
            _kill(cluster)
            time.sleep(0.02)

    def on_event(event):
        if isinstance(event, RunEnded) and event.record.status is Status.FAILED:
            failures.append(event.record.message)
            stop.set()

    thread = threading.Thread(target=kill)
    thread.start()
    joined.slots = 1
    try:
        with run(study, tmp_path, executor=joined, on_event=on_event) as results:
            statuses = sorted(record.status for record in results.runs)
    finally:
        stop.set()
        thread.join()
    assert statuses == [Status.DONE, Status.FAILED]
    assert failures[0].startswith("its worker was lost 3 times without an epoch in between (")


def test_a_node_with_another_version_is_refused(joined, characters, tmp_path, monkeypatch):
    """With what differs."""
    ours = members.facts(["reference"])
    other = replace(ours, software={**ours.software, "numpy": "1.0", "assay": "9 (0)"})
    monkeypatch.setattr(members, "facts", lambda engines: other)
    with pytest.raises(AssayError) as caught:
        run(tiny_study(characters), tmp_path, executor=joined)
    numpy, assay = ours.software["numpy"], ours.software["assay"]
    assert f"assay {assay} there, 9 (0) here, numpy {numpy} there, 1.0 here" in str(caught.value)


def test_a_study_for_gpus_is_planned_where_there_is_none(cluster, joined, characters, tmp_path, monkeypatch):
    """Whether they can be used, the nodes say."""
    monkeypatch.setattr(members, "FIRST", 2.0)
    study = tiny_study(characters, engine="torch:cuda", seeds=[0])
    with pytest.raises(UnsupportedError, match="no CUDA device"):
        run(study, tmp_path / "here")
    with pytest.raises(UnsupportedError, match=r"no node can train this study \(no node has a GPU\)"):
        run(study, tmp_path / "none", executor=joined)
    monkeypatch.setattr(members, "FIRST", 60.0)
    with more(cluster, 1, 1, num_gpus=1), pytest.raises(UnsupportedError) as caught:
        run(study, tmp_path / "faked", executor=joined)
    assert str(caught.value).endswith(f"{machine.host()}: no engine torch:cuda there)")


def test_each_task_asks_for_what_its_arm_needs(cluster, joined, characters, monkeypatch, tmp_path):
    """On a node that pretends to have a GPU: cohorts there, single runs on processors, at the same time.

    The costliest arms of each kind go first.
    """
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(on_nodes)  # nodes cannot import it
    monkeypatch.setattr(members, "probe", on_nodes.claimed)
    monkeypatch.setattr(members, "facts", on_nodes.claimed)
    monkeypatch.setattr(wires, "train", on_nodes.occupying(tmp_path, 6))
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
    with more(cluster, 1, 1, num_gpus=1):
        told = [*joined.run(Context(plan, data), tasks)]
        assert joined.at_once == SLOTS + 2
    begun = [message.rows[0] for message in told if isinstance(message, Begun)]
    assert {(row.engine, row.host) for row in begun} == {("torch:cuda", "GPU"), ("numba", "CPU")}
    of_gpu = [row.arm for row in begun if row.engine == "torch:cuda"]
    assert of_gpu == ["torch-12", "torch-8", "torch-4"]
    assert sum(isinstance(message, Finished) for message in told) == 12


def test_a_killed_driver_is_continued(cluster, joined, characters, expected, tmp_path):
    """By a new one, from the last epochs that were stored."""
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
        f"study, cluster = tiny_study({characters!r}), Ray({cluster.address!r})\n"
        f"run(study, {str(tmp_path / 'out')!r}, executor=cluster, on_event=die)\n"
    )
    ended = subprocess.run([sys.executable, script], env=_environment(), check=False, timeout=120)
    assert ended.returncode == -signal.SIGKILL
    with run(tiny_study(characters), tmp_path / "out", executor=joined) as results:
        assert outcome(results) == expected


def test_a_driver_outside_the_cluster_is_its_client(cluster, characters, expected, tmp_path):
    """Which cannot stream by itself: an actor relays. In a process of its own: this one is connected."""
    script = Path(tmp_path, "driver.py")
    script.write_text(
        "from tiny import tiny_study\n"
        "from assay.running.cluster import Ray\n"
        "from assay.running.run import run\n"
        f"executor = Ray({cluster.client!r})\n"
        f"assert executor.at_once == {SLOTS}\n"
        f"run(tiny_study({characters!r}), {str(tmp_path / 'out')!r}, executor=executor)\n"
        "executor.close()\n"
    )
    subprocess.run([sys.executable, script], env=_environment(), check=True, timeout=180)
    with Results.open(tmp_path / "out") as results:
        assert outcome(results) == expected


def test_without_ray_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(AssayError, match=r"--on ray needs Ray \(pip install 'assay\[ray\]'\)"):
        Ray()


def test_stopping_leaves_nothing_running(cluster, joined, characters, tmp_path):
    def stop(event):
        if isinstance(event, EpochEnded):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tiny_study(characters, training={"epochs": 50}), tmp_path, executor=joined, on_event=stop)
    deadline = time.monotonic() + 60
    while _training(cluster) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _training(cluster) == []
    assert kept_machines(tmp_path) == []
    with Results.open(tmp_path) as results:
        assert Status.FAILED not in {record.status for record in results.runs}


def _training(cluster):
    """Return the workers of this cluster that train: Ray gives a process the title of what it does."""
    nodes = [node for node in cluster.list_all_nodes() if node.all_processes.get("raylet")]
    raylets = {node.all_processes["raylet"][0].process.pid for node in nodes}
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent in raylets and (path / "cmdline").read_bytes().startswith(b"ray::train"):
                found.append(int(path.name))
    return found


def _kill(cluster):
    found = _training(cluster)
    for pid in found:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return found


def _environment():
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _free_port():
    import socket

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]
