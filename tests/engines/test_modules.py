"""Modules of a user's: trained as by a plain PyTorch loop, alone and side by side, continued bit for bit."""

import numpy as np
import pytest
import torch
import torch_nets
from tiny import CLASSES

from assay import streams
from assay.data import Split
from assay.engines.base import epoch_order, initial_state, masks
from assay.engines.numba import NumbaEngine
from assay.engines.reference import ReferenceEngine
from assay.engines.torch import TorchEngine
from assay.engines.torch.module_making import WHOLE, ModuleSpec
from assay.engines.torch.module_network import network_of
from assay.errors import ShapeError, StudyError
from assay.nn.init import GlorotUniform, HeNormal
from assay.optim import SGD, Adagrad, Adam, Adamax, AdamW, NAdam, RMSprop
from assay.optim.augment import Shift
from assay.optim.penalties import L1, L2
from assay.optim.recipe import Recipe
from assay.optim.schedules import StepLR
from assay.study.architectures import Dense
from assay.study.trainable import expect_trainable
from assay.training.examination import examine

SHAPE = (1, 14, 14)
CPU = TorchEngine("cpu")
RULES = {
    SGD(lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3): torch.optim.SGD,
    Adagrad(lr=0.02): torch.optim.Adagrad,
    RMSprop(lr=0.003, weight_decay=1e-3): torch.optim.RMSprop,
    Adam(lr=0.01, weight_decay=1e-3): torch.optim.Adam,
    AdamW(lr=0.01): torch.optim.AdamW,
    Adamax(lr=0.01): torch.optim.Adamax,
    NAdam(lr=0.01): torch.optim.NAdam,
}


def network(make, identity="one", **options):
    return network_of(ModuleSpec(identity, make, **options), SHAPE, CLASSES)


def small():
    return network(lambda: torch_nets.Small(CLASSES))


def odd():
    return network(lambda: torch_nets.Odd(CLASSES))


@pytest.fixture(scope="module")
def examples():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (50, *SHAPE[1:]), np.uint8), rng.integers(0, CLASSES, 50)


def session_of(net, recipe, seeds, engine=CPU, states=None):
    states = states or [initial_state(net, recipe, seed) for seed in seeds]
    return engine.session(net, recipe, seeds, states)


def flat(state):
    slots = {f"{name}/{key}": value for name, own in state.slots.items() for key, value in own.items()}
    return {**state.weights, **slots, "step": np.array(state.step)}


def assert_same(one, other):
    one, other = flat(one), flat(other)
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def plain_loop(net, recipe, rule, examples, seed, epochs):
    """Yield the losses of a loop as in any tutorial, from the same weights, batches and seeds of dropout."""
    images, labels = examples
    start = initial_state(net, recipe, seed)
    model = net.module(seed).to(getattr(torch, recipe.dtype))
    model.load_state_dict({name: torch.tensor(value) for name, value in start.weights.items()}, strict=False)
    keys = ("lr", "weight_decay", "momentum", "nesterov")
    options = {key: getattr(rule, key) for key in keys if hasattr(rule, key)}
    optimizer = RULES[rule](model.parameters(), **options)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    for epoch in range(1, epochs + 1):
        model.train()
        order = epoch_order(seed, len(labels), epoch)
        for count, at in enumerate(range(0, len(order), recipe.batch_size), start=1):
            batch = order[at : at + recipe.batch_size]
            x = torch.tensor(images[batch, None], dtype=getattr(torch, recipe.dtype)) / 255
            optimizer.zero_grad()
            torch.manual_seed(int(masks(seed, epoch, count)(WHOLE).integers(2**63)))
            loss = torch.nn.functional.cross_entropy(model(x), torch.tensor(labels[batch]))
            for name, parameter in model.named_parameters():
                if recipe.penalties and net.parameters[name].role == "weight":
                    loss = loss + 0.001 * parameter.abs().sum() + 0.01 / 2 * parameter.square().sum()
            loss.backward()
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            x = torch.tensor(images[:, None], dtype=getattr(torch, recipe.dtype)) / 255
            loss = torch.nn.functional.cross_entropy(model(x), torch.tensor(labels))
        yield float(loss)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_losses_are_those_of_a_plain_loop(rule, dtype, examples):
    net = small()
    penalties = (L1(0.001), L2(0.01)) if isinstance(rule, SGD | Adam) else ()
    recipe = Recipe(rule, batch_size=16, dtype=dtype, schedule=StepLR(1, 0.5), penalties=penalties)
    session = session_of(net, recipe, [3])
    near = 1e-5 if dtype == "float32" else 1e-9
    for epoch, expected in enumerate(plain_loop(net, recipe, rule, examples, 3, 3), start=1):
        session.train_epoch(*examples, epoch, lambda step: None)
        assert session.evaluate(*examples)[0].loss == pytest.approx(expected, rel=near), epoch


