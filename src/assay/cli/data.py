"""``assay data``: which data sets there are, what they look like, and how to get them."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from assay.cli.formats import Format, put
from assay.cli.help import Command, Group
from assay.cli.text import console, say
from assay.report.text import grid

SOURCE_COLUMNS = ("name", "description", "available", "how")

app = typer.Typer(
    cls=Group, help="Data sets: list, info, preview, import, fetch, verify.", rich_markup_mode=None
)

Spec = Annotated[
    str, typer.Argument(metavar="SPEC", show_default=False, help="glyphs, images:DIR, csv:FILE, ...")
]
Sheet = Annotated[str, typer.Option("--out", metavar="PNG", help="Where to write the picture.")]
Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="emnist, mnist, cifar10, ...")]
NewFolder = Annotated[
    str, typer.Argument(metavar="OUT", show_default=False, help="A new folder, or an empty one.")
]
Groups = Annotated[
    str | None,
    typer.Option("--groups", metavar="NAME", help="The column or file of groups to keep, as well."),
]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="PLACE", help="Another address, a folder, or EMNIST's zip file."),
]


@app.command("list", cls=Command)
def list_(format: Format = "table") -> None:
    """List the data sets, and how to get them.

    Example: assay data list
    """
    from assay.data import sources

    found = sources()

    def show() -> None:
        table = grid("data set", "what it is", "here", left=3)
        for source in found:
            table.add_row(source.name, source.description, source.here)
        console().print(table)
        if missing := dict.fromkeys(source.how for source in found if not source.available):
            say("\nto download:", *missing, sep="\n  ")

    put(format, show, SOURCE_COLUMNS, map(asdict, found))


@app.command(cls=Command)
def info(spec: Spec, format: Format = "table") -> None:
    """Say how many images and classes a data set has, and how it was read.

    Example: assay data info images:path/to/folder
    """
    from assay.data import load, overlap

    data = load(spec)
    channels, height, width = data.input_shape
    row = {
        "name": data.name,
        "synthetic": data.synthetic,
        "height": height,
        "width": width,
        "channels": channels,
        "train": len(data.train),
        "valid": len(data.valid),
        "test": len(data.test),
        "classes": len(data.classes),
        "overlap": overlap(data),
        "sha256": data.digest,
    }

    def show() -> None:
        drawn = "synthetic, drawn by assay, " if data.synthetic else ""  # of files nobody knows
        say(f"{data.name}: {drawn}{height} x {width} pixels{', in colour' if channels == 3 else ''}")
        say(f"train {len(data.train):,}, valid {len(data.valid):,}, test {len(data.test):,} images")
        say(f"{len(data.classes)} classes: {' '.join(data.classes)}")
        for note in data.notes:
            say(note)
        say(f"test images that occur in train or valid too: {row['overlap']:,}")
        say(f"sha256 {data.digest}")

    put(format, show, tuple(row), [row], {**row, "class_names": data.classes, "notes": data.notes})


@app.command(cls=Command)
def preview(spec: Spec, out: Sheet = "preview.png") -> None:
    """Draw a contact sheet of a data set, a few images of each class.

    Example: assay data preview glyphs --out glyphs.png
    """
    from assay.data import contact_sheet, load
    from assay.errors import UsageError

    sheet = contact_sheet(load(spec))
    try:
        sheet.save(Path(out))
    except (OSError, ValueError) as error:
        raise UsageError(f"{out}: cannot be written ({error}; name a .png file)") from None
    say(out)


@app.command("import", cls=Command)
def import_(spec: Spec, folder: NewFolder, groups: Groups = None) -> None:
    """Write a data set as IDX files, with the names of its classes.

    Example: assay data import csv:train.csv characters
    """
    from assay.data import DataSpec, import_data

    say(import_data(DataSpec(spec, groups=groups), folder))


@app.command(cls=Command)
def fetch(name: Name, place: From = None) -> None:
    """Download a data set into the cache and check it.

    Example: assay data fetch emnist
    """
    from assay.data import fetch as get

    say(get(name, base_url=place))


@app.command(cls=Command)
def verify(name: Name) -> None:
    """Compare a fetched data set with what was fetched.

    Example: assay data verify emnist
    """
    from assay.data.remote import verify as compare

    say(f"{name}: {compare(name)} files are as they were fetched")
