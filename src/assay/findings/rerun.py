"""What it takes to run a study again: its tables, data, seeds and versions, with their digests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assay.records.runs import Status
from assay.store.readout import Readout


@dataclass(frozen=True)
class Rerun:
    """What another person needs to reproduce a study."""

    study: Mapping[str, Any]
    """The study as the tables of its file."""
    study_digest: str
    data: str
    data_digest: str
    synthetic: bool
    classes: int
    sizes: Mapping[str, int]
    """Number of examples of each split."""
    seeds: tuple[int, ...]
    versions: Mapping[str, str]
    test_openings: int
    finished: int
    """How many runs have a test result, including those of seeds beyond a look."""
    results_digest: str
    """The digest of the results that the report was drawn from (`Results.digest`)."""


def rerun_of(results: Readout) -> Rerun:
    """Return what a report says of how its results came about, and from what."""
    header = results.header
    return Rerun(
        study=header.study,
        study_digest=header.digest,
        data=results.study.data.source,
        data_digest=header.data_digest,
        synthetic=header.synthetic,
        classes=len(header.classes),
        sizes=header.sizes,
        seeds=results.study.seeds,
        versions=header.versions,
        test_openings=results.store.test_openings(),
        finished=sum(run.status is Status.DONE for run in results.runs),
        results_digest=results.digest,
    )
