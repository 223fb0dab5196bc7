"""Several studies as one document: a published report, repeated."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan

from assay.findings.claim_verdicts import ClaimRow, standing
from assay.findings.curves import Metric
from assay.findings.findings import Findings
from assay.findings.numbers import plural
from assay.findings.published import PublishedRow
from assay.findings.wording import claim_words, document_words
from assay.findings.wording.code_words import CLAIM_VERDICTS
from assay.records.metrics import METRICS, PERCENT
from assay.report import figures
from assay.report.canvas import Drawing
from assay.report.export import csv_text
from assay.report.html import environment
from assay.stats import ClaimVerdict
from assay.store.columns import COLUMNS, EPOCH_COLUMNS
from assay.store.readout import Readout

ACCURACIES: tuple[Metric, ...] = ("valid_accuracy", "train_accuracy")
LOSSES: tuple[Metric, ...] = ("valid_loss", "train_loss")

CLAIM_COLUMNS = (
    "study", "claim", "source", "metric", "verdict",
    "relation", "relation_verdict", "n", "found", "published",
    "estimate", "low", "high", "confidence", "margin", "p", "level",
)  # fmt: skip
"""One row a relation; the last seven are numbers in full precision.

``estimate`` is a difference of shares, or the factor between losses or costs; ``low`` and ``high`` are the
ends, in the same unit, of the interval that decided at ``confidence``, one of them empty where a one-sided
bound did; ``margin`` is the smallest difference that matters, of "never learns" the share of runs that may
learn; ``p`` is that of "the relation does not hold", and ``level`` that of all tests, 0.05 or a look's part.
Of a claim by best validation accuracy the rows by test accuracy follow.
"""
PUBLISHED_COLUMNS = (
    "study", "arm", "metric", "unit", "published", "n", "mean", "sd", "low", "high",
    "one_run_low", "one_run_high", "agrees", "doubt", "level", "images", "published_images",
)  # fmt: skip


@dataclass(frozen=True)
class Chapter:
    """One study in the document with its figures."""

    report: Findings
    curves: tuple[Drawing, ...]
    epochs: str


@dataclass(frozen=True)
class Document:
    """A report that was repeated: its title and its studies in its own order."""

    title: str
    reports: tuple[Findings, ...]
    command: str
    """What wrote it, to write it again."""
    plots_loss: bool = False
    """Whether curves of the loss stand beside those of the accuracy, as on the studies' own pages."""

    @property
    def curves(self) -> tuple[Metric, ...]:
        """What is drawn epoch by epoch."""
        return (*ACCURACIES, *LOSSES) if self.plots_loss else ACCURACIES

    @property
    def claims(self) -> list[tuple[Findings, ClaimRow]]:
        """Every claim with the study that tests it."""
        return [(report, claim) for report in self.reports for claim in report.claims]

    @property
    def complete(self) -> bool:
        """Whether every study is complete."""
        return all(report.complete for report in self.reports)

    @property
    def answer(self) -> str:
        """The sentence that the document leads with."""
        return document_words.answer(Counter(claim.verdict for _, claim in self.claims))

    @property
    def unlike(self) -> str:
        """How the runs differ from the source's, where they do."""
        return document_words.unlike({report.unlike_source for report in self.reports} - {""})

    @property
    def agreement(self) -> str:
        """How many of the published numbers lie where one run of theirs would, had it our mean and spread.

        A number that several studies print of the same runs counts once.
        """
        rows = (row for report in self.reports for row in report.published if row.consistent is not None)
        judged = list({(row.metric, row.printed, row.ours.mean): row for row in rows}.values())
        return document_words.agreement(
            agree=sum(bool(row.consistent) for row in judged),
            of=len(judged),
            level=self.reports[0].level,
            widths=[
                row.prediction[1] - row.prediction[0] for row in judged if _is_share(row) and row.prediction
            ],
            losses=not all(map(_is_share, judged)),
        )

    @property
    def standing(self) -> str:
        """How many of the supported claims stand when all are judged together."""
        rows = [claim for _, claim in self.claims if claim.verdict]
        supported = sum(claim.verdict is ClaimVerdict.SUPPORTED for claim in rows)
        return document_words.standing(standing(rows), supported)


