"""The studies that come with assay are those of the reports, and each has a short trial."""

import json

import pytest
from tiny import sizes

from assay.optim import SGD, Adam, RMSprop
from assay.running.plan import make_plan
from assay.study.architectures import ConvBlocks, Dense
from assay.study.builtin import builtin, load_study
from assay.study.papers import PAPERS
from assay.study.study import Study


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
    assert Study.from_tables(json.loads(json.dumps(study.to_tables())), "x").digest == study.digest
    for profile, classes in ((study, 47), (study.quickened(), 47)):
        for cohort in make_plan(profile, sizes(classes=classes)).cohorts:
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
    assert study.data.source == "emnist/balanced"


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
    return sum(c.network.flops * c.recipe.epochs * len(c.seeds) for c in make_plan(study, sizes()).cohorts)


@pytest.mark.parametrize("name", builtin())
def test_the_short_trial_is_short_and_asks_the_same(name):
    full, quick = load_study(name), load_study(name).quickened()
    assert len(quick.seeds) >= 3
    assert [arm.levels for arm in quick.arms] == [arm.levels for arm in full.arms]
    assert quick.data.train <= 20_000
    assert 20 * arithmetic(quick) < arithmetic(full)
    for long, short in zip(full.arms, quick.arms, strict=True):
        assert type(short.settings.recipe.optimizer) is type(long.settings.recipe.optimizer)


DIGESTS = {
    "adaptive-rules": ("73b30f5f55ce06d4", "3f95af09c1751ff5"),
    "augmentation": ("22189390bcfae5ef", "7990266b76b8cbb6"),
    "batch-norm": ("a23dadd010031182", "2dc6c2993f23530f"),
    "best": ("695768ae146dcab5", "5c9eea5f26ec5106"),
    "cnn-batch-norm": ("30124c6bac761b4e", "2525c5a2e99df54c"),
    "cnn-depth": ("bf717232d9b12b30", "76b9a289be21e617"),
    "deep-batch-norm": ("84e023260708aae0", "1edfd32e8f07e8cb"),
    "dense-depth": ("df73fdc05926d81a", "760a6417b207e840"),
    "dense-or-cnn": ("e3510d02b626a00a", "b29116869b161012"),
    "depth": ("03d019e245486303", "88689a24c3ba038f"),
    "dropout": ("60da61c3386cabaa", "ae7863b87eeb5984"),
    "l2": ("e4bce78a2ac450ca", "28c39ad6d9a6798b"),
    "learning-rate": ("756ae14e506f433b", "f58a56d964c4ddf9"),
    "optimizers": ("143f0ce47838a6aa", "de06e7ac663fcc35"),
    "overlapping": ("7ce775cfba066700", "4e05fe3d69805234"),
    "pooling": ("f06e0ecc583e0b7c", "36195922aafbe127"),
    "precision": ("0f5ab0ab579f7552", "625df81580a57a2f"),
    "residual": ("e04414d9132f3de7", "9c95294a963fbf50"),
    "stride": ("6c1ce127e0a7da8c", "46085b9b74125614"),
    "stride-kernel": ("0ef9fe121028e582", "8427dd55cf8a1825"),
}
"""The first digits of the digests of each study and of its quick profile, by which stores know them."""


def test_stores_of_a_built_in_study_stay_its_own():
    found = {name: load_study(name) for name in builtin()}
    assert {name: (s.digest[:16], s.quickened().digest[:16]) for name, s in found.items()} == DIGESTS