@pytest.mark.parametrize("make", [small, odd])
def test_the_reference_engine_trains_it_the_same(make, examples):
    """By a rule that does not make large what is 0 but for rounding, such as a bias before a norm."""
    net, recipe = make(), Recipe(SGD(lr=0.05, momentum=0.9), batch_size=16, dtype="float64")
    one, other = session_of(net, recipe, [1]), session_of(net, recipe, [1], ReferenceEngine())
    for epoch in (1, 2):
        for session in (one, other):
            session.train_epoch(*examples, epoch, lambda step: None)
    np.testing.assert_allclose(one.scores(examples[0])[0], other.scores(examples[0])[0], rtol=1e-9)


@pytest.mark.parametrize("make", [small, odd])
@pytest.mark.parametrize("rule", [NAdam(lr=0.01), SGD(lr=0.05, momentum=0.9)], ids=["NAdam", "SGD"])
def test_side_by_side_or_continued_a_run_is_the_same_bit_for_bit(make, rule, examples):
    net, recipe = make(), Recipe(rule, batch_size=16, augment=(Shift(2),))
    together = session_of(net, recipe, [0, 1, 2])
    for epoch in (1, 2):
        together.train_epoch(*examples, epoch, lambda step: None)
        together.evaluate(*examples)
    for seed, expected in enumerate(together.states()):
        alone = session_of(net, recipe, [seed])
        alone.train_epoch(*examples, 1, lambda step: None)
        torch.manual_seed(99)  # what else draws meanwhile makes no difference
        later = session_of(net, recipe, [seed], states=alone.states())
        later.train_epoch(*examples, 2, lambda step: None)
        [found] = later.states()
        assert_same(found, expected)


def test_the_programs_own_random_numbers_are_left_alone(examples):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    net, recipe = small(), Recipe(Adam(), batch_size=16)
    session_of(net, recipe, [0]).train_epoch(*examples, 1, lambda step: None)
    assert torch.equal(torch.rand(3), expected)


def test_the_module_draws_its_weights_under_the_runs_seed():
    net = small()
    torch.manual_seed(int(streams.stream(4, "init", WHOLE).integers(2**63)))
    expected = {name: value.detach().numpy() for name, value in torch_nets.Small(CLASSES).named_parameters()}
    found = net.initialise(4)
    assert [*found] == [*expected]
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)
    assert any((net.initialise(5)[name] != value).any() for name, value in found.items())


def test_weights_by_assays_streams_are_those_of_assays_layers():
    net = network(lambda: torch_nets.Perceptron(CLASSES, SHAPE), init=GlorotUniform())
    ours = Dense((7,)).build(SHAPE, CLASSES)
    for name, value in ours.initialise(2).items():
        np.testing.assert_array_equal(net.initialise(2)[name], value)
    norms = network(lambda: torch_nets.Small(CLASSES), init=HeNormal()).initialise(2, np.float64)
    assert norms["conv.weight"].std() == pytest.approx(np.sqrt(2 / 9), rel=0.4)
    assert (norms["norm.weight"] == 1).all()
    assert not norms["head.bias"].any()


def test_what_is_tied_frozen_or_unused_is_kept_as_it_is(examples):
    net, recipe = odd(), Recipe(SGD(lr=0.1, weight_decay=0.1), batch_size=16)
    assert "again.weight" in net.parameters
    assert not {"tied.weight", "fixed.weight"} & net.parameters.keys()
    assert net.parameter_count == sum(
        p.numel() for p in torch_nets.Odd(CLASSES).parameters() if p.requires_grad
    )
    start = initial_state(net, recipe, 0)
    session = session_of(net, recipe, [0])
    session.train_epoch(*examples, 1, lambda step: None)
    [state] = session.states()
    np.testing.assert_array_equal(state.buffers["fixed.weight"], start.buffers["fixed.weight"])
    assert state.buffers["seen"] == 4
    assert state.buffers["seen"].dtype == np.int64


def test_layers_are_the_modules_inside_with_their_shapes_and_costs():
    net = small()
    rows = {node.name: (node.output_shape, node.flops) for node in net.nodes}
    assert rows == {
        "conv": ((4, 12, 12), 2 * 9 * 4 * 144), "norm": ((4, 12, 12), 0), "drop": ((144,), 0),
        "head": ((CLASSES,), 2 * 144 * CLASSES), WHOLE: ((CLASSES,), 0),
    }  # fmt: skip
    assert NumbaEngine().lacks(net, Recipe(Adam())) == ["ModuleLayer"]
    assert {name: spec.role for name, spec in net.parameters.items()} == {
        "conv.weight": "weight", "norm.weight": "scale", "norm.bias": "bias",
        "head.weight": "weight", "head.bias": "bias",
    }  # fmt: skip


