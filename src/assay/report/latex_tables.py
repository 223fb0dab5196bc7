"""The tables of the LaTeX document: headings, rows of text and the kinds of their columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from assay.findings import numbers as n
from assay.findings.arms import ArmRow
from assay.findings.effects import Effect
from assay.findings.findings import Findings
from assay.findings.published import PublishedRow
from assay.findings.wording import claim_words, published_words
from assay.findings.wording.code_words import CLAIM_VERDICTS, VERDICTS
from assay.report.tex import Tex, escape, name, number
from assay.stats.factorial import FactorEffect


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row is a name."""

    columns: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


def table(of: Table, caption: str) -> Tex:
    """Return a table, which may span pages, and the text below it."""
    head = [" & ".join(map(escape, of.headings)) + r" \\", r"\midrule", r"\endhead"] if of.headings else []
    body = [" & ".join([name(first), *map(number, rest)]) + r" \\" for first, *rest in of.rows]
    lines = [rf"{{\footnotesize\begin{{longtable}}{{{of.columns}}}", r"\toprule", *head, *body]
    note = [rf"\note{{{escape(caption)}}}"] if caption else []
    return Tex("\n".join([*lines, r"\bottomrule", r"\end{longtable}}", *note]))


def tables(report: Findings) -> Mapping[str, Table]:
    """Return every table of a report by its name; without rows where there is nothing to say."""
    return {
        "effects": _effects(report),
        "networks": _networks(report),
        "claims": _claims(report),
        "arms": _arms(report),
        "costs": _costs(report),
        "stopping": _stopping(report),
        "calibration": _calibration(report),
        "published": _published(report),
        "mistakes": _mistakes(report),
        "rerun": _rerun(report),
    }


def factorial_table(effects: Iterable[FactorEffect]) -> Table:
    """Return the effects of factors."""
    rows = [
        (e.name, n.points(e.mean), n.points_interval(e.interval), n.p_value(e.p), n.p_value(e.p_adjusted))
        for e in effects
    ]
    return Table("L{6cm}rrrr", ("Effect", "Mean", "Interval", "p", "p (adjusted)"), rows)


def _effects(report: Findings) -> Table:
    headings = ("Comparison", "Verdict", "Mean", "Interval", "p", "Seeds", "On new images")
    return Table("L{4cm}L{2.6cm}rrrrr", headings, [_effect(effect) for effect in report.effects])


def _effect(effect: Effect) -> Sequence[str]:
    pair = effect.pair
    return (
        effect.name,
        VERDICTS[pair.judgement.verdict],
        n.points(pair.comparison.mean if pair.comparison.n else None),
        n.points_interval(effect.deciding),
        n.p_value(effect.deciding_p),
        str(pair.comparison.n),
        n.points_interval(effect.crossed.interval if effect.crossed else None),
    )


def _networks(report: Findings) -> Table:
    rows = [
        (
            f"{pair.a} and {pair.b}",
            n.points(pair.test.difference),
            f"{pair.test.only_a:,}",
            f"{pair.test.only_b:,}",
            n.p_value(pair.test.p),
            n.p_value(pair.test.mid_p),
        )
        for pair in report.networks
    ]
    return Table("L{5cm}rrrrr", ("Networks", "Difference", "First alone", "Second alone", "p", "mid-p"), rows)


def _claims(report: Findings) -> Table:
    rows = []
    for claim in report.claims:
        verdict = CLAIM_VERDICTS[claim.verdict] if claim.verdict else n.NOTHING
        if claim.also and claim.also.verdict:
            verdict += f" (by test accuracy: {CLAIM_VERDICTS[claim.also.verdict]})"
        rows.append((f"{claim.sentence} (by {claim_words.metric(claim)})", verdict, "", "", ""))
        rows += [
            (p.relation, CLAIM_VERDICTS[p.verdict], claim_words.found(p), claim_words.published(p), str(p.n))
            for p in claim.parts
        ]
    headings = ("Claim", "The runs say", "Found", "Published", "Seeds")
    return Table("L{5.5cm}L{2.4cm}L{4.5cm}L{1.8cm}r", headings, rows)


def _arms(report: Findings) -> Table:
    spread = (n.interval_name(report.confidence),) if report.judged else ()
    more = ("Test loss", "Best valid.", "s/epoch", "MiB", "Params", "FLOPs")
    headings = ("Arm", "Test, %", *spread, "SD", *(() if report.imported else more), "Runs")
    rows = [_arm(arm, report) for arm in report.arms]
    return Table(f"L{{3cm}}{'r' * (len(headings) - 1)}", headings, rows)


