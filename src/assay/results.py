"""The results of a study as its user holds them: what was found, the report, tables, trained networks."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import StoreError, UsageError
from assay.findings.comparisons import compared
from assay.findings.findings import Findings, build
from assay.findings.numbers import ended
from assay.stats import Pair, declared_pairs
from assay.store.columns import COLUMNS, EPOCH_COLUMNS
from assay.store.readout import Readout

if TYPE_CHECKING:
    import pandas
    import torch

    from assay.findings.prediction import Pictures, Prediction
    from assay.findings.trained import Trained


class Results(Readout):
    """A study's results: what `assay.run` returns, and ``Results.open(folder)`` opens.

    It is a context manager that closes the folder on exit. Accuracies and their differences are shares, from
    0 to 1. Runs that are unfinished, diverged or learnt nothing are counted as such and never left out
    silently.
    """

    def findings(self) -> Findings:
        """Return what the runs show: the answer, verdicts, effects, claims, costs and limits.

        Until every run, or every run of a declared look, has ended, there are means and spreads, but no
        interval, p-value or verdict.
        """
        return build(self)

    def write_report(self, path: Path | str, *, arm: str | None = None, image: int = 0) -> Path:
        """Write the report to ``path`` and return it: ``.html``, ``.tex`` with its figures, or ``.json``.

        If the data set and the weights are available, it shows the mistakes and the feature maps of the
        networks of ``arm``, by default the best one, the feature maps for test image number ``image``.
        Raises `UsageError` for any other suffix, an image that does not exist or a path that cannot be
        written, and `StudyError` for an unknown arm.
        """
        from assay.findings.inside import look_inside
        from assay.report.writing import expect_ending, write_report

        expect_ending(path)
        return write_report(build(self, look_inside(self, arm, image)), path)

    def frame(self) -> "pandas.DataFrame":
        """Return one row per run as a pandas DataFrame (needs the extra ``assay[frames]``).

        Each factor of the study has a column with the arm's level, after the column ``arm``; it is named
        after the factor, or ``factor:NAME`` if a column of this frame or of `epochs_frame` has that name.
        Accuracies are shares, times seconds, memory bytes.
        """
        return self._frame(self.rows(), COLUMNS)

    def epochs_frame(self) -> "pandas.DataFrame":
        """Return one row per run and epoch as a pandas DataFrame, with the same factor columns as `frame`."""
        return self._frame(self.epoch_rows(), EPOCH_COLUMNS)

    def predict(
        self, images: "Pictures", *, arm: str | None = None, seed: int | None = None, one: bool = False
    ) -> "list[Prediction]":
        """Recognise the characters in ``images`` with the best run, or that of ``arm`` and ``seed``.

        Images are paths of picture files, Pillow images or arrays, as for `assay.predict`, which also
        documents the errors raised.
        """
        from assay.findings.prediction import recognise

        return recognise(self, images, arm=arm, seed=seed, one=one)

    def network(self, arm: str | None = None, seed: int | None = None) -> "Trained":
        """Return the network of a finished run, with the weights that validation chose.

        It is the run of ``arm`` and ``seed``; if either is omitted, the run with the best validation accuracy
        among those that match. Raises `StudyError` for an unknown arm, `UsageError` for an unknown seed,
        `StoreError` if no such run is finished or its weights are missing, and `DataError` if the size of the
        images has to be read from the user's own data set, and cannot be.
        """
        from assay.findings.trained import best_run, image_shape, trained

        return trained(self, best_run(self, arm, seed), image_shape(self))

    def module(self, arm: str | None = None, seed: int | None = None) -> "torch.nn.Module":
        """Return the network of a finished run as a ``torch.nn.Module`` (needs the extra ``assay[torch]``).

        The run is chosen as for `network`. The module has the weights that validation chose, in evaluation
        mode: it takes pixels (N, C, H, W) from 0 to 1 and returns class scores (N, K), those of
        `network` up to rounding. Its modules are PyTorch's own, under the names of assay's layers; where the
        study trained a module of the user's, it is that. Raises `UnsupportedError` without PyTorch or
        for a layer that PyTorch has not, and what `network` raises.
        """
        from assay.engines.choice import expect_torch

        found = self.network(arm, seed)
        expect_torch("results.module")
        from assay.engines.torch.as_module import as_module

        return as_module(found.network, found.weights)

    def compare(self, a: str, b: str) -> Pair:
        """Compare arm ``a`` with arm ``b`` as the report does: difference, interval, verdict.

        It is the declared comparison, or else one of all pairs. Accuracies are shares, so a mean of 0.004 is
        0.4 points. Raises `StudyError` for an unknown arm, and `UsageError` before all runs, or those of a
        declared look, have ended.
        """
        results = self.at_look()
        study = results.study
        if study.arm(a) is study.arm(b):
            raise UsageError(f"{study.name}: compare: found {a!r} twice, expected two different arms")
        if not results.complete:
            raise UsageError(
                f"{study.name}: {results.done} of {results.total} runs have come to their end: arms are "
                "compared when all have, or those of a declared look (go on with assay run)"
            )
        arms = [arm.name for arm in study.arms]
        pairs = declared_pairs(arms, study.control)
        if {a, b} not in map(set, pairs):
            pairs = declared_pairs(arms, None)
        pairs = [(a, b) if {a, b} == set(pair) else pair for pair in pairs]
        return compared(results, pairs).pairs[pairs.index((a, b))]

    def _frame(self, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> "pandas.DataFrame":
        """Return rows of runs as a DataFrame that includes the levels of their arms."""
        from assay.store.frames import to_pandas

        taken = {*COLUMNS, *EPOCH_COLUMNS}  # of both frames, so that a factor has the same name in each
        names = {factor: f"factor:{factor}" if factor in taken else factor for factor in self.study.factors}
        levels = {
            arm.name: {names[factor]: level for factor, level in arm.levels.items()}
            for arm in self.study.arms
        }
        arm, *others = columns
        return to_pandas([{**row, **levels[row["arm"]]} for row in rows], [arm, *names.values(), *others])

    def __repr__(self) -> str:
        """Describe the results in one line: the study, the folder and the progress."""
        try:
            look = f", {self.look}" if self.look else ""
            return f"<Results of {self.study.name} in {self.folder}: {ended(self.done, self.total)}{look}>"
        except StoreError as error:  # a closed or damaged store
            return f"<Results: {error}>"

    def follow(self, every: float = 2.0) -> None:
        """Show the study's curves in a notebook's cell as they grow, until nothing trains it any more.

        The cell is drawn again at most every ``every`` seconds, also for a study that another process trains;
        interrupting the kernel stops it and leaves the last drawing. Raises `UsageError` where IPython
        is not installed, and `StoreError` if the folder can no longer be read.
        """
        from assay.report.notebook import follow

        try:
            follow(self.folder, every)
        except ModuleNotFoundError:
            raise UsageError("follow() draws in a notebook's cell (outside of one: `assay view`)") from None

    def _repr_html_(self) -> str:
        from assay.report.notebook import results_html

        return results_html(self)
