import numpy as np
import pytest

from assay.errors import UsageError
from assay.stats import alpha_at, compare, look_alpha, next_look
from assay.streams import stream


def test_alpha_is_shared_by_the_declared_looks():
    assert look_alpha((5, 10, 20)) == pytest.approx(0.05 / 3)
    assert alpha_at(10, (5, 10, 20)) == pytest.approx(0.05 / 3)
    assert alpha_at(11, (5, 10, 20)) is None
    assert [next_look(n, (5, 10, 20)) for n in (0, 5, 19, 20)] == [5, 10, 20, None]


def test_declared_looks_keep_the_error_rate_and_undeclared_ones_do_not():
    declared = careless = 0
    for k in range(800):
        d = 0.5 + stream(k, "looks").normal(0, 0.01, size=20)
        p = {n: compare(d[:n], np.full(n, 0.5)).p for n in (5, 10, 20)}
        declared += any(p[n] < alpha_at(n, (5, 10, 20)) for n in p)
        careless += any(p[n] < 0.05 for n in p)
    assert declared / 800 < 0.065
    assert careless / 800 == pytest.approx(0.119, abs=0.035)


@pytest.mark.parametrize("looks", [(), (2, 5), (5, 5), (10, 5)])
def test_looks_increase_from_three(looks):
    with pytest.raises(UsageError, match="increasing"):
        look_alpha(looks)
