"""Augmentation is a pure function of (seed, epoch, example), and displaces pixels as it says."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage, stats

from assay.data import glyphs
from assay.errors import StudyError
from assay.optim.augment import BLOCK, Elastic, Rotate, Shift, Transform, augment, resample
from assay.optim.splitmix import Draws

EACH = (Shift(3), Rotate(20), Elastic(60, 3))
NOTHING = (Shift(0), Rotate(0), Elastic(0, 4))
KIND = [type(item).__name__ for item in EACH]

batches = arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, max_side=9))
seeds = st.integers(0, 2**32)
ROUNDING = 0.501  # of a grey level; the rest is float32's


@pytest.fixture(scope="module")
def characters():
    return glyphs.draw(3 * BLOCK, seed=1)[0]


def draws(count, key=3):
    return Draws(key, np.arange(count))


def bends(size, sigma=4.0, count=1, alpha=34.0):
    return Elastic(alpha, sigma).displacement(draws(count), size)


def rolled(image, down, right):
    """Roll by NumPy, with black where pixels came in from the other side."""
    height, width = image.shape
    result = np.roll(image, (down, right), axis=(0, 1))
    row, column = np.arange(height) - down, np.arange(width) - right
    outside = ((row < 0) | (row >= height))[:, None] | ((column < 0) | (column >= width))
    return np.where(outside, 0, result)


@given(st.data(), seeds, st.integers(1, 1000))
def test_an_image_does_not_depend_on_its_batch(characters, data, seed, epoch):
    chosen = np.array(data.draw(st.lists(st.integers(0, len(characters) - 1), min_size=1, max_size=9)))
    whole = augment(characters, np.arange(len(characters)), seed, epoch, EACH)
    part = augment(characters[chosen], chosen, seed, epoch, EACH)
    np.testing.assert_array_equal(part, whole[chosen])


@given(st.permutations(range(BLOCK + 3)))
def test_displacements_are_equal_to_the_last_bit_in_any_order(order):
    order = np.array(order)
    for item in EACH:
        whole = item.displacement(draws(BLOCK + 3), (13, 28))
        np.testing.assert_array_equal(item.displacement(Draws(3, order), (13, 28)), whole[order])


@dataclass(frozen=True)
class Push(Transform):
    """Displaces all pixels alike; remembers the numbers that it could have drawn."""

    kind: str
    vector: tuple[int, int]
    words: list[int] = field(default_factory=list)

    def displacement(self, draws, size):
        self.words.extend(draws.words(2).ravel().tolist())
        return np.tile(np.array(self.vector, np.float32)[:, None, None], (len(draws.examples), 1, 1, 1))


@given(batches)
def test_displacements_add_up_and_are_drawn_apart(images):
    pushes = [Push("a", (1, 0)), Push("b", (-3, 2)), Push("c", (0, -1))]
    found = augment(images, np.arange(len(images)), 0, 1, pushes)
    np.testing.assert_array_equal(found, [rolled(image, 2, -1) for image in images])
    words = [word for push in pushes for word in push.words]
    assert len(set(words)) == 3 * 2 * len(images)


@pytest.mark.parametrize("item", EACH, ids=KIND)
@pytest.mark.parametrize(("seed", "epoch", "first"), [(1, 1, 0), (0, 2, 0), (0, 1, 1)])
def test_seeds_epochs_and_examples_distort_differently(characters, item, seed, epoch, first):
    image, examples = np.tile(characters[:1], (200, 1, 1)), np.arange(200)
    one = augment(image, examples, 0, 1, [item])
    other = augment(image, examples + first, seed, epoch, [item])
    assert (one == other).all(axis=(1, 2)).mean() < 0.1  # 1 in 49 is expected of shifts


def test_no_two_names_bend_alike(characters):
    image, examples = np.tile(characters[:1], (50, 1, 1)), np.arange(50)
    seen = {
        picture.tobytes()
        for seed in range(5)
        for epoch in range(1, 6)
        for picture in augment(image, examples, seed, epoch, [Elastic()])
    }
    assert len(seen) == 5 * 5 * 50


def test_a_transform_draws_alike_whatever_stands_beside_it(characters):
    every = np.arange(len(characters))
    for item in EACH:
        others = [none for none in NOTHING if none.kind != item.kind]
        alone, among = (augment(characters, every, 0, 1, items) for items in ([item], [*others, item]))
        np.testing.assert_array_equal(alone, among)


def test_the_order_of_transforms_does_not_matter(characters):
    every = np.arange(len(characters))
    there, back = (augment(characters, every, 0, 1, EACH[::step]).astype(int) for step in (1, -1))
    assert np.abs(there - back).max() <= 1  # float32 sums of three round by their order


@given(batches, seeds)
def test_strength_zero_is_the_identity(images, seed):
    np.testing.assert_array_equal(augment(images, np.arange(len(images)), seed, 1, NOTHING), images)
    assert augment(images, np.arange(len(images)), seed, 1, ()) is images


@given(batches, seeds)
def test_shape_and_type_stay_and_the_input_is_left_alone(images, seed):
    before = images.copy()
    found = augment(images, np.arange(len(images)), seed, 1, EACH)
    assert (found.shape, found.dtype) == (images.shape, np.uint8)
    np.testing.assert_array_equal(images, before)
    assert augment(images[:0], np.arange(0), seed, 1, EACH).shape == (0, *images.shape[1:])


@given(batches, st.integers(-12, 12), st.integers(-12, 12))
def test_whole_pixels_roll_and_fill_with_black(images, down, right):
    displacement = np.array([-down, -right], dtype=np.float32)[None, :, None, None]
    expected = [rolled(image, down, right) for image in images]
    np.testing.assert_array_equal(resample(images, displacement), expected)


def test_every_shift_is_as_likely():
    image = np.arange(1, 50, dtype=np.uint8).reshape(7, 7)
    places = {rolled(image, down, right).tobytes(): 0 for down in range(-2, 3) for right in range(-2, 3)}
    for found in augment(np.tile(image, (5000, 1, 1)), np.arange(5000), 0, 1, [Shift(2)]):
        places[found.tobytes()] += 1  # a KeyError is no shift by up to 2 pixels
    assert stats.chisquare(list(places.values())).pvalue > 0.001


@given(batches, st.floats(0.1, 180), seeds)
def test_rotation_is_scipy_s(images, degrees, key):
    random = draws(len(images), key)
    found = resample(images, Rotate(degrees).displacement(random, images.shape[1:]))
    angles = degrees * random.uniform(1)[:, 0].astype(np.float64)
    for image, picture, angle in zip(images, found, angles, strict=True):
        expected = ndimage.rotate(
            image, angle, reshape=False, order=1, mode="grid-constant", output=np.float64
        )
        np.testing.assert_allclose(picture, expected, rtol=0, atol=ROUNDING)


@given(st.data(), batches)
def test_resampling_is_scipy_s_bilinear_interpolation(data, images):
    shape = (len(images), 2, *images.shape[1:])
    moves = data.draw(arrays(np.float32, shape, elements=st.floats(-12, 12, width=16)))
    found = resample(images, moves)
    for image, picture, move in zip(images, found, moves, strict=True):
        places = np.indices(image.shape) + move.astype(np.float64)
        expected = ndimage.map_coordinates(image, places, np.float64, order=1, mode="grid-constant")
        np.testing.assert_allclose(picture, expected, rtol=0, atol=ROUNDING)


@given(st.tuples(st.integers(1, 20), st.integers(1, 20)), st.floats(0.1, 30), st.floats(0.01, 100))
def test_the_elastic_field_is_smoothed_as_scipy_does(size, sigma, alpha):
    noise = draws(3).uniform(2 * size[0] * size[1]).reshape(3, 2, *size).astype(np.float64)
    expected = alpha * ndimage.gaussian_filter(noise, sigma, mode="constant", axes=(2, 3))
    np.testing.assert_allclose(bends(size, sigma, 3, alpha), expected, rtol=1e-4, atol=2e-6 * alpha)


@pytest.mark.parametrize("sigma", [2.0, 4.0])
def test_displacements_have_the_stated_spread(sigma):
    vectors = bends((65, 65), sigma, 3000)[:, :, 32, 32].astype(np.float64)
    expected = 34 / (np.sqrt(12 * np.pi) * sigma)
    for component in vectors.T:  # a sum of many small parts is all but normal
        assert stats.kstest(component, stats.norm(0, expected).cdf).pvalue > 0.001
    assert stats.pearsonr(*vectors.T).pvalue > 0.001


def test_neighbours_move_together_and_strangers_do_not():
    rows = bends((65, 65), 4.0, 2000)[:, 0, 32].astype(np.float64)
    for distance in (1, 4, 8, 24):
        found = stats.pearsonr(rows[:, 20], rows[:, 20 + distance]).statistic
        assert abs(found - np.exp(-(distance**2) / (4 * 4.0**2))) < 0.1  # of a Gaussian with itself


@given(st.integers(0, 5), st.integers(0, 5), seeds)
def test_ink_comes_from_no_further_than_the_displacement(row, column, seed):
    image = np.zeros((1, 28, 28), dtype=np.uint8)
    image[0, 11 + row, 11 + column] = 255
    lit = np.argwhere(augment(image, np.zeros(1, np.int64), seed, 1, [Shift(3)])[0])
    assert np.abs(lit - [11 + row, 11 + column]).max() <= 3


def test_black_stays_black():
    black = np.zeros((200, 28, 28), dtype=np.uint8)
    assert not augment(black, np.arange(200), 0, 1, EACH).any()


@pytest.mark.parametrize("item", [Shift(), Rotate(), Elastic()], ids=KIND)
def test_the_ink_is_about_as_much_as_before(characters, item):
    found = augment(characters, np.arange(len(characters)), 0, 1, [item])
    assert found.mean() == pytest.approx(characters.mean(), rel=0.05)
    assert (found != characters).any(axis=(1, 2)).mean() > 0.9


def test_the_strongest_transforms_move_everything_out_without_a_warning(characters):
    every = np.arange(len(characters))
    strongest = (Shift(1000), Rotate(180), Elastic(1e6, 0.1))
    assert augment(characters, every, 0, 1, strongest).mean() < characters.mean() / 10


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Shift(-1), r"pixels must be an integer in \[0, 1000\]; got -1"),
        (lambda: Shift(1.5), r"pixels must be an integer in \[0, 1000\]; got 1.5"),
        (lambda: Rotate(181), r"degrees must be a number in \[0, 180\]; got 181"),
        (lambda: Rotate(float("nan")), r"degrees must be a number in \[0, 180\]; got nan"),
        (lambda: Elastic(alpha=-1), r"alpha must be a number in \[0, 1e6\]; got -1"),
        (lambda: Elastic(alpha=float("inf")), r"alpha must be a number in \[0, 1e6\]; got inf"),
        (lambda: Elastic(sigma=0), r"sigma must be a number in \[0.1, 1000\]; got 0"),
    ],
)
def test_values_that_cannot_be(make, message):
    with pytest.raises(StudyError, match=message):
        make()


def test_a_kind_twice_is_refused(characters):
    with pytest.raises(StudyError, match="augment must be transforms of different kinds; got shift, shift"):
        augment(characters, np.arange(len(characters)), 0, 1, [Shift(1), Shift(2)])