def _is_share(row: PublishedRow) -> bool:
    return METRICS[row.metric].scale == PERCENT


def render(document: Document) -> str:
    """Return the document as one HTML page."""
    parts = [_part(report, document.curves) for report in document.reports]
    return environment().get_template("document.html.j2").render(document=document, parts=parts)


def claims_csv(document: Document) -> str:
    """Return one row for each relation that a claim expects."""
    return csv_text(CLAIM_COLUMNS, _claim_rows(document.claims))


def published_csv(document: Document) -> str:
    """Return one row for each published number, in the unit of reports: accuracies in percent."""
    return csv_text(
        PUBLISHED_COLUMNS, (row for report in document.reports for row in _published_rows(report))
    )


def runs_csv(results: Sequence[Readout]) -> str:
    """Return one row per run of every study, under ``study`` and `assay.store.columns.COLUMNS`.

    At a declared look these are the runs of its seeds, of which the other tables speak.
    """
    return _rows_csv(results, COLUMNS, lambda found: found.rows())


def epochs_csv(results: Sequence[Readout]) -> str:
    """Return one row per epoch of the runs of `runs_csv`, under ``study`` and `EPOCH_COLUMNS`."""
    return _rows_csv(results, EPOCH_COLUMNS, lambda found: found.epoch_rows())


def _rows_csv(
    results: Sequence[Readout],
    columns: Sequence[str],
    rows_of: Callable[[Readout], Iterable[Mapping[str, object]]],
) -> str:
    looked = [found.at_look() for found in results]
    rows = ((found.study.name, *row.values()) for found in looked for row in rows_of(found))
    return csv_text(("study", *columns), rows)


def _part(report: Findings, metrics: Sequence[Metric]) -> Chapter:
    """Draw a study; the ids of its figures are its own in the document."""
    curves = (figures.curve_plot(report, metric) for metric in metrics)
    drawings = tuple(replace(drawing, key=f"{report.name}-{drawing.key}") for drawing in curves if drawing)
    return Chapter(report, drawings, plural(report.longest, "epoch"))


def _claim_rows(claims: Sequence[tuple[Findings, ClaimRow]]) -> Iterator[tuple[object, ...]]:
    judged = [(report, row) for report, claim in claims for row in (claim, claim.also) if row]
    for report, claim in judged:
        verdict = CLAIM_VERDICTS[claim.verdict] if claim.verdict else report.stamp
        head = (report.name, claim.sentence, claim.source, claim_words.metric(claim), verdict)
        if not claim.parts:
            yield (*head, *("" for _ in CLAIM_COLUMNS[len(head) :]))
        for part in claim.parts:
            low, high = (end if isfinite(end) else "" for end in part.interval or (nan, nan))
            confidence = part.confidence if part.interval else None
            numbers = (part.estimate, low, high, confidence, part.margin, part.p, report.level)
            said = (
                CLAIM_VERDICTS[part.verdict],
                part.n,
                claim_words.found(part),
                claim_words.published(part),
            )
            yield (*head, part.relation, *said, *numbers)


def _published_rows(report: Findings) -> Iterator[tuple[object, ...]]:
    for row in report.published:
        ours = row.ours
        ends = (ours.mean, ours.sd, *(ours.interval or (None, None)), *(row.prediction or (None, None)))
        shown = ["" if end is None else METRICS[row.metric].shown(end) for end in ends]
        agrees = "" if row.consistent is None else row.consistent
        level = report.level if report.judged else ""
        printed = METRICS[row.metric].shown(row.printed)
        images = row.images or ("", "")
        head = (report.name, row.arm, row.metric, METRICS[row.metric].unit, printed, ours.n)
        yield (*head, *shown, agrees, row.doubt, level, *images)
