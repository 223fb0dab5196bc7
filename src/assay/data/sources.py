"""What data there is, for people to choose from."""

from dataclasses import dataclass

from assay.data.remote import COLLECTIONS, NAMES, is_fetched


@dataclass(frozen=True)
class SourceInfo:
    """A data set by the name that ``--data`` takes; ``how`` says how to get it."""

    name: str
    description: str
    available: bool
    how: str


def sources() -> list[SourceInfo]:
    """List every data set that assay knows, and whether it can be loaded now."""
    return [
        SourceInfo("glyphs", "47 classes drawn from pen strokes (synthetic)", True, "built in"),
        SourceInfo(
            "idx:DIR", "any folder of IDX files named like MNIST's or EMNIST's", True, "name the folder"
        ),
        *(_published(name) for name in NAMES),
    ]


def _published(name: str) -> SourceInfo:
    key, _, part = name.partition("/")
    collection = COLLECTIONS[key]
    title = f"{collection.title} ({part})" if part else collection.title
    return SourceInfo(name, title, is_fetched(name), f"assay data fetch {key} ({collection.size})")
