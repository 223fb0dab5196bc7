from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.report import numbers


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        (numbers.fixed, 88.405, "88.41"),
        (numbers.fixed, nan, "–"),
        (numbers.fixed, None, "–"),
        (numbers.fixed, inf, "inf"),
        (numbers.percent, 88.0, "88.00%"),
        (numbers.share, 0.8841, "88.41"),
        (numbers.points, 0.4, "+0.40"),
        (numbers.points, -1.234, "-1.23"),
        (numbers.points_interval, (-0.01, 0.34), "-0.01 to +0.34"),
        (numbers.p_value, 0.0, "< 0.0001"),
        (numbers.p_value, 0.0625, "0.062"),
        (numbers.p_value, 0.5, "0.50"),
        (numbers.p_equals, 1e-9, "p < 0.0001"),
        (numbers.p_equals, 0.03, "p = 0.03"),
        (numbers.p_equals, None, "–"),
        (numbers.count, 47, "47"),
        (numbers.count, 93_412, "93.4k"),
        (numbers.count, 1_254_400, "1.25M"),
        (numbers.mebibytes, 38 * 2**20, "38"),
        (numbers.mebibytes, 3 * 2**30, "3072"),
        (numbers.speed, 42.0, "42.0"),
        (numbers.speed, 0.0123, "0.012"),
        (numbers.speed, 1234.5, "1234"),
        (numbers.seeds, 1, "1 seed"),
        (numbers.further, 1, "about 1 more seed"),
        (numbers.further, 1000, "about 1,000 more seeds"),
        (numbers.further, 1001, "over 1,000 more seeds"),
        (numbers.names, ["a", "b", "c"], "a, b and c"),
        (numbers.names, ["a"], "a"),
        (numbers.names, [], ""),
        (numbers.capital, "max wins", "Max wins"),
        (numbers.capital, "t and p", "t and p"),
    ],
)
def test_numbers_are_written(function: object, value: object, expected: str) -> None:
    assert function(value) == expected


@given(st.floats(0, 1))
def test_no_p_value_is_written_as_zero(p: float) -> None:
    text = numbers.p_value(p)
    assert text == "< 0.0001" or float(text) > 0


@given(st.integers(1, 10**15))
def test_large_numbers_stay_short(value: int) -> None:
    assert len(numbers.count(value)) <= 6
