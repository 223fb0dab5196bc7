"""Small text files with one name a line."""

from pathlib import Path

from assay.errors import DataError

LONGEST = 1_000  # characters of a line


def lines(path: Path, most: int) -> list[str]:
    """Return at most ``most`` lines of a UTF-8 file, without empty ones at its end."""
    found: list[str] = []
    known: dict[str, str] = {}
    try:
        if not path.is_file():
            raise DataError(f"{path}: is not a regular file (expected text, one name a line)")
        with path.open(encoding="utf-8-sig", newline=None) as file:
            while len(found) <= most and (line := file.readline(LONGEST + 1)):
                if len(line) > LONGEST:
                    raise DataError(f"{path}: line {len(found) + 1:,} has more than {LONGEST:,} characters")
                text = line.strip()
                found.append(known.setdefault(text, text))
    except UnicodeDecodeError:
        raise DataError(f"{path}: line {len(found) + 1:,}: not UTF-8 (save it as UTF-8)") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    while found and not found[-1]:
        found.pop()
    if len(found) > most:
        raise DataError(f"{path}: has more than {most:,} lines")
    return found
