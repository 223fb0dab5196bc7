"""A user's code on its way to another process or machine: the bytes that the study's digests are of.

Where it arrives it is run from these bytes, and trusted, since it was trusted where it was sent from. A file
of the same name that lies there is never read.
"""

from collections.abc import Mapping
from dataclasses import replace

from assay.errors import StudyError
from assay.study.own_code import Code, expect_trusted, keep, snapshot_of, trust
from assay.study.own_modules import OwnFiles

SentCode = Mapping[str, OwnFiles]
"""What was read, by the file that a study names."""


def packed(code: Code, where: str) -> SentCode:
    """Return what a study's files are, to be sent along. Raises `UsageError` unless all are trusted."""
    expect_trusted(code, where)
    found = {file: snapshot_of(digest) for file, digest in code.items()}
    return {file: snapshot for file, snapshot in found.items() if snapshot is not None}


def receive(sent: SentCode, code: Code, where: str) -> None:
    """Keep and trust what has arrived. Raises `StudyError` where it is not what the study names."""
    for file, digest in code.items():
        snapshot = replace(sent[file]) if file in sent else None  # whose digest is computed here
        if snapshot is None or snapshot.digest != digest:
            found = f"digest {snapshot.digest[:12]}" if snapshot else "nothing"
            raise StudyError(
                f"{where}: {file}: {found} has arrived, expected digest {digest[:12]}, which the study names "
                "(start the command again)"
            )
        keep(snapshot)
    trust(code, code, where)
