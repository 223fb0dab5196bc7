"""``assay read``: read characters in pictures, with nothing trained before."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.counted import counted
from assay.cli.formats import Format, Row, put
from assay.cli.standing import PLACE, place
from assay.cli.text import complain, console, say
from assay.errors import DataError, one_line
from assay.report.text import grid

if TYPE_CHECKING:
    from assay.reading import ReadCharacter, Reading

COLUMNS = ("image", "character", "confidence", *PLACE)
STANDARD_INPUT = "-"

Images = Annotated[
    list[str],
    typer.Argument(metavar="PICTURE...", show_default=False, help="Picture files; - is standard input."),
]
One = Annotated[bool, typer.Option("--one", help="Each picture shows one character.")]


def read(images: Images, one: One = False, format: Format = "table") -> None:
    """Read the characters in pictures, with the recogniser that comes with assay.

    Exit status 2 says that some pictures could not be read; the others are answered.

    Example: assay read note.jpg
    """
    found: list[Reading] = []
    errors: list[DataError] = []
    for image in counted(images, "reading"):
        try:
            found.append(_read(image, one))
        except DataError as error:
            errors.append(error)
    rows = [_row(item, character) for item in found for character in item.characters]
    put(format, lambda: _show(found), COLUMNS, rows)
    for each in errors:
        complain(str(each))
    if errors:
        raise typer.Exit(2)


def _read(image: str, one: bool) -> "Reading":
    from assay.reading import read
    from assay.reading.opening import MOST_BYTES

    if image != STANDARD_INPUT:
        return read(image, one=one)
    content = sys.stdin.buffer.read(MOST_BYTES + 1)
    if not content:
        raise DataError("standard input: is empty, expected a picture file")
    if len(content) > MOST_BYTES:
        raise DataError(f"standard input: is larger than {MOST_BYTES:,} bytes (give a smaller copy)")
    return read(content, one=one, name="standard input")


def _show(found: "list[Reading]") -> None:
    table = grid("image", "character", "confidence", "or", "at")
    for item in found:
        for one in item.characters:
            others = ", ".join(f"{name} {100 * share:.0f}%" for name, share in one.likeliest[1:])
            left, top, right, bottom = one.box
            place = f"{left}, {top} to {right}, {bottom}"
            table.add_row(one_line(item.name), one.character, f"{100 * one.confidence:.0f}%", others, place)
    if found:
        console().print(table)
        say(*(f"{one_line(item.name)}: {item.text}" for item in found), sep="\n")


def _row(found: "Reading", one: "ReadCharacter") -> Row:
    return {
        "image": found.name,
        "character": one.character,
        "confidence": one.confidence,
        **place(one.line, one.word, one.box),
        "likeliest": [{"character": name, "confidence": share} for name, share in one.likeliest],
    }
