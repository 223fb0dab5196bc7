"""scikit-learn's own checks, and its tools, accept the classifier."""

import pickle
import warnings

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from later import datasets, estimator_checks, model_selection, neural_network, pandas, pipeline, preprocessing
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from assay import ConvPool, Dense, Recipe
from assay.errors import StudyError, UsageError
from assay.optim import SGD, Adam
from assay.sklearn import Classifier

QUICK = Recipe(Adam(0.01), batch_size=16, epochs=12)


def test_scikit_learns_checks():
    estimator = Classifier(Dense((20,)), QUICK, engine="reference")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = estimator_checks.check_estimator(estimator, on_skip=None, on_fail=None)
    assert sum(one["status"] == "passed" for one in found) > 50
    failed = [one for one in found if one["status"] not in ("passed", "skipped")]
    assert [(one["check_name"], one["exception"]) for one in failed] == []


@pytest.fixture(scope="module")
def digits():
    images, labels = datasets.load_digits(return_X_y=True)
    return images[:900], labels[:900], images[900:], labels[900:]


def test_it_learns_as_well_as_scikit_learns_own_network(digits):
    x, y, x_test, y_test = digits
    ours = Classifier(seeds=2).fit(x, y)
    theirs = neural_network.MLPClassifier(
        (100,), learning_rate_init=0.003, batch_size=32, max_iter=50, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.fit(x / 16, y)
    assert ours.score(x_test, y_test) > theirs.score(x_test / 16, y_test) - 0.015
    shares = ours.predict_proba(x_test)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(ours.predict_proba(x_test[:1]), shares[:1], rtol=1e-12)
    assert len(ours.weights_) == len(ours.history_) == 2
    assert ours.history_[0][-1].valid_accuracy > 0.9


def test_images_go_through_a_convolution(digits):
    x, y, x_test, y_test = digits
    network = ConvPool(maps=(8,), kernel_size=3)
    found = Classifier(network, QUICK).fit(x.reshape(-1, 8, 8), y)
    assert found.network_.input_shape == (1, 8, 8)
    assert found.score(x_test.reshape(-1, 8, 8), y_test) > 0.85
    with pytest.raises(ValueError, match=r"samples of shape \(8, 4\), expected \(8, 8\)"):
        found.predict(x_test[:, :32].reshape(-1, 8, 4))
    with pytest.raises(ValueError, match=r"expected \(n, features\), \(n, H, W\) or \(n, H, W, C\)"):
        found.fit(x.reshape(-1, 2, 2, 2, 8), y)


def coloured(n=240):
    """Small images, 6 x 9, of which only the colour tells the class: their mean grey is the same."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, n)
    images = random.integers(0, 90, (n, 6, 9, 3), dtype=np.uint8)
    images[np.arange(n), :, :, labels] += 110
    return images, labels


def test_colour_is_seen_whether_images_come_whole_or_flat(digits):
    x, y = coloured()
    network = ConvPool(maps=(4,), kernel_size=3)
    whole = Classifier(network, QUICK).fit(x[:180], y[:180])
    assert whole.network_.input_shape == (3, 6, 9)
    assert whole.score(x[180:], y[180:]) > 0.95
    flat = Classifier(network, QUICK, image_shape=(6, 9, 3)).fit(x[:180].reshape(180, -1), y[:180])
    assert flat.n_features_in_ == 162
    shares = flat.predict_proba(x[180:].reshape(60, -1))
    np.testing.assert_array_equal(shares, whole.predict_proba(x[180:]))
    grey = Classifier(network, QUICK, image_shape=[8, 8])
    scaled = pipeline.make_pipeline(preprocessing.StandardScaler(), grey)
    assert model_selection.cross_val_score(scaled, *digits[:2], cv=2).min() > 0.6
    assert clone(flat).get_params()["image_shape"] == (6, 9, 3)


@pytest.mark.parametrize("shape", [(6, 9), (162,), (6, 27.0), (-6, -27), "two", (0, 0), (6, 9, 3, 1)])
def test_an_image_shape_that_does_not_fit_is_refused(shape):
    x, y = coloured(30)
    with pytest.raises(UsageError, match=r"image_shape: found .*, expected \(H, W\) or \(H, W, C\)"):
        Classifier(image_shape=shape).fit(x.reshape(30, -1), y)


def test_bytes_are_taken_as_they_are(digits):
    x, y, *_ = digits
    pixels = (15 * x).astype(np.uint8)
    found = Classifier(recipe=QUICK).fit(pixels, y)
    np.testing.assert_array_equal(found._levels(pixels)[:, 0], pixels)
    scaled = Classifier(recipe=QUICK).fit(pixels / 255.0, y)
    assert scaled._levels(pixels / 255.0).max() == 255


def test_it_works_in_a_pipeline_a_search_and_cross_validation(digits):
    x, y, *_ = digits
    quick = Classifier(Dense((16,)), QUICK)
    scaled = pipeline.make_pipeline(preprocessing.StandardScaler(), quick)
    assert model_selection.cross_val_score(scaled, x, y, cv=2).min() > 0.7
    recipes = [Recipe(SGD(1e-6), batch_size=16, epochs=1), QUICK]
    search = model_selection.GridSearchCV(quick, {"recipe": recipes, "network": [Dense((16,))]}, cv=2).fit(
        x, y
    )
    assert search.best_params_["recipe"] == QUICK
    assert clone(quick).get_params() == quick.get_params()


def test_names_of_features_are_kept_and_expected(digits):
    """Those of a frame; labels may be text, of any of its types."""
    x, y, *_ = digits
    frame = pandas.DataFrame(x, columns=[f"pixel{index}" for index in range(64)])
    words = pandas.Series(y).map("digit {}".format)
    quick = Classifier(Dense((16,)), QUICK, engine="reference")
    expected = quick.fit(x, words.to_numpy()).predict(x)
    for labels in (words, words.astype("category"), words.astype("string")):
        found = clone(quick).fit(frame, labels)
        assert [*found.feature_names_in_] == [*frame]
        np.testing.assert_array_equal(found.predict(frame), expected)
    with pytest.raises(ValueError, match="feature names should match those that were passed during fit"):
        found.predict(frame[frame.columns[::-1]])


def test_a_search_has_workers_and_a_fold_may_lack_a_class(digits):
    """A class of one example is missing from one training set and from two test sets."""
    x, y, *_ = digits
    quick = Classifier(Dense((16,)), QUICK, engine="reference")
    search = model_selection.GridSearchCV(quick, {"seeds": [1, 2]}, cv=2, n_jobs=2).fit(x[:200], y[:200])
    assert search.best_score_ > 0.5
    rare = np.where(y == 1, 1, 0)
    rare[0] = 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = model_selection.cross_val_score(quick, x, rare, cv=3)
    assert scores.min() > 0.8
    assert [*quick.fit(x[1:], rare[1:]).classes_] == [0, 1]
    get_reusable_executor(reuse=True).shutdown(wait=True)


def test_it_is_pickled_as_it_is(digits):
    x, y, x_test, _ = digits
    found = Classifier(Dense((16,)), QUICK, seeds=[3, 5]).fit(x, y)
    assert "__getstate__" not in vars(Classifier)
    assert "__reduce__" not in vars(Classifier)
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.predict_proba(x_test), found.predict_proba(x_test))


def test_what_is_wrong_is_said(digits):
    x, y, *_ = digits
    with pytest.raises(UsageError, match="network: found 'Dense', expected one like assay's Dense"):
        Classifier(network="Dense").fit(x, y)
    with pytest.raises(UsageError, match="recipe: found 'Adam', expected one like assay's Recipe"):
        Classifier(recipe="Adam").fit(x, y)
    with pytest.raises(StudyError, match="split_seed"):
        Classifier(split_seed=-1).fit(x, y)
    with pytest.raises(ValueError, match="recipe__epochs: found a part, expected recipe as a whole"):
        Classifier().set_params(recipe__epochs=3)
    with pytest.raises(ValueError, match="Invalid parameter 'recipee'"):
        Classifier().set_params(recipee=3)
    with pytest.raises(TypeError, match="sample_weight"):
        Classifier().fit(x, y, sample_weight=np.ones(len(y)))
    with pytest.raises(TypeError, match="Sparse data was passed for X"):
        Classifier().fit(csr_matrix(x), y)
    for seeds in (0, [], True):
        with pytest.raises(UsageError, match=r"seeds: found .*, expected a number from 1"):
            Classifier(seeds=seeds).fit(x, y)
    with pytest.raises(StudyError, match="seed 4 listed twice"):
        Classifier(seeds=[4, 4]).fit(x, y)
    with pytest.raises(NotFittedError):
        Classifier().predict(x)
    with pytest.raises(StudyError, match=r"seed 0: diverged in the first epoch"):
        Classifier(recipe=Recipe(SGD(1e30), epochs=2), engine="reference").fit(x, y)
