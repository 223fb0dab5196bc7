"""The code blocks of a page, and how a reader would follow them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"(?P<before>[^\n]*)\n+```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
_SAVED = re.compile(r"Save this as `([\w.]+)`")
_MEASURED = re.compile(r"\d[\d.e+-]*(?= ms| times|s$)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the name under which the reader is told to save it."""

    language: str
    text: str
    saved_as: str | None


def blocks(page: str) -> list[Block]:
    """Return the code blocks of a page of the repository, in order."""
    text = (ROOT / page).read_text("utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        saved = _SAVED.search(match["before"])
        found.append(Block(match["language"], match["text"], saved[1] if saved else None))
    return found


def save(page: str, folder: Path) -> None:
    """Save what a page says is to be saved."""
    for block in blocks(page):
        if block.saved_as:
            (folder / block.saved_as).write_text(block.text, "utf-8")


def commands(page: str) -> list[tuple[list[str], str]]:
    """Return each command behind a ``$`` with the output that the page shows below it."""
    found = []
    for block in blocks(page):
        if block.language == "console":
            found += re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.M)
    return [(words.split(), output) for words, output in found]


def without_times(text: str) -> str:
    """Put a mark for what a clock measured, and no more spaces than one."""
    return re.sub(r"[ =]+", " ", _MEASURED.sub("...", text)).strip()
