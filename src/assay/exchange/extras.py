"""Libraries that only some formats need."""

from importlib.util import find_spec

from assay.errors import UsageError


def expect_extra(library: str, extra: str, what: str) -> None:
    """Raise `UsageError`, with the command that installs it, where a library is missing."""
    if find_spec(library) is None:
        raise UsageError(f"{what}: needs {library}, which is not installed (pip install 'assay[{extra}]')")
