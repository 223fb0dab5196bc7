"""The command line: thin bodies over the public API.

The commands import what they need in their bodies, so that ``assay --help``
answers at once; the commands themselves are imported only once Ctrl-C is handled.
"""

import sys
from collections.abc import Sequence

from assay.cli import process
from assay.cli.text import complain
from assay.records.garbage import collect_seldom


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; errors become one line on stderr.

    Without ``arguments`` the process belongs to the command: it reads ``sys.argv``, and signals end it.
    """
    if arguments is not None:
        return _run(arguments)
    process.heed_interrupts()
    collect_seldom()
    status = _run(sys.argv[1:])
    process.end(status)
    return status


def _run(words: Sequence[str]) -> int:
    try:
        from assay.cli.app import run

        return run(words)
    except KeyboardInterrupt:
        return process.stopped()
    except ModuleNotFoundError as error:
        if process.is_own(error):
            raise
        complain(process.lacks(error))
        return process.WRONG
