"""A study is shown as it grows, and says nothing that it may not say yet."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from factories import make_results, make_study
from patience import PATIENCE
from serving import Served, Tab, running, serving
from tiny import outcome, tiny_study

from assay.records.runs import EpochRecord, RunId, Status
from assay.results import Results
from assay.running.run import run
from assay.store import SQLiteStore
from assay.store.lock import folder_lock
from assay.store.lookup import DATABASE
from assay.store.machines import WorkingMachine, keep_machines
from assay.view import followed, live
from assay.view import shelf as shelves
from assay.view.app import make_app
from assay.view.followed import Followed
from assay.view.shelf import identity
from assay.view.summary import summary


def events(served: Served, key: str, query: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what a study's stream sends, as it is sent."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
    right = {"Authorization": f"Bearer {served.token}"}
    connection.request("GET", f"/study/{key}/stream{query}", headers=right)
    with closing(connection), connection.getresponse() as answer:
        name = ""
        for line in answer:
            kind, _, rest = line.decode().rstrip("\n").partition(": ")
            if kind == "event":
                name = rest
            elif kind == "data":
                yield name, json.loads(rest)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVERY", 0.05)
    monkeypatch.setattr(followed, "AT_MOST_EVERY", 0.02)


def grow(folder: Path, found: RunId, epoch: int, accuracy: float) -> None:
    store = SQLiteStore.open(folder / DATABASE, write=True)
    record = EpochRecord(epoch, 0.5, accuracy, 0.6, accuracy, 2.0, 100.0, 1.0)
    store.add_epoch(found, record)
    row = next(known for known in store.runs() if known.id == found)
    store.add_run(replace(row, epochs=epoch))
    store.close()


@pytest.mark.usefixtures("quick")
def test_epochs_come_as_they_are_written(tmp_path: Path) -> None:
    """The state first, then every arm, then only what has changed."""
    folder = tmp_path / "study"
    make_results(folder, statuses={("average", 4): Status.RUNNING}).close()
    with folder_lock(folder), serving([folder]) as served:
        stream = events(served, identity(folder))
        name, state = next(stream)
        assert (name, state["state"], state["answer"]) == ("study", "running 9/10", "")
        assert state["left"] == pytest.approx(4 * 2.2, rel=0.5)
        name, curves = next(stream)
        assert (name, [found["arm"] for found in curves]) == ("curves", [0, 1])
        assert len(curves[0]["mean"]) == 8
        assert [seed for seed, *_ in curves[1]["runs"]] == [0, 1, 2, 3, 4]
        grow(folder, RunId("average", 4), 5, 0.77)
        changed = next(data for name, data in stream if name == "curves")
        assert [found["arm"] for found in changed] == [1]
        assert changed[0]["runs"][4][1][4] == 77.0
        stream.close()


def test_time_left_is_what_a_busy_machine_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch is two or three seconds of a processor, but 20 by the clock: so are the others."""
    folder, clock = tmp_path / "study", iter([0.0, 0.0, 20.0, 20.0])
    make_results(folder, statuses={("average", 4): Status.RUNNING}).close()
    monkeypatch.setattr(followed, "monotonic", lambda: next(clock))
    with folder_lock(folder):
        found = Followed("key", folder)
        found.look()
        run = next(run for run in found.readout.runs if run.status is Status.RUNNING)
        assert summary(found).left == pytest.approx((8 - run.epochs) * run.pace, rel=0.01)
        grow(folder, run.id, run.epochs + 1, 0.77)
        found.look()
        assert summary(found).left == pytest.approx((8 - run.epochs - 1) * run.pace * 20 / 3, rel=0.01)


