"""The catalogue of data sets for users to choose from."""

from dataclasses import dataclass

from assay.data.hosted import COLLECTIONS, EMNIST_SETS, NAMES
from assay.data.remote import is_fetched

OWN = {
    "idx:DIR": ("a folder of IDX files, named like MNIST's", "name the folder"),
    "images:DIR": ("a folder of pictures for each class", "name the folder"),
    "npz:FILE": ("NumPy arrays of images and labels", "name the file"),
    "csv:FILE": ("a label and pixels in each row, plain or .gz", "name the file"),
    "mat:FILE": ("a MATLAB file, such as EMNIST's", "name the file"),
    "parquet:FILE": ("pictures and labels in columns (needs pyarrow)", "name the file"),
    "medmnist/NAME": ("a set of MedMNIST (needs its package)", "python -m medmnist save"),
}
"""Data of the user's own: what it is, and how it is named."""


@dataclass(frozen=True)
class SourceInfo:
    """A data set by the name that ``--data`` takes; ``how`` says how to get it."""

    name: str
    description: str
    available: bool
    how: str

    @property
    def here(self) -> str:
        """Whether the set is on this machine: yes or no, or a dash for what the user names."""
        return "–" if self.name in OWN else "yes" if self.available else "no"


def sources() -> list[SourceInfo]:
    """List every data set that assay knows, and whether it can be loaded now."""
    return [
        SourceInfo("glyphs", "47 classes drawn from pen strokes (synthetic)", True, "built in"),
        *(SourceInfo(name, what, True, how) for name, (what, how) in OWN.items()),
        *(_published(name) for name in NAMES),
    ]


def _published(name: str) -> SourceInfo:
    key, _, part = name.partition("/")
    collection = COLLECTIONS[key]
    description = f"EMNIST: {EMNIST_SETS[part]}" if part else collection.title
    return SourceInfo(name, description, is_fetched(name), f"assay data fetch {key} ({collection.size})")
