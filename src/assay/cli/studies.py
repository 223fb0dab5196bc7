"""``assay studies`` and ``show``: what can be run, and what running it would mean."""

from assay.cli import options
from assay.cli.text import console
from assay.report.text import grid


def studies() -> None:
    """List the built-in studies.

    Example: assay studies
    """
    from assay.study.builtin import builtin, load_study

    table = grid("study", "question", "arms", left=2)
    for name in builtin():
        study = load_study(name)
        table.add_row(name, study.question, str(len(study.arms)))
    console().print(table)


def show(
    study: options.Name,
    *,
    data: options.Data = None,
    quick: options.Quick = False,
    seeds: options.Seeds = None,
    epochs: options.Epochs = None,
    engine: options.Engine = None,
    device: options.Device = None,
    workers: options.Workers = None,
    settings: options.Set = None,
) -> None:
    """Print a study's plan without training, and what it will take.

    Example: assay show pooling --quick
    """
    from assay.cli import drawing
    from assay.data.outline import outline
    from assay.running.estimate import estimate
    from assay.running.plan import make_plan
    from assay.running.run import worker_count

    chosen = options.chosen(study, quick, data, seeds, epochs, engine, settings, device)
    count = worker_count(workers)
    sizes = outline(chosen.data)
    plan = make_plan(chosen, sizes)
    terminal = console()
    terminal.print(drawing.study(plan), drawing.data(chosen.data.source, sizes), sep="\n")
    terminal.print(drawing.networks(plan))
    terminal.print(drawing.costs(estimate(plan, sizes, count)))