def test_what_a_continued_run_had_trained_before_is_not_taken_for_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row begins without epochs, and has them all at once; the time that it stood still is none."""
    make_results(tmp_path, statuses={("average", 4): Status.RUNNING}).close()
    clock = [0.0]
    monkeypatch.setattr(followed, "monotonic", lambda: clock[0])
    found = Followed("key", tmp_path)
    stopped = next(run for run in found.look().runs if run.status is Status.STOPPED)
    run = replace(stopped, status=Status.RUNNING)

    def look(at: float, **changes: Any) -> float | None:
        clock[0] = at
        store = SQLiteStore.open(tmp_path / DATABASE, write=True)
        store.add_run(replace(run, **changes))
        store.close()
        found.look()
        return found.speed

    with folder_lock(tmp_path):
        pending = {"status": Status.PENDING, "epochs": 0, "seconds_per_epoch": None}
        assert look(30.0, **pending) is None
        assert look(41.0) is None
        grow(tmp_path, run.id, run.epochs + 1, 0.77)
        assert look(42.0, epochs=run.epochs + 1) == pytest.approx(3.0 / 12.0)


@pytest.mark.usefixtures("quick")
def test_a_killed_run_is_said_to_have_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    make_results(folder, statuses={("average", 4): Status.RUNNING}).close()
    with serving([folder]) as served:
        with folder_lock(folder):
            stream = events(served, identity(folder))
            assert next(stream)[1]["state"] == "running 9/10"
        stopped = next(data for name, data in stream if name == "study")
        assert stopped["state"] == "stopped at 9/10"
        assert stopped["runs"][9][2] == "stopped"
        assert stopped["left"] is None
        stream.close()


WORDS = ("interval", "p =", "better", "worse", "equivalent", "differ")


def test_no_verdict_before_its_time(served: Served, keys: dict[str, str]) -> None:
    """Neither on the page, nor in what is sent to it; and there is one where there may be."""
    said = {item["key"]: item["answer"] for item in json.loads(served.get("/studies.json"))}
    assert said[keys["interim"]] == ""
    assert "better" in said[keys["finished"]]
    state = next(events(served, keys["interim"]))[1]
    assert state["answer"] == ""
    texts = [str(cell) for row in state["runs"] for cell in row]
    assert not any(word in text for text in texts for word in WORDS)


def test_at_a_look_the_answer_is_that_of_the_look(tmp_path: Path) -> None:
    study = make_study(seeds=6, looks=[3, 6])
    statuses = {(arm, seed): Status.PENDING for arm in ("max", "average") for seed in (3, 4, 5)}
    make_results(tmp_path / "looks", study, statuses=statuses).close()
    with serving([tmp_path]) as served:
        [said] = json.loads(served.get("/studies.json"))
    with Results.open(tmp_path / "looks") as results:
        assert said["answer"] == results.findings().answer
    assert "3 seeds" in said["answer"]


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    make_results(tmp_path / "good").close()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / DATABASE).write_bytes(b"nonsense" * 1000)
    with serving([tmp_path]) as served:
        page = served.get("/").decode()
        assert "bad" in page
        assert "cannot be read" in page
        assert served.ask("GET", f"/study/{identity(tmp_path / 'bad')}")[0] == 422
        assert served.ask("GET", f"/study/{identity(tmp_path / 'good')}")[0] == 200


def test_a_study_that_is_being_read_is_shown_by_name_and_then_in_full(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The overview does not wait for it; where reading ends in trouble, that is said."""
    make_results(tmp_path / "slow").close()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / DATABASE).write_bytes(b"nonsense" * 1000)
    monkeypatch.setattr(shelves, "PATIENCE", 0.0)
    held, look = Event(), Followed.look

    def slowly(found: Followed) -> Any:
        assert held.wait(2 * PATIENCE)
        return look(found)

    monkeypatch.setattr(Followed, "look", slowly)
    shelf = shelves.Shelf([tmp_path])
    shelf.read_ahead()
    with running(lambda token, port: make_app(shelf, token=token, port=port)) as served:
        tab = Tab(browser, served)
        chips = tab.page.locator("[data-of=state]")
        assert chips.all_inner_texts() == ["being read"] * 2
        assert tab.page.locator("h2").all_inner_texts() == ["slow", "torn"]
        held.set()
        tab.page.wait_for_selector("li:nth-child(2) h2:not(:has(a))")
        tab.until(lambda: chips.all_inner_texts() == ["complete", "cannot be read"])
        assert "max pooling" in tab.page.locator("h2").first.inner_text()
        tab.close()


