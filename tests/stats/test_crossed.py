import numpy as np
import pytest
from later import linear_model, pandas, statsmodels
from worked_examples import correctness_matrices, points

from assay.errors import UsageError
from assay.stats import compare, compare_crossed, seed_spread
from assay.streams import stream


def test_worked_example():
    a, b = correctness_matrices()
    assert a.sum(axis=1).tolist() == [327, 327, 327, 327, 327, 328]
    assert b.sum(axis=1).tolist() == [312, 352, 311, 314, 352, 313]
    c = compare_crossed(a, b)
    exactly = lambda x: pytest.approx(x, rel=1e-10, abs=1e-10)  # noqa: E731
    assert c.mean == points(0.375)
    assert (c.ms_seed, c.ms_image, c.ms_rest) == exactly((1.05575, 0.18161967418546, 0.14597556390977))
    assert (c.se_seed, c.se_image, c.se) == points((2.09736938409, 0.86991300855, 2.13248105724))
    assert c.df == exactly(5.34108151082)
    assert c.p == exactly(0.86688530656)
    assert c.interval == points((-5.003081024, 5.753081024))


def test_the_part_of_seeds_is_the_paired_t_test():
    a, b = correctness_matrices()
    t = compare(a.mean(axis=1), b.mean(axis=1))
    c = compare_crossed(a, b)
    assert (c.mean, c.se_seed) == pytest.approx((t.mean, t.se), rel=1e-9)


def test_mean_squares_agree_with_statsmodels():
    for k in range(5):
        rng = stream(k, "small crossed")
        a, b = rng.random((4, 15)) < 0.8, rng.random((4, 15)) < 0.6
        seeds, images = np.indices(a.shape)
        d = a.astype(float) - b
        frame = pandas.DataFrame({"d": d.ravel(), "seed": seeds.ravel(), "image": images.ravel()})
        table = statsmodels.anova_lm(linear_model.OLS.from_formula("d ~ C(seed) + C(image)", frame).fit())
        c = compare_crossed(a, b)
        expected = (table["sum_sq"] / table["df"]).tolist()
        assert (c.ms_seed, c.ms_image, c.ms_rest) == pytest.approx(expected, rel=1e-9)


def test_mean_squares_give_the_two_way_clustered_error_of_statsmodels():
    a, b = correctness_matrices()
    n, images = a.shape
    groups = np.stack([g.ravel() for g in np.indices(a.shape)], axis=1)
    options = {"groups": groups, "use_correction": False}
    d = (a.astype(float) - b).ravel()
    reference = linear_model.OLS(d, np.ones(d.size)).fit(cov_type="cluster", cov_kwds=options).bse[0]
    c = compare_crossed(a, b)
    by_seed, by_image = images * (n - 1) * c.ms_seed, n * (images - 1) * c.ms_image
    total = (n - 1) * c.ms_seed + (images - 1) * c.ms_image + (n - 1) * (images - 1) * c.ms_rest
    assert np.sqrt(by_seed + by_image - total) / d.size == pytest.approx(reference, rel=1e-9)
    assert reference == pytest.approx(0.0194424509147, rel=1e-9)


def crossed_study(k, n, images):
    """Return correctness of two equal arms on new seeds and new images, each with an effect of its own."""
    rng = stream(k, "crossed study", n, images)
    seed, image = rng.normal(0, 0.01, (n, 1)), rng.uniform(-0.25, 0.25, (1, images))
    u, tilt = rng.random((n, images)), (seed + image) / 2
    return u < 0.15 + tilt, u > 0.85 + tilt


def test_only_the_crossed_interval_covers_on_new_images():
    crossed = paired = 0
    for k in range(400):
        a, b = crossed_study(k, 30, 300)
        low, high = compare_crossed(a, b).interval
        crossed += low <= 0 <= high
        low, high = compare(a.mean(axis=1), b.mean(axis=1)).interval
        paired += low <= 0 <= high
    assert crossed / 400 == pytest.approx(0.95, abs=0.03)
    assert paired / 400 < 0.8


def test_what_no_number_of_seeds_removes():
    a, b = crossed_study(0, 40, 2000)
    true_floor = 0.5 / np.sqrt(12) / np.sqrt(2000)
    assert compare_crossed(a, b).floor == pytest.approx(true_floor, rel=0.1)


def test_symmetry_and_equal_arms():
    a, b = correctness_matrices()
    c, swapped = compare_crossed(a, b), compare_crossed(b, a)
    assert swapped.interval == pytest.approx((-c.interval[1], -c.interval[0]))
    shuffled = compare_crossed(a[::-1, ::-1], b[::-1, ::-1])
    assert shuffled.interval == pytest.approx(c.interval)
    equal = compare_crossed(a, a)
    assert (equal.mean, equal.se, equal.p, equal.interval) == (0, 0, 1, (0, 0))
    always = compare_crossed(np.ones((3, 5)), np.zeros((3, 5)))
    assert (always.p, always.interval) == (0, (1, 1))


def test_spread_of_coins_is_all_test_set_noise():
    found = [seed_spread(stream(k, "coins").random((10, 2000)) < 0.88) for k in range(200)]
    assert np.mean([s.sd_expected_if_independent for s in found]) == pytest.approx(
        np.sqrt(0.88 * 0.12 / 2000), rel=0.01
    )
    assert np.median([s.distribution_sd for s in found]) < 0.003
    variance = np.mean([s.sd**2 for s in found])
    assert variance == pytest.approx(np.mean([s.sd_expected_if_independent**2 for s in found]), rel=0.1)


def test_the_real_part_of_the_spread_is_recovered():
    found = []
    for k in range(200):
        rng = stream(k, "real spread")
        found.append(seed_spread(rng.random((10, 2000)) < rng.normal(0.8, 0.02, (10, 1))).distribution_sd)
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(0.02, rel=0.08)


def test_spread_by_hand():
    x = np.array([[1, 1, 0, 1], [1, 0, 0, 1], [1, 1, 0, 0]], bool)
    s = seed_spread(x)
    assert s.sd == pytest.approx(np.std([0.75, 0.5, 0.5], ddof=1))
    assert s.sd_expected_if_independent == pytest.approx(np.sqrt(2 / 3 / 4 / 4))
    assert s.distribution_sd == 0


def test_what_is_no_correctness_is_said():
    a, b = correctness_matrices()
    for wrong in ((a[:2], b[:2]), (a, b[:5]), (a.astype(int) * 7, b), (a[0], b[0])):
        with pytest.raises(UsageError, match="found"):
            compare_crossed(*wrong)
