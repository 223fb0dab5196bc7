"""The results of a study as its user holds them: what was found, the report, tables, trained networks."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import StoreError, UsageError
from assay.findings.findings import Findings, build
from assay.findings.numbers import ended
from assay.stats import Pair, declared_pairs
from assay.store.readout import COLUMNS, EPOCH_COLUMNS, Readout

if TYPE_CHECKING:
    import pandas

    from assay.findings.prediction import Pictures, Prediction
    from assay.findings.trained import Trained


class Results(Readout):
    """A study's results: what `assay.run` returns, and ``Results.open(folder)`` opens.

    It is a context manager that closes the folder at its end. Accuracies are shares from 0 to 1, and so are
    differences of them. Runs that are not finished, diverged or learnt nothing are counted as such and never
    left out silently.
    """

    def findings(self) -> Findings:
        """Return what the runs show: the answer, verdicts, effects, claims, costs and limits.

        Until every run, or every run of a declared look, has come to its end there are means and spreads, but
        no interval, p-value or verdict.
        """
        return build(self)

    def write_report(self, path: Path | str, *, arm: str | None = None, image: int = 0) -> Path:
        """Write the report to ``path`` and return it: ``.html``, ``.tex`` with its figures, or ``.json``.

        Where the data set and the weights are at hand, it shows what the networks of ``arm``, by default the
        best one, mistake and see: the feature maps are those of test image number ``image``. Raises
        `UsageError` for another ending, an image that is not there or a path that cannot be written, and
        `StudyError` for an unknown arm.
        """
        from assay.findings.inside import look_inside
        from assay.report.writing import expect_ending, write_report

        expect_ending(path)
        return write_report(build(self, look_inside(self, arm, image)), path)

    def frame(self) -> "pandas.DataFrame":
        """Return one row a run as a pandas DataFrame (needs the extra ``assay[frames]``).

        Each factor of the study has a column with the arm's level, after the column ``arm``; it is called as
        the factor, or ``factor:NAME`` where a column of this frame or of `epochs_frame` has that name.
        Accuracies are shares, times seconds, memory bytes.
        """
        return self._frame(self.rows(), COLUMNS)

    def epochs_frame(self) -> "pandas.DataFrame":
        """Return one row a run and epoch as a pandas DataFrame, with the columns of factors as `frame`."""
        return self._frame(self.epoch_rows(), EPOCH_COLUMNS)

    def predict(
        self, images: "Pictures", *, arm: str | None = None, seed: int | None = None
    ) -> "list[Prediction]":
        """Recognise the characters in ``images`` with the best run, or that of ``arm`` and ``seed``.

        Images are paths of picture files, Pillow images or arrays, as `assay.predict` takes them, which also
        says what is raised.
        """
        from assay.findings.prediction import recognise

        return recognise(self, images, arm=arm, seed=seed)

    def network(self, arm: str | None = None, seed: int | None = None) -> "Trained":
        """Return the network of a finished run, with the weights that validation chose.

        It is the run of ``arm`` and ``seed``; where one is left out, of those that remain the run with the
        best validation accuracy. Raises `StudyError` for an unknown arm, `UsageError` for an unknown seed,
        `StoreError` where no such run is finished or its weights are missing, and `DataError` where the size
        of the images has to be read from a data set of one's own, and cannot.
        """
        from assay.findings.trained import best_run, image_shape, trained

        return trained(self, best_run(self, arm, seed), image_shape(self))

    def compare(self, a: str, b: str) -> Pair:
        """Compare arm ``a`` with arm ``b`` as the report does: difference, interval, verdict.

        It is the declared comparison, or else one of all pairs. Accuracies are shares, so a mean of 0.004 is
        0.4 points. Raises `StudyError` for an unknown arm, and `UsageError` before every run, or those of a
        declared look, have come to their end.
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
        return results.compared(pairs).pairs[pairs.index((a, b))]

    def _frame(self, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> "pandas.DataFrame":
        """Return rows of runs as a DataFrame with the levels of their arms."""
        from assay.store.frames import to_pandas

        taken = {*COLUMNS, *EPOCH_COLUMNS}  # of both frames, so that a factor is called alike in them
        names = {factor: f"factor:{factor}" if factor in taken else factor for factor in self.study.factors}
        levels = {
            arm.name: {names[factor]: level for factor, level in arm.levels.items()}
            for arm in self.study.arms
        }
        arm, *others = columns
        return to_pandas([{**row, **levels[row["arm"]]} for row in rows], [arm, *names.values(), *others])

    def __repr__(self) -> str:
        """Say in a line which study's they are, where they are and how far it has come."""
        try:
            look = f", {self.look}" if self.look else ""
            return f"<Results of {self.study.name} in {self.folder}: {ended(self.done, self.total)}{look}>"
        except StoreError as error:  # a closed or damaged store
            return f"<Results: {error}>"

    def _repr_html_(self) -> str:
        from assay.report.notebook import results_html

        return results_html(self)