def test_a_study_appears_when_it_is_there(tmp_path: Path) -> None:
    with serving([tmp_path / "runs"]) as served:
        assert b"None yet" in served.get("/")
        make_results(tmp_path / "runs" / "new").close()
        assert b"None yet" not in served.get("/")


def test_the_page_of_a_study_that_is_yet_to_begin_waits_for_it(tmp_path: Path) -> None:
    """Beside a run it is opened at once; the images may take a while."""
    place = tmp_path / "study"
    with serving([place]) as served:
        path = f"/{shelves.page_of(place)}"
        status, _, body = served.ask("GET", path)
        assert (status, b"has not begun" in body, b'http-equiv="refresh"' in body) == (404, True, True)
        assert b"refresh" not in served.ask("GET", f"/study/{'a' * 12}")[2]
        make_results(place).close()
        assert b"Runs ended" in served.get(path)


def test_looking_and_being_killed_change_nothing(tmp_path: Path, characters: str) -> None:
    """A study watched by a page that is killed all the time ends as one that nobody watches."""
    study = tiny_study(characters)
    alone = run(study, tmp_path / "alone", progress=False)
    command = [sys.executable, "-m", "assay", "view", str(tmp_path), "--no-open"]
    watching = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    address = watching.stdout.readline().strip()
    port, token = int(address.split(":")[2].split("/")[0]), address.partition("token=")[2]
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, watching.pid) == min(own + 10, 19)  # the run comes first
    killed = []

    def look(event: object) -> None:
        if watching.poll() is None:
            Served(port, token).ask("GET", "/studies.json")
            if len(killed) == 3:
                watching.send_signal(signal.SIGKILL)
                watching.wait()
        killed.append(event)

    watched = run(study, tmp_path / "watched", progress=False, on_event=look)
    watching.kill()
    watching.wait()
    watching.stdout.close()
    assert len(killed) > 3
    assert outcome(watched) == outcome(alone)
    names = [sorted(path.name for path in found.folder.rglob("*")) for found in (alone, watched)]
    assert names[0] == names[1]


@pytest.mark.usefixtures("quick")
def test_curves_grow_in_the_browser(browser: Any, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    make_results(folder, statuses={("average", 4): Status.RUNNING}).close()
    with folder_lock(folder), serving([folder]) as served:
        busy = WorkingMachine("node1 <b>", "Xeon", 4, (RunId("average", 4),))
        keep_machines(folder, [busy, WorkingMachine("node2", "EPYC", 8)])
        tab = Tab(browser, served)
        page = tab.open(f"/study/{identity(folder)}")
        page.wait_for_selector("#curves canvas")
        tab.until(lambda: page.locator("#machines tbody :is(th, td)").count() >= 8)
        cells = page.locator("#machines tbody :is(th, td)").all_inner_texts()
        assert cells[:4] == ["node1 <b>", "Xeon", "1 of 4", "average, seed 4"]
        assert cells[4:] == ["node2", "EPYC", "0 of 8", "nothing"]
        row = page.locator("#runs tbody tr").nth(9)
        assert row.locator("td").nth(1).inner_text() == "4/8"
        for epoch in (5, 6):
            grow(folder, RunId("average", 4), epoch, 0.1 * epoch)
        tab.until(lambda: row.locator("td").nth(1).inner_text() == "6/8")
        keep_machines(folder, ())
        grow(folder, RunId("average", 4), 6, 0.6)
        tab.until(lambda: not page.locator("#machines").is_visible())
        plot = page.locator("#curves .plot")
        plot.focus()
        for _ in range(12):
            page.keyboard.press("ArrowDown")

        def last() -> str:
            for _ in range(5):
                page.keyboard.press("ArrowRight")
            return str(page.locator("#curves .reading").inner_text())

        tab.until(lambda: last() == "average, seed 4, epoch 6: 60%")
        tab.close()
        assert tab.said == []
