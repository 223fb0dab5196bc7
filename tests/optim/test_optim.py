"""Learning rules against PyTorch: trajectories of 100 steps in float64."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from oracles import assert_close

from assay.errors import StudyError
from assay.optim import SGD, Adagrad, Adam, Adamax, AdamW, NAdam, Optimizer, RMSprop
from assay.shapes import Array

# So flat that a rate of 10 does not turn rounding into chaos.
CURVATURE = np.array([[0.1, 0.01, 0.3], [0.001, 0.2, 0.05]])
STEPS = (1, 10, 100)
"""After so many steps a rule is to be where PyTorch's is."""
PLAIN = (SGD, Adagrad, RMSprop, Adam, AdamW, Adamax, NAdam)
"""Every rule that PyTorch has under the same name."""

OPTIONS = [
    (SGD, {"momentum": 0.9}),
    (SGD, {"momentum": 0.9, "nesterov": True}),
    (SGD, {"momentum": 0.5, "nesterov": True}),
    (Adagrad, {"eps": 1e-3}),
    (RMSprop, {"alpha": 0.5, "eps": 1e-3}),
    *[(rule, {"betas": (0.5, 0.99), "eps": 1e-3}) for rule in (Adam, AdamW, Adamax, NAdam)],
    (NAdam, {"momentum_decay": 0.1}),
]


@pytest.fixture(autouse=True)
def _double_precision():
    """Make PyTorch keep NAdam's product of momenta in float64, too."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def gradient_at(theta: Array, step: int) -> Array:
    """Return the gradient of a bowl that shakes: it never settles, so a slip in a moment shows."""
    return CURVATURE * theta + np.sin(step + np.arange(6.0).reshape(2, 3))


def trajectory(rule: Optimizer, factor: Callable[[int], float] = lambda t: 1.0) -> list[Array]:
    """Return where the rule comes to after each of `STEPS`."""
    theta, found = np.linspace(-1, 1, 6).reshape(2, 3), []
    slots = rule.slots(theta)
    for t in range(1, STEPS[-1] + 1):
        theta, slots = rule.update(theta, gradient_at(theta, t), slots, t, factor(t))
        if t in STEPS:
            found.append(theta)
    return found


def torch_trajectory(make, before_step=lambda rule, t: None) -> list[Array]:
    theta = torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(2, 3).requires_grad_()
    rule, found = make([theta]), []
    for t in range(1, STEPS[-1] + 1):
        before_step(rule, t)
        theta.grad = torch.tensor(gradient_at(theta.detach().numpy(), t))
        rule.step()
        if t in STEPS:
            found.append(theta.detach().numpy().copy())
    return found


def assert_agree(found: list[Array], expected: list[Array]) -> None:
    for steps, one, other in zip(STEPS, found, expected, strict=True):
        assert_close(f"theta after {steps} steps", one, other)


@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
@pytest.mark.parametrize("lr", [1e-3, 0.1, 10.0])
@pytest.mark.parametrize(
    ("kind", "options"),
    [*[(kind, {}) for kind in PLAIN], *OPTIONS],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_trajectory_agrees_with_torch(kind, options, lr, weight_decay):
    options = {**options, "lr": lr, "weight_decay": weight_decay}
    theirs = getattr(torch.optim, kind.__name__)
    assert_agree(trajectory(kind(**options)), torch_trajectory(lambda p: theirs(p, **options)))


@pytest.mark.parametrize("kind", [*PLAIN, lambda lr: SGD(lr, momentum=0.9)])
def test_a_schedule_s_factor_multiplies_the_rate_as_in_torch(kind):
    def set_rate(rule, t):
        rule.param_groups[0]["lr"] = 0.1 / t

    ours = kind(lr=0.1)
    theirs = getattr(torch.optim, type(ours).__name__)
    momentum = {"momentum": ours.momentum} if isinstance(ours, SGD) else {}
    expected = torch_trajectory(lambda p: theirs(p, lr=0.1, **momentum), set_rate)
    assert_agree(trajectory(ours, lambda t: 1 / t), expected)


@pytest.mark.parametrize("lr", [1e-3, 0.1, 10.0])
def test_without_bias_correction_adam_is_torch_s_adam_that_has_run_for_long(lr):
    """At step 10^6 PyTorch's corrections 1 - beta^t are 1; its moments are still zero here."""

    def make(parameters):
        rule = torch.optim.Adam(parameters, lr=lr, eps=1e-3)
        zeros = [torch.zeros_like(parameters[0]) for _ in range(2)]
        rule.state[parameters[0]] = {"step": torch.tensor(1e6), "exp_avg": zeros[0], "exp_avg_sq": zeros[1]}
        return rule

    ours = Adam(lr, eps=1e-3, bias_correction=False)
    assert_agree(trajectory(ours), torch_trajectory(make))


EPS = 1e-2  # large, so that its place shows


