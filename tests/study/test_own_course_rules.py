"""Learning rules in courses' styles in a study: the bits of assay's own style, or refused in one line."""

from pathlib import Path

import numpy as np
import pytest
from tiny import outcome

from assay.errors import StudyError, UsageError
from assay.running import run as running
from assay.running.events import EpochEnded
from assay.running.plan import Plan, make_plan
from assay.study.builtin import load_study

RULES = """
from dataclasses import dataclass

import numpy as np

from assay.optim import Optimizer


@dataclass(frozen=True)
class Own(Optimizer):
    momentum: float = 0.9

    def slots(self, theta):
        return {"velocity": np.zeros_like(theta)}

    def step(self, theta, grad, slots, t, lr):
        velocity = self.momentum * slots["velocity"] - lr * grad
        return theta + velocity, {"velocity": velocity}


def momentum(w, dw, config=None):
    config = {} if config is None else config
    config.setdefault("learning_rate", 1e-2)
    v = config["momentum"] * config.get("velocity", np.zeros_like(w)) - config["learning_rate"] * dw
    config["velocity"] = v
    return w + v, config


class Updates:
    def __init__(self, lr=0.01, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, None

    def update(self, params, grads):
        self.v = self.v or {key: np.zeros_like(value) for key, value in params.items()}
        for key in params:
            self.v[key] = self.momentum * self.v[key] - self.lr * grads[key]
            params[key] += self.v[key]


class InPlace:
    def __init__(self, learning_rate=0.01, mom_coeff=0.9):
        self.learning_rate, self.mom_coeff = learning_rate, mom_coeff

    def initialise(self, params):
        self.params, self.moms = params, [np.zeros_like(param) for param in params]

    def update_params(self, grads_wrt_params):
        for param, mom, grad in zip(self.params, self.moms, grads_wrt_params, strict=True):
            mom *= self.mom_coeff
            mom -= self.learning_rate * grad
            param += mom


class Steps:
    def __init__(self, params, lr=0.01, momentum=0.9):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.v = [np.zeros_like(p.data) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            self.v[i] = self.momentum * self.v[i] - self.lr * p.grad
            p.data = p.data + self.v[i]


class Halves(Updates):
    '''Its own schedule: halves its rate after the fourth step.'''

    def __init__(self, lr=0.01):
        super().__init__(lr, 0.0)
        self.t = 0

    def update(self, params, grads):
        self.t += 1
        super().update(params, grads)
        self.lr = self.lr / 2 if self.t == 4 else self.lr


class GlobalNorm(Updates):
    def update(self, params, grads):
        norm = np.sqrt(sum((grad**2).sum() for grad in grads.values()))
        super().update(params, {key: grad / norm for key, grad in grads.items()})


class Noisy(Updates):
    def update(self, params, grads):
        super().update(params, {key: grad + np.random.randn(*grad.shape) for key, grad in grads.items()})


class History(Updates):
    past = ()

    def update(self, params, grads):
        self.past = [*self.past, 1.0]
        super().update(params, grads)


class Unsaid(Updates):
    def __init__(self, speed):
        self.speed, self.momentum, self.v = speed, 0.0, None

    lr = property(lambda self: self.speed)


class Loses:
    def __init__(self, lr=0.01):
        self.lr = lr

    def update(self, params, grads):
        for key in params:
            params[key] = params[key][:1] - self.lr


def whole(w, dw, config=None):
    return w - 0.1 * dw


def given(w, dw, config=None):
    config = config or {"lr": 0.1, "scale": 1.0}
    return w - config["lr"] * config["scale"] * dw, config


NUMBER = 3
"""

STYLES = {
    "own": 'rule = "rules.py:Own", lr = 0.02, momentum = 0.8',
    "function": 'rule = "rules.py:momentum", learning_rate = 0.02, momentum = 0.8',
    "dictionaries": 'rule = "rules.py:Updates", lr = 0.02, momentum = 0.8',
    "in-place": 'rule = "rules.py:InPlace", learning_rate = 0.02, mom_coeff = 0.8',
    "stepping": 'rule = "rules.py:Steps", lr = 0.02, momentum = 0.8',
}


