"""Take data files out of a zip archive that may be hostile."""

import shutil
import zipfile
from pathlib import Path, PurePosixPath

from assay.errors import DataError

LIMIT = 4 << 30  # bytes; EMNIST's archive unpacks to 0.6 GB
RATIO = 200
SUFFIXES = (".gz", ".txt", "-ubyte")
REGULAR, LINK_BITS = 0o100000, 0o170000


def unpack(archive: Path, folder: Path) -> None:
    """Write the data files of ``archive`` flat into ``folder``; its inner folders do not matter.

    Every member is checked before the first byte is written. Raises
    `DataError` for a member with an unsafe name, a link, a name met twice, an
    encrypted one, one in an unknown compression, or more bytes than belong.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            _expect_safe(archive, members)
            for member in members:
                if member.filename.endswith(SUFFIXES):
                    _extract(opened, member, folder / PurePosixPath(member.filename).name)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
        raise DataError(f"{archive.name}: damaged zip archive: {error} (get the file again)") from error


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
    """Say what is wrong with a member, if anything is."""
    path = PurePosixPath(member.filename)
    if path.is_absolute() or ".." in path.parts or any(c in member.orig_filename for c in "\\:\0"):
        return f"unsafe member name {member.orig_filename!r}"
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
    with opened.open(member) as source, open(target, "xb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
