"""``assay predict``: recognise characters with a trained run."""

from typing import Annotated

import typer

from assay.cli.options import Folder, number
from assay.cli.text import console, grid

Images = Annotated[
    list[str], typer.Argument(metavar="IMAGE...", show_default=False, help="PNG or JPEG, one character each.")
]
Arm = Annotated[str | None, typer.Option("--arm", metavar="ARM", help="Use the best run of this arm.")]
Seed = Annotated[int | None, number("--seed", "Use the best run with this seed.")]


def predict(folder: Folder, images: Images, arm: Arm = None, seed: Seed = None) -> None:
    """Recognise characters in image files with a trained run.

    Example: assay predict assay-runs/pooling-quick letter.png
    """
    from assay import prediction

    found = prediction.predict(folder, images, arm=arm, seed=seed)
    table = grid("image", "character", "confidence", "or")
    for item in found:
        others = ", ".join(f"{name} {100 * share:.0f}%" for name, share in item.runners_up)
        table.add_row(str(item.path), item.character, f"{100 * item.confidence:.0f}%", others)
    console().print(table)
