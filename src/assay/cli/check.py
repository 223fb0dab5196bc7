"""``assay check``: whether a hand-written layer is right, and how fast it is."""

import sys
from contextlib import redirect_stdout
from typing import Annotated, Literal

import typer

from assay.cli.formats import put
from assay.cli.text import say

Target = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH.py:Name",
        show_default=False,
        help="A file and a class or function in it; or files and folders, each checked in its own process.",
    ),
]
Spec = Annotated[
    str | None,
    typer.Option("--spec", metavar="FILE.toml", help="What to check in files, and for how many points."),
]
CheckForm = Annotated[
    Literal["table", "json", "csv", "junit"],
    typer.Option("--format", metavar="FORMAT", help="table, json or csv; for files and folders also junit."),
]
Against = Annotated[
    str | None,
    typer.Option("--against", metavar="NAME", help="The built-in layer to compare with, such as Conv2d."),
]
Shape = Annotated[
    str | None,
    typer.Option("--input-shape", metavar="C,H,W", help="What it takes, without the batch: 3,8,8 or 12."),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "-s", "--set", metavar="KEY=VALUE", help="An argument of its constructor, such as kernel_size=3."
    ),
]


def check(
    targets: Target,
    against: Against = None,
    input_shape: Shape = None,
    settings: Set = None,
    spec: Spec = None,
    format: CheckForm = "table",
) -> None:
    """Check the derivatives of a layer that you wrote, and its numbers; or of all of a class.

    Example: assay check mylayers.py:Scale --input-shape 3,8,8
    """
    target, *more = targets
    if more or spec or format == "junit" or not target.rpartition(":")[0]:
        check_files(targets, spec, format)
        return
    from assay.cli import rows
    from assay.cli.settings import setting
    from assay.testing.check import check as checked
    from assay.testing.check_text import lines
    from assay.testing.source import input_shape as shape_of

    shape = shape_of(input_shape) if input_shape is not None else None
    arguments = dict(setting(text, "kernel_size=3") for text in settings or [])
    with redirect_stdout(sys.stderr):  # what the user's code prints is no part of the answer
        found = checked(target, against, shape, arguments)
    row = rows.check(found)
    put(format, lambda: say(*lines(found), sep="\n"), rows.CHECK_COLUMNS, [row], row)
    if not found.passed:
        raise typer.Exit(1)


def check_files(places: list[str], spec: str | None, form: str) -> None:
    """Check files and folders, and show who is right in what."""
    from pathlib import Path

    from assay.testing.classroom import check_class, read_spec
    from assay.testing.marks import FORMS, table

    marks = check_class([Path(place) for place in places], read_spec(Path(spec)) if spec else None)
    say("\n".join(table(marks)) if form == "table" else FORMS[form](marks).rstrip())
    if not all(mark.passed for mark in marks):
        raise typer.Exit(1)
