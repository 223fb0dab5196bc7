"""The ``assay`` command: its parts assembled, and errors handled.

Exit status: 0 done; 1 a run failed, a checked layer is wrong or assay has a bug;
2 an error that the user can fix; 130 stopped with Ctrl-C, 143 with SIGTERM.
"""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from assay.cli import (
    authoring,
    bench,
    check,
    data,
    doctor,
    exchange,
    folders,
    plan,
    predict,
    process,
    read,
    reproduce,
    studies,
    view,
)
from assay.cli import run as training
from assay.cli.help import WIDEST, Command, Group
from assay.cli.text import complain
from assay.errors import AssayError, nearest, shown
from assay.records import free_memory

DEBUG = "ASSAY_DEBUG"
FAILED, WRONG = 1, process.WRONG

app = typer.Typer(
    cls=Group,
    help="Controlled experiments on the ingredients of neural networks.\n\nTry: assay run pooling --quick",
    epilog="Each command says more: assay run --help",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDEST},
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


PANELS: dict[str, tuple[Callable[..., Any], ...]] = {
    "Study": (
        studies.studies,
        authoring.init,
        authoring.schema,
        studies.show,
        plan.plan,
        training.run,
        training.extend,
        training.fork,
        reproduce.reproduce,
    ),
    "Look": (
        folders.status,
        folders.results,
        folders.report,
        view.view,
        view.draw,
        predict.predict,
        read.read,
        doctor.doctor,
        doctor.salvage,
    ),
    "Exchange": (exchange.export, exchange.import_, exchange.judge),
    "Layers": (check.check,),
}
"""The commands under the headings of ``assay --help``; there are also two groups of commands."""

for _panel, _commands in PANELS.items():
    for _command in _commands:
        app.command(_command.__name__.rstrip("_"), cls=Command, rich_help_panel=_panel)(_command)
app.add_typer(data.app, name="data", rich_help_panel="Data")
app.add_typer(bench.app, name="bench", rich_help_panel="Machine")


def run(words: Sequence[str]) -> int:
    """Run the command line ``words`` and return its exit status; errors become one line on stderr."""
    process.open_streams()
    process.tame_libraries()
    process.begin()
    try:
        process.expect_memory()
        process.expect_folder()
        status = _run(words)
        sys.stdout.flush()
        return status
    except AssayError as error:
        return _complain(str(error), WRONG)
    except MemoryError as error:
        return _unexpected(error)
    except BrokenPipeError:  # the reader of stdout has closed it, as `head` does
        process.silence(sys.stdout)
        return FAILED
    except OSError as error:
        if not process.cannot_write(error):
            return _unexpected(error)
        process.silence(sys.stdout)
        return _complain(f"cannot write: {error.strerror} (is standard output, or the disk, full?)", WRONG)


def _run(words: Sequence[str]) -> int:
    try:
        status = int(app(words or ["--help"], prog_name="assay", standalone_mode=False) or 0)
        # Typer answers any interruption with the status of Ctrl-C.
        return process.stopped() if status == process.INTERRUPTED else status
    except AssayError as error:
        return _complain(str(error), WRONG)
    except typer.TyperException as error:
        return _complain(_usage(error), WRONG)
    except OSError:
        raise
    except Exception as error:
        return _unexpected(error)


def _complain(message: str, status: int) -> int:
    complain(message)
    return status


def _usage(error: Any) -> str:
    """Say what is wrong with the command line, and where to find help."""
    context: Any = getattr(error, "ctx", None)
    more = f"see `{context.command_path if context else 'assay'} --help`"
    if hasattr(error, "possibilities"):
        near = nearest(error.option_name, _options(context))
        meant = f"did you mean {near!r}? " if near else ""
        return f"no such option {shown(error.option_name)} ({meant}{more})"
    message = error.format_message().replace("Value error, ", "").strip().rstrip(".")
    return f"{message[:1].lower()}{message[1:]} ({more})"


def _options(context: Any) -> list[str]:
    """Return the options of the command that was called."""
    return [
        name for each in context.command.get_params(context) for name in (*each.opts, *each.secondary_opts)
    ]


def _short(error: BaseException) -> str:
    """Say that memory is short, and what for."""
    limit = free_memory.address_limit()
    if limit < free_memory.UNKNOWN:
        return f"not enough memory ({error}; `ulimit -v` allows {limit >> 20:,} MiB: raise it)"
    return f"not enough memory ({error}; use a smaller network, batch_size or data set)"


def _unexpected(error: Exception) -> int:
    if found := process.shortage(error):
        return _complain(found, WRONG)
    if process.is_out_of_memory(error):
        return _complain(_short(error), WRONG)
    if isinstance(error, ModuleNotFoundError) and not process.is_own(error):
        return _complain(process.lacks(error), WRONG)
    if os.environ.get(DEBUG):
        traceback.print_exc()
        return FAILED
    return _complain(
        f"unexpected {type(error).__name__}: {error} (a bug of assay's; {DEBUG}=1 shows the traceback)",
        FAILED,
    )
