"""``assay init`` and ``schema``: help with writing a study file."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from assay.cli import process
from assay.cli.settings import setting
from assay.cli.text import say, write
from assay.errors import AssayError, UsageError, one_line, shown

File = Annotated[
    str, typer.Argument(metavar="FILE", show_default=False, help="The file to write, such as width.toml.")
]
Question = Annotated[
    str | None, typer.Option("--question", metavar="TEXT", help="What the study is to answer.")
]
Vary = Annotated[
    list[str] | None,
    typer.Option(
        "--vary",
        metavar="KEY=A,B,...",
        help="A setting and its values; the first is the control. May be repeated: all are crossed.",
    ),
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
    from assay.study.first import DATA, QUESTION, VARY, first_study

    if not Path(file).name:
        raise UsageError(f"{shown(file)}: expected a file's name, such as width.toml")
    path = Path(file).with_suffix(".toml")
    _expect_place(path)
    first_study(path.stem, QUESTION, VARY)  # under this name there can be a study
    usual = f"{VARY[0]}={','.join(map(str, VARY[1])).replace(' ', '')}"
    asks = {
        "question": _Ask("What do you want to know?", QUESTION, partial(_checked, path.stem)),
        "vary": _Ask("Which setting differs, and in what?", usual, partial(_levels, path.stem)),
        "data": _Ask("On which data?", DATA, partial(_images, path.parent)),
    }
    given = {"question": question, "data": data}
    found = {name: asks[name].read(text) for name, text in given.items() if text is not None}
    if vary:
        found["vary"] = [levels for text in vary for levels in asks["vary"].read(text)]
    found |= {name: ask.answer() for name, ask in asks.items() if name not in found}
    source, images = found["data"]
    text = first_study(path.stem, found["question"], *found["vary"], data=source, images=images)
    say(write_whole(path, text))


@dataclass(frozen=True)
class _Ask:
    """A question, its usual answer, and what reads one: it raises `AssayError` for what is no answer."""

    question: str
    usual: str
    read: Callable[[str], Any]

    def answer(self) -> Any:
        """Ask at the terminal until the answer can be read; without one, return the usual answer."""
        if not sys.stdin.isatty():
            return self.read(self.usual)
        while True:
            typed = _typed(self.question, self.usual)
            try:
                return self.read(typed)
            except AssayError as error:
                say(one_line(str(error)))


def _expect_place(path: Path) -> None:
    """Raise `UsageError` where no new file can be written, before anything is asked."""
    if path.exists():
        raise UsageError(f"{path}: exists already (choose another name)")
    if not (os.path.isdir(path.parent) and os.access(path.parent, os.W_OK)):
        raise UsageError(f"{path}: cannot be written, {path.parent} is no folder that may be written into")


def _typed(question: str, usual: str) -> str:
    """Return what is typed in answer to a question."""
    try:
        return str(typer.prompt(question, default=usual))
    except typer.Abort:  # of Ctrl-C as of the end of what is typed
        if process.is_stopped():
            raise KeyboardInterrupt from None
        raise UsageError(
            "standard input: ended before an answer (give --question, --vary and --data)"
        ) from None


def _checked(name: str, question: str) -> str:
    """Return a question that a study called ``name`` can have."""
    from assay.study.first import VARY, first_study

    first_study(name, question, VARY)
    return question


def _images(folder: Path, source: str) -> tuple[str, int]:
    """Return a data set that a study in ``folder`` can name, with the number of its training images."""
    from assay.data import DataSpec
    from assay.data.address import relative_to
    from assay.data.outline import outline
    from assay.study.first import DATA, IMAGES

    return source, IMAGES if source == DATA else outline(DataSpec(relative_to(folder, source))).train


def _levels(name: str, text: str) -> list[tuple[str, list[Any]]]:
    """Split KEY=A,B,... into one setting and its values, in which the arms of a study can differ."""
    from assay.study.first import QUESTION, first_study

    key, equals, values = text.partition("=")
    if not (equals and values.strip() and all(key.strip().split("."))):
        raise UsageError(f"--vary {shown(text)}: expected KEY=A,B,..., such as optimizer.lr=0.001,0.01")
    levels = key.strip(), list(_values(key, values))
    first_study(name, QUESTION, levels)
    return [levels]


def _values(key: str, text: str) -> Iterator[Any]:
    for word in _COMMA.split(text):
        yield setting(f"{key}={word.strip()}")[1]
