from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from later import pandas, statsmodels
from scipy.stats import t
from worked_examples import CELLS, FACTORS, points, shares

from assay.errors import UsageError
from assay.stats import factorial_effects
from assay.streams import stream


def test_worked_example():
    pool, bn, interaction = factorial_effects(CELLS, FACTORS).effects
    assert [e.name for e in (pool, bn)] == ["pool: max - avg", "bn: bn1 - bn0"]
    assert interaction.factors == ("pool", "bn")
    close = pytest.approx
    assert (pool.mean, bn.mean, interaction.mean) == points((0.28916666667, 0.49583333333, -0.175))
    assert (pool.t, bn.t, interaction.t) == close(
        (32.876598608826, 38.327319270851, -8.625121016578), abs=1e-9
    )
    assert (pool.p, bn.p, interaction.p) == close((4.892987e-7, 2.278239e-7, 3.458429e-4), rel=2e-7)
    assert student(pool, 0.95) == points((0.26655707163, 0.31177626171))
    assert student(bn, 0.95) == points((0.49583333333 - 0.03325513458, 0.52908846791))
    assert student(interaction, 0.95) == points((-0.22715600110, -0.12284399890))
    for effect in (pool, bn, interaction):
        assert effect.interval == close(student(effect, 1 - 0.05 / 3), rel=1e-9)
        assert effect.p_adjusted == close(3 * effect.p, rel=1e-12)


def student(effect, confidence):
    """Return SciPy's interval of an effect by itself."""
    return t.interval(confidence, effect.df, effect.mean, effect.sd / np.sqrt(effect.df + 1))


@given(st.integers(0, 10_000), st.sampled_from([(2, 2), (2, 3), (2, 2, 2)]), st.floats(0.8, 0.99))
def test_p_and_interval_of_an_effect_say_the_same(seed, shape, confidence):
    rng = stream(seed, "effects")
    factors = {f"f{i}": [f"{i}{j}" for j in range(levels)] for i, levels in enumerate(shape)}
    cells = {
        cell: rng.normal(0.882 if cell[0] == "01" else 0.88, 0.003, 5) for cell in product(*factors.values())
    }
    result = factorial_effects(cells, factors, confidence=confidence)
    for effect in (*result.effects, *result.simple):
        assert (effect.p_adjusted < 1 - confidence) == (not effect.interval[0] <= 0 <= effect.interval[1])
    crossing = [e for e in result.effects if len(e.factors) == 2]
    assert bool(result.simple) == any(not e.interval[0] <= 0 <= e.interval[1] for e in crossing)
    assert {name for e in crossing for name in e.factors} >= set(result.qualified)


def test_all_effects_of_a_study_hold_at_once():
    factors = {name: ("0", "1") for name in "abc"}
    held = 0
    for k in range(400):
        rng = stream(k, "no effect at all")
        cells = {cell: rng.normal(0.88, 0.003, 4) for cell in product("01", repeat=3)}
        held += all(e.interval[0] <= 0 <= e.interval[1] for e in factorial_effects(cells, factors).effects)
    assert held / 400 >= 0.95 - 0.03


def test_the_simple_effects_are_corrected_for_their_own_number():
    result = factorial_effects(CELLS, FACTORS)
    for effect in result.simple:
        assert effect.interval == pytest.approx(student(effect, 1 - 0.05 / 4), rel=1e-9)
        assert effect.p_adjusted == pytest.approx(min(1, 4 * effect.p), rel=1e-12)


def test_an_interaction_brings_the_simple_effects():
    result = factorial_effects(CELLS, FACTORS)
    assert result.qualified == ("pool", "bn")
    at = {e.name: e.mean for e in result.simple}
    without = np.subtract(CELLS["max", "bn0"], CELLS["avg", "bn0"]).mean()
    assert at["pool: max - avg at bn = bn0"] == pytest.approx(without)
    assert len(at) == 4
    additive = {cell: np.array(x) - (0.005 if cell == ("max", "bn1") else 0) for cell, x in CELLS.items()}
    additive["max", "bn1"] = np.array(additive["max", "bn0"]) + np.subtract(
        CELLS["avg", "bn1"], CELLS["avg", "bn0"]
    )
    assert factorial_effects(additive, FACTORS).simple == ()