def test_it_is_examined_as_any_network(examples):
    """Norms and spreads by hand."""
    net, recipe = small(), Recipe(SGD(lr=0.1, weight_decay=0.01))
    state = initial_state(net, recipe, 0)
    found = {record.layer: record for record in examine(net, recipe, state, Split(*examples), 0)}
    assert [*found] == ["conv", "norm", "drop", "head", WHOLE]
    parts = [state.parameters["head.weight"], state.parameters["head.bias"]]
    assert found["head"].weight_norm == pytest.approx(np.sqrt(sum((part**2).sum() for part in parts)))
    assert found["head"].decay_norm == pytest.approx(0.01 * found["head"].weight_norm)
    assert found["head"].gradient_norm > 0
    ratio = 0.1 * found["head"].gradient_norm / found["head"].weight_norm
    assert found["head"].loss_ratio == pytest.approx(ratio)
    assert found[WHOLE].spread == found["head"].spread > 0
    assert found[WHOLE].weight_norm is None


WRONG = [
    (lambda: torch_nets.Restless(CLASSES, SHAPE), StudyError, "other scores for the same images"),
    (lambda: torch_nets.Unrepeatable(CLASSES, SHAPE), StudyError, "linear1.bias starts with other values"),
    (torch_nets.Weightless, StudyError, "no parameters, nothing to train"),
    (lambda: torch_nets.Several(CLASSES, SHAPE), StudyError, "returns tuple, expected a tensor of scores"),
    (lambda: torch_nets.Perceptron(4, SHAPE), ShapeError, r"gives 4 scores for 6 classes"),
]


@pytest.mark.parametrize(("make", "error", "words"), WRONG)
def test_what_cannot_be_compared_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        network(make)


def test_weights_that_assay_does_not_draw_are_named():
    with pytest.raises(StudyError, match=r"attention.in_proj_weight is of a MultiheadAttention.*\"module\""):
        network(lambda: torch_nets.Attentive(CLASSES), init=HeNormal())
    assert network(lambda: torch_nets.Attentive(CLASSES)).parameter_count > 0


def test_modules_differ_by_their_identity():
    one, other, again = (network(lambda: torch_nets.Small(CLASSES), identity) for identity in "aba")
    assert one == again != other
    assert repr(one.layers) != repr(other.layers)


def test_bfloat16_computes_products_in_it(examples):
    net = small()
    losses = []
    for dtype in ("bfloat16", "float32"):
        session = session_of(net, Recipe(Adam(lr=0.01), batch_size=16, dtype=dtype), [0])
        session.train_epoch(*examples, 1, lambda step: None)
        losses.append(session.evaluate(*examples)[0].loss)
        assert all(value.dtype == np.float32 for value in session.states()[0].parameters.values())
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)


def test_lazy_parameters_get_their_shapes_and_a_norm_wants_two_values(examples):
    net = network(lambda: torch_nets.Lazy(CLASSES))
    assert net.parameter_count == 196 * 5 + 10 + 5 * CLASSES + CLASSES
    assert (net.initialise(0)["first.weight"] != net.initialise(1)["first.weight"]).any()
    session = session_of(net, Recipe(Adam(lr=0.01), batch_size=16), [0])
    session.train_epoch(*examples, 1, lambda step: None)
    with pytest.raises(ShapeError, match="layer norm: batch normalisation of one value each"):
        expect_trainable(net, Recipe(Adam(), batch_size=16), 49)
    expect_trainable(net, Recipe(Adam(), batch_size=16), 50)


def test_what_writes_in_place_is_seen_as_it_was(examples):
    net = network(lambda: torch_nets.Lazy(CLASSES))
    state = initial_state(net, Recipe(Adam()), 0)
    outputs, _ = net.traced(state.weights, examples[0][:, None] / np.float32(255))
    by_name = dict(zip([node.name for node in net.nodes], outputs, strict=True))
    assert (by_name["norm"] < 0).any()
    assert (by_name["relu"] >= 0).all()


def test_what_is_compiled_is_what_is_called(examples, monkeypatch):
    """By TorchDynamo alone: inductor takes half a minute for what it makes of its graphs."""
    compile_, calls = torch.compile, []

    def compiled_plainly(module):
        calls.append(module)
        return compile_(module, backend="eager")

    monkeypatch.setattr(torch, "compile", compiled_plainly)
    states = []
    for compiled in (False, True):
        net = network(lambda: torch_nets.Perceptron(CLASSES, SHAPE), compiled=compiled)
        session = session_of(net, Recipe(Adam(lr=0.01), batch_size=16), [0])
        for epoch in (1, 2):
            session.train_epoch(*examples, epoch, lambda step: None)
            session.evaluate(*examples)
        states += session.states()
    assert len(calls) == 1
    assert_same(*states)
