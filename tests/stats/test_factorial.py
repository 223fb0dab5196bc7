import warnings
from itertools import product

import numpy as np
import pytest
from worked_examples import CELLS, FACTORS

from assay.errors import UsageError
from assay.stats import factorial_effects
from assay.streams import stream

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pandas deprecations at import
    import pandas
    from statsmodels.stats.anova import AnovaRM
    from statsmodels.stats.multitest import multipletests


def test_worked_example():
    pool, bn, interaction = factorial_effects(CELLS, FACTORS).effects
    assert [e.name for e in (pool, bn)] == ["pool: max - avg", "bn: bn1 - bn0"]
    assert interaction.factors == ("pool", "bn")
    close = pytest.approx
    assert (pool.mean, bn.mean, interaction.mean) == close((0.28916666667, 0.49583333333, -0.175), abs=1e-10)
    assert (pool.t, bn.t, interaction.t) == close(
        (32.876598608826, 38.327319270851, -8.625121016578), abs=1e-9
    )
    assert (pool.p, bn.p, interaction.p) == close((4.892987e-7, 2.278239e-7, 3.458429e-4), rel=2e-7)
    assert pool.interval == close((0.26655707163, 0.31177626171), abs=1e-10)
    assert bn.interval == close((0.49583333333 - 0.03325513458, 0.52908846791), abs=1e-10)
    assert interaction.interval == close((-0.22715600110, -0.12284399890), abs=1e-10)
    assert (pool.p_holm, bn.p_holm, interaction.p_holm) == close(
        (9.78597420e-7, 6.83471642e-7, 3.45842904e-4), rel=1e-8
    )


def test_an_interaction_brings_the_simple_effects():
    result = factorial_effects(CELLS, FACTORS)
    assert result.qualified == ("pool", "bn")
    at = {e.name: e.mean for e in result.simple}
    without = np.subtract(CELLS["max", "bn0"], CELLS["avg", "bn0"]).mean()
    assert at["pool: max - avg at bn = bn0"] == pytest.approx(without)
    assert len(at) == 4
    additive = {cell: np.array(x) - (0.5 if cell == ("max", "bn1") else 0) for cell, x in CELLS.items()}
    additive["max", "bn1"] = np.array(additive["max", "bn0"]) + np.subtract(
        CELLS["avg", "bn1"], CELLS["avg", "bn0"]
    )
    assert factorial_effects(additive, FACTORS).simple == ()


def test_two_by_two_by_two_agrees_with_repeated_measures_anova():
    factors = {"a": ("0", "1"), "b": ("0", "1"), "c": ("0", "1")}
    for k in range(20):
        rng = stream(k, "designs")
        cells = {cell: rng.normal(88, 0.3, 7) + 0.2 * int(cell[0]) for cell in product("01", repeat=3)}
        result = factorial_effects(cells, factors)
        frame = pandas.DataFrame(
            [(*cell, seed, y) for cell, x in cells.items() for seed, y in enumerate(x)],
            columns=["a", "b", "c", "seed", "y"],
        )
        table = AnovaRM(frame, "y", "seed", within=["a", "b", "c"]).fit().anova_table
        for effect in result.effects:
            reference = table.loc[":".join(effect.factors)]
            assert effect.t**2 == pytest.approx(reference["F Value"], rel=1e-7)
            assert effect.p == pytest.approx(reference["Pr > F"], rel=1e-7)
        adjusted = multipletests([e.p for e in result.effects], method="holm")[1]
        assert [e.p_holm for e in result.effects] == pytest.approx(adjusted.tolist())


def test_more_levels_are_each_compared_with_the_first():
    rng = stream(0, "levels")
    cells = {cell: rng.normal(88, 0.3, 6) for cell in product("pqr", "xy")}
    result = factorial_effects(cells, {"f": "pqr", "g": "xy"})
    assert [e.name for e in result.effects] == [
        "f: q - p", "f: r - p", "g: y - x", "f x g: (q - p) x (y - x)", "f x g: (r - p) x (y - x)",
    ]  # fmt: skip
    by_hand = (cells["r", "x"] + cells["r", "y"] - cells["p", "x"] - cells["p", "y"]) / 2
    assert result.effects[1].mean == pytest.approx(by_hand.mean())
    assert result.effects[1].sd == pytest.approx(by_hand.std(ddof=1))


def test_a_shared_offset_of_a_seed_changes_nothing():
    offset = np.array([3, -2, 0.5, 1, 10, -7])
    moved = {cell: np.array(x) + offset for cell, x in CELLS.items()}
    for before, after in zip(*(factorial_effects(c, FACTORS).effects for c in (CELLS, moved)), strict=True):
        assert after.interval == pytest.approx(before.interval, abs=1e-9)


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
        factorial_effects({**CELLS, ("max", "bn1"): [88.0]}, FACTORS)
    with pytest.raises(UsageError, match="2 of 2 seeds are complete"):
        factorial_effects({cell: x[:2] for cell, x in CELLS.items()}, FACTORS)
