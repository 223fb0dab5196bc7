"""A folder of pictures for each class, or such folders for training, validation and test."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.data.address import Address
from assay.data.assembly import MOST_CLASSES, RawPart, assembled
from assay.data.examples import Source
from assay.data.idx_layout import is_ours
from assay.data.picture_files import SUFFIXES, Form, fitted, opened, sample, show_colour
from assay.data.pixels import MOST_EXAMPLES, allocated
from assay.errors import DataError, suggestion

OPTIONS = ("size", "colour")
PARTS = {
    "train": "train", "training": "train", "valid": "valid", "val": "valid", "validation": "valid",
    "test": "test", "testing": "test",
}  # fmt: skip
SIDE, LARGEST_SIDE = 32, 96
"""Side that images of many sizes are brought to, and the largest that is kept where all have one."""
LOOKED_AT = 64
DEEPEST = 2
Pictures = list[tuple[Path, str]]  # file and class


def open_images(address: Address) -> Source:
    """Open ``images:DIR``: a folder a class, or such folders in train, test and valid (or val).

    Pictures are brought to one size: their own where all have the same, of at most 96 pixels, else 32x32;
    ``?size=64`` or ``?size=HxW`` chooses. Proportions are kept. They are read in colour if 64 of them
    show more than one tint; ``?colour=yes`` or ``no`` decides. ``groups`` names a file ``GROUPS.csv`` with
    columns file and group.
    """
    root, folders = _parts(address.path)
    found = {part: _pictures(folder) for part, folder in folders.items()}
    form, said = _form(address, [path for pictures in found.values() for path, _ in pictures])
    groups = _groups(root, address.groups) if address.groups else None
    parts = {part: _read(pictures, form, folders[part], root, groups) for part, pictures in found.items()}
    names = sorted({name for pictures in found.values() for _, name in pictures})
    if len(names) > MOST_CLASSES:
        raise DataError(
            f"{root}: {len(names):,} folders of pictures, expected at most {MOST_CLASSES} classes"
        )
    empty = sorted({one.name for folder in folders.values() for one in _folders(folder)} - {*names})
    notes = (said, *([f"no pictures in {', '.join(empty[:5])}: no class"] if empty else []))
    return assembled(parts, str(root), address=address, notes=notes)


def _parts(path: Path, depth: int = 0) -> tuple[Path, dict[str, Path]]:
    """Return the folder that is divided, and each part's folder of classes."""
    below = _folders(path)
    named = {PARTS[folder.name.lower()]: folder for folder in below if folder.name.lower() in PARTS}
    if "train" in named and all(_folders(folder) for folder in named.values()):
        return path, named
    if any(_has_pictures(folder) for folder in below):
        return path, {"train": path}
    inner = [folder for folder in below if _folders(folder)]
    if len(inner) == 1 and depth < DEEPEST:
        return _parts(inner[0], depth + 1)
    if len(inner) > 1:
        names = ", ".join(folder.name for folder in inner[:5])
        raise DataError(f"{path}: holds {len(inner)} folders of folders; name one of them ({names})")
    loose = " (there are pictures, but in no folder of their class)" if _has_pictures(path) else ""
    raise DataError(
        f"{path}: no pictures in folders{loose}; expected a folder for each class, of PNG or JPEG"
    )


def _listed(path: Path) -> list[Path]:
    try:
        return sorted(filter(is_ours, path.iterdir()))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot be read: {reason} (name a folder of pictures)") from error


def _folders(path: Path) -> list[Path]:
    return [entry for entry in _listed(path) if entry.is_dir()]


def _has_pictures(path: Path) -> bool:
    return any(map(_is_picture, _listed(path)))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _pictures(folder: Path) -> Pictures:
    """Return the pictures of every class, in the order of names; those in folders below a class too."""
    found: Pictures = []
    for one in _folders(folder):
        found += [(path, one.name) for path in _below(one)]
        if len(found) > MOST_EXAMPLES:
            raise DataError(f"{folder}: more than {MOST_EXAMPLES:,} pictures")
    if not found:
        raise DataError(f"{folder}: contains no pictures (expected PNG, JPEG, WebP or TIFF)")
    return found


def _below(folder: Path, depth: int = 0) -> Iterator[Path]:
    for entry in _listed(folder):
        if _is_picture(entry):
            yield entry
        elif entry.is_dir() and not entry.is_symlink() and depth < DEEPEST:
            yield from _below(entry, depth + 1)


def _form(address: Address, paths: list[Path]) -> tuple[Form, str]:
    """Return the form that all pictures are brought to, and say which."""
    sizes: Counter[tuple[int, int]] = Counter()
    for path in paths:
        with opened(path, str(path)) as image:
            sizes[image.height, image.width] += 1
    colour = address.flag("colour")
    if colour is None:
        colour = show_colour(map(_sample, paths[:: -(-len(paths) // LOOKED_AT)]))
    (common, _), kinds = sizes.most_common(1)[0], len(sizes)
    asked = address.whole_numbers("size", (1, 2), most=1024)
    size = (
        (asked[0], asked[-1])
        if asked
        else common
        if kinds == 1 and max(common) <= LARGEST_SIDE
        else (SIDE, SIDE)
    )
    shades = "in colour" if colour else "in grey"
    if kinds == 1 and size == common:
        return Form(size, colour), f"pictures: all {size[0]} x {size[1]}, read {shades}"
    many = f"{kinds:,} sizes" if kinds > 1 else f"{common[0]} x {common[1]}"
    return Form(size, colour), (
        f"pictures: of {many}, brought to {size[0]} x {size[1]} with their proportions kept, the rest in the "
        f"colour of the border; read {shades} (?size=HxW, ?colour=yes|no)"
    )


def _sample(path: Path) -> NDArray[np.float64]:
    with opened(path, str(path)) as image:
        return sample(image, str(path))


def _read(pictures: Pictures, form: Form, folder: Path, root: Path, groups: dict[str, str] | None) -> RawPart:
    images = allocated(str(folder), (len(pictures), *form.shape))
    for index, (path, _) in enumerate(pictures):
        with opened(path, str(path)) as image:
            images[index] = fitted(image, form, str(path))
    labels = np.array([name for _, name in pictures])
    if groups is None:
        return RawPart(images, labels, str(folder))
    return RawPart(
        images, labels, str(folder), np.array([_group(path, root, groups) for path, _ in pictures])
    )


def _groups(root: Path, name: str) -> dict[str, str]:
    """Return the group of each file by its path in ``root``, as the table ``NAME.csv`` says."""
    path = root / f"{name}.csv"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(
            f"{path}: cannot be read: {reason} (expected rows of a file and its {name})"
        ) from None
    for number, row in enumerate(rows, start=1):
        if len(row) != 2:
            raise DataError(f"{path}: row {number:,}: {len(row)} columns, expected a file and its {name}")
    return {Path(file.strip()).as_posix(): group.strip() for file, group in rows}


def _group(path: Path, root: Path, groups: dict[str, str]) -> str:
    key = path.relative_to(root).as_posix()
    if key not in groups:
        raise DataError(f"{path}: has no group ({suggestion(key, list(groups)[:1000])})")
    return groups[key]
