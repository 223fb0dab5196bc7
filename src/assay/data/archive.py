"""Extract data files from a zip archive that may be hostile."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from assay.data.expansion import RATIO
from assay.errors import DataError

LIMIT = 4 << 30  # bytes; EMNIST's archive unpacks to 0.6 GB
SUFFIXES = (".gz", ".txt", "-ubyte")
PIECE = 1 << 20  # bytes read at once
LONGEST = 100  # characters of a name or a reason
DAMAGES = (
    zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, EOFError, ValueError, LookupError,
    OverflowError, RuntimeError, OSError,
)  # fmt: skip
"""What Python's reader raises for an invalid archive; OSError for offsets that lie before the file."""
REGULAR, LINK_BITS = 0o100000, 0o170000


def unpack(archive: Path, folder: Path) -> None:
    """Write the data files of ``archive`` into ``folder``, without the archive's inner folders.

    Every member is checked before the first byte is written. Raises
    `DataError` for a member with an unsafe or repeated name, a link, encryption
    or an unknown compression, and for more bytes than expected.
    """
    try:
        with _Pieces(io.FileIO(archive)) as file, zipfile.ZipFile(file) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            _expect_safe(archive, members)
            for member in members:
                if member.filename.endswith(SUFFIXES):
                    _extract(opened, member, folder / PurePosixPath(member.filename).name)
    except _CannotWrite as error:
        raise error.cause from None
    except DAMAGES as error:
        reason = " ".join(str(error).split())[:LONGEST] or type(error).__name__
        raise DataError(f"{archive.name}: damaged zip archive: {reason} (get the file again)") from error


class _Pieces(io.BufferedReader):
    """A file that is never read in large pieces, though an archive itself says how long its pieces are."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > PIECE:
            raise zipfile.BadZipFile(f"a part of {size:,} bytes, where {PIECE:,} are the most")
        return super().read(size)


class _CannotWrite(Exception):
    """Writing failed, for ``cause``; the archive is not at fault."""

    def __init__(self, cause: OSError) -> None:
        self.cause = cause


def _expect_safe(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    seen = set()
    for member in members:
        if problem := _problem(member):
            raise DataError(f"{archive.name}: {problem} (not a data archive)")
        name = PurePosixPath(member.filename).name
        if name in seen:
            raise DataError(f"{archive.name}: member {name} appears twice (not a data archive)")
        seen.add(name)
    total = sum(member.file_size for member in members)
    if total > LIMIT:
        raise DataError(f"{archive.name}: unpacks to {total:,} bytes, limit {LIMIT:,} (not a data archive)")


def _problem(member: zipfile.ZipInfo) -> str | None:
    """Return what is wrong with a member, or None."""
    path = PurePosixPath(member.filename)
    named = member.filename.isprintable() and len(member.filename) <= LONGEST
    inside = not path.is_absolute() and ".." not in path.parts
    if not named or not inside or any(c in member.orig_filename for c in "\\:\0"):
        return f"unsafe member name {member.orig_filename[:LONGEST]!r}"
    if (member.external_attr >> 16) & LINK_BITS not in (0, REGULAR):
        return f"member {member.filename} is a link"
    if member.flag_bits & 1:
        return f"member {member.filename} is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"member {member.filename} uses compression method {member.compress_type}"
    if member.file_size > RATIO * max(member.compress_size, 1):
        return f"member {member.filename} expands {member.compress_size:,} bytes to {member.file_size:,}"
    return None


def _extract(opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """Write one member; Python's reader stops at the declared size and checks the CRC."""
    with opened.open(member) as source, _writing(target) as write:
        while piece := source.read(PIECE // 2):
            write(piece)


@contextmanager
def _writing(target: Path) -> Iterator[Callable[[bytes], None]]:
    """Yield a function that writes to a new file, and keep its errors apart from the archive's."""

    def write(piece: bytes) -> None:
        try:
            file.write(piece)
        except OSError as error:
            raise _CannotWrite(error) from None

    try:
        file = open(target, "xb", buffering=0)  # noqa: SIM115 (closed below, where it was opened)
    except OSError as error:
        raise _CannotWrite(error) from None
    with file:
        yield write
