"""Sessions are spread over the GPUs of a machine; here there seem to be two, which compute on its cores."""

from contextlib import contextmanager
from threading import Lock

import pytest
import torch
from tiny import outcome, tiny_study

from assay.engines import choice
from assay.engines.torch import TorchEngine
from assay.running import processes
from assay.running.run import run
from assay.running.threads import Threads


class TwoDevices(TorchEngine):
    """An engine of the processor that takes itself for one of two devices, and notes what is on each."""

    devices = 2

    def __init__(self):
        super().__init__("cpu")
        self.lock, self.active, self.used, self.doubled = Lock(), [], set(), []

    @contextmanager
    def on_device(self, number):
        with self.lock:
            self.doubled += [number] if number in self.active else []
            self.active.append(number)
            self.used |= {tuple(sorted(self.active))}
        try:
            yield
        finally:
            with self.lock:
                self.active.remove(number)


def test_two_workers_are_on_two_devices(characters, tmp_path, monkeypatch):
    study = tiny_study(characters, engine="torch:cpu", training={"epochs": 2})
    with run(study, tmp_path / "one", workers=1, progress=False) as results:
        expected = outcome(results)
    engine = TwoDevices()
    monkeypatch.setitem(choice.ENGINES, "torch:cpu", lambda: engine)
    with run(study, tmp_path / "two", executor=Threads(2), progress=False) as results:
        assert outcome(results) == expected
    assert engine.doubled == []
    assert (0, 1) in engine.used
    assert engine.active == []


def test_more_workers_share_the_devices_evenly(characters, tmp_path, monkeypatch):
    engine = TwoDevices()
    monkeypatch.setitem(choice.ENGINES, "torch:cpu", lambda: engine)
    study = tiny_study(characters, engine="torch:cpu", training={"epochs": 1})
    run(study, tmp_path, executor=Threads(4), progress=False).close()
    assert (0, 0, 1, 1) in engine.used


def test_the_gpus_are_those_that_pytorch_sees(monkeypatch):
    chosen = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "device", chosen.append)
    engine = TorchEngine("cuda")
    assert (engine.devices, engine.sessions_at_once, engine.name) == (2, 2, "torch:cuda")
    engine.on_device(1)
    assert chosen == [1]
    assert TorchEngine("cpu").devices == 1


@pytest.mark.parametrize("lost", [0, 1])
def test_a_process_takes_the_place_of_one_that_is_gone(lost, monkeypatch):
    """Which says on what device it is."""

    class Worker:
        def __init__(self, given, place):
            self.place, self.task = place, None

        def begin(self, task, timeout):
            self.task = task

    monkeypatch.setattr(processes, "_Worker", Worker)
    pool = object.__new__(processes._Pool)
    pool.size, pool.given, pool.timeout, pool.workers = 2, (), None, []
    pool.submit("a")
    pool.submit("b")
    assert [worker.place for worker in pool.workers] == [0, 1]
    del pool.workers[lost]
    pool.submit("c")
    assert pool.workers[-1].place == lost
