"""What a program is counted to take before its kernels are compiled; nothing here is compiled or timed."""

from dataclasses import replace
from itertools import count
from math import prod

import pytest
from sparse_cases import dense, leaves_out, mostly_background

from assay.engines.base import Recipe, initial_state
from assay.engines.numba import NumbaEngine, engine, examples, peak, winner_gradient
from assay.engines.numba.cost_model import ACTIVATED, DIVIDED, IDLE, NORMAL, multiplications
from assay.engines.numba.engine import programs
from assay.engines.numba.kernels.codes import kernel_of
from assay.engines.numba.kernels.pairs import MULTIPLY, SUPPORTED
from assay.engines.numba.kernels.winner_tiles import PAIR
from assay.engines.registers import REGISTERS
from assay.nn import GELU, BatchNorm2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Tanh
from assay.nn.network import Network
from assay.optim import SGD, Adagrad, Adam, Adamax

LANES = REGISTERS.bytes // 4
D = dense(47, 100, 100, side=(28, 28))
RECIPE = Recipe(SGD(0.1), 96)


def counted(network: Network, zeros: float = 0.0, recipe: Recipe = RECIPE, pair: float = 1.0) -> list[float]:
    """Return what a step and an evaluation of a minibatch are counted to take."""
    nonzero, calls = (1 - zeros) * prod(network.input_shape), programs(network, recipe).calls
    return [multiplications(each, recipe.batch_size, nonzero, pair) for each in calls]


def test_products_are_counted_as_their_flops_and_what_tiles_waste() -> None:
    """A multiply-add is two FLOPs a lane; a step of a dense network does what `Network` counts."""
    for network in (D, dense(48, 96, side=(16, 16))):
        for found, flops in zip(counted(network), (network.training_flops, network.flops), strict=True):
            least = IDLE * flops * RECIPE.batch_size / (2 * LANES)
            assert least < found < 1.5 * least


def test_twice_the_minibatch_takes_twice_as_long() -> None:
    for once, twice in zip(counted(D), counted(D, recipe=replace(RECIPE, batch_size=192)), strict=True):
        assert twice == pytest.approx(2 * once, rel=0.05)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.9, 1.0])
def test_zeros_are_left_out_where_the_engine_leaves_them_out(share: float) -> None:
    """It looks at the images, the model at the share of zeros."""
    images, labels = mostly_background(96, D, share)
    session = NumbaEngine().session(D, RECIPE, [0], [initial_state(D, RECIPE, 0)])
    session.train_epoch(images, labels, 1, lambda steps: None)
    fewer = [found < whole for found, whole in zip(counted(D, (images == 0).mean()), counted(D), strict=True)]
    assert fewer == [leaves_out(session)[0]] * 2
    assert fewer[0] == (share < 0.5)


def test_a_first_layer_is_all_that_zeros_make_cheaper() -> None:
    """The more there are, the more; of a convolution they are multiplied."""
    most, few, none = (counted(D, zeros)[0] for zeros in (0.9, 0.7, 0.0))
    first, *rest = (node.flops for node in D.nodes if node.parameters)
    others = IDLE * 3 * sum(rest) * RECIPE.batch_size / (2 * LANES)
    assert first > sum(rest)
    assert others < most < few < 0.9 * none
    convolution = Network((Conv2d(8, 3), ReLU(), Flatten(), Linear(5)), (1, 14, 14))
    assert counted(convolution, 0.9) == counted(convolution)


def test_winograd_multiplies_less_and_normalisation_adds_what_it_takes() -> None:
    def of(*between) -> Network:
        layers = (Conv2d(64, 3, padding=1), *between, ReLU(), Conv2d(64, 3, padding=1), Flatten(), Linear(5))
        return Network(layers, (1, 14, 14))

    plain, normalised = (counted(network) for network in (of(), of(BatchNorm2d())))
    assert plain[0] < IDLE * of().training_flops * RECIPE.batch_size / (2 * LANES)
    values = prod(of().nodes[0].output_shape) * RECIPE.batch_size / LANES
    for before, after in zip(plain, normalised, strict=True):
        assert after > before + values


@pytest.mark.parametrize("rule", [Adam(), Adagrad(), Adamax()])
def test_rules_that_divide_are_counted_once_a_parameter_and_step(rule) -> None:
    (step, answers), before = counted(D, recipe=Recipe(rule, 96)), counted(D)
    vectors = D.parameter_count / LANES  # and what fills up rows of outputs
    assert 1 <= (step - before[0]) / (IDLE * DIVIDED * vectors) < 1.25
    assert answers == before[1]


