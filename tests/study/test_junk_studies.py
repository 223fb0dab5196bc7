"""Whatever stands at whatever key, a study is accepted or refused in one line, and with little work."""

import json

import numpy as np
import pytest
from bounded import bounded
from example_counts import drawn
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from junk import CLASSES, EXAMPLES, JUNK, SHAPE, junk_studies, studies
from tiny import sizes, tiny_tables

from assay.engines.speed import Trial
from assay.errors import AssayError
from assay.nn.network import Network
from assay.running.plan import check, make_plan
from assay.study.study import Study, tables

SIZES = sizes(SHAPE, CLASSES, EXAMPLES)
INITIALISE = Network.initialise


@pytest.fixture(scope="module", autouse=True)
def no_weights():
    """Whether a study is good is found out without drawing any weight."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Network, "initialise", lambda *_: pytest.fail("weights were drawn"))
        yield


def verdict(values):
    """Return the study, checked for data of a few small images, or the line with which it is refused."""
    try:
        study = Study.from_tables(values, "f.toml")
        check(study, SIZES)
    except AssayError as error:
        return str(error)
    return study


@settings(max_examples=drawn(15))
@given(studies())
def test_the_studies_that_the_junk_goes_into_are_good(values):
    found = verdict(values)
    assert not isinstance(found, str), found
    assert len(found.arms) == 2


@settings(max_examples=drawn(100))
@given(junk_studies())
def test_a_study_with_junk_in_it_is_accepted_or_refused_in_one_line(values):
    with bounded():
        found = verdict(values)
    if isinstance(found, str):
        assert found.isprintable()
        assert len(found) < 1500
    else:
        assert Study.from_tables(json.loads(json.dumps(found.to_tables())), "x").digest == found.digest


@settings(max_examples=drawn(15), suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(junk_studies(most=1), st.sampled_from(["reference", "numba"]))
def test_what_is_accepted_takes_its_first_steps(values, engine):
    """Where they lead is no business of this test, but to an exception. More junk would seldom be let in."""
    study = verdict({**values, "engine": engine})
    assume(not isinstance(study, str))
    networks = check(study, SIZES)
    assume(all(network.flops < 10**6 and network.parameter_count < 10**5 for network in networks.values()))
    assume(all(arm.settings.recipe.batch_size < 100 for arm in study.arms))
    try:
        cohort = make_plan(study, SIZES).cohorts[0]
    except AssayError:
        return  # the engine lacks something
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        patch.setattr(Network, "initialise", INITIALISE)
        Trial(cohort.engine, cohort.network, cohort.recipe).step(0)


KEYS = st.sampled_from(["network", "training", "optimizer", "data", "engine", "seeds", "margin", "x"])
CHANGES = st.tuples(KEYS, st.lists(st.text("ab.01x", min_size=1), max_size=3), JUNK)


def overridden(study, path, value):
    """Return the study with an override, or the line with which it is refused."""
    try:
        return study.override(tables.nest(".".join(path), value))
    except AssayError as error:
        return str(error)


@settings(max_examples=drawn(50))
@given(st.lists(CHANGES, min_size=1, max_size=3))
def test_overrides_of_junk_are_laid_over_or_refused_in_one_line(changes):
    study = Study.from_tables(tiny_tables(), "f.toml")
    for key, path, value in changes:
        with bounded():
            found = overridden(study, [key, *path], value)
        if isinstance(found, str):
            assert found.startswith("tiny: ")
            assert len(found.splitlines()) == 1
        else:
            study = found
