"""A classifier for scikit-learn: one of assay's networks, trained by one of its recipes."""

from collections.abc import Sequence
from math import prod
from operator import index
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from assay.data import Dataset, Split
from assay.data.spec import VALID_SHARE
from assay.data.splits import stratified
from assay.engines import choice
from assay.errors import StudyError, UsageError, shown
from assay.nn.loss import softmax
from assay.nn.network import Network, to_input
from assay.optim import Adam
from assay.optim.recipe import Recipe
from assay.shapes import Array
from assay.study.architecture import Architecture
from assay.study.architectures import Dense
from assay.study.seeds import check_seeds
from assay.training.train import Job, Progress, train

NETWORK = Dense(hidden=(100,))
RECIPE = Recipe(Adam(0.003), batch_size=32, epochs=50)
Given = TypeVar("Given")
LEVELS = 255
"""Engines read bytes, so other numbers are brought to one of 256 levels."""


class Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A neural network as a scikit-learn classifier.

    ``network`` is a family such as ``assay.ConvPool()``, by default one hidden layer of 100 units; ``recipe``
    an `assay.Recipe`, by default Adam at 0.003 on batches of 32 for 50 epochs; ``engine`` one of a study's.
    ``seeds`` is a number of seeds, counted from 0, or a list of them: a network is trained with each, and the
    probabilities are their mean.

    ``X`` is (n, features), or images: (n, H, W), (n, H, W, C) of C colours, or, since many tools pass
    features only, (n, H * W * C) with ``image_shape``, (H, W) or (H, W, C), in the order of memory. Bytes
    are taken as they are. Other numbers are scaled to 256 levels between the smallest and the largest of the
    training set, of each feature by itself, of images of all pixels together; what lies beyond counts as the
    nearest level. The weights are those of the epoch that was best on 15% of the training set, stratified by
    class, which ``split_seed`` draws; where that is less than one example per class, on the training set
    itself.

    Samples have no weights, and a network or a recipe is given whole: a search varies ``recipe`` over
    recipes.
    After ``fit`` there are ``classes_``, ``n_features_in_``, ``network_`` (an `assay.Network`), ``weights_``,
    the parameters by name for each seed, and ``history_``, the epochs of each seed.
    """

    def __init__(
        self,
        network: Architecture | None = None,
        recipe: Recipe | None = None,
        seeds: int | Sequence[int] = 1,
        engine: str = "auto",
        split_seed: int = 0,
        image_shape: tuple[int, ...] | None = None,
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.seeds = seeds
        self.engine = engine
        self.split_seed = split_seed
        self.image_shape = image_shape

    def set_params(self, **params: Any) -> Self:
        """Set parameters and return the classifier; ``ValueError`` for an unknown one, or part of one."""
        for name in params:
            whole, _, part = name.partition("__")
            if part and whole in self.get_params():
                raise ValueError(f"{name}: found a part, expected {whole} as a whole, such as a list of them")
        super().set_params(**params)
        return self

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train a network with each seed and return the classifier.

        Raises ``ValueError`` for data that scikit-learn would refuse, `UsageError` for invalid parameters and
        `StudyError` if a run diverges.
        """
        samples, answers = self._checked(X, reset=True), column_or_1d(y, warn=True)
        check_classification_targets(answers)
        if len(samples) != len(answers):
            raise ValueError(f"X has {len(samples)} samples, y has {len(answers)} labels")
        self.classes_, labels = np.unique(answers, return_inverse=True)
        self._fit_levels(samples)
        data = self._divided(Split(self._levels(samples), labels.astype(np.int64)))
        recipe = self._given("recipe", RECIPE, Recipe).fitted(len(data.train))
        family = self._given("network", NETWORK, Architecture)
        self.network_ = family.build(data.input_shape, len(self.classes_))
        engine = choice.engine(self.engine, self.network_, recipe)
        runs = [_trained(Job(engine, self.network_, recipe, (seed,)), data) for seed in self._seeds()]
        self.weights_ = [run.best for run in runs]
        self.history_ = [run.history for run in runs]
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each class, (n, classes): the mean of the seeds' networks."""
        check_is_fitted(self)
        images = self._levels(self._checked(X, reset=False))
        each = [_shares(self.network_, weights, images) for weights in self.weights_]
        found: NDArray[np.float64] = np.mean(each, axis=0)
        return found

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each sample."""
        chosen = self.predict_proba(X).argmax(axis=1)
        found: NDArray[Any] = self.classes_[chosen]
        return found

    def _checked(self, X: ArrayLike, reset: bool) -> NDArray[Any]:
        """Return X as an array of numbers, samples of the shape that was fitted."""
        found: NDArray[Any] = validate_data(self, X, reset=reset, dtype="numeric", allow_nd=True)
        if found.ndim > 4:
            raise ValueError(f"X has shape {found.shape}, expected (n, features), (n, H, W) or (n, H, W, C)")
        if self.image_shape is not None and found.ndim == 2:
            found = found.reshape(len(found), *self._image_shape(found.shape[1]))
        if reset:
            self.shape_ = found.shape[1:]
        elif found.shape[1:] != self.shape_:
            raise ValueError(f"X has samples of shape {found.shape[1:]}, expected {self.shape_} as in fit")
        return found

    def _image_shape(self, features: int) -> tuple[int, ...]:
        """Return ``image_shape``; `UsageError` if it is not a shape, or has another number of features."""
        try:
            shape = tuple(map(index, self.image_shape or ()))
        except TypeError:
            shape = ()
        if len(shape) not in (2, 3) or min(shape) < 1 or prod(shape) != features:
            raise UsageError(
                f"image_shape: found {shown(self.image_shape)}, expected (H, W) or (H, W, C) of which the "
                f"product is {features}, the number of features"
            )
        return shape

    def _fit_levels(self, X: NDArray[Any]) -> None:
        """Find the range that becomes 0 to 255: of each feature, or of all pixels of images."""
        axis = 0 if X.ndim == 2 else None
        self.low_, self.high_ = (np.asarray(end(X, axis=axis), np.float64) for end in (np.min, np.max))
        if X.dtype == np.uint8:
            self.low_, self.high_ = np.zeros_like(self.low_), np.full_like(self.high_, LEVELS)

    def _levels(self, X: NDArray[Any]) -> NDArray[np.uint8]:
        """Return samples as images of bytes; those of features have one row."""
        width = np.where(self.high_ > self.low_, self.high_ - self.low_, 1.0)
        scaled = np.clip((X - self.low_) / width, 0, 1)
        images = np.rint(LEVELS * scaled).astype(np.uint8)
        return images if images.ndim > 2 else images[:, None, :]

    def _divided(self, whole: Split) -> Dataset:
        """Return the data with the part that chooses the epoch."""
        check_seeds((self.split_seed,), "Classifier: split_seed")
        count = round(VALID_SHARE * len(whole))
        train, valid = whole, whole
        if count >= len(self.classes_):
            chosen, rest = stratified(whole.labels, count, self.split_seed, "valid")
            train, valid = whole.take(rest), whole.take(chosen)
        names = tuple(map(str, self.classes_))
        return Dataset("X", names, train, valid, valid, False, "", self.split_seed)

    def _given(self, name: str, default: Given, kind: type[Any]) -> Given:
        """Return a parameter or its default; `UsageError` if it is of another type."""
        value = getattr(self, name)
        if value is None:
            return default
        if not isinstance(value, kind):
            like = type(default).__name__
            raise UsageError(f"{name}: found {shown(value)}, expected one like assay's {like}")
        found: Given = value
        return found

    def _seeds(self) -> tuple[int, ...]:
        found = tuple(range(self.seeds)) if isinstance(self.seeds, int) else tuple(self.seeds)
        if isinstance(self.seeds, bool) or not found:
            raise UsageError(f"seeds: found {shown(self.seeds)}, expected a number from 1, or a list")
        check_seeds(found, "Classifier")
        return found


def _ignore(steps: int) -> None:
    del steps


def _trained(job: Job, data: Dataset) -> Progress:
    """Train one run to its end."""
    runs = job.start()
    session = job.session([run.state for run in runs])
    for _ in train(session, data, runs, _ignore):
        pass  # each epoch is added to the run
    [run] = runs
    if not run.best:
        raise StudyError(f"seed {job.seeds[0]}: diverged in the first epoch (use a lower learning rate)")
    return run


def _shares(network: Network, weights: dict[str, Array], images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the softmax of scores (N, K), in float64: it does not depend on the batch's size."""
    doubled = {name: value.astype(np.float64) for name, value in weights.items()}
    scores = network.forward(doubled, to_input(images, network, "float64"))[0]
    return softmax(scores)