def _arm(arm: ArmRow, report: Findings) -> Sequence[str]:
    costs = (
        n.fixed(arm.test_loss, 3),
        n.share(arm.valid_best),
        n.speed(arm.seconds_per_epoch),
        n.mebibytes(arm.peak_memory),
        n.count(arm.parameters),
        n.count(arm.flops),
    )
    lost = [f"{count} {word}" for count, word in
            ((arm.stuck, "stuck"), (arm.diverged, "diverged"), (arm.failed, "failed")) if count]  # fmt: skip
    return (
        arm.name,
        n.share(arm.test.mean),
        *((arm.spread,) if report.judged else ()),
        n.share(arm.test.sd),
        *(() if report.imported else costs),
        ", ".join([f"{arm.done}/{arm.planned}", *lost]),
    )


def _costs(report: Findings) -> Table:
    measured = any(cost.memory_has_interval for cost in report.costs)
    rows = [
        (
            cost.arm,
            n.ratio(cost.seconds),
            n.ratio_interval(cost.seconds),
            n.ratio(cost.memory),
            *((n.ratio_interval(cost.memory),) if measured else ()),
        )
        for cost in report.costs
    ]
    headings = ("Arm", "Time per epoch", "Interval", "Peak memory", *(("Interval",) if measured else ()))
    return Table(f"L{{4cm}}{'r' * (len(headings) - 1)}", headings, rows)


def _stopping(report: Findings) -> Table:
    rows = [
        (
            row.arm,
            n.NOTHING if row.patience is None else str(row.patience),
            str(row.planned),
            n.speed(row.epochs),
            f"{row.stopped}/{row.finished}",
            n.ratio(row.ratio),
            n.ratio_interval(row.ratio),
        )
        for row in report.stopping
    ]
    headings = ("Arm", "Patience", "At most", "Epochs trained", "Stopped early", "Ratio", "Interval")
    return Table(f"L{{4cm}}{'r' * (len(headings) - 1)}", headings, rows)


def _calibration(report: Findings) -> Table:
    rows = [
        (
            row.arm,
            n.share(row.error),
            n.interval(row.extremes()),
            n.fixed(row.temperature),
            str(row.runs),
        )
        for row in report.calibration
    ]
    headings = ("Arm", "Expected calibration error, %", "Lowest to highest run", "Temperature", "Runs")
    return Table("L{4cm}rrrr", headings, rows)


def _published(report: Findings) -> Table:
    rows = [
        (
            row.arm,
            _quantity(row),
            published_words.value(row, row.printed),
            published_words.value(row, row.ours.mean),
            *((published_words.falls(row), published_words.agrees(row)) if report.judged else ()),
        )
        for row in report.published
    ]
    placed = ("One run of theirs", "Agrees") if report.judged else ()
    headings = ("Arm", "Quantity", "Published", "Our mean", *placed)
    return Table(f"L{{3cm}}L{{5.5cm}}{'r' * (len(headings) - 2)}", headings, rows)


def _quantity(row: PublishedRow) -> str:
    named = published_words.quantity(row)
    return f"{named} (doubtful: {row.doubt})" if row.doubt else named


def _mistakes(report: Findings) -> Table:
    confusion = report.inside.confusion if report.inside else None
    pairs = confusion.pairs if confusion else ()
    rows = [
        (" and ".join((a.true, a.answer)), *(f"{m.true} as {m.answer}: {n.percent(m.share)}" for m in (a, b)))
        for a, b in pairs
    ]
    return Table("L{3cm}ll", ("Characters", "", ""), rows)


def _rerun(report: Findings) -> Table:
    if report.imported:
        return _origin(report)
    rerun = report.rerun
    sizes = ", ".join(f"{size:,} {split}" for split, size in rerun.sizes.items())
    synthetic = " (synthetic)" if rerun.synthetic else ""
    finished = n.plural(rerun.finished, "finished run")
    rows = [
        ("Data", f"{rerun.data}{synthetic}, {rerun.classes} classes: {sizes}"),
        ("Data digest", rerun.data_digest),
        ("Study digest", rerun.study_digest),
        ("Seeds", ", ".join(map(str, rerun.seeds))),
        ("Test set", f"opened {n.plural(rerun.test_openings, 'time')} for {finished}"),
        *rerun.versions.items(),
    ]
    return Table("L{3cm}L{13cm}", (), rows)


def _origin(report: Findings) -> Table:
    """Return what identifies numbers that were imported."""
    rerun = report.rerun
    digests = (("Digest of the imported numbers", rerun.data_digest), ("Study digest", rerun.study_digest))
    seeds = ", ".join(map(str, rerun.seeds))
    return Table("L{3cm}L{13cm}", (), [*digests, ("Seeds", seeds), *rerun.versions.items()])
