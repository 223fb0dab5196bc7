"""Reports to look at: complete, interim, with divergence."""

import pytest
from crossed import CROSSED, make_factors
from factories import make_results, make_study
from tiny import tiny_study

from assay.findings.findings import Findings, build
from assay.findings.inside import look_inside
from assay.records.runs import Status
from assay.report.html import render
from assay.results import Results
from assay.running.run import run

QUESTION = 'Does <script>alert("&")</script> help?'


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two arms, six seeds, one run diverged."""
    return make_results(
        tmp_path_factory.mktemp("two"), make_study(seeds=6), statuses={("average", 5): Status.DIVERGED}
    )


@pytest.fixture(scope="session")
def report(results: Results) -> Findings:
    """The report of the two arms."""
    return build(results)


@pytest.fixture(scope="session")
def family(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """Four arms against a control, under a question that tries to escape."""
    study = make_study(("max", "average", "strided", "dilated"), control="max", question=QUESTION)
    return build(make_results(tmp_path_factory.mktemp("family"), study, synthetic=False))


@pytest.fixture(scope="session")
def interim(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two arms, six of eight runs at their end."""
    statuses = {("average", 1): Status.RUNNING, ("average", 2): Status.PENDING}
    study = make_study(seeds=4, question="Which of the two?")
    return make_results(tmp_path_factory.mktemp("interim"), study, statuses=statuses)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, characters: str) -> Results:
    """Two arms, two seeds, trained for a moment on images of 14 x 14 in six classes."""
    return run(tiny_study(characters), tmp_path_factory.mktemp("trained") / "out")


@pytest.fixture(scope="session")
def looked(trained: Results) -> Findings:
    """The report of the trained arms with a look inside."""
    return build(trained, look_inside(trained, image=3))


@pytest.fixture(scope="session")
def report_page(report: Findings) -> str:
    """The page of the two arms; drawing its figures takes seconds."""
    return render(report)


@pytest.fixture(scope="session")
def family_page(family: Findings) -> str:
    """The page of the four arms."""
    return render(family)


@pytest.fixture(scope="session")
def interim_page(interim: Results) -> str:
    """The page of the study that still runs."""
    return render(build(interim))


@pytest.fixture(scope="session")
def looked_page(looked: Findings) -> str:
    """The page with a look inside."""
    return render(looked)


@pytest.fixture(scope="session")
def factors(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """Two factors of two and three levels, whose effects depend on one another."""
    return build(make_results(tmp_path_factory.mktemp("factors"), make_factors(), correct=CROSSED))
