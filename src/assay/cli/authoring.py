"""``assay init`` and ``schema``: help with writing a study file."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli import process
from assay.cli.options import Trust
from assay.cli.settings import setting
from assay.cli.text import say, write
from assay.errors import AssayError, UsageError, one_line, shown

if TYPE_CHECKING:
    from assay.data.outline import Outline

Levels = tuple[str, Sequence[Any]]
"""A setting and its values."""

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


def init(
    file: File, *, question: Question = None, vary: Vary = None, data: Data = None, trust: Trust = None
) -> None:
    """Write a first study, with comments, after three questions.

    Example: assay init rates.toml --vary optimizer.lr=0.001,0.01
    """
    from assay.report.files import write_whole
    from assay.study.first import DATA, QUESTION, VARY, first_study

    if not Path(file).name:
        raise UsageError(f"{shown(file)}: expected a file's name, such as width.toml")
    path = Path(file).with_suffix(".toml")
    _expect_place(path)
    settings = list(map(_levels, vary or ()))
    # Of this name, with these, there can be a study.
    first_study(path.stem, QUESTION, *(settings or [VARY]), folder=path.parent)
    asks = {
        "question": _Ask("What do you want to know?", QUESTION, partial(_checked, path.stem)),
        "data": _Ask("On which data?", DATA, partial(_images, path.parent)),
    }
    given = {"question": question, "data": data}
    found = {name: asks[name].read(text) for name, text in given.items() if text is not None}
    found |= {name: ask.answer() for name, ask in asks.items() if name not in found}
    source, sizes = found["data"]
    planned = partial(_planned, path, found["question"], source, sizes, trust or ())
    usual = f"{VARY[0]}={','.join(map(str, VARY[1])).replace(' ', '')}"
    differs = _Ask("Which setting differs, and in what?", usual, lambda typed: planned([_levels(typed)]))
    say(write_whole(path, planned(settings) if settings else differs.answer()))


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


def _images(folder: Path, source: str) -> tuple[str, "Outline"]:
    """Return a data set that a study in ``folder`` can name, with its sizes."""
    from assay.data import DataSpec
    from assay.data.address import relative_to
    from assay.data.outline import outline
    from assay.study.first import DATA, IMAGES

    spec = DataSpec(relative_to(folder, source), train=IMAGES if source == DATA else None)
    return source, outline(spec)


def _planned(
    path: Path, question: str, source: str, sizes: "Outline", trust: Sequence[str], settings: list[Levels]
) -> str:
    """Return the text of a study file whose plan `assay show` would print; else raise what it would say."""
    from assay.running.plan import make_plan
    from assay.study.builtin import study_in
    from assay.study.first import first_study

    text = first_study(
        path.stem, question, *settings, data=source, images=sizes.train, test=sizes.test, folder=path.parent
    )
    make_plan(study_in(path, text, trust), sizes)
    return text


def _levels(text: str) -> Levels:
    """Split KEY=A,B,... into one setting and its values."""
    key, equals, values = text.partition("=")
    if not (equals and values.strip() and all(key.strip().split("."))):
        raise UsageError(f"--vary {shown(text)}: expected KEY=A,B,..., such as optimizer.lr=0.001,0.01")
    return key.strip(), list(_values(key, values))


def _values(key: str, text: str) -> Iterator[Any]:
    for word in _COMMA.split(text):
        yield setting(f"{key}={word.strip()}")[1]
