"""``assay check``: whether a hand-written layer is right, and how fast it is."""

from typing import Annotated

import typer

from assay.cli.formats import Format, put
from assay.cli.text import say

Target = Annotated[
    str,
    typer.Argument(metavar="PATH.py:ClassName", show_default=False, help="A layer's file and class."),
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
    target: Target,
    against: Against = None,
    input_shape: Shape = None,
    settings: Set = None,
    format: Format = "table",
) -> None:
    """Check the derivatives of a layer that you wrote, and its numbers.

    Example: assay check mylayers.py:Scale --input-shape 3,8,8
    """
    from assay.cli import rows
    from assay.cli.settings import setting
    from assay.testing.check import check as checked
    from assay.testing.check_text import lines
    from assay.testing.source import input_shape as shape_of

    shape = shape_of(input_shape) if input_shape is not None else None
    arguments = dict(setting(text, "kernel_size=3") for text in settings or [])
    found = checked(target, against, shape, arguments)
    row = rows.check(found)
    put(format, lambda: say(*lines(found), sep="\n"), rows.CHECK_COLUMNS, [row], row)
    if not found.passed:
        raise typer.Exit(1)
