"""``assay check``: is a hand-written layer right, and how fast is it."""

from typing import Annotated

import typer

from assay.cli import options
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


def check(target: Target, against: Against = None, input_shape: Shape = None, settings: Set = None) -> None:
    """Check a layer that you wrote against its derivatives and assay's own.

    Example: assay check mylayers.py:Scale --input-shape 3,8,8
    """
    from assay.testing.check import check as checked
    from assay.testing.check_text import lines
    from assay.testing.source import input_shape as shape_of

    shape = shape_of(input_shape) if input_shape is not None else None
    arguments = dict(options.setting(text, "kernel_size=3") for text in settings or [])
    found = checked(target, against, shape, arguments)
    for line in lines(found):
        say(line)
    if not found.passed:
        raise typer.Exit(1)
