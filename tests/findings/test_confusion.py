"""The confusion matrix against scikit-learn's, and the pairs and pictures that are shown of it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from later import metrics

from assay.findings.confusion import MOST_EXAMPLES, MOST_PAIRS, Confusion, confusion

CLASSES = tuple("ABCDE")
SIZE = st.integers(1, 40)


def drawn(seed: int, seeds: int, images: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Answers that are mostly right, labels and images that can be told apart by their first pixel."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(CLASSES) - 1, images)  # the last class has no image
    wrong = rng.integers(0, len(CLASSES), (seeds, images))
    predicted = np.where(rng.random((seeds, images)) < 0.6, labels, wrong)
    pixels = np.arange(images, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 3), np.uint8)
    return predicted, labels, pixels


@given(st.integers(0, 1000), st.integers(1, 4), SIZE)
def test_shares_are_the_mean_over_seeds_of_scikit_learns(seed: int, seeds: int, images: int) -> None:
    predicted, labels, pixels = drawn(seed, seeds, images)
    found = confusion("arm", predicted, labels, pixels, CLASSES)
    each = [
        metrics.confusion_matrix(labels, answers, labels=range(len(CLASSES)), normalize="true")
        for answers in predicted
    ]
    np.testing.assert_allclose(found.shares, np.mean(each, axis=0), atol=1e-9)
    assert (found.seeds, found.images) == (seeds, images)


def mistakes(found: Confusion) -> list[tuple[str, str]]:
    return [(mistake.true, mistake.answer) for pair in found.pairs for mistake in pair]


@given(st.integers(0, 1000), st.integers(1, 4), SIZE)
def test_pairs_are_the_most_frequent_and_examples_the_worst(seed: int, seeds: int, images: int) -> None:
    predicted, labels, pixels = drawn(seed, seeds, images)
    found = confusion("arm", predicted, labels, pixels, CLASSES)
    counts = sum(
        metrics.confusion_matrix(labels, answers, labels=range(len(CLASSES))) for answers in predicted
    )
    both = {
        (CLASSES[a], CLASSES[b]): counts[a, b] + counts[b, a] for a in range(len(CLASSES)) for b in range(a)
    }
    shown = [both[tuple(sorted((a.true, b.true), reverse=True))] for a, b in found.pairs]
    assert shown == sorted((count for count in both.values() if count), reverse=True)[:MOST_PAIRS]
    for a, b in found.pairs:
        assert (a.true, a.answer) == (b.answer, b.true)
        for mistake in (a, b):
            true, answer = CLASSES.index(mistake.true), CLASSES.index(mistake.answer)
            assert mistake.share == found.shares[true, answer]
            votes = ((predicted == answer) & (labels == true)).sum(axis=0)
            assert [example.networks for example in mistake.examples] == sorted(votes[votes > 0])[::-1][
                :MOST_EXAMPLES
            ]
            for example in mistake.examples:
                assert votes[example.index] == example.networks
                np.testing.assert_array_equal(example.image, pixels[example.index])


def test_there_may_be_no_mistake() -> None:
    labels = np.array([0, 1, 2])
    found = confusion("arm", labels[None], labels, np.zeros((3, 2, 2), np.uint8), CLASSES)
    assert found.pairs == ()
    np.testing.assert_array_equal(np.diag(found.shares), [1, 1, 1, 0, 0])
