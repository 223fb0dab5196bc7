"""The learning rules that others are held against are assay's own."""

import re

import numpy as np
import pytest

from assay import optim
from assay.testing.check import check
from assay.testing.formulas import MISTAKES, Formula
from assay.testing.rule_kinds import kind_of

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
    "adamw": (Formula("adamw", 0.1, weight_decay=0.2), optim.AdamW(0.1, weight_decay=0.2)),
    "adamw, coupled": (
        Formula("adamw", 0.1, weight_decay=0.2, slips={"coupled": True}),
        optim.Adam(0.1, weight_decay=0.2),
    ),
    "nadam": (Formula("nadam", 0.1), optim.NAdam(0.1)),
    "nadam, not ahead": (Formula("nadam", 0.1, slips={"not ahead": True}), optim.Adam(0.1)),
}


@pytest.mark.parametrize("case", CASES)
def test_is_assays_own(case):
    formula, rule = CASES[case]
    generator = np.random.default_rng(0)
    theta, slots = generator.normal(size=5), {}
    own, memory = theta.copy(), rule.slots(theta)
    for t in range(1, 9):
        grad = generator.normal(size=5) * 10.0 ** generator.integers(-6, 1)
        theta = theta - formula.step(grad, slots, t, theta)
        own, memory = rule.update(own, grad, memory, t)
        np.testing.assert_allclose(theta, own, rtol=1e-12, atol=1e-15)


def test_every_slip_makes_a_difference():
    grads = [np.array([0.3, -1e-4]), np.array([0.2, 5e-5]), np.array([1e-3, 1e-6])]
    for kind, mistakes in MISTAKES.items():
        for words, slips in mistakes.items():
            paths = [_falls(Formula(kind, 0.1, weight_decay=0.3, slips=each), grads) for each in ({}, slips)]
            assert not np.allclose(*paths, rtol=1e-6), (kind, words)


def _falls(rule, grads):
    slots = {}
    theta = np.array([0.5, -2.0])
    return np.array([rule.step(grad, slots, t, theta) for t, grad in enumerate(grads, start=1)])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("AdamLearningRule", "adam"),
        ("Adamax", "adamax"),
        ("AdamW", "adamw"),
        ("NAdamRule", "nadam"),
        ("sgd_momentum", "momentum"),
        ("RMSProp", "rmsprop"),
    ],
)
def test_names_say_which_rule_it_is(name, kind):
    assert kind_of(name) == kind


ADAMW = """
import numpy as np
class AdamW:
    def __init__(self, lr=0.01, weight_decay=0.1):
        self.lr, self.weight_decay, self.t, self.m, self.v = lr, weight_decay, 0, {}, {}
    def update(self, params, grads):
        self.t += 1
        for key, g in grads.items():
            BEFORE
            self.m[key] = 0.9 * self.m.get(key, 0) + 0.1 * g
            self.v[key] = 0.999 * self.v.get(key, 0) + 0.001 * g**2
            m, v = self.m[key] / (1 - 0.9**self.t), self.v[key] / (1 - 0.999**self.t)
            params[key] -= self.lr * m / (np.sqrt(v) + 1e-8)
"""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("params[key] *= 1 - self.lr * self.weight_decay", ""),
        ("g = g + self.weight_decay * params[key]", "it has to act on theta alone"),
        ("params[key] *= 1 - self.weight_decay", "not multiplied by the learning rate"),
        ("pass", "weight decay is missing"),
    ],
)
def test_adamw_and_what_is_made_of_it(tmp_path, line, words):
    (tmp_path / "rules.py").write_text(ADAMW.replace("BEFORE", line))
    found = check(f"{tmp_path / 'rules.py'}:AdamW")
    assert found.passed == (not words)
    assert words in " ".join(found.faults)


NADAM = """
import numpy as np
def nadam(w, dw, config):
    config = config or {"learning_rate": 0.01, "t": 0, "m": 0, "v": 0}
    t = config["t"] = config["t"] + 1
    m = config["m"] = 0.9 * config["m"] + 0.1 * dw
    v = config["v"] = 0.999 * config["v"] + 0.001 * dw**2
    look = LOOK
    return w - config["learning_rate"] * look / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), config
"""


@pytest.mark.parametrize(
    ("look", "words"),
    [
        ("0.1 * dw / (1 - 0.9**t) + 0.9 * m / (1 - 0.9 ** (t + 1))", ""),
        ("m / (1 - 0.9**t)", "it is Adam: there is no look ahead"),
    ],
)
def test_nadam_and_what_is_made_of_it(tmp_path, look, words):
    (tmp_path / "rules.py").write_text(NADAM.replace("LOOK", look))
    found = check(f"{tmp_path / 'rules.py'}:nadam")
    assert found.passed == (not words)
    assert words in " ".join(found.faults)


STEPPING = """
import numpy as np
class Adam:
    def __init__(self, params, lr=0.01):
        self.params, self.lr, self.t = list(params), lr, 0
        self.m = [np.zeros_like(p.data) for p in self.params]
        self.v = [np.zeros_like(p.data) for p in self.params]
    def zero_grad(self):
        for p in self.params:
            p.grad = None
    def step(self):
        self.t += 1
        for i, p in enumerate(self.params):
            self.m[i] = 0.9 * self.m[i] + 0.1 * p.grad
            self.v[i] = 0.999 * self.v[i] + 0.001 * p.grad**2
            m, v = CORRECTED
            p.data = p.data - self.lr * m / (np.sqrt(v) + 1e-8)
"""


@pytest.mark.parametrize(
    ("corrected", "words"),
    [
        ("self.m[i] / (1 - 0.9**self.t), self.v[i] / (1 - 0.999**self.t)", ""),
        ("self.m[i], self.v[i]", "parts from Adam at step 1: .*bias correction is missing"),
    ],
)
def test_a_rule_like_pytorchs_that_is_made_with_its_parameters(tmp_path, corrected, words):
    (tmp_path / "rules.py").write_text(STEPPING.replace("CORRECTED", corrected))
    found = check(f"{tmp_path / 'rules.py'}:Adam", settings={"lr": 0.02})
    assert found.passed == (not words)
    assert re.search(words, " ".join(found.faults))
