"""The learning rules that others are held against are assay's own."""

import numpy as np
import pytest

from assay import optim
from assay.testing.formulas import MISTAKES, Formula
from assay.testing.learning_rules import kind_of

CASES = {
    "sgd": (Formula("sgd", 0.1), optim.SGD(0.1)),
    "momentum": (Formula("momentum", 0.1, momentum=0.8), optim.SGD(0.1, momentum=0.8)),
    "nesterov": (Formula("nesterov", 0.1, momentum=0.8), optim.SGD(0.1, momentum=0.8, nesterov=True)),
    "adagrad": (Formula("adagrad", 0.1, eps=1e-6), optim.Adagrad(0.1, eps=1e-6)),
    "rmsprop": (Formula("rmsprop", 0.1, beta2=0.9, eps=1e-6), optim.RMSprop(0.1, alpha=0.9, eps=1e-6)),
    "adam": (Formula("adam", 0.1, eps=1e-6), optim.Adam(0.1, eps=1e-6)),
    "adam, epsilon inside": (
        Formula("adam", 0.1, eps=1e-6, slips={"eps inside": True}),
        optim.Adam(0.1, eps=1e-6, eps_inside_sqrt=True),
    ),
    "adam, uncorrected": (
        Formula("adam", 0.1, slips={"first uncorrected": True, "second uncorrected": True}),
        optim.Adam(0.1, bias_correction=False),
    ),
    "adamax": (Formula("adamax", 0.1, eps=1e-6), optim.Adamax(0.1, eps=1e-6)),
}


@pytest.mark.parametrize("case", CASES)
def test_is_assays_own(case):
    formula, rule = CASES[case]
    generator = np.random.default_rng(0)
    theta, slots = generator.normal(size=5), {}
    own, memory = theta.copy(), rule.slots(theta)
    for t in range(1, 9):
        grad = generator.normal(size=5) * 10.0 ** generator.integers(-6, 1)
        theta = theta - formula.step(grad, slots, t)
        own, memory = rule.update(own, grad, memory, t)
        np.testing.assert_allclose(theta, own, rtol=1e-12, atol=1e-15)


def test_every_slip_makes_a_difference():
    grads = [np.array([0.3, -1e-4]), np.array([0.2, 5e-5])]
    for kind, mistakes in MISTAKES.items():
        for words, slips in mistakes.items():
            paths = [_falls(Formula(kind, 0.1, slips=each), grads) for each in ({}, slips)]
            assert not np.allclose(*paths, rtol=1e-6), (kind, words)


def _falls(rule, grads):
    slots = {}
    return np.array([rule.step(grad, slots, t) for t, grad in enumerate(grads, start=1)])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("AdamLearningRule", "adam"),
        ("Adamax", "adamax"),
        ("sgd_momentum", "momentum"),
        ("RMSProp", "rmsprop"),
    ],
)
def test_names_say_which_rule_it_is(name, kind):
    assert kind_of(name) == kind
