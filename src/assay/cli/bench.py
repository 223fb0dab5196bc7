"""``assay bench``: what assay's own parts cost on this machine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.text import console, say
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.bench.convolution import Case, Settings

app = typer.Typer(help="Measure assay's own parts on this machine: convolution.", rich_markup_mode=None)

FIGURE = "convolution.png"

Out = Annotated[str, typer.Option("--out", metavar="DIR", help="The folder to draw the figure into.")]
Quick = Annotated[bool, typer.Option("--quick", help="Small images and few rounds: some seconds.")]


@app.command()
def convolution(out: Out = "assay-runs/bench", quick: Quick = False) -> None:
    """Compare six ways to convolve: time, working memory and rounding error.

    Example: assay bench convolution --quick
    """
    from assay.bench import convolution as bench
    from assay.bench.convolution_views import draw, table

    settings = bench.QUICK if quick else bench.Settings()
    figure = Path(out) / FIGURE
    with _writing(out):  # before anything is measured, so that nothing is measured for nothing
        figure.parent.mkdir(parents=True, exist_ok=True)
    with _progress(settings) as on_case:
        measured = bench.run(settings, on_case)
    console().print(table(measured))
    for answer in (bench.answer, bench.rounding_answer, bench.addition_answer):
        console().print(f"\n{answer(measured)}")
    with _writing(out):
        draw(measured, figure)
    say(f"\n{figure}")


@contextmanager
def _writing(out: str) -> Iterator[None]:
    """Turn what cannot be written into one line."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise UsageError(f"{out}: cannot be written ({error}; name another folder with --out)") from None


@contextmanager
def _progress(settings: "Settings") -> Iterator[Callable[["Case"], None]]:
    """Say which case is being measured: in one line that changes, or a line each where nobody watches."""
    total = len(settings.image_sizes) * len(settings.kernel_sizes)
    done = iter(range(1, total + 1))
    terminal = console()
    with terminal.status("measuring") as status:

        def on_case(case: "Case") -> None:
            words = f"measuring image {case.image_size}, kernel {case.kernel_size} ({next(done)} of {total})"
            status.update(words) if terminal.is_terminal else say(words)

        yield on_case
