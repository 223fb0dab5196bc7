"""What the convolution benchmark says about the two reports, in plain words."""

from assay.bench.convolution import ConvolutionBench, geometric_mean
from assay.nn.convolution import METHODS

PUBLISHED_LOOP, PUBLISHED_VECTOR = 186e-3, 180e-6
"""Seconds, as the 2018 report's appendix 1 prints them."""


def answer(bench: ConvolutionBench) -> str:
    """Say in plain words what the numbers mean for the report's section 2.3."""
    speed, memory = bench.time_ratio("loops", "im2col"), bench.memory_ratio("im2col", "loops")
    holds = "holds" if speed > 1 and memory > 1 else "does not hold"
    return (
        f"The 2018 report's section 2.3 {holds}: im2col is {times(speed)} as fast as nested loops and takes "
        f"{times(memory)} their working memory (geometric means over {len(bench.of('im2col')) // 2} sizes, "
        f"forward and backward). {_price(bench)}"
    )


def addition_answer(bench: ConvolutionBench) -> str:
    """Say what the comparison of the report's appendix 1 gives here."""
    loop, vector = bench.addition.loop.median, bench.addition.vector.median
    return (
        f"Adding {bench.addition.size:,} numbers takes {loop * 1e3:.3g} ms element by element and "
        f"{vector * 1e6:.3g} µs in one NumPy expression, which is {times(bench.addition.speedup)} as fast "
        f"(the 2018 report's appendix 1: {PUBLISHED_LOOP * 1e3:.0f} ms, {PUBLISHED_VECTOR * 1e6:.0f} µs, "
        f"{times(PUBLISHED_LOOP / PUBLISHED_VECTOR)})."
    )


def rounding_answer(bench: ConvolutionBench) -> str:
    """Say whether the Fourier transform is less exact than scipy.signal, as the 2017 report says."""
    errors = {name: geometric_mean(found.error for found in bench.of(name)) for name in METHODS}
    holds = errors["fft"] > errors["scipy"]
    verdict, as_printed = ("less", "as") if holds else ("no less", "unlike what")
    ranked = ", ".join(f"{name} {errors[name]:.1e}" for name in sorted(errors, key=errors.__getitem__))
    return (
        f"In float32 the Fourier transform is {verdict} exact than scipy.signal, {as_printed} section 5 of "
        f"the 2017 report says; relative errors against float64: {ranked}."
    )


def times(ratio: float) -> str:
    """Write a ratio with two digits: ``1.3 times``, ``870 times``."""
    return f"{float(f'{ratio:.2g}'):,.10g} times"


def _price(bench: ConvolutionBench) -> str:
    """Say how much of im2col's speed the methods that take less memory retain, the leanest first."""
    memory = {name: bench.memory_ratio(name, "im2col") for name in METHODS if name != "loops"}
    leaner = sorted((name for name in memory if memory[name] < 1), key=memory.__getitem__)
    if not leaner:
        return "No other method but the loops takes less memory."
    kept = (f"{name} {bench.time_ratio('im2col', name):.0%} in {memory[name]:.0%}" for name in leaner)
    return f"Of im2col's speed and memory the others have: {', '.join(kept)}."
