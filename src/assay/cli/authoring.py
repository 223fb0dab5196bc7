"""``assay init`` and ``schema``: help with writing a study file."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from assay.cli import process
from assay.cli.settings import setting
from assay.cli.text import say, write
from assay.errors import DataError, UsageError, shown

File = Annotated[
    str, typer.Argument(metavar="FILE", show_default=False, help="The file to write, such as width.toml.")
]
Question = Annotated[
    str | None, typer.Option("--question", metavar="TEXT", help="What the study is to answer.")
]
Vary = Annotated[
    str | None,
    typer.Option("--vary", metavar="KEY=A,B,...", help="A setting and its values; the first is the control."),
]
Data = Annotated[str | None, typer.Option("--data", metavar="SPEC", help="A data set; by default glyphs.")]

_COMMA = re.compile(r",(?![^\[{]*[\]}])")
"""A comma outside of brackets."""


def schema() -> None:
    """Print the JSON Schema of study files, for completion in an editor.

    Example: assay schema
    """
    from assay.report.export import json_text
    from assay.study.schema import study_schema

    write(json_text(study_schema()))


def init(file: File, *, question: Question = None, vary: Vary = None, data: Data = None) -> None:
    """Write a first study, with comments, after three questions.

    Example: assay init rates.toml --vary optimizer.lr=0.001,0.01
    """
    from assay.report.files import write_whole
    from assay.study.first import DATA, IMAGES, QUESTION, VARY, first_study

    path = Path(file).with_suffix(".toml")
    if path.exists():
        raise UsageError(f"{path}: exists already (choose another name)")
    usual = f"{VARY[0]}={','.join(map(str, VARY[1])).replace(' ', '')}"
    asked = question if question is not None else _ask("What do you want to know?", QUESTION)
    given = vary if vary is not None else _ask("Which setting differs, and in what?", usual)
    source = data if data is not None else _ask("On which data?", DATA)
    key, values = _levels(given)
    images = IMAGES if source == DATA else _images(source)
    say(write_whole(path, first_study(path.stem, asked, key, values, source, images)))


def _images(source: str) -> int:
    """Return how many training images a data set has; as many as are drawn where it cannot be read yet."""
    from assay.data import DataSpec
    from assay.data.outline import outline
    from assay.study.first import IMAGES

    try:
        return outline(DataSpec(source)).train
    except DataError:
        return IMAGES


def _ask(question: str, usual: str) -> str:
    """Ask at the terminal; without one, return the ``usual`` answer."""
    if not sys.stdin.isatty():
        return usual
    try:
        return str(typer.prompt(question, default=usual))
    except typer.Abort:  # of Ctrl-C as of the end of what is typed
        if process.is_stopped():
            raise KeyboardInterrupt from None
        raise UsageError(
            "standard input: ended before an answer (give --question, --vary and --data)"
        ) from None


def _levels(text: str) -> tuple[str, list[Any]]:
    """Split KEY=A,B,... into the setting and its values."""
    key, equals, values = text.partition("=")
    if not (equals and values.strip()):
        raise UsageError(f"--vary {shown(text)}: expected KEY=A,B,..., such as optimizer.lr=0.001,0.01")
    return key.strip(), list(_values(key, values))


def _values(key: str, text: str) -> Iterator[Any]:
    for word in _COMMA.split(text):
        yield setting(f"{key}={word.strip()}")[1]
