"""A folder of pictures for each class, or such folders for training, validation and test."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.data.address import Address
from assay.data.assembly import assembled
from assay.data.class_numbers import MOST_CLASSES
from assay.data.examples import Source
from assay.data.idx_layout import is_ours
from assay.data.picture_files import SUFFIXES, Form, fitted, opened, sample, show_colour
from assay.data.pixels import MOST_EXAMPLES, allocated
from assay.data.raw_part import RawPart
from assay.data.readers.picture_groups import key, read_groups
from assay.errors import DataError, reason

OPTIONS = ("size", "colour")
PARTS = {
    "train": "train", "training": "train", "valid": "valid", "val": "valid", "validation": "valid",
    "test": "test", "testing": "test",
}  # fmt: skip
SIDE, LARGEST_SIDE = 32, 96
"""Side that images of many sizes are brought to, and the largest that is kept where all have one."""
LOOKED_AT = 64
DEEPEST, MOST_FOLDERS = 2, 10_000


@dataclass(frozen=True)
class _Pictures:
    """The pictures of a part, in the order of names: for each class their paths in its folder."""

    folder: Path
    names: dict[str, list[str]]

    def __len__(self) -> int:
        return sum(map(len, self.names.values()))

    def __iter__(self) -> Iterator[tuple[Path, str]]:
        """Yield each picture and its class."""
        for label, names in self.names.items():
            for name in names:
                yield self.folder / label / name, label


def open_images(address: Address) -> Source:
    """Open ``images:DIR``: a folder a class, or such folders in train, test and valid (or val).

    Pictures are brought to one size: their own where all have the same, of at most 96 pixels, else 32x32;
    ``?size=64`` or ``?size=HxW`` chooses. Proportions are kept. They are read in colour if 64 of them
    show more than one tint; ``?colour=yes`` or ``no`` decides. ``groups`` names a file ``GROUPS.csv`` with
    columns file and group.
    """
    root, folders = _parts(address.path)
    found = {part: _pictures(folder) for part, folder in folders.items()}
    form, said = _form(address, [*found.values()])
    groups = read_groups(root, address.groups, _paths([*found.values()])) if address.groups else None
    parts = {part: _read(pictures, form, root, groups) for part, pictures in found.items()}
    names = sorted({name for pictures in found.values() for name in pictures.names})
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


def _entries(path: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a folder, hidden files left out; not all at once, since it may hold millions."""
    try:
        with os.scandir(path) as entries:
            yield from (entry for entry in entries if is_ours(entry.name))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {reason(error)} (name a folder of pictures)") from error


def _folders(path: Path) -> list[Path]:
    names = []
    for entry in _entries(path):
        if _is_folder(entry):
            names.append(entry.name)
        if len(names) > MOST_FOLDERS:
            raise DataError(f"{path}: more than {MOST_FOLDERS:,} folders (expected a folder for each class)")
    return [path / name for name in sorted(names)]


def _has_pictures(path: Path) -> bool:
    return any(map(_is_picture, _entries(path)))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether something is a folder, and not a link to one that contains it."""
    try:
        found = entry.is_dir()
    except OSError:  # a link to itself
        return False
    if not found or not entry.is_symlink():
        return found
    here = Path(os.path.realpath(os.path.dirname(entry.path)))
    return not here.is_relative_to(os.path.realpath(entry.path))


def _is_picture(entry: os.DirEntry[str]) -> bool:
    try:
        return os.path.splitext(entry.name)[1].lower() in SUFFIXES and entry.is_file()
    except OSError:
        return False


def _pictures(folder: Path) -> _Pictures:
    """Return the pictures of every class; those in folders below a class too."""
    found: dict[str, list[str]] = {}
    left = MOST_EXAMPLES
    for one in _folders(folder):
        if names := [*islice(_below(one, ""), left + 1)]:
            found[one.name] = names
        if (left := left - len(names)) < 0:
            raise DataError(f"{folder}: more than {MOST_EXAMPLES:,} pictures")
        if len(found) > MOST_CLASSES:
            raise DataError(
                f"{folder}: more than {MOST_CLASSES} folders of pictures, expected at most so many classes"
            )
    if not found:
        raise DataError(f"{folder}: contains no pictures (expected PNG, JPEG, WebP or TIFF)")
    return _Pictures(folder, found)


def _below(folder: Path, above: str, depth: int = 0) -> Iterator[str]:
    """Yield the pictures' paths in the order of names, folders among them.

    The first picture found is opened at once: a folder of a million other files is not listed.
    """
    names, folders = list[str](), set[str]()
    for entry in _entries(folder):
        if _is_picture(entry):
            if len(names) == len(folders):
                opened(Path(entry.path), entry.path).close()
            names.append(entry.name)
        elif depth < DEEPEST and not entry.is_symlink() and _is_folder(entry):
            names.append(entry.name)
            folders.add(entry.name)
        if len(names) > MOST_EXAMPLES:
            raise DataError(f"{folder}: more than {MOST_EXAMPLES:,} pictures")
    names.sort()
    for name in names:
        if name in folders:
            yield from _below(folder / name, f"{above}{name}/", depth + 1)
        else:
            yield f"{above}{name}" if above else name


def _form(address: Address, found: list[_Pictures]) -> tuple[Form, str]:
    """Return the form that all pictures are brought to, and say which."""
    sizes: Counter[tuple[int, int]] = Counter()
    for path in _paths(found):
        with opened(path, str(path)) as image:
            sizes[image.height, image.width] += 1
    colour = address.flag("colour")
    if colour is None:
        step = -(-sum(map(len, found)) // LOOKED_AT)
        colour = show_colour(map(_sample, islice(_paths(found), 0, None, step)))
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


def _paths(found: list[_Pictures]) -> Iterator[Path]:
    return (path for pictures in found for path, _ in pictures)


def _sample(path: Path) -> NDArray[np.float64]:
    with opened(path, str(path)) as image:
        return sample(image, str(path))


def _read(pictures: _Pictures, form: Form, root: Path, groups: dict[str, str] | None) -> RawPart:
    folder = pictures.folder
    images = allocated(str(folder), (len(pictures), *form.shape))
    for index, (path, _) in enumerate(pictures):
        with opened(path, str(path)) as image:
            images[index] = fitted(image, form, str(path))
    labels = np.array([name for _, name in pictures], object)
    if groups is None:
        return RawPart(images, labels, str(folder))
    return RawPart(
        images, labels, str(folder), np.array([groups[key(path, root)] for path, _ in pictures], object)
    )