@pytest.fixture(autouse=True)
def in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes take seconds to start, and are tested elsewhere."""
    monkeypatch.setattr(Plan, "isolated", False)


@pytest.fixture
def write(tmp_path: Path, characters: str):
    (tmp_path / "rules.py").write_text(RULES)

    def written(rules: dict[str, str], training: str = "", seeds: int = 1):
        levels = [f"factors.rule.{name}.optimizer = {{ {rule} }}" for name, rule in rules.items()]
        path = tmp_path / "own.toml"
        path.write_text(
            f'name = "own"\nquestion = "q"\nseeds = {seeds}\nengine = "reference"\n'
            'network = { family = "Dense", hidden = [8] }\n'
            f"training = {{ batch_size = 16, epochs = 2{training} }}\n"
            f'data = {{ source = "{characters}", train = 150, valid = 40, test = 61 }}\n' + "\n".join(levels)
        )
        return load_study(path, trust=["rules.py"])

    return written


@pytest.mark.parametrize("training", ["", ', schedule = { kind = "StepLR", step_size = 1, gamma = 0.3 }'])
def test_every_style_gives_the_bits_of_assays_own(write, tmp_path, training):
    study = write(STYLES, training)
    assert {check.cls: check.wrong for check in make_plan(study).checks} == dict.fromkeys(
        ("Own", "momentum", "Updates", "InPlace", "Steps"), ""
    )
    with running.run(study, tmp_path / "out", progress=False) as results:
        found = outcome(results)
        weights = {run.arm: found[run.id, "weights"] for run in results.runs}
        assert len(weights) == 5
        assert len(set(weights.values())) == 1, weights
        first, last = results.epochs(results.runs[0].id)
        assert last.train_loss < first.train_loss


def test_stopped_and_continued_it_gives_the_same_bits(write, tmp_path, forgetful):
    """With what a rule counts and changes by itself, its own schedule too."""
    rules = {"halves": 'rule = "rules.py:Halves", lr = 0.05', "stepping": STYLES["stepping"]}

    def kill(event):
        if isinstance(event, EpochEnded):
            raise KeyboardInterrupt

    with running.run(write(rules), tmp_path / "whole", progress=False) as results:
        expected = outcome(results)
    with pytest.raises(KeyboardInterrupt):
        running.run(write(rules), tmp_path / "parts", progress=False, on_event=kill)
    forgetful()
    with running.run(write(rules), tmp_path / "parts", progress=False) as results:
        assert outcome(results) == expected


def test_runs_are_taken_over_from_the_same_code_alone(write, tmp_path):
    """In one process, which trusts the file as it was and as it is."""
    rules = {"stepping": STYLES["stepping"]}
    with running.run(write(rules), tmp_path / "first", progress=False) as results:
        first = outcome(results)
    seen: list[object] = []
    again = {"reuse": tmp_path / "first", "progress": False, "on_event": seen.append}
    with running.run(write(rules), tmp_path / "same", **again) as results:
        assert outcome(results) == first
    assert not [event for event in seen if isinstance(event, EpochEnded)]
    (tmp_path / "rules.py").write_text(RULES.replace("- self.lr * p.grad", "- 2 * self.lr * p.grad"))
    running.run(write(rules), tmp_path / "other", **again).close()
    assert len([event for event in seen if isinstance(event, EpochEnded)]) == 2


def test_a_rule_that_counts_is_put_back_into_its_state(write):
    """At the fifth step and after it the rate is half of what it was."""
    (arm,) = write({"halves": 'rule = "rules.py:Halves", lr = 0.5'}).arms
    rule = arm.settings.recipe.optimizer
    theta, slots, falls = np.zeros(3, np.float32), rule.slots(np.zeros(3, np.float32)), []
    for t in range(1, 7):
        after, slots = rule.update(theta, np.ones(3, np.float32), slots, t)
        falls.append(float((theta - after)[0]))
        theta = after
    assert falls == [0.5] * 4 + [0.25] * 2


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ('rule = "rules.py:Updates", lrr = 0.1', r"no argument 'lrr' \(did you mean 'lr'\?\)"),
        ('rule = "rules.py:Unsaid"', r"needs speed \(add speed = \.\.\. to optimizer\)"),
        (
            'rule = "rules.py:Unsaid", speed = 1.0',
            r"does not say its learning rate \(keep it as learning_rate",
        ),
        ('rule = "rules.py:GlobalNorm"', "otherwise when there are others beside it: a norm over all"),
        ('rule = "rules.py:Noisy"', "draws at random"),
        ('rule = "rules.py:History"', r"changes in shape or type from step to step \(past.1\)"),
        ('rule = "rules.py:Loses"', r"Loses makes 1 x 4 of a parameter of 3 x 4"),
        ('rule = "rules.py:whole"', r"whole must return \(next_w, config\); got ndarray"),
        ('rule = "rules.py:NUMBER"', "expected a class or a function; got 3"),
        ('rule = "rules.py:Nothing"', "no class 'Nothing'"),
        ('rule = "rules.py:np"', "expected a class or a function; got <module"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(write, rule, line):
    with pytest.raises((StudyError, UsageError), match=line) as caught:
        write({"a": rule})
    assert "\n" not in str(caught.value)
    assert "own: arm 'a': optimizer: rules.py:" in str(caught.value)


SCHEDULE = ', schedule = { kind = "ExponentialLR", gamma = 0.9 }'


def test_a_schedule_needs_a_rate_that_it_can_move(write):
    assert write({"a": 'rule = "rules.py:given"'})
    with pytest.raises(StudyError, match=r"no schedule can move its learning .*KeyError: 'scale'") as caught:
        write({"a": 'rule = "rules.py:given"'}, SCHEDULE)
    assert "\n" not in str(caught.value)


def test_a_rule_with_a_schedule_of_its_own_fails_under_another(write, tmp_path):
    study = write({"a": 'rule = "rules.py:Halves"'}, SCHEDULE)
    with running.run(study, tmp_path / "out", progress=False) as results:
        assert "no schedule can move its learning rate" in results.runs[0].message
        assert "it changes lr itself" in results.runs[0].message


def test_a_loss_of_ones_own_is_refused_in_one_line(write):
    with pytest.raises(
        StudyError, match=r"training.loss: no key of a study: every run minimises softmax cross"
    ) as no:
        write({"a": STYLES["own"]}, ', loss = "losses.py:Huber"')
    assert "\n" not in str(no.value)
