"""The tests that every store passes, to be run on one's own.

With pytest, a subclass is all there is to write::

    class TestMyStore(StoreConformance):
        def create(self, folder, header):
            return MyStore.create(folder / "results", header)

        def reopen(self, folder, *, write):
            return MyStore.open(folder / "results", write=write)
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from math import inf, isnan, nan
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from assay.errors import StoreError
from assay.records.runs import EpochRecord, LayerRecord, RunId, RunRecord, Status, TestResult
from assay.store import Header, Store
from assay.testing.conformance import expect

HEADER = Header(
    study={"name": "conformance", "seeds": [0, 1], "network": {"lr": 1e-5}},
    digest="ab" * 32,
    data_digest="cd" * 32,
    classes=("0", "A", "é", '"'),
    synthetic=True,
    sizes={"train": 100, "valid": 20, "test": 11},
    versions={"python": "3.11"},
    guessing=0.25,
)
PREDICTED = np.arange(11) % 4
CORRECT = PREDICTED % 3 == 0
RUN = RunId("max", 2**62)


class StoreConformance:
    """Tests of the contract of `assay.store.Store`; a subclass says how one is made and opened again."""

    def create(self, folder: Path, header: Header) -> Store:
        """Make a store in an empty folder, open for writing."""
        raise NotImplementedError

    def reopen(self, folder: Path, *, write: bool) -> Store:
        """Open the store that `create` made in ``folder``, perhaps while another one has it open."""
        raise NotImplementedError

    def test_the_header_is_kept(self) -> None:
        """Every reader finds everything in it."""
        with self._new() as (store, folder):
            expect(store.header == HEADER, f"the header is {store.header}")
            with closing(self.reopen(folder, write=False)) as reader:
                expect(reader.header == HEADER, f"the header is read as {reader.header}")

    def test_what_was_accepted_is_there(self) -> None:
        """Another store that reads the same file sees it at once, and after the writer has closed."""
        with self._new() as (store, folder):
            self._fill(store)
            with closing(self.reopen(folder, write=False)) as beside:
                self._expect_filled(beside)
            store.close()
            for write in (False, True):
                with closing(self.reopen(folder, write=write)) as again:
                    self._expect_filled(again)

    def test_writing_again_replaces(self) -> None:
        """A run, an epoch or a layer that is written again is there once, as it was written last."""
        with self._new() as (store, _):
            self._fill(store)
            self._fill(store)
            expect(store.runs() == [_done()], f"runs are {store.runs()}")
            expect(len(store.epochs(RUN)) == 2, f"{len(store.epochs(RUN))} epochs, expected 2")
            expect(len(store.layers(RUN)) == 3, f"{len(store.layers(RUN))} layers, expected 3")
            store.add_epoch(RUN, _epoch(2, valid_accuracy=0.75))
            expect(
                store.epochs(RUN) == [_epoch(1), _epoch(2, valid_accuracy=0.75)], "an epoch is the old one"
            )
            store.add_run(replace(_run(Status.DIVERGED), message="why"))
            expect([run.message for run in store.runs()] == ["why"], "a run is the old one")

    def test_epochs_are_dropped_from_the_end(self) -> None:
        """Those beyond the last that is kept go with their layers, or all do; those of other runs stay."""
        with self._new() as (store, _):
            self._fill(store)
            other = RunId("max", 0)
            store.add_run(_run(Status.RUNNING, other))
            store.add_epoch(other, _epoch(1), [_layer(0), _layer(1)])
            for after, epochs, layers in ((2, 2, 3), (1, 1, 2), (0, 0, 0)):
                store.drop_epochs(RUN, after)
                expect(store.epochs(RUN) == [_epoch(n + 1) for n in range(epochs)], "epochs are not dropped")
                expect(store.layers(RUN) == [_layer(n) for n in range(layers)], "layers are not dropped")
            expect(len(store.epochs(other)) == 1 and len(store.layers(other)) == 2, "another run's are gone")

    def test_runs_keep_the_order_in_which_they_were_added(self) -> None:
        """Later writes do not change the order."""
        with self._new() as (store, _):
            order = [RunId("b", 1), RunId("a", 5), RunId("a", 0)]
            for status in (Status.PENDING, Status.RUNNING):
                for run in order if status is Status.PENDING else reversed(order):
                    store.add_run(_run(status, run))
            expect([run.id for run in store.runs()] == order, f"runs are {[run.id for run in store.runs()]}")
            expect({run.status for run in store.runs()} == {Status.RUNNING}, "a status is the old one")

    def test_epochs_come_in_order(self) -> None:
        """They do when written in another order too; a loss that is not a number is nan."""
        with self._new() as (store, _):
            for number in (3, 1, 2):
                store.add_epoch(RUN, _epoch(number, train_loss=nan, valid_loss=inf))
            found = store.epochs(RUN)
            expect([epoch.epoch for epoch in found] == [1, 2, 3], f"epochs are {found}")
            expect(all(isnan(one.train_loss) and isnan(one.valid_loss) for one in found), f"losses: {found}")

    def test_a_run_is_done_only_with_its_result(self) -> None:
        """A done run without a result is refused, and nothing is changed."""
        with self._new() as (store, _):
            store.add_run(_run(Status.RUNNING))
            for test in (None, TestResult(nan, 3, 11), TestResult(0.5, 12, 11)):
                _expect_refused(partial(store.add_run, replace(_done(), test=test)))
            expect(store.runs() == [_run(Status.RUNNING)], "a run that was refused was stored")

    def test_only_a_finished_run_has_answers(self) -> None:
        """The test set counts as opened when a run is finished, and no earlier."""
        with self._new() as (store, _):
            store.add_run(_run(Status.RUNNING))
            expect(store.test_openings() == 0, "the test set counts as opened before a run is finished")
            _expect_refused(lambda: store.correct(RUN))
            _expect_refused(lambda: store.predicted(RUN))
            store.finish(_done(), PREDICTED, CORRECT)
            expect(store.test_openings() == 1, f"opened {store.test_openings()} times, expected once")

    def test_reading_changes_nothing(self) -> None:
        """A store that was opened for reading refuses to write."""
        with self._new() as (store, folder):
            self._fill(store)
            with closing(self.reopen(folder, write=False)) as reader:
                _expect_refused(lambda: reader.add_run(_run(Status.PENDING, RunId("new", 0))))
                _expect_refused(lambda: reader.add_epoch(RUN, _epoch(3)))
                _expect_refused(lambda: reader.drop_epochs(RUN, 1))
            self._expect_filled(store)

    @contextmanager
    def _new(self) -> Iterator[tuple[Store, Path]]:
        with TemporaryDirectory() as name:
            folder = Path(name)
            with closing(self.create(folder, HEADER)) as store:
                yield store, folder

    def _fill(self, store: Store) -> None:
        store.add_run(_run(Status.PENDING))
        store.add_epoch(RUN, _epoch(1), [_layer(0), _layer(1)])
        store.add_epoch(RUN, _epoch(2), [_layer(2)])
        store.finish(_done(), PREDICTED, CORRECT)

    def _expect_filled(self, store: Store) -> None:
        expect(store.runs() == [_done()], f"runs are {store.runs()}")
        expect(store.epochs(RUN) == [_epoch(1), _epoch(2)], f"epochs are {store.epochs(RUN)}")
        expect(store.layers(RUN) == [_layer(n) for n in range(3)], f"layers are {store.layers(RUN)}")
        for found, written in ((store.predicted(RUN), PREDICTED), (store.correct(RUN), CORRECT)):
            expect(found.dtype == written.dtype, f"answers are {found.dtype}, expected {written.dtype}")
            expect(bool((found == written).all()), f"answers are {found}, expected {written}")
        expect(store.epochs(RunId("max", 0)) == [], "a run has epochs that none were written of")


def _expect_refused(call: Callable[[], object]) -> None:
    try:
        call()
    except StoreError as error:
        expect(len(str(error).splitlines()) == 1, f"{error} is not one line")
        return
    expect(False, "what should be refused with a StoreError was accepted")


def _run(status: Status, run: RunId = RUN) -> RunRecord:
    return RunRecord(run.arm, run.seed, status, "reference", 10, 20, 30, "computed")


def _done() -> RunRecord:
    return RunRecord(
        RUN.arm, RUN.seed, Status.DONE, "numba", 11, 22, 33, "measured", 2, 1, 0.75, 0.5,
        TestResult(0.25, int(CORRECT.sum()), 11), 7.5, 8.5, "m", True, 0.125, 0.375, 9.5, "p",
    )  # fmt: skip


def _epoch(
    epoch: int, *, train_loss: float = 1.5, valid_loss: float = 1.25, valid_accuracy: float = 0.5
) -> EpochRecord:
    return EpochRecord(epoch, train_loss, 0.375, valid_loss, valid_accuracy, 2.5, 40.0, 0.5)


def _layer(epoch: int) -> LayerRecord:
    return LayerRecord(epoch, "conv1", 3.0, inf, 0.0, None, 0.5, None, 0.25)
