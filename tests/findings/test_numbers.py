import re
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.findings import numbers
from assay.stats import MoreSeeds


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        (numbers.fixed, 88.405, "88.41"),
        (numbers.fixed, nan, "–"),
        (numbers.fixed, None, "–"),
        (numbers.fixed, inf, "inf"),
        (numbers.percent, 0.88, "88.00%"),
        (numbers.share, 0.8841, "88.41"),
        (numbers.points, 0.004, "+0.40"),
        (numbers.points, -0.01234, "-1.23"),
        (numbers.points, -0.00004, "0.00"),
        (numbers.points, 12.345, "+1,234.50"),
        (numbers.fixed, -0.004, "0.00"),
        (numbers.fixed, -1234.5, "-1,234.50"),
        (numbers.points_interval, (-0.00001, 0.00001), "-0.001 to +0.001"),
        (numbers.points_interval, (-0.00004, 0.00049), "-0.004 to +0.05"),
        (numbers.points_interval, (0.0000004, 0.001), "+0.00004 to +0.10"),
        (numbers.points_interval, (-1e-17, 0.0), "0.00 to 0.00"),
        (numbers.interval, (-0.00003, 0.00003), "-0.003 to 0.003"),
        (numbers.p_value, nan, "–"),
        (numbers.count, 999_999, "1M"),
        (numbers.count, 999.7, "1k"),
        (numbers.mebibytes, 1010 * 2**20, "1,010"),
        (numbers.speed, 9.999, "10.0"),
        (numbers.speed, 0.0999, "0.10"),
        (numbers.apart, 0.00004, "less than 0.01 points"),
        (numbers.apart, -0.0042, "0.42 points"),
        (numbers.margin, 0.003, "0.3 points"),
        (numbers.whole_percent, 0.001, "<1%"),
        (numbers.whole_percent, 0.999, ">99%"),
        (numbers.whole_percent, 0.63, "63%"),
        (numbers.interval, (0.8, 0.85), "80.00 to 85.00"),
        (numbers.points_interval, (-0.0001, 0.0034), "-0.01 to +0.34"),
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
        (numbers.further, MoreSeeds(1, 1), "1 more seed"),
        (numbers.further, MoreSeeds(10, 200), "perhaps 10 to 200 more seeds"),
        (numbers.further, MoreSeeds(10, 1000), "perhaps 10 to 1,000 more seeds"),
        (numbers.further, MoreSeeds(10, 1001), "perhaps 10 to over 1,000 more seeds"),
        (numbers.further, MoreSeeds(10, None), "perhaps 10 to over 1,000 more seeds"),
        (numbers.further, MoreSeeds(1001, None), "over 1,000 more seeds"),
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
    numbers.apart,
)  # fmt: skip


@given(anything)
def test_nothing_is_written_with_a_sign_and_only_zeros(value: float) -> None:
    for writer in WRITERS:
        assert not re.search(r"[-+]0(?:\.0*)?(?![\d.])", writer(value)), writer(value)


@given(st.floats(-1e9, 1e9))
def test_a_difference_is_rounded_and_then_given_its_sign(value: float) -> None:
    text = numbers.points(value)
    number = float(text.replace(",", ""))
    assert number == pytest.approx(100 * value, abs=0.0051, rel=1e-12)
    assert text[0] == ("-" if number < 0 else "+" if number > 0 else "0")
    assert (text == "0.00") == (abs(number) == 0)


@given(st.floats(allow_nan=False))
def test_means_are_not_said_to_differ_by_nothing(value: float) -> None:
    assert (numbers.apart(value) == "0.00 points") == (value == 0)


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
        assert size == pytest.approx(value, rel=0.0051, abs=0.5 if writer is numbers.count else 0)


@given(st.integers(0, 10**7), st.integers(1, 10**7))
def test_thousands_are_apart_and_one_is_no_plural(n: int, low: int) -> None:
    more = MoreSeeds(low, low + n)
    for text in (numbers.plural(n, "run"), numbers.seeds(n), numbers.ended(0, n), numbers.further(more)):
        assert not re.search(r"\d{4}", text)
        assert not re.search(r"\b1 (?:more )?(?:runs|seeds)\b|\b1 run have", text)
    assert ("over 1,000 more seeds" in numbers.further(more)) == (low + n > 1000)
    for text in (numbers.fixed(n), numbers.speed(n), numbers.mebibytes(n * 2**20)):
        assert not re.search(r"\d{4}", text)


def test_the_two_digits_of_a_small_number_are_both_written():
    assert [numbers.speed(n) for n in (0.02, -0.0302, 0.0097, 0)] == ["0.020", "-0.030", "0.0097", "0"]
