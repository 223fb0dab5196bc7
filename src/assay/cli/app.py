"""The ``assay`` command: its parts put together, and what happens to errors.

Exit status: 0 done, 1 a run failed, a checked layer is wrong or assay has a bug,
2 something the user can mend, 130 stopped with Ctrl-C.
"""

import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from assay.cli import bench, check, data, doctor, folders, plan, predict, reproduce, run, studies
from assay.cli.text import complain
from assay.errors import AssayError

DEBUG = "ASSAY_DEBUG"
FAILED, WRONG = 1, 2

app = typer.Typer(
    help="Controlled experiments on the ingredients of neural networks.\n\nTry: assay run pooling --quick",
    epilog="Each command says more: assay run --help",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from assay import __version__

        typer.echo(f"assay {__version__}")
        raise typer.Exit


@app.callback()
def _assay(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


for _command in (
    studies.studies,
    studies.show,
    plan.plan,
    run.run,
    run.extend,
    reproduce.reproduce,
    folders.status,
    folders.results,
    folders.report,
    doctor.doctor,
    doctor.salvage,
    predict.predict,
    check.check,
):
    app.command()(_command)
app.add_typer(data.app, name="data")
app.add_typer(bench.app, name="bench")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; errors become one line on stderr."""
    _forgive_encodings()
    words = sys.argv[1:] if arguments is None else arguments
    try:
        status = app(words or ["--help"], prog_name="assay", standalone_mode=False)
        sys.stdout.flush()
        return int(status or 0)
    except AssayError as error:
        return _complain(str(error), WRONG)
    except typer.TyperException as error:
        return _complain(_usage(error), WRONG)
    except BrokenPipeError:
        return _quiet()
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        return _unexpected(error)


def _complain(message: str, status: int) -> int:
    complain(message)
    return status


def _usage(error: typer.TyperException) -> str:
    """Say what is wrong with the command's words, and where its help is."""
    message = error.format_message().replace("Value error, ", "").strip().rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "assay"
    return f"{message[:1].lower()}{message[1:]} (see `{path} --help`)"


def _unexpected(error: Exception) -> int:
    if isinstance(error, MemoryError):
        return _complain(f"not enough memory ({error}; use a smaller network, batch_size or data set)", WRONG)
    if os.environ.get(DEBUG):
        traceback.print_exc()
        return FAILED
    return _complain(
        f"unexpected {type(error).__name__}: {error} (a bug of assay's; {DEBUG}=1 shows the traceback)",
        FAILED,
    )


def _quiet() -> int:
    """Say nothing more: the reader of stdout has left, as ``head`` does."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


def _forgive_encodings() -> None:
    """Let a terminal that lacks a character show a substitute."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")
