"""Dense networks on images that are mostly background, trained with and without the terms that are zero."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from numba_cases import kernels_of, open_session, values

from assay.engines.base import Recipe, Session, State
from assay.engines.numba import NumbaEngine, background
from assay.engines.numba.engine import NumbaSession, programs
from assay.engines.numba.kernels.codes import GUARD, Kernel, kernel_of
from assay.nn import Flatten, Linear, ReLU
from assay.nn.network import Network
from assay.optim import SGD
from assay.shapes import of_images

ALWAYS, NEVER = 10**6, 0


@contextmanager
def taking(most: int) -> Iterator[None]:
    """Leave out zeros where no more than ``most`` pixels an image are none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(background, "most_nonzero", lambda *sizes: most)
        programs.cache_clear()
        yield
    programs.cache_clear()


def mostly_background(
    count: int, network: Network, share: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw images of which about ``share`` is not zero; of some images, and some pixels, all or nothing."""
    rng = np.random.default_rng(seed)
    shape = (count, *of_images(network.input_shape))
    images = rng.integers(1, 256, shape, dtype=np.uint8) * (rng.random(shape) < share)
    pixels = images.reshape(count, -1)
    kinds = rng.integers(0, 8, count), rng.integers(0, 8, pixels.shape[1])
    pixels[kinds[0] == 0], pixels[:, kinds[1] == 0] = 0, 0
    pixels[kinds[0] == 1], pixels[:, kinds[1] == 1] = 255, 1
    return images.astype(np.uint8), rng.integers(0, network.output_shape[0], count)


def dense(outputs: int, *hidden: int, side: tuple[int, int] = (9, 11)) -> Network:
    layers = [layer for width in hidden for layer in (Linear(width), ReLU())]
    return Network((Flatten(), *layers, Linear(outputs)), (1, *side))


def session_of(network: Network, recipe: Recipe, most: int, state: State | None = None) -> NumbaSession:
    with taking(most):
        found = open_session(NumbaEngine(), network, recipe, state)
    assert isinstance(found, NumbaSession)
    assert (Kernel.PRODUCT_SPARSE in kernels_of(found)) == (most > 0)
    return found


def leaves_out(session: NumbaSession) -> list[bool]:
    """Whether the latest products, forward and that of the weights' gradient, left zeros out."""
    calls = session._training.calls
    guards = [row[GUARD] for row in calls if kernel_of(int(row[0])) == Kernel.PRODUCT_SPARSE]
    return [bool(session._memory[guard]) for guard in guards]


def bits(session: Session) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in values(session.states()[0]).items()}


def both(
    network: Network, recipe: Recipe, data: tuple[np.ndarray, np.ndarray], state: State | None = None
) -> tuple[NumbaSession, NumbaSession]:
    """Train for two epochs, once without zeros wherever that is right, once with all, to the same bits."""
    found, expected = (session_of(network, recipe, most, state) for most in (ALWAYS, NEVER))
    for session in found, expected:
        for epoch in (1, 2):
            session.train_epoch(*data, epoch, lambda steps: None)
    assert found.broken() == expected.broken()
    assert bits(found) == bits(expected)
    images = data[0][::-1][:13]
    assert found.scores(images)[0].tobytes() == expected.scores(images)[0].tobytes()
    return found, expected


def assert_zeros_change_no_bit() -> None:
    """Of one layer, for which little is compiled, in batches of more examples than a word has bits.

    Precision and rule are those of `every_kernel`, most of whose kernels it calls.
    """
    network = dense(13)
    recipe = Recipe(SGD(0.1, momentum=0.9), 70, dtype="float64")
    found, _ = both(network, recipe, mostly_background(150, network, 0.2))
    assert all(leaves_out(found))
