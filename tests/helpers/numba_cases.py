"""Networks, recipes and sessions that the tests of the numba engine share."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st
from numba.core.registry import cpu_target

from assay.engines.base import Engine, Recipe, Session, State, initial_state
from assay.engines.numba.engine import NumbaSession
from assay.engines.numba.kernels.codes import Kernel, kernel_of
from assay.engines.registers import asked
from assay.errors import ShapeError
from assay.nn import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    BatchNormPerActivation,
    Conv2d,
    Dropout,
    Dropout2d,
    Flatten,
    Layer,
    Linear,
    MaxPool2d,
    ReLU,
)
from assay.nn.network import Network
from assay.optim import SGD, Adagrad, Adam, Adamax, AdamW, RMSprop
from assay.optim.augment import Rotate, Shift
from assay.optim.penalties import L1, L2
from assay.optim.schedules import CONSTANT, CosineAnnealingLR, ExponentialLR, StepLR, WarmUp
from assay.shapes import of_images

FEATURES = cpu_target.target_context.codegen().magic_tuple()[2]
"""What the processor has, as Numba sees it."""
FEWER = FEATURES.replace("+avx512", "-avx512")
NARROW = asked(*cpu_target.target_context.codegen().magic_tuple()[:2], FEWER)
"""The processor's registers, were it one without AVX-512."""
CLASSES = 5
EPS = 1e-3  # a rule that divides by a vanishing root would turn rounding into steps
RULES = [
    SGD(0.1),
    SGD(0.1, weight_decay=0.01, momentum=0.9),
    SGD(0.1, momentum=0.5, nesterov=True),
    Adagrad(0.1, weight_decay=0.01, eps=EPS),
    Adagrad(0.01, eps_inside_sqrt=True, eps=EPS),
    RMSprop(0.01, eps=EPS),
    RMSprop(0.01, alpha=0.5, weight_decay=0.01, eps_inside_sqrt=True, eps=EPS),
    Adam(0.01, eps=EPS),
    Adam(0.01, weight_decay=0.1, eps_inside_sqrt=True, bias_correction=False, eps=EPS),
    AdamW(0.01, weight_decay=0.1, eps=EPS),
    Adamax(0.01, weight_decay=0.01, eps=EPS),
]
SCHEDULES = [CONSTANT, WarmUp(1, StepLR(1, 0.5)), CosineAnnealingLR(2, 0.1), ExponentialLR(0.5)]
PENALTIES = [(), (L2(0.1),), (L1(0.01, ("scale",)), L2(0.1, ("weight", "bias")), L1(0.1))]
BETWEEN_VECTORS = [BatchNorm1d(eps=0.1), BatchNormPerActivation(momentum=0.3, eps=0.2), Dropout(0.3)]
BETWEEN_MAPS = [
    BatchNorm2d(eps=0.1),
    BatchNorm2d(momentum=0.3, eps=0.2),
    BatchNormPerActivation(eps=0.1),
    Dropout(0.3),
    Dropout2d(0.3),
]
AUGMENTATIONS = [(), (Shift(1), Rotate(20.0))]
SMALL_CNN = Network(
    (Conv2d(3, 3), ReLU(), MaxPool2d(2), Conv2d(4, 3, padding=1), MaxPool2d(2, 2, 1), Flatten(), Linear(5)),
    (1, 12, 12),
)

REGULARISED = Network(
    (
        Dropout(0.2),
        Conv2d(3, 3),
        BatchNorm2d(),
        ReLU(),
        MaxPool2d(2),
        Conv2d(4, 3, padding=1),
        BatchNormPerActivation(),
        ReLU(),
        Dropout2d(0.2),
        Flatten(),
        Linear(8),
        BatchNorm1d(),
        ReLU(),
        Dropout(),
        Linear(5),
    ),
    (1, 12, 12),
)


def draw_images(count: int, network: Network, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, *of_images(network.input_shape)), dtype=np.uint8)
    return images, rng.integers(0, network.output_shape[0], count)


def open_session(engine: Engine, network: Network, recipe: Recipe, state: State | None = None) -> Session:
    engine.check(network, recipe)
    return engine.session(network, recipe, [7], [state or uneven(network, recipe)])


