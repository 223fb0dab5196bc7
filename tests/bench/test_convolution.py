"""The convolution benchmark: what it measures, what it concludes, how it shows it."""

from dataclasses import replace
from itertools import product

import pytest
from rich.console import Console

from assay.bench.clock import Timing
from assay.bench.convolution import (
    DIRECTIONS,
    Addition,
    Case,
    ConvolutionBench,
    ConvolutionSettings,
    Measurement,
    run,
)
from assay.bench.convolution_answers import addition_answer, answer, rounding_answer
from assay.bench.convolution_views import draw, table
from assay.errors import UsageError
from assay.nn.convolution import METHODS

SMALL = ConvolutionSettings((1, 5), (8,), batch_size=1, in_channels=2, out_channels=2, rounds=1)


@pytest.fixture(scope="module")
def measured():
    return run(SMALL)


def test_measures_every_method_on_every_case_both_ways(measured):
    found = {(one.case, one.method, one.direction) for one in measured.measurements}
    assert found == set(product([Case(8, 1), Case(8, 5)], METHODS, DIRECTIONS))
    assert len(measured.measurements) == len(found)


def test_says_which_case_is_next():
    cases = []
    run(ConvolutionSettings((1,), (2, 3), 1, 1, 1, rounds=1), cases.append)
    assert cases == [Case(2, 1), Case(3, 1)]


def test_memory_holds_the_result_at_least_and_im2col_its_matrix(measured):
    output, rows, columns = 2 * 4 * 4 * 4, 4 * 4, 2 * 5 * 5
    for one in measured.measurements:
        if one.case == Case(8, 5) and one.direction == "forward":
            assert one.memory >= output
            if one.method == "im2col":
                assert one.memory >= output + 4 * rows * columns


def test_errors_are_those_of_single_precision(measured):
    for one in measured.measurements:
        assert 0 <= one.error < 1e-5
    assert max(one.error for one in measured.measurements) > 1e-9


def test_adding_in_one_expression_is_what_the_report_did(measured):
    assert measured.addition.speedup > 1


def made(**ratios):
    """Return a benchmark in which a method takes (seconds, bytes) at every size."""
    own = {"im2col": (1.0, 100), "loops": (50.0, 20)}
    costs = {name: {**own, **ratios}.get(name, (2.0, 200)) for name in METHODS}
    measurements = tuple(
        Measurement(case, name, direction, Timing((costs[name][0] * case.image_size,)), costs[name][1], 1e-7)
        for case, name, direction in product([Case(8, 3), Case(16, 3)], METHODS, DIRECTIONS)
    )
    return ConvolutionBench(SMALL, measurements, Addition(Timing((0.02,)), Timing((0.00004,))))


def test_answers_section_2_3_from_the_numbers():
    said = answer(made())
    assert "section 2.3 holds: im2col is 50 times as fast as nested loops and takes 5 times their" in said
    assert "over 2 sizes" in said
    assert said.endswith("No other method but the loops takes less memory.")


def test_the_answer_can_be_no():
    assert "section 2.3 does not hold" in answer(made(loops=(0.5, 20)))
    assert "section 2.3 does not hold" in answer(made(loops=(50.0, 300)))


def test_the_answer_names_what_keeps_the_speed_in_less_memory():
    said = answer(made(offsets=(0.5, 40), numba=(4.0, 10)))
    assert said.endswith(
        "Of im2col's speed and memory the others have: numba 25% in 10%, offsets 200% in 40%."
    )


def test_answers_appendix_1_beside_what_it_printed():
    said = addition_answer(made())
    assert "takes 20 ms element by element and 40 µs in one NumPy expression" in said
    assert "500 times as fast (the 2018 report's appendix 1: 186 ms, 180 µs, 1,000 times)" in said


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (2e-7, "is less exact than scipy.signal, as section 5 of the 2017 report says;"),
        (0.5e-7, "is no less exact than scipy.signal, unlike what section 5 of the 2017 report says;"),
    ],
)
def test_answers_how_exact_the_fourier_transform_is(error, verdict):
    bench = made()
    measurements = tuple(
        replace(one, error=error) if one.method == "fft" else one for one in bench.measurements
    )
    assert verdict in rounding_answer(replace(bench, measurements=measurements))


def test_an_error_of_zero_is_shown(measured):
    assert "offsets 0.0e+00" in rounding_answer(
        replace(measured, measurements=tuple(replace(one, error=0.0) for one in measured.measurements))
    )


def test_the_table_has_a_row_for_each_case_and_method(measured):
    text = printed(measured)
    for name in METHODS:
        assert sum(line.startswith(f"  {name}") for line in text) == 2
    cases = [line.strip() for line in text if line.startswith("image")]
    assert cases == ["image 8, kernel 1", "image 8, kernel 5"]


def test_the_table_fits_a_terminal_whatever_the_machine_does(measured):
    wild = Timing((1e-5, 0.0526e-3, 3.0))
    widest = [
        replace(one, time=wild, memory=1_108 * 1024, case=Case(28, one.case.kernel_size))
        for one in measured.measurements
    ]
    text = printed(replace(measured, measurements=tuple(widest)))
    assert any("0.0526 ±>99%" in line for line in text)
    assert not any("…" in line for line in text)


def printed(bench):
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table(bench))
    return captured.get().splitlines()


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_draws_in_every_format(measured, tmp_path, suffix, magic):
    path = tmp_path / f"figure{suffix}"
    draw(measured, path)
    assert path.read_bytes().startswith(magic)


def test_refuses_another_format(measured, tmp_path):
    with pytest.raises(UsageError, match=r"expected a name that ends in .png, .svg, .pdf"):
        draw(measured, tmp_path / "figure.jpg")
