"""Extract data files from a ``.tar.gz`` that may be hostile."""

import gzip
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from assay.data.archive import LIMIT, LONGEST, PIECE
from assay.errors import DataError

SUFFIXES = (".bin", ".txt")
MOST_MEMBERS = 1_000
DAMAGES = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, OverflowError)


def unpack_tar(archive: Path, folder: Path) -> None:
    """Write the data files of ``archive`` into ``folder``, without the archive's inner folders.

    Links and devices are refused, and so are unsafe or repeated names, and more bytes than expected.
    Raises `DataError`.
    """
    seen = set[str]()
    try:
        _expect_whole(archive)
        with tarfile.open(archive, "r|gz") as opened:
            for number, member in enumerate(opened):
                name = _checked(archive, member, number)
                if not member.isfile() or not name.endswith(SUFFIXES):
                    continue
                if name in seen:
                    raise DataError(f"{archive.name}: member {name} appears twice (not a data archive)")
                seen.add(name)
                _extract(opened, member, folder / name)
    except DAMAGES as error:
        reason = " ".join(str(error).split())[:LONGEST] or type(error).__name__
        raise DataError(f"{archive.name}: damaged tar archive: {reason} (get the file again)") from error


def _expect_whole(archive: Path) -> None:
    """Read the stream to its end, where its checksum is; a reader of tar takes a cut one for a short one."""
    read = 0
    with gzip.open(archive) as file:
        while piece := file.read(PIECE):
            read += len(piece)
            if read > LIMIT:
                raise DataError(f"{archive.name}: unpacks to more than {LIMIT:,} bytes (not a data archive)")


def _checked(archive: Path, member: tarfile.TarInfo, number: int) -> str:
    path = PurePosixPath(member.name)
    if number >= MOST_MEMBERS:
        raise DataError(f"{archive.name}: more than {MOST_MEMBERS:,} members (not a data archive)")
    named = member.name.isprintable() and len(member.name) <= LONGEST
    if not named or path.is_absolute() or ".." in path.parts or any(c in member.name for c in "\\:"):
        raise DataError(f"{archive.name}: unsafe member name {member.name[:LONGEST]!r} (not a data archive)")
    if not (member.isfile() or member.isdir()):
        raise DataError(f"{archive.name}: member {member.name} is a link or a device (not a data archive)")
    return path.name


def _extract(opened: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    source = opened.extractfile(member)
    if source is None:
        return
    with source, target.open("xb") as file:
        while piece := source.read(PIECE):
            file.write(piece)