def kernels_of(session: Session) -> list[Kernel]:
    """Return what a step calls, in order."""
    assert isinstance(session, NumbaSession)
    return [kernel_of(number) for number in session._training.calls[:, 0].tolist()]


def uneven(network: Network, recipe: Recipe, seed: int = 7) -> State:
    """Return a state without the zeros and ones that parameters start at, which leave values at a kink."""
    state, rng = initial_state(network, recipe, seed), np.random.default_rng(0)
    for value in state.weights.values():
        value[...] += 0.1 * rng.random(value.shape)
    return state


def train(engine: Engine, network: Network, recipe: Recipe, epochs: int = 2, count: int = 20) -> Session:
    session = open_session(engine, network, recipe)
    images, labels = draw_images(count, network)
    for epoch in range(1, epochs + 1):
        session.train_epoch(images, labels, epoch, lambda steps: None)
    return session


def after_a_step(session: Session, images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return the scores before an epoch, and the weights after it."""
    scores = session.scores(images)[0]
    session.train_epoch(images, labels, 1, lambda steps: None)
    return {"scores": scores, **session.states()[0].weights}


def values(state: State) -> dict[str, np.ndarray]:
    slots = {f"{name} {key}": slot for name, own in state.slots.items() for key, slot in own.items()}
    return {**state.weights, **slots}


def assert_near(name: str, found: np.ndarray, expected: np.ndarray) -> None:
    """To nine digits of the largest entry, or of 0.1: rounding is all that moves some biases."""
    np.testing.assert_allclose(found, expected, 0, 1e-9 * max(0.1, np.abs(expected).max()), err_msg=name)


def assert_same(found: State, expected: State) -> None:
    """Bit for bit."""
    assert found.step == expected.step
    assert values(found).keys() == values(expected).keys()
    for name, value in values(expected).items():
        np.testing.assert_array_equal(values(found)[name], value, name)


def assert_resumes(engine: Engine, network: Network, recipe: Recipe) -> None:
    """A run interrupted after an epoch, which scores in between, ends with the bits of one that is not."""
    once = train(engine, network, recipe, epochs=2)
    half = train(engine, network, recipe, epochs=1)
    half.scores(draw_images(3, network)[0])
    resumed = open_session(engine, network, recipe, half.states()[0])
    resumed.train_epoch(*draw_images(20, network), 2, lambda steps: None)
    assert_same(resumed.states()[0], once.states()[0])


def assert_agree(found: Session, expected: Session, network: Network) -> None:
    """Near in the scores of new images and in the state, which scoring leaves as it is."""
    state = found.states()[0]
    images, _ = draw_images(11, network, seed=1)
    assert_near("scores", found.scores(images)[0], expected.scores(images)[0])
    assert_same(found.states()[0], state)
    for name, value in values(expected.states()[0]).items():
        assert_near(name, values(state)[name], value)


def draw_pair(draw: st.DrawFn, least: int, most: int) -> tuple[int, int]:
    return draw(st.integers(least, most)), draw(st.integers(least, most))


def draw_layers(draw: st.DrawFn, channels: int, exact: bool) -> tuple[Layer, ...]:
    """Draw one layer, or the three that run as one."""
    if draw(st.booleans()):
        return (draw_layer(draw, channels, exact),)
    relu = (ReLU(),) if draw(st.booleans()) else ()
    sizes = draw(st.integers(1, 6)), draw_pair(draw, 1, 3), 1, draw_pair(draw, 0, 1)
    return (Conv2d(*sizes), *relu, MaxPool2d(2, padding=draw_pair(draw, 0, 1)))


def draw_layer(draw: st.DrawFn, channels: int, exact: bool) -> Layer:
    kernel = draw_pair(draw, 1, 4)
    stride = draw_pair(draw, 1, 5)
    kind = draw(
        st.sampled_from(["conv", "relu", "max", *([] if exact else ["average", "adaptive", "other"])])
    )
    if kind == "other":
        return draw(st.sampled_from(BETWEEN_MAPS))
    if kind == "relu":
        return ReLU()
    if kind == "adaptive":
        return AdaptiveAvgPool2d(draw_pair(draw, 1, 5))
    if kind == "conv":
        padding, dilation = draw_pair(draw, 0, 4), draw_pair(draw, 1, 3)
        groups = draw(st.sampled_from([g for g in (1, 2, 3) if channels % g == 0]))
        out, bias = groups * draw(st.integers(1, 6)), draw(st.booleans())
        return Conv2d(out, kernel, stride, padding, dilation, groups, bias)
    if draw(st.booleans()):
        kernel = stride = (2, 2)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    if kind == "max":
        return MaxPool2d(kernel, stride, padding)
    return AvgPool2d(kernel, stride, padding, draw(st.booleans()))


@st.composite
def networks(draw: st.DrawFn, exact: bool = False) -> Network:
    """Draw layers that fit together, leaving out what does not; ``exact`` ones take no means."""
    input_shape = (draw(st.integers(1, 3)), *draw_pair(draw, 1, 11))
    layers: tuple[Layer, ...] = ()
    shape = input_shape
    for _ in range(draw(st.integers(0, 5))):
        longer = (*layers, *draw_layers(draw, shape[0], exact))
        try:
            shape = Network(longer, input_shape).output_shape
            layers = longer
        except ShapeError:
            continue
    hidden: list[Layer] = []
    for width in draw(st.lists(st.integers(1, 20), max_size=2)):
        between = [] if exact else draw(st.lists(st.sampled_from(BETWEEN_VECTORS), max_size=2))
        hidden += [Linear(width), *between, ReLU()]
    return Network((*layers, Flatten(), *hidden, Linear(CLASSES, bias=draw(st.booleans()))), input_shape)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    rule, schedule, penalties, augment = (
        draw(st.sampled_from(of)) for of in (RULES, SCHEDULES, PENALTIES, AUGMENTATIONS)
    )
    size = draw(st.integers(1, 20))
    return Recipe(rule, size, dtype="float64", schedule=schedule, penalties=penalties, augment=augment)


FORKS = """
import os, sys
import numba, numba_cases
numba.njit(lambda x: x)(1)  # so that Numba itself is ready
for code in {codes}:
    if not (child := os.fork()):
        exec(code, {{}})
        sys.exit()
    if os.waitpid(child, 0)[1]:
        sys.exit("it ended in an error")
    print(";", flush=True)
"""


def in_processes(*codes: str) -> list[list[str]]:
    """Return the words that each code prints, one after the other in a process of its own.

    They are forks of one that has imported what they need and compiled nothing.
    """
    return [part.split() for part in " ".join(in_another_process(FORKS.format(codes=codes))).split(";")[:-1]]


def in_another_process(code: str, **environment: str) -> list[str]:
    """Return the words that the code prints."""
    folders = Path(__file__).parent, Path(__file__).parents[1] / "engines", os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(map(str, filter(None, folders)))
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": path, **environment},
            capture_output=True,
            text=True,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        error.add_note(error.stderr)
        raise
    return done.stdout.split()


@st.composite
def convolutions(draw: st.DrawFn) -> Network:
    """Draw three convolutions of 3 x 3, dilated, grouped, padded or pooled."""
    groups = draw(st.sampled_from([1, 1, 2]))
    layers: list[Layer] = []
    for _ in range(3):
        outputs = groups * draw(st.integers(1, 4))
        padding, dilation = draw_pair(draw, 0, 4), draw(st.just(1) | st.just((3, 1)) | st.just((1, 2)))
        own = groups if layers else 1
        bias = draw(st.booleans())
        layers.append(Conv2d(outputs, 3, 1, padding, dilation=dilation, groups=own, bias=bias))
        layers += [ReLU()] if draw(st.booleans()) else []
        layers += [MaxPool2d(2, padding=draw(st.integers(0, 1)))] if draw(st.booleans()) else []
    try:
        return Network((*layers, Flatten(), Linear(5)), (draw(st.integers(1, 2)), *draw_pair(draw, 1, 23)))
    except ShapeError:
        reject()
