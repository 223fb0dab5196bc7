"""A plan is made for data whose shape and classes are known, and for no other."""

import pytest
from tiny import CLASSES, TRAIN, sizes, tiny_study

from assay.data import DataSpec, load
from assay.errors import DataError, ShapeError
from assay.running.plan import make_plan


def test_the_data_are_the_studys_own_unless_others_are_given(characters):
    study = tiny_study(characters)
    own = make_plan(study)
    assert own.cohorts[0].network.input_shape == (1, 14, 14)
    assert own.cohorts[0].network.output_shape == (CLASSES,)
    for data in (study.data, load(study.data), sizes((1, 14, 14), CLASSES, TRAIN)):
        plan = make_plan(study, data)
        assert [cohort.network for cohort in plan.cohorts] == [cohort.network for cohort in own.cohorts]


def test_a_specification_is_of_other_data(characters):
    plan = make_plan(tiny_study(characters), DataSpec("glyphs"))
    assert plan.cohorts[0].network.input_shape == (1, 28, 28)
    assert plan.cohorts[0].network.output_shape == (47,)


@pytest.mark.parametrize("source", ["mnist", "emnist/balanced"])
def test_data_that_are_not_here_are_not_guessed(source, monkeypatch, tmp_path):
    monkeypatch.setenv("ASSAY_DATA", str(tmp_path))
    line = (
        rf"^data set '{source}' is not on this machine, .* \(run `assay data fetch {source[:5]}\w*`, or plan"
    )
    with pytest.raises(DataError, match=line):
        make_plan(tiny_study(source))


def test_what_does_not_fit_the_data_is_refused(characters):
    study = tiny_study(
        characters, network={"family": "ConvPool", "maps": [1, 2, 3]}, factors={}, control=None
    )
    with pytest.raises(ShapeError, match=r"^tiny: arm 'tiny': layer "):
        make_plan(study)
