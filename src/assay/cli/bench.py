"""``assay bench``: how fast this machine trains, and what assay's own parts cost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.help import Command, Group
from assay.cli.options import number
from assay.cli.text import console, say
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.bench.convolution import Case, ConvolutionSettings

app = typer.Typer(cls=Group, help="Measure on this machine: training, convolution.", rich_markup_mode=None)

FIGURE = "convolution.png"

Out = Annotated[str, typer.Option("--out", metavar="DIR", help="The folder to draw the figure into.")]
Quick = Annotated[bool, typer.Option("--quick", help="Small images and few rounds: some seconds.")]

Networks = Annotated[
    str | None,
    typer.Option(
        "--networks", metavar="LIST", help="Such as D,A2,B4-max, or all.  [default: D,A1,A2,B4-max]"
    ),
]
Methods = Annotated[
    str | None, typer.Option("--methods", metavar="LIST", help="Such as numba,vmap, or all.  [default: all]")
]
Threads = Annotated[
    str | None, typer.Option("--threads", metavar="LIST", help="Processors used: 1,2.  [default: 1]")
]
Parts = Annotated[
    str | None,
    typer.Option(
        "--parts", metavar="LIST", help="Of rates,study,start,memory,scaling, or all.  [default: rates]"
    ),
]
Rounds = Annotated[int | None, number("--rounds", "Turns of each method.  [default: 9]")]
Device = Annotated[str, typer.Option("--device", metavar="NAME", help="cpu or cuda.")]
Images = Annotated[
    str, typer.Option("--images", metavar="SPEC", help="noise, or a data set of 28x28: glyphs, idx:DIR.")
]
Json = Annotated[
    str | None, typer.Option("--json", metavar="FILE", help="Write all that was measured into FILE too.")
]
Trial = Annotated[bool, typer.Option("--quick", help="Two networks, three methods, three short rounds.")]


@app.command(cls=Command)
def training(
    *,
    networks: Networks = None,
    methods: Methods = None,
    threads: Threads = None,
    parts: Parts = None,
    rounds: Rounds = None,
    device: Device = "cpu",
    images: Images = "noise",
    json: Json = None,
    quick: Trial = False,
) -> None:
    """Compare how fast assay and its peers train the same networks.

    Example: assay bench training --quick
    """
    from assay.bench import training as bench
    from assay.bench.training_views import document, machine, views

    given = {"networks": networks, "methods": methods, "threads": threads, "parts": parts}
    settings = bench.chosen(bench.QUICK if quick else bench.TrainingSettings(), given, rounds, device, images)
    if json is not None:
        _expect_writable(Path(json))
    with _status() as tell:
        measured = bench.run(settings, lambda words: tell(f"measuring {words}"))
    if json is not None:
        Path(json).write_text(dumps(document(measured), indent=1) + "\n", "utf-8")
    console().print(machine(measured), soft_wrap=True)
    for title, table in views(measured):
        console().print(f"\n{title}\n", soft_wrap=True)
        console().print(table)
    for words, reason in measured.left_out.items():
        say(f"\n{words}: {reason}")


@app.command(cls=Command)
def convolution(out: Out = "assay-runs/bench", quick: Quick = False) -> None:
    """Compare six ways to convolve: time, memory and rounding error.

    Example: assay bench convolution --quick
    """
    from assay.bench import convolution as bench
    from assay.bench import convolution_answers as answers
    from assay.bench.convolution_views import draw, table

    settings = bench.QUICK if quick else bench.ConvolutionSettings()
    figure = Path(out) / FIGURE
    with _writing(out):  # before anything is measured, so that no measurement is wasted
        figure.parent.mkdir(parents=True, exist_ok=True)
    with _status() as tell:
        measured = bench.run(settings, _counted(settings, tell))
    console().print(table(measured))
    for answer in (answers.answer, answers.rounding_answer, answers.addition_answer):
        console().print(f"\n{answer(measured)}")
    with _writing(out):
        draw(measured, figure)
    say(f"\n{figure}")


def _counted(settings: "ConvolutionSettings", tell: Callable[[str], None]) -> Callable[["Case"], None]:
    """Report which case is being measured, and how many there are."""
    total = len(settings.image_sizes) * len(settings.kernel_sizes)
    done = iter(range(1, total + 1))

    def on_case(case: "Case") -> None:
        tell(f"measuring image {case.image_size}, kernel {case.kernel_size} ({next(done)} of {total})")

    return on_case


@contextmanager
def _writing(out: str) -> Iterator[None]:
    """Turn a failure to write into a one-line error."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise UsageError(f"{out}: cannot be written ({error}; name another folder with --out)") from None


def _expect_writable(path: Path) -> None:
    """Refuse a file that cannot be written before anything is measured."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("a").close()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be written ({error}; name another file with --json)") from None


@contextmanager
def _status() -> Iterator[Callable[[str], None]]:
    """Report what is being done: in one line that changes, or one line each outside a terminal."""
    terminal = console()
    with terminal.status("measuring") as status:
        yield lambda words: status.update(words) if terminal.is_terminal else say(words)