@pytest.mark.parametrize(("activation", "each"), [(Tanh(), ACTIVATED), (GELU(), NORMAL)])
def test_an_activation_is_counted_by_its_vectors_once_each_way(activation, each) -> None:
    def of(*between) -> Network:
        return Network((Conv2d(8, 5), *between, Flatten(), Linear(5)), (1, 14, 14))

    vectors = 8 * 10 * 10 * RECIPE.batch_size / LANES
    for passes, found, before in zip((2, 1), counted(of(activation)), counted(of()), strict=True):
        assert (found - before) / (IDLE * vectors) == pytest.approx(passes * each, rel=0.02)


def test_a_term_of_winners_is_counted_as_it_is_chosen_by(monkeypatch) -> None:
    """What adding one costs is said in one place."""
    layers = (Conv2d(16, 5), ReLU(), MaxPool2d(2), Conv2d(16, 5), ReLU(), MaxPool2d(2), Flatten(), Linear(5))
    network = Network(layers, (1, 28, 28))
    calls = programs(network, RECIPE).calls[0]
    lists = calls[[kernel_of(number) in winner_gradient.LOADS for number in calls[:, 0]]]
    rooms = (lists[:, 1] * lists[:, 3]).sum() / PAIR
    before = counted(network)[0]
    monkeypatch.setattr(winner_gradient, "TERM", winner_gradient.TERM + 40)
    assert counted(network)[0] - before == pytest.approx(IDLE * winner_gradient.ALIVE * 40 * rooms)
    assert rooms > 0


def test_a_guess_is_what_is_counted_and_what_masks_and_images_take_to_make(monkeypatch) -> None:
    monkeypatch.setattr(engine, "seconds_per_multiplication", lambda pairs=False: 0.5)
    monkeypatch.setattr(examples, "thread_time", lambda: next(clock))
    network = Network((Flatten(), Dropout(0.5), Linear(9)), (1, 12, 12))
    step, answers = counted(network, 0.25)
    clock = iter([0.0, 7.0, 10.0, 13.0])  # two tries, of 7 and of 3 seconds
    assert NumbaEngine().guess(network, RECIPE, 0.25) == (0.5 * step + 3.0, 0.5 * answers / 96)


def test_the_time_of_a_multiplication_is_that_of_the_fastest_try(monkeypatch) -> None:
    ticks = count(start=1)
    monkeypatch.setattr(peak, "thread_time", lambda: next(ticks) ** 2)  # 3, 7, 11 ... seconds a try
    assert peak.seconds_per_multiplication.__wrapped__() == pytest.approx(3 / (peak.SUMS * peak.TIMES))


def test_what_is_timed_multiplies_vectors_of_the_engine() -> None:
    code = peak._code(pairs=False)
    assert code.count(f"<{LANES} x float> @llvm.fma") == (peak.SUMS + 1 if REGISTERS.fused else 0)
    assert 0 < peak.seconds_per_multiplication() < 1


def test_pairs_are_counted_as_what_they_take() -> None:
    """Half as many terms, each as dear as is measured; of numbers in float32 none is dearer."""
    of_pairs = replace(RECIPE, dtype="bfloat16")
    cheap, same, dear = (counted(D, recipe=of_pairs, pair=pair) for pair in (0.25, 1.0, 4.0))
    for half, one, two, whole in zip(cheap, same, dear, counted(D, pair=4.0), strict=True):
        assert half == one == pytest.approx(whole / 2, rel=0.15)  # operands are loaded in any case
        assert two == pytest.approx(2 * whole, rel=0.15)
    assert counted(D, pair=4.0) == counted(D)


@pytest.mark.skipif(not SUPPORTED, reason="this processor does not multiply bfloat16 (AVX512-BF16)")
def test_pairs_are_timed_by_the_instruction_that_multiplies_them(monkeypatch) -> None:
    assert peak._code(pairs=True).count(f"<{LANES} x float> @{MULTIPLY}.512(<{LANES} x float> ") == peak.SUMS
    assert 0 < peak.seconds_per_multiplication(pairs=True) < 1
    monkeypatch.setattr(engine, "seconds_per_multiplication", lambda pairs=False: 0.5 * (1 + 3 * pairs))
    recipe = replace(RECIPE, dtype="bfloat16")
    assert NumbaEngine().guess(D, recipe, 0.0)[1] == 0.5 * counted(D, recipe=recipe, pair=4.0)[1] / 96
