"""The studies that come with assay are those of the reports, and each has a short trial."""

import json

import pytest

from assay.architectures import ConvBlocks, Dense
from assay.optim import SGD, Adam, RMSprop
from assay.papers import PAPERS
from assay.plan import make_plan
from assay.studies import builtin, load_study
from assay.study import from_tables


def test_every_study_of_the_reports_comes_with_assay():
    repeated = {name for paper in PAPERS.values() for name in paper.studies}
    assert repeated <= set(builtin())
    for name in repeated:
        assert load_study(name).claims, name


@pytest.mark.parametrize("name", builtin())
def test_a_built_in_study_is_whole(name):
    study = load_study(name)
    assert study.name == name
    assert study.question.endswith("?")
    assert study.source
    assert len(study.seeds) >= 5
    assert from_tables(json.loads(json.dumps(study.to_tables())), "x").digest == study.digest
    for profile, classes in ((study, 47), (study.quickened(), 47)):
        for cohort in make_plan(profile, (1, 28, 28), classes).cohorts:
            assert cohort.network.output_shape == (classes,)
    assert study.quickened().data.source == "glyphs"


def test_pooling_is_the_2018_comparison():
    study = load_study("pooling")
    settings = {arm.name: arm.settings for arm in study.arms}
    assert study.control == "average"
    assert {name: s.architecture for name, s in settings.items()} == {
        "max": ConvBlocks(4, 64, "max"),
        "average": ConvBlocks(4, 64, "average"),
    }
    for arm in settings.values():
        assert arm.recipe.optimizer == Adam(lr=0.001, weight_decay=1e-5)
        assert (arm.recipe.batch_size, arm.recipe.epochs) == (100, 100)
        assert arm.data.source == "emnist/balanced"


def test_optimizers_is_the_2017_comparison():
    study = load_study("optimizers")
    settings = {arm.name: arm.settings for arm in study.arms}
    assert {s.architecture for s in settings.values()} == {Dense((100, 100, 100, 100))}
    assert {name: (type(s.recipe.optimizer), s.recipe.optimizer.lr) for name, s in settings.items()} == {
        "sgd-0.05": (SGD, 0.05),
        "rmsprop-0.05": (RMSprop, 0.05),
        "rmsprop-0.001": (RMSprop, 0.001),
        "rmsprop-0.0001": (RMSprop, 0.0001),
        "adam-0.05": (Adam, 0.05),
        "adam-0.001": (Adam, 0.001),
        "adam-0.0001": (Adam, 0.0001),
    }
    assert {(s.recipe.batch_size, s.recipe.epochs) for s in settings.values()} == {(100, 100)}


def arithmetic(study):
    """Return the floating-point operations of a study's training, forward and per example of its set."""
    return sum(c.network.flops * c.recipe.epochs * len(c.seeds) for c in make_plan(study).cohorts)


@pytest.mark.parametrize("name", builtin())
def test_the_short_trial_is_short_and_asks_the_same(name):
    full, quick = load_study(name), load_study(name).quickened()
    assert len(quick.seeds) >= 3
    assert [arm.levels for arm in quick.arms] == [arm.levels for arm in full.arms]
    assert quick.data.train <= 20_000
    assert 20 * arithmetic(quick) < arithmetic(full)
    for long, short in zip(full.arms, quick.arms, strict=True):
        assert type(short.settings.recipe.optimizer) is type(long.settings.recipe.optimizer)
