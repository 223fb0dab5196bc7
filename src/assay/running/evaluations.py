"""How many images a run evaluates: after each epoch, and at its end."""

from assay.data.outline import Outline
from assay.optim.recipe import Recipe


def evaluated(data: Outline, recipe: Recipe) -> int:
    """Return how many images a run of ``recipe`` evaluates in total."""
    return recipe.epochs * evaluated_in_an_epoch(data, recipe) + evaluated_at_the_end(data, recipe)


def evaluated_in_an_epoch(data: Outline, recipe: Recipe) -> int:
    """Return how many images are evaluated after an epoch."""
    return _measured_on(data, recipe) + data.valid


def evaluated_at_the_end(data: Outline, recipe: Recipe) -> int:
    """Return how many images are evaluated when a run ends: to test, to calibrate, to see how it fits."""
    fit = 2 * data.train if _measured_on(data, recipe) < data.train else 0
    return fit + data.test + data.valid


def ending(data: Outline, recipe: Recipe) -> float:
    """Return how many times as many images are evaluated when a run ends as after an epoch."""
    return evaluated_at_the_end(data, recipe) / evaluated_in_an_epoch(data, recipe)


def _measured_on(data: Outline, recipe: Recipe) -> int:
    """Return how many training images are evaluated after an epoch."""
    return data.train if recipe.measure == "all" else min(data.train, data.valid)