@pytest.mark.parametrize(
    ("ours", "slot", "decay", "correction"),
    [
        (Adagrad(eps=EPS, eps_inside_sqrt=True), "sum", 1.0, False),
        (RMSprop(eps=EPS, eps_inside_sqrt=True), "square_avg", 0.99, False),
        (Adam(eps=EPS, eps_inside_sqrt=True), "exp_avg_sq", 0.999, True),
        (Adam(eps=EPS, eps_inside_sqrt=True, bias_correction=False), "exp_avg_sq", 0.999, False),
    ],
    ids=repr,
)
def test_epsilon_inside_the_root_is_torch_with_epsilon_in_its_memory(ours, slot, decay, correction):
    """PyTorch runs with eps = 0 while its mean square is held eps above what it would be."""
    kind = getattr(torch.optim, type(ours).__name__)

    def offset(t):
        return EPS * (1 - decay**t) if correction else EPS

    def make(parameters):
        theta, rule = parameters[0], kind(parameters, lr=ours.lr, eps=0.0)
        memory = {name: torch.zeros_like(theta) for name in ours.slots(theta.detach().numpy())}
        start = 0 if correction else 10**6
        rule.state[theta] = {"step": torch.tensor(float(start)), **memory}
        return rule

    def raise_memory(rule, t):
        memory = next(iter(rule.state.values()))[slot]
        memory += offset(t) / decay - (offset(t - 1) if t > 1 else 0)

    assert_agree(trajectory(ours), torch_trajectory(make, raise_memory))


@pytest.mark.parametrize("rule", [kind() for kind in PLAIN], ids=repr)
def test_defaults_are_those_of_torch(rule):
    expected = getattr(torch.optim, type(rule).__name__)([torch.zeros(1)]).defaults
    for key in ("lr", "weight_decay", "betas", "eps", "alpha", "momentum", "nesterov", "momentum_decay"):
        if hasattr(rule, key):
            assert getattr(rule, key) == expected[key], key


@pytest.mark.parametrize("kind", PLAIN)
def test_memory_has_the_names_of_torch(kind):
    rule = SGD(momentum=0.9) if kind is SGD else kind()
    options = {"momentum": 0.9} if kind is SGD else {}
    theta = torch.zeros(3, requires_grad=True)
    theta.grad = torch.ones(3)
    theirs = getattr(torch.optim, kind.__name__)([theta], **options)
    theirs.step()
    assert rule.slots(np.zeros(3)).keys() == theirs.state[theta].keys() - {"step"}


@pytest.mark.parametrize("kind", [*PLAIN, lambda weight_decay: SGD(1e-3, weight_decay, 0.9, nesterov=True)])
def test_precision_is_kept_and_nothing_changed_in_place(kind):
    rule = kind(weight_decay=0.1)
    theta, grad = np.ones(3, np.float32), np.ones(3, np.float32)
    slots = rule.slots(theta)
    before = {name: value.copy() for name, value in slots.items()}
    after, memory = rule.update(theta, grad, slots, 1)
    after, memory = rule.update(after, grad, memory, 2, 0.5)
    assert after.dtype == np.float32
    assert memory.keys() == slots.keys()
    for name, value in memory.items():
        assert isinstance(value, np.ndarray)
        assert (value.dtype, value.shape) == (np.float32, before[name].shape)
        assert (slots[name] == before[name]).all()
    assert (theta == 1).all()
    assert (grad == 1).all()


def test_nothing_remembered_without_momentum():
    assert SGD().slots(np.zeros(3)) == {}


@pytest.mark.parametrize("lr", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("kind", PLAIN)
def test_a_learning_rate_with_which_no_step_is_taken_is_refused(kind, lr):
    with pytest.raises(StudyError, match="lr must be a finite number > 0; got"):
        kind(lr=lr)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (SGD, {"weight_decay": -0.1}, "weight_decay must be a finite number >= 0; got -0.1"),
        (SGD, {"momentum": 1.0}, r"momentum must be a number in \[0, 1\)"),
        (SGD, {"nesterov": True}, "momentum must be above 0 when nesterov is true; got 0.0"),
        (Adam, {"betas": (0.9, 1.0)}, r"betas must be two numbers in \[0, 1\); got \(0.9, 1.0\)"),
        (Adamax, {"betas": (0.9,)}, "betas must be two numbers"),
        (NAdam, {"momentum_decay": -1.0}, "momentum_decay must be a number >= 0"),
        (RMSprop, {"alpha": 1.0}, r"alpha must be a number in \[0, 1\)"),
        *[
            (kind, {"eps": 0.0}, "eps must be a finite number > 0; got 0.0")
            for kind in PLAIN
            if kind is not SGD
        ],
    ],
)
def test_options_out_of_range_are_refused(kind, options, message):
    with pytest.raises(StudyError, match=message):
        kind(**options)
