"""Reports to look at: complete, interim, with divergence."""

import pytest
from factories import make_results, make_study

from assay.records import Status
from assay.report.model import Report, build
from assay.results import Results

QUESTION = 'Does <script>alert("&")</script> help?'


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two arms, six seeds, one run diverged."""
    return make_results(
        tmp_path_factory.mktemp("two"), make_study(seeds=6), statuses={("average", 5): Status.DIVERGED}
    )


@pytest.fixture(scope="session")
def report(results: Results) -> Report:
    """The report of the two arms."""
    return build(results)


@pytest.fixture(scope="session")
def family(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Four arms against a control, under a question that tries to escape."""
    study = make_study(("max", "average", "strided", "dilated"), control="max", question=QUESTION)
    return build(make_results(tmp_path_factory.mktemp("family"), study, synthetic=False))


@pytest.fixture(scope="session")
def interim(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two arms, six of eight runs at their end."""
    statuses = {("average", 1): Status.RUNNING, ("average", 2): Status.PENDING}
    study = make_study(seeds=4, question="Which of the two?")
    return make_results(tmp_path_factory.mktemp("interim"), study, statuses=statuses)
