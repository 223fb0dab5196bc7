"""The reports that can be repeated, and studies that share runs."""

import pytest
from tiny import tiny_study

from assay.errors import UsageError
from assay.running.events import Started
from assay.running.repeat import repeat
from assay.study import papers
from assay.study.builtin import builtin


def test_their_studies_come_with_assay():
    for paper in papers.PAPERS.values():
        assert set(paper.studies) <= set(builtin())
        assert len(set(paper.studies)) == len(paper.studies)


def test_a_report_that_is_not_there():
    with pytest.raises(UsageError, match=r"report .2019. is unknown .*201"):
        papers.paper("2019")


def test_what_two_studies_share_is_trained_once(characters, tmp_path):
    started = []

    def watch(event):
        if isinstance(event, Started):
            started.append(len(event.pending))

    for name in ("first", "second"):
        repeat(tiny_study(characters, name=name), tmp_path, workers=1, on_event=watch).close()
    assert started == [4, 0]
    with repeat(tiny_study(characters, name="first"), tmp_path, on_event=watch) as again:
        assert again.complete
    assert started == [4, 0]
