"""A disk that loses its power: what a log of system calls may have left there after each of its steps.

Only what was flushed is sure to be there: a file's bytes by a flush of the file, its name by one of its
folder. Of the rest, anything may be: none, all, names without bytes, bytes without names, the last write cut,
or sectors in any order. A folder's names change in their order, as journals of file systems see to.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import dirname
from random import Random

from strace import Op

SECTOR = 512
FOLDER = -1
Image = dict[str, bytes | None]
"""What is at each path: a file's bytes, or None for a folder."""


@dataclass
class Held:
    """A file's bytes on the platter, and the writes on their way: (offset, bytes), or (size, None)."""

    flushed: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)


@dataclass
class Disk:
    """What has been flushed and what has not; `after` follows one step, `images` says what may be left."""

    root: str
    files: list[Held] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    flushed: dict[str, int] = field(default_factory=dict)
    changes: list[tuple[str, int | None]] = field(default_factory=list)
    """Names that were given or taken and not flushed, in order."""

    @classmethod
    def holding(cls, root: Path, place: Path) -> "Disk":
        """Return the disk with root ``root`` on which everything in the folder ``place`` has been flushed."""
        disk = cls(str(root))
        for path in sorted(place.rglob("*")):
            disk.files.append(Held(b"" if path.is_dir() else path.read_bytes()))
            disk.names[str(root / path.relative_to(place))] = FOLDER if path.is_dir() else len(disk.files) - 1
        disk.flushed = dict(disk.names)
        return disk

    def after(self, op: Op) -> None:
        """Follow a step."""
        match op.kind:
            case "create":
                if op.path not in self.names:
                    self.files.append(Held())
                    self._name(op.path, len(self.files) - 1)
            case "mkdir":
                self._name(op.path, FOLDER)
            case "rename":
                self._name(op.to, self.names[op.path])
                self._name(op.path, None)
            case "unlink" | "rmdir":
                self._name(op.path, None)
            case "sync":
                self._sync(op.path)
            case "truncate" if op.path in self.names:
                self.files[self.names[op.path]].pending.append((op.offset, None))
            case "write" if op.path in self.names:
                self.files[self.names[op.path]].pending.append((op.offset, op.data))

    def _name(self, path: str, number: int | None) -> None:
        self.changes.append((path, number))
        _give(self.names, path, number)

    def _sync(self, path: str) -> None:
        number = self.names.get(path, FOLDER)
        if number == FOLDER:
            for name, what in self.changes:
                if dirname(name) == path:
                    _give(self.flushed, name, what)
            self.changes = [change for change in self.changes if dirname(change[0]) != path]
            return
        held = self.files[number]
        held.flushed, held.pending = _written(held.flushed, held.pending), []

    def images(self, random: Random, shuffles: int = 1) -> Iterator[tuple[str, Image]]:
        """Yield what may be left now, and what was done to it."""
        every = {number: held.pending for number, held in enumerate(self.files)}
        yield "what was not flushed lost", self._image(0.0, {})
        if not self.changes and not any(every.values()):
            return
        yield "all kept", self._image(1.0, every)
        yield "names without bytes", self._image(1.0, {})
        yield "bytes without names", self._image(0.0, every)
        yield (
            "the last writes cut",
            self._image(1.0, {n: _cut(writes, random) for n, writes in every.items()}),
        )
        for _ in range(shuffles):
            some = {number: _some(writes, random) for number, writes in every.items()}
            yield "sectors in any order", self._image(random.random(), some)

    def _image(self, share: float, pending: Mapping[int, list[tuple[int, bytes | None]]]) -> Image:
        """Return the image with the first ``share`` of each folder's changes, and these writes."""
        names = dict(self.flushed)
        for folder in {dirname(name) for name, _ in self.changes}:
            changes = [change for change in self.changes if dirname(change[0]) == folder]
            for name, number in changes[: round(share * len(changes))]:
                _give(names, name, number)
        image: Image = {}
        for name in sorted(names):  # folders first; what is in one that is lost is lost
            if dirname(name) == self.root or image.get(dirname(name), b"") is None:
                number = names[name]
                held = None if number == FOLDER else self.files[number]
                image[name] = held and _written(held.flushed, pending.get(number, []))
        return image


def lay_out(image: Image, root: str, place: Path) -> None:
    """Write an image into the folder ``place``."""
    for name, content in image.items():
        path = place / name.removeprefix(f"{root}/")
        if content is None:
            path.mkdir()
        else:
            path.write_bytes(content)


def _give(names: dict[str, int], path: str, number: int | None) -> None:
    if number is None:
        names.pop(path, None)
    else:
        names[path] = number


def _written(content: bytes, writes: list[tuple[int, bytes | None]]) -> bytes:
    found = bytearray(content)
    for offset, data in writes:
        size = offset if data is None else max(len(found), offset + len(data))
        found += bytes(max(0, size - len(found)))
        if data is None:
            del found[offset:]
        else:
            found[offset : offset + len(data)] = data
    return bytes(found)


def _cut(writes: list[tuple[int, bytes | None]], random: Random) -> list[tuple[int, bytes | None]]:
    """Return the writes, the last one cut to some sectors."""
    if not writes or writes[-1][1] is None:
        return writes
    offset, data = writes[-1]
    return [*writes[:-1], (offset, data[: SECTOR * random.randint(0, len(data) // SECTOR)])]


def _some(writes: list[tuple[int, bytes | None]], random: Random) -> list[tuple[int, bytes | None]]:
    """Return some sectors of the writes, each there or not."""
    found: list[tuple[int, bytes | None]] = []
    for offset, data in writes:
        sectors: list[tuple[int, bytes | None]] = [(offset, data)]
        if data is not None:
            sectors = [(offset + at, data[at : at + SECTOR]) for at in range(0, len(data), SECTOR)]
        found += [sector for sector in sectors if random.random() < 0.5]
    return found
