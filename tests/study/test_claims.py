"""Claims as study files state them."""

from itertools import pairwise

import pytest
from factories import make_study
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import StudyError
from assay.study.claims import RELATIONS, Claim, Relation
from assay.study.study import Study

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True)
CLAIM = {"sentence": "Max pooling is better.", "expect": ["max > average"]}


def claimed(**changes):
    return make_study(claims=[{**CLAIM, **changes}])


@given(st.lists(NAMES, min_size=2, max_size=5), st.sampled_from(RELATIONS))
def test_a_chain_expects_each_pair_of_neighbours(arms, relation):
    claim = Claim("One.", (f" {relation} ".join(arms),))
    assert [part.arms for part in claim.relations] == [*pairwise(arms)]
    assert {part.relation for part in claim.relations} == {relation}


@given(NAMES, NAMES, st.floats(0.01, 100).map(lambda factor: float(f"{factor:g}")))
def test_what_is_read_is_written_again(a, b, factor):
    lines = [f"{a} = {factor:g} x {b}", f"{a} never learns"]
    claim = Claim("One.", tuple(lines), metric="seconds_per_epoch")
    assert claim.relations == (Relation(a, "=", b, factor), Relation(a, "never learns"))
    again = Claim("One.", tuple(str(part) for part in claim.relations), metric="seconds_per_epoch")
    assert again.relations == claim.relations


def test_a_study_with_claims_and_published_numbers_survives_its_tables():
    study = make_study(
        claims=[{**CLAIM, "source": "table 2", "metric": "overfit"}],
        published={"max": {"test_accuracy": 0.88, "doubt": "printed twice"}},
    )
    again = Study.from_tables(study.to_tables(), "again")
    assert again == study
    assert again.claims[0].arms == ("max", "average")


def test_claims_are_part_of_what_was_declared():
    assert claimed().digest != make_study().digest != claimed(sentence="Other.").digest


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"expect": ["max >"]}, "cannot read 'max >'"),
        ({"expect": ["max ~ average"]}, "cannot read"),
        ({"expect": []}, "at least one relation"),
        ({"expect": ["max > averag"]}, "claims.0.: no arm 'averag' .*average"),
        ({"expect": ["minimal never learns"]}, "no arm 'minimal'"),
        ({"expect": ["max = 1.5 x average"]}, "compared by difference"),
        ({"expect": ["max = zero x average"]}, "expected a positive factor; got 'zero'"),
        ({"expect": ["max = -2 x average"]}, "expected a positive factor"),
        ({"metric": "accuracy"}, "metric: unknown 'accuracy'"),
        ({"sentence": " "}, "sentence is empty"),
        ({"tolerance": 1.0}, "tolerance must be a factor above 1"),
        ({"share": 0.0}, "share must be a share above 0 and below 1; got 0.0"),
        ({"share": 1}, "share must be"),
        ({"share": float("nan")}, "share must be"),
        ({"sentense": "x"}, "unknown key 'sentense' .*sentence"),
    ],
)
def test_a_claim_that_cannot_be_tested_is_refused(changes, said):
    with pytest.raises(StudyError, match=said):
        claimed(**changes)


@pytest.mark.parametrize(
    ("published", "said"),
    [
        ({"min": {"test_accuracy": 0.8}}, "published: no arm 'min'"),
        ({"max": {"acc": 0.8}}, "published.max: unknown key 'acc'"),
        ({"max": {"test_accuracy": "high"}}, "published.max.test_accuracy: expected a number >= 0"),
        ({"max": {"test_accuracy": True}}, "expected a number >= 0"),
        ({"max": {"test_loss": -1}}, "expected a number >= 0; got -1"),
        ({"max": {"test_loss": 10**400}}, "expected a number below 1e308"),
        ({"max": {"test_loss": float("nan")}}, "expected a number >= 0; got nan"),
        ({"max": {"test_accuracy": 88.4}}, r"expected a share from 0 to 1 \(0.884, not 88.4\); got 88.4"),
        ({"max": {"valid_best": 1.01}}, "published.max.valid_best: expected a share"),
        ({"max": {"doubt": 3}}, "published.max.doubt: expected the reason in words"),
        ({"max": 0.8}, "published.max: expected a table"),
    ],
)
def test_published_numbers_must_be_numbers_of_arms(published, said):
    with pytest.raises(StudyError, match=said):
        make_study(published=published)


def test_claims_must_be_tables():
    with pytest.raises(StudyError, match="claims must be a list of tables"):
        make_study(claims="Max is better")
    with pytest.raises(StudyError, match=r"claims\[0\]: expected a table"):
        make_study(claims=["Max is better"])


def test_a_usual_share_is_not_written_and_another_is():
    """So that a study has the digest that it had before claims had shares."""
    usual, other = claimed(expect=["max never learns"]), claimed(expect=["max never learns"], share=0.1)
    assert "share" not in usual.to_tables()["claims"][0]
    assert other.to_tables()["claims"][0]["share"] == 0.1
    assert usual.digest == claimed(expect=["max never learns"], share=0.5).digest != other.digest
    assert Study.from_tables(other.to_tables(), "again") == other
