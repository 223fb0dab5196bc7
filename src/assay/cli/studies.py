"""``assay studies`` and ``show``: what can be run, and what running it would involve."""

from assay.cli import options
from assay.cli.formats import Format, put
from assay.cli.text import console
from assay.report.text import grid

COLUMNS = ("study", "question", "arms", "seeds", "source")


def studies(format: Format = "table") -> None:
    """List the built-in studies.

    Example: assay studies
    """
    from assay.study.builtin import builtin, load_study

    found = [load_study(name) for name in builtin()]
    rows = [
        {
            "study": one.name,
            "question": one.question,
            "arms": len(one.arms),
            "seeds": len(one.seeds),
            "source": one.source or None,
        }
        for one in found
    ]

    def show_table() -> None:
        table = grid("study", "question", "arms", left=2)
        for row in rows:
            table.add_row(str(row["study"]), str(row["question"]), str(row["arms"]))
        console().print(table)

    put(format, show_table, COLUMNS, rows)


@options.grouped
def show(
    study: options.Name,
    *,
    choices: options.Choices,
    workers: options.Workers = None,
    format: Format = "table",
) -> None:
    """Print a study's plan without training, and what running it takes.

    Example: assay show pooling --quick
    """
    from assay.cli import drawing, rows
    from assay.data.outline import outline
    from assay.running.capacity import that_fit, worker_count
    from assay.running.estimate import estimate
    from assay.running.plan import make_plan

    chosen = choices.study(study)
    worker_count(workers)
    sizes = outline(chosen.data)
    plan = make_plan(chosen, sizes)
    count = that_fit(plan, workers, sizes.bytes)

    def draw() -> None:
        terminal = console()
        terminal.print(drawing.study(plan), drawing.data(chosen.data, sizes), sep="\n")
        terminal.print(drawing.networks(plan))
        if plan.checks:
            terminal.print(drawing.checks(plan))
        terminal.print(drawing.costs(estimate(plan, sizes, count)))

    if format == "table":  # print what is known before anything is measured
        draw()
        return
    document = rows.plan(plan, sizes, estimate(plan, sizes, count))
    put(format, draw, rows.ARM_COLUMNS, document["arms"], document)
