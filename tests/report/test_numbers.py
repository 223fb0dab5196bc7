import re
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.report import numbers
from assay.stats.words import apart


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
        (numbers.points, -0.004, "0.00"),
        (numbers.points, 1234.5, "+1,234.50"),
        (numbers.fixed, -0.004, "0.00"),
        (numbers.fixed, -1234.5, "-1,234.50"),
        (numbers.points_interval, (-0.001, 0.001), "0.00 to 0.00"),
        (numbers.p_value, nan, "–"),
        (numbers.count, 999_999, "1M"),
        (numbers.count, 999.7, "1k"),
        (numbers.mebibytes, 1010 * 2**20, "1,010"),
        (numbers.speed, 9.999, "10.0"),
        (numbers.speed, 0.0999, "0.10"),
        (apart, 0.004, "less than 0.01 points"),
        (apart, -0.42, "0.42 points"),
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
        (numbers.mebibytes, 3 * 2**30, "3,072"),
        (numbers.speed, 42.0, "42.0"),
        (numbers.speed, 0.0123, "0.012"),
        (numbers.speed, 1234.5, "1,234"),
        (numbers.seeds, 1, "1 seed"),
        (numbers.further, 1, "about 1 more seed"),
        (numbers.further, 1000, "about 1,000 more seeds"),
        (numbers.further, 1001, "over 1,000 more seeds"),
        (lambda total: numbers.ended(0, total), 1, "0 of 1 run has come to its end"),
        (lambda total: numbers.ended(1, total), 1234, "1 of 1,234 runs have come to their end"),
        (numbers.names, ["a", "b", "c"], "a, b and c"),
        (numbers.names, ["a"], "a"),
        (numbers.names, [], ""),
        (numbers.capital, "max wins", "Max wins"),
        (numbers.capital, "t and p", "t and p"),
    ],
)
def test_numbers_are_written(function: object, value: object, expected: str) -> None:
    assert function(value) == expected


anything = st.one_of(
    st.floats(), st.floats(-0.02, 0.02), st.sampled_from([0.0, -0.0, 5e-324, -5e-324, -0.005, 0.005, 999.995])
)
WRITERS = (
    numbers.fixed, numbers.points, numbers.percent, numbers.share, numbers.loss, numbers.p_value,
    lambda value: numbers.fixed(value, 3), lambda value: numbers.fixed(value, 0),
    lambda value: numbers.interval((value, -value)), lambda value: numbers.points_interval((-value, value)),
    apart,
)  # fmt: skip


@given(anything)
def test_nothing_is_written_with_a_sign_and_only_zeros(value: float) -> None:
    for writer in WRITERS:
        assert not re.search(r"[-+]0(?:\.0*)?(?![\d.])", writer(value)), writer(value)


@given(st.floats(-1e9, 1e9))
def test_a_difference_is_rounded_and_then_given_its_sign(value: float) -> None:
    text = numbers.points(value)
    number = float(text.replace(",", ""))
    assert number == pytest.approx(round(value, 2), abs=0.0051)
    assert text[0] == ("-" if number < 0 else "+" if number > 0 else "0")
    assert (text == "0.00") == (abs(number) == 0)


@given(st.floats(allow_nan=False))
def test_means_are_not_said_to_differ_by_nothing(value: float) -> None:
    assert (apart(value) == "0.00 points") == (value == 0)


@given(st.floats(0, 1))
def test_no_p_value_is_written_as_zero(p: float) -> None:
    text = numbers.p_value(p)
    assert text == "< 0.0001" or float(text) > 0
    assert not re.search(r"\bp (?:= )?0(?![.\d])|\bp (?:= )?0\.0*$", numbers.p_equals(p))


@given(st.integers(1, 10**15))
def test_large_numbers_stay_short(value: int) -> None:
    assert len(numbers.count(value)) <= 6


@given(st.floats(1, 1e15))
def test_three_digits_need_no_exponent(value: float) -> None:
    for writer, unit in ((numbers.count, 1), (numbers.speed, 1), (numbers.mebibytes, 2**20)):
        text = writer(value * unit)
        assert "e" not in text
        size = float(text.replace(",", "").rstrip("kMGT")) * dict(k=1e3, M=1e6, G=1e9, T=1e12).get(
            text[-1], 1
        )
        assert size == pytest.approx(value, rel=0.0051 if value >= 10 or writer is not numbers.count else 0.5)


@given(st.integers(0, 10**7))
def test_thousands_are_apart_and_one_is_no_plural(n: int) -> None:
    for text in (numbers.plural(n, "run"), numbers.seeds(n), numbers.ended(0, n), numbers.further(max(n, 1))):
        assert not re.search(r"\d{4}", text)
        assert not re.search(r"\b1 (?:more )?(?:runs|seeds)\b|\b1 run have", text)
    assert (numbers.further(max(n, 1)) == "over 1,000 more seeds") == (n > 1000)
    for text in (numbers.fixed(n), numbers.speed(n), numbers.mebibytes(n * 2**20)):
        assert not re.search(r"\d{4}", text)
