"""One step: the numbers on the page are the layers' own, and those of finite differences."""

from typing import Any

import numpy as np
import pytest
from serving import Served, Tab

from assay import nn
from assay.data import load
from assay.findings.one_step import OneStep, one_step, window
from assay.findings.trained import Trained, best_run
from assay.findings.trained import trained as network_of
from assay.nn import loss
from assay.nn.network import to_input
from assay.nn.sliding import Sliding
from assay.results import Results
from assay.view.mathml import FORMULAS, mathml
from assay.view.step import shown


@pytest.fixture(scope="module")
def stepped(trained: Results) -> tuple[Trained, np.ndarray, int, OneStep]:
    test = load(trained.study.data).test
    network = network_of(trained, best_run(trained, "max"), test.input_shape)
    return (
        network,
        test.images[0],
        int(test.labels[0]),
        one_step(network, test.images[0], int(test.labels[0])),
    )


def loss_of(network: Trained, weights: dict[str, np.ndarray], image: np.ndarray, label: int) -> float:
    scores, _ = network.network.forward(weights, to_input(image[None], network.network, "float64"))
    return float(loss.cross_entropy(scores, np.array([label]))[0])


def test_gradients_are_those_of_finite_differences(stepped: Any) -> None:
    network, image, label, step = stepped
    weights = {name: value.astype(np.float64) for name, value in network.weights.items()}
    assert step.loss == pytest.approx(loss_of(network, weights, image, label), rel=1e-12)
    checked = 0
    for passed in step.layers:
        for name, gradient in passed.gradients.items():
            full = f"{passed.node.name}.{name}"
            entry = np.unravel_index(int(np.abs(gradient).argmax()), gradient.shape)
            found = []
            for by in (1e-6, -1e-6):
                moved = {**weights, full: weights[full].copy()}
                moved[full][entry] += by
                found.append(loss_of(network, moved, image, label))
            assert gradient[entry] == pytest.approx((found[0] - found[1]) / 2e-6, rel=1e-4, abs=1e-8), full
            checked += 1
    assert checked == len(network.network.parameters) > 1


def test_what_is_written_out_adds_up_to_the_entry(stepped: Any) -> None:
    """Window times kernel, summed, is the convolution's; the marked maximum is the pool's."""
    step = stepped[3]
    kinds = set()
    for passed in step.layers:
        for at in np.ndindex(*passed.y.shape):
            found = shown(passed, at)
            kinds.add(found["kind"])
            if found["kind"] == "conv":
                total = sum(one["products"].sum() for one in found["maps"]) + found["rest"]
                assert total + (found["bias"] or 0) == pytest.approx(passed.y[at], abs=1e-12)
            elif found["kind"] == "pool":
                assert found["window"][found["first"]] == passed.y[at] == found["window"].max()
            elif found["kind"] == "linear":
                total = sum(term[3] for term in found["terms"]) + found["rest"] + (found["bias"] or 0)
                assert total == pytest.approx(passed.y[at], abs=1e-12)
    assert kinds >= {"conv", "pool", "linear", "same"}


@pytest.mark.parametrize(
    "sliding", [Sliding((3, 2), (2, 1), (1, 0), (1, 2)), Sliding((2, 2), (1, 1), (0, 0))]
)
def test_a_window_is_what_the_layers_unfold(sliding: Sliding) -> None:
    x = np.random.default_rng(0).normal(size=(1, 2, 7, 6))
    whole = sliding.unfold(x, fill=0.0)
    for row, column in np.ndindex(whole.shape[2:4]):
        assert np.array_equal(window(x[0], sliding, row, column, 0.0), whole[0, :, row, column])


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_is_the_docstrings(name: str) -> None:
    documented = " ".join((getattr(nn, name, None) or getattr(loss, name)).__doc__.split())
    for formula in FORMULAS[name]:
        assert " ".join(formula.split()) in documented


def test_formulas_become_mathml() -> None:
    assert mathml("dL/dW = dy^T x") == (
        '<math display="block"><mfrac><mi>dL</mi><mi>dW</mi></mfrac><mo>=</mo><msup><mrow><mi>dy</mi></mrow>'
        '<mrow><mi>T</mi></mrow></msup><mspace width=".3em"/><mi>x</mi></math>'
    )
    assert "<munder><mo>∑</mo><mrow><mi>n</mi></mrow></munder>" in mathml("sum over n of dy[n]")
    assert "<msub><mrow><mi>dy</mi></mrow><mrow><mi>n</mi></mrow></msub>" in mathml("sum over n of dy[n]")


def test_the_page_shows_the_numbers(tab: Tab, served: Served, keys: dict[str, str], stepped: Any) -> None:
    step = stepped[3]
    for place, passed in enumerate(step.layers):
        page = tab.open(f"/study/{keys['trained']}/step?arm=max&image=0&layer={place}")
        at = np.unravel_index(int(passed.y.argmax()), passed.y.shape)
        assert page.locator("#y").inner_text() == f"{passed.y[at] + 0:.4g}"
        assert page.locator("#dy").inner_text() == f"{passed.dy[at] + 0:.4g}"
        assert page.locator("#loss").inner_text() == f"{step.loss:.4g}"
        assert tab.violations() == []
    row = page.locator("#scores tbody tr").first.locator("td")
    best = int(step.shares.argmax())
    expected = (step.scores[best], step.shares[best], step.dscores[best])
    assert [row.nth(at).inner_text() for at in range(3)] == [f"{value:.4g}" for value in expected]


def test_what_is_not_there_is_refused(served: Served, keys: dict[str, str]) -> None:
    address = f"/study/{keys['trained']}/step"
    assert served.ask("GET", f"{address}?layer=99")[0] == 422
    assert served.ask("GET", f"{address}?row=99&layer=0")[0] == 422
    assert b"no arm" in served.ask("GET", f"{address}?arm=nobody")[2]
    assert served.ask("GET", f"/study/{keys['hostile <b>&' + chr(39)]}/step")[0] == 200
