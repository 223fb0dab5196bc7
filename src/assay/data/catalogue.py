"""The catalogue of data sets for users to choose from."""

from dataclasses import dataclass

from assay.data.hosted import COLLECTIONS, EMNIST_SETS, NAMES
from assay.data.remote import is_fetched

FOLDER = "idx:DIR"


@dataclass(frozen=True)
class SourceInfo:
    """A data set by the name that ``--data`` takes; ``how`` says how to get it."""

    name: str
    description: str
    available: bool
    how: str

    @property
    def here(self) -> str:
        """Whether the set is on this machine: yes or no, or a dash for a folder that the user names."""
        return "–" if self.name == FOLDER else "yes" if self.available else "no"


def sources() -> list[SourceInfo]:
    """List every data set that assay knows, and whether it can be loaded now."""
    return [
        SourceInfo("glyphs", "47 classes drawn from pen strokes (synthetic)", True, "built in"),
        SourceInfo(FOLDER, "a folder of IDX files, named like MNIST's", True, "name the folder"),
        *(_published(name) for name in NAMES),
    ]


def _published(name: str) -> SourceInfo:
    key, _, part = name.partition("/")
    collection = COLLECTIONS[key]
    description = f"EMNIST: {EMNIST_SETS[part]}" if part else collection.title
    return SourceInfo(name, description, is_fetched(name), f"assay data fetch {key} ({collection.size})")
