"""``assay predict``: recognise characters with a trained run."""

from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.counted import counted
from assay.cli.formats import Format, Row, put
from assay.cli.options import Folder, Trust, number
from assay.cli.standing import PLACE, place
from assay.cli.text import complain, console, say
from assay.errors import DataError, one_line
from assay.report.text import grid

if TYPE_CHECKING:
    from assay.findings.prediction import Prediction

COLUMNS = ("image", "character", "confidence", "arm", "seed", "temperature", *PLACE)

Images = Annotated[list[str], typer.Argument(metavar="IMAGE...", show_default=False, help="Picture files.")]
Arm = Annotated[str | None, typer.Option("--arm", metavar="ARM", help="Use the best run of this arm.")]
One = Annotated[bool, typer.Option("--one", help="Each picture shows one character.")]
Seed = Annotated[int | None, number("--seed", "Use the best run with this seed.")]


def predict(
    folder: Folder,
    images: Images,
    arm: Arm = None,
    seed: Seed = None,
    one: One = False,
    trust: Trust = None,
    format: Format = "table",
) -> None:
    """Recognise characters in image files with a trained run.

    Several characters in a picture are read in reading order, a row each.
    Exit status 2 says that some could not be read; the others are answered.

    Example: assay predict assay-runs/pooling-quick letter.png
    """
    from assay.findings import prediction

    errors: list[DataError] = []
    pictures = counted(images, "recognising")
    found = prediction.predict(
        folder, pictures, arm=arm, seed=seed, one=one, trust=trust or (), on_error=errors.append
    )
    put(format, lambda: _show(found), COLUMNS, map(_row, found))
    for error in errors:
        complain(str(error))
    if errors:
        raise typer.Exit(2)


def _show(found: "list[Prediction]") -> None:
    table = grid("image", "character", "confidence", "or")
    for item in found:
        others = ", ".join(f"{name} {100 * share:.0f}%" for name, share in item.runners_up)
        table.add_row(one_line(str(item.path)), item.character, f"{100 * item.confidence:.0f}%", others)
    if found:
        console().print(table)
        say(f"recognised by {found[0].run}{_calibration(found[0])}")


def _calibration(found: "Prediction") -> str:
    known = found.temperature is not None
    return "" if known else " (it has no temperature, so its confidence is not calibrated)"


def _row(found: "Prediction") -> Row:
    return {
        "image": str(found.path),
        "character": found.character,
        "confidence": found.confidence,
        "arm": found.run.arm,
        "seed": found.run.seed,
        "temperature": found.temperature,
        **place(found.line, found.word, found.box),
        "runners_up": [{"character": name, "confidence": share} for name, share in found.runners_up],
    }
