"""Schedules against PyTorch's, whose rate a rule of lr = 1 shows."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler as theirs

from assay.errors import StudyError
from assay.optim.schedules import (
    Constant,
    CosineAnnealingLR,
    ExponentialLR,
    OneCycleLR,
    Schedule,
    StepLR,
    WarmUp,
)

gammas = st.floats(0.1, 1.2)


def assert_agree(ours: Schedule, make, steps: int) -> None:
    rule = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = make(rule)
    for t in range(1, steps + 1):
        assert ours(t) == pytest.approx(rule.param_groups[0]["lr"], rel=1e-9, abs=1e-12), t
        rule.step()
        scheduler.step()


def test_constant():
    assert {Constant()(t) for t in range(1, 50)} == {1.0}


@given(st.integers(1, 7), gammas)
def test_step(step_size, gamma):
    assert_agree(StepLR(step_size, gamma), lambda rule: theirs.StepLR(rule, step_size, gamma), 30)


@given(gammas)
def test_exponential(gamma):
    assert_agree(ExponentialLR(gamma), lambda rule: theirs.ExponentialLR(rule, gamma), 30)


@given(st.integers(1, 40), st.floats(0, 1))
def test_cosine(t_max, eta_min):
    ours = CosineAnnealingLR(t_max, eta_min)
    assert_agree(ours, lambda rule: theirs.CosineAnnealingLR(rule, t_max, eta_min), t_max + 1)
    assert ours(t_max + 10) == pytest.approx(eta_min, abs=1e-12)


@given(st.integers(4, 50), st.floats(0.3, 0.7), st.floats(1.5, 50), st.floats(1.5, 1e4))
def test_one_cycle(total, pct_start, div, final):
    def make(rule):
        options = {"pct_start": pct_start, "div_factor": div, "final_div_factor": final}
        return theirs.OneCycleLR(rule, 1.0, total, cycle_momentum=False, **options)

    assert_agree(OneCycleLR(total, pct_start, div, final), make, total - 1)


def test_one_cycle_ends_where_torch_s_does():
    assert OneCycleLR(10)(10) == pytest.approx(1 / 25 / 1e4)
    assert OneCycleLR(10)(1) == pytest.approx(1 / 25)


@given(st.integers(1, 20), gammas)
def test_warm_up(steps, gamma):
    def make(rule):
        up = (
            theirs.LinearLR(rule, 1 / steps, total_iters=steps - 1)
            if steps > 1
            else theirs.ConstantLR(rule, 1)
        )
        then = theirs.ExponentialLR(rule, gamma)
        return theirs.SequentialLR(rule, [up, then], [steps])

    assert_agree(WarmUp(steps, ExponentialLR(gamma)), make, steps)
    assert WarmUp(steps)(steps + 5) == 1
    for t in range(1, 10):
        assert WarmUp(steps, ExponentialLR(gamma))(steps + t) == pytest.approx(gamma ** (t - 1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StepLR(0), "step_size must be an integer >= 1; got 0"),
        (lambda: ExponentialLR(0.0), "gamma must be a number > 0"),
        (lambda: CosineAnnealingLR(0), "T_max must be an integer >= 1"),
        (lambda: CosineAnnealingLR(9, 2.0), r"eta_min must be a number in \[0, 1\]"),
        (lambda: OneCycleLR(0), "total_steps must be an integer >= 1"),
        (lambda: OneCycleLR(10, pct_start=1.0), "pct_start must be a number in"),
        (lambda: OneCycleLR(10, div_factor=0), "div_factor must be a number > 0"),
        (lambda: WarmUp(0), "steps must be an integer >= 1"),
    ],
)
def test_courses_that_lead_nowhere_are_refused(make, message):
    with pytest.raises(StudyError, match=message):
        make()
