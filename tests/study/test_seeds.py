"""Seeds and looks: how a file gives them, and what they become when there are more or fewer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import tiny_study

from assay.errors import StudyError
from assay.study.seeds import first_seeds, looks_up_to
from assay.study.study import Study

counts = st.integers(3, 60)
ladders = st.sets(counts, min_size=1, max_size=5).map(lambda found: tuple(sorted(found)))


def study(**changes):
    return tiny_study("glyphs", **changes)


def without_seeds(**changes):
    tables = study().to_tables()
    del tables["seeds"]
    return Study.from_tables({**tables, **changes}, "my.toml")


def test_looks_alone_bring_the_number_of_seeds():
    assert without_seeds(looks=[5, 10, 20]).seeds == tuple(range(20))
    assert without_seeds().seeds == tuple(range(5))
    assert study(seeds=4).override({"looks": [3, 6]}).seeds == tuple(range(6))


@pytest.mark.parametrize(
    ("looks", "found"),
    [
        ([2, 5], "the first at least 3; got [2, 5]"),
        ([5, 5], "increasing numbers of seeds, the first at least 3; got [5, 5]"),
        ([10, 5], "increasing"),
        (["a"], "got ['a']"),
        ([5.0], "got [5.0]"),
        ([True, 5], "got [True, 5]"),
        (7, "looks must be a list of numbers of seeds; got 7"),
        ([5, 10**7], "seeds must be from 1 to 100,000"),
    ],
)
def test_looks_that_are_none_are_refused_in_one_line(looks, found):
    with pytest.raises(StudyError, match=r"^my.toml: ") as caught:
        without_seeds(looks=looks)
    assert found in str(caught.value)


def test_the_last_look_is_the_number_of_seeds():
    with pytest.raises(StudyError, match="the last of looks must be the number of seeds, 8; got 6"):
        study(seeds=8, looks=[3, 6])


@pytest.mark.parametrize("parent", ["", "xyz", "A" * 64, "1f" * 31])
def test_a_parent_is_a_digest(parent):
    with pytest.raises(StudyError, match="parent must be a study's digest"):
        study(parent=parent)


def test_a_study_without_looks_and_parent_has_the_digest_that_it_always_had():
    tables = study().to_tables()
    assert {"looks", "parent"}.isdisjoint(tables)
    assert len({study().digest, study(seeds=5, looks=[3, 5]).digest, study(parent="1f" * 32).digest}) == 3


@given(ladders, counts)
def test_fewer_or_more_seeds_keep_the_looks_below_them(looks, count):
    """However often the number changes, looks stay a sound ladder that ends with it."""
    changed = study(seeds=looks[-1], looks=list(looks)).override({"seeds": count})
    assert changed.looks in ((), tuple(sorted({look for look in looks if look < count} | {count})))
    assert (changed.looks == ()) == (count < looks[0] or (count == looks[0] and looks[-1] != count))
    assert looks_up_to(looks, looks[-1]) == looks


@given(st.lists(st.integers(0, 30), unique=True, min_size=1), st.integers(1, 40))
def test_seeds_are_added_behind_those_that_there_are(seeds, count):
    found = first_seeds(seeds, count)
    assert len(set(found)) == len(found) == count
    assert found[: len(seeds)] == tuple(seeds[:count])


def test_more_seeds_of_a_study_that_counts_from_0_count_on():
    assert study(seeds=3).with_seeds(5).seeds == (0, 1, 2, 3, 4)
    assert study(seeds=[7, 1]).with_seeds(4).seeds == (7, 1, 0, 2)
    assert study(seeds=20, looks=[5, 10, 20]).with_seeds(10).looks == (5, 10)