def test_two_by_two_by_two_agrees_with_repeated_measures_anova():
    factors = {"a": ("0", "1"), "b": ("0", "1"), "c": ("0", "1")}
    for k in range(20):
        rng = stream(k, "designs")
        cells = {cell: rng.normal(0.88, 0.003, 7) + 0.002 * int(cell[0]) for cell in product("01", repeat=3)}
        result = factorial_effects(cells, factors)
        frame = pandas.DataFrame(
            [(*cell, seed, y) for cell, x in cells.items() for seed, y in enumerate(x)],
            columns=["a", "b", "c", "seed", "y"],
        )
        table = statsmodels.AnovaRM(frame, "y", "seed", within=["a", "b", "c"]).fit().anova_table
        for effect in result.effects:
            reference = table.loc[":".join(effect.factors)]
            assert effect.t**2 == pytest.approx(reference["F Value"], rel=1e-7)
            assert effect.p == pytest.approx(reference["Pr > F"], rel=1e-7)
        adjusted = statsmodels.multipletests([e.p for e in result.effects], method="bonferroni")[1]
        assert [e.p_adjusted for e in result.effects] == pytest.approx(adjusted.tolist())


def test_more_levels_are_each_compared_with_the_first():
    rng = stream(0, "levels")
    cells = {cell: rng.normal(0.88, 0.003, 6) for cell in product("pqr", "xy")}
    result = factorial_effects(cells, {"f": "pqr", "g": "xy"})
    assert [e.name for e in result.effects] == [
        "f: q - p", "f: r - p", "g: y - x", "f x g: (q - p) x (y - x)", "f x g: (r - p) x (y - x)",
    ]  # fmt: skip
    by_hand = (cells["r", "x"] + cells["r", "y"] - cells["p", "x"] - cells["p", "y"]) / 2
    assert result.effects[1].mean == pytest.approx(by_hand.mean())
    assert result.effects[1].sd == pytest.approx(by_hand.std(ddof=1))


def test_a_shared_offset_of_a_seed_changes_nothing():
    offset = shares([3, -2, 0.5, 1, 10, -7])
    moved = {cell: np.array(x) + offset for cell, x in CELLS.items()}
    for before, after in zip(*(factorial_effects(c, FACTORS).effects for c in (CELLS, moved)), strict=True):
        assert after.interval == pytest.approx(before.interval, abs=1e-11)


def test_a_seed_with_a_diverged_run_is_left_out_and_counted():
    cells = {**CELLS, ("max", "bn1"): [np.nan, *CELLS["max", "bn1"][1:]]}
    result = factorial_effects(cells, FACTORS)
    assert (result.n, result.left_out) == (5, 1)
    assert result.effects == factorial_effects({c: x[1:] for c, x in CELLS.items()}, FACTORS).effects


def test_what_is_no_factorial_is_said():
    missing = {cell: x for cell, x in CELLS.items() if cell != ("max", "bn1")}
    with pytest.raises(UsageError, match="interactions are not estimable"):
        factorial_effects(missing, FACTORS)
    with pytest.raises(UsageError, match="two or more"):
        factorial_effects(CELLS, {"pool": ("avg",), "bn": ("bn0", "bn1")})
    with pytest.raises(UsageError, match="differ in seeds"):
        factorial_effects({**CELLS, ("max", "bn1"): [0.88]}, FACTORS)
    with pytest.raises(UsageError, match="2 of 2 seeds are complete"):
        factorial_effects({cell: x[:2] for cell, x in CELLS.items()}, FACTORS)
