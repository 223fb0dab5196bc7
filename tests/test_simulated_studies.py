"""The short version of benchmarks/simulated_studies.py: few studies a promise."""

import runpy
from math import sqrt
from pathlib import Path

import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "simulated_studies.py"))
PROMISES = {promise.name: promise for promise in SCRIPT["PROMISES"]}
STUDIES = 200


@pytest.mark.parametrize("name", PROMISES)
def test_a_promise_is_kept(name):
    """Within three standard errors: far off is seen, a little off takes the long version."""
    rate = SCRIPT["rate"](name, STUDIES, PROMISES[name].study)
    nominal = PROMISES[name].nominal
    assert PROMISES[name].kept(rate, sqrt(nominal * (1 - nominal) / STUDIES))


def test_looking_without_declaring_breaks_the_promise():
    name, nominal, study = SCRIPT["CONTRASTS"][1]
    assert SCRIPT["rate"](name, 2 * STUDIES, study) > nominal + 0.02
