"""Rows as data frames; the only module that needs the extra ``assay[frames]``."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assay.errors import UsageError

if TYPE_CHECKING:
    import pandas


def to_pandas(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> "pandas.DataFrame":
    """Return rows as a pandas DataFrame with these columns; `UsageError` if pandas is not installed."""
    try:
        import pandas
    except ImportError:
        raise UsageError(
            "data frames need pandas, which is not installed (pip install 'assay[frames]')"
        ) from None
    return pandas.DataFrame([dict(row) for row in rows], columns=list(columns))
