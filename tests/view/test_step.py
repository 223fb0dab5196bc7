"""One step: the numbers on the page are the layers' own, and those of finite differences."""

import re
from typing import Any

import numpy as np
import pytest
from serving import Served, Tab

from assay import nn
from assay.data import load
from assay.findings.one_step import OneStep, one_step, window
from assay.findings.trained import Fitted, Trained, best_run
from assay.findings.trained import trained as network_of
from assay.nn import batch_norm, loss
from assay.nn.network import Network, to_input
from assay.nn.sliding import Sliding
from assay.results import Results
from assay.view.entry import shown
from assay.view.layer_maps import inputs
from assay.view.mathml import FORMULAS, mathml


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


@pytest.fixture(scope="module")
def every_kind() -> OneStep:
    """A step through layers of every kind that is written out, with strides, borders and groups."""
    layers = (
        nn.Conv2d(4, 3, stride=2, padding=1, bias_init=nn.init.Constant(0.25)),
        nn.BatchNorm2d(),
        nn.ReLU(),
        nn.Conv2d(6, (2, 3), padding=1, dilation=(1, 2), groups=2, bias=False),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.AvgPool2d(2, stride=1, padding=1, count_include_pad=False),
        nn.AvgPool2d((2, 3), padding=1),
        nn.BatchNormPerActivation(),
        nn.Flatten(),
        nn.Linear(7),
        nn.BatchNorm1d(),
        nn.LeakyReLU(),
        nn.Linear(5, bias=False),
    )
    network = Network(layers, (1, 16, 15))
    generator = np.random.default_rng(1)
    names = {**network.parameters, **network.initial_buffers()}
    weights = {name: generator.uniform(0.2, 1.2, value.shape) for name, value in names.items()}
    weights |= {name: value - 0.7 for name, value in weights.items() if name.endswith(("weight", "mean"))}
    image = generator.integers(0, 256, (16, 15)).astype(np.uint8)
    return one_step(Fitted(network, weights, "float64"), image, 3)


BORDER = 5


def handed_back(passed: Any) -> np.ndarray:
    """Return dL/dx of a layer with windows as the sum of what each entry is shown to hand back to its own."""
    layer, y = passed.node.layer, passed.y
    kernels = np.zeros((1, len(passed.x), *y.shape[1:], *layer.sliding.kernel_size))
    for at in np.ndindex(*y.shape):
        found = shown(passed, at)
        for one in found.get("maps", [{"map": at[0], "back": found.get("back")}]):
            kernels[0, one["map"], at[1], at[2]] += one["back"]
    return layer.sliding.fold(kernels, passed.x.shape[1:])[0]


def test_what_is_written_out_is_the_layers_own_entry_by_entry(every_kind: OneStep) -> None:
    """Window times kernel, maximum, mean, weighted sum and normalised value give y; their parts dL/dx."""
    kinds: dict[str, int] = {}
    for passed in every_kind.layers:
        for at in np.ndindex(*passed.y.shape):
            found = shown(passed, at)
            kinds[found["kind"]] = kinds.get(found["kind"], 0) + 1
            assert (found["y"], found["dy"]) == (passed.y[at], passed.dy[at])
            if found["kind"] != "other":
                assert made(found) == pytest.approx(passed.y[at], abs=1e-12)
            if found["kind"] in ("norm", "same"):
                assert found["dx"] == passed.dx[at]
            if found["kind"] == "norm":
                assert found["weight"] * found["dy"] / found["std"] == pytest.approx(found["dx"], abs=1e-15)
        if found["kind"] in ("conv", "pool", "mean"):
            assert handed_back(passed) == pytest.approx(passed.dx, abs=1e-12)
    assert set(kinds) == {"conv", "pool", "mean", "linear", "norm", "same", "other"}


def made(found: dict[str, Any]) -> float:
    """Return y as the page's numbers make it."""
    match found["kind"]:
        case "conv":
            return sum(one["products"].sum() for one in found["maps"]) + found["rest"] + (found["bias"] or 0)
        case "pool":
            assert found["window"][found["first"]] == found["window"].max()
            return float(found["window"][found["first"]])
        case "mean":
            return float(found["window"].sum() / found["count"])
        case "linear":
            return sum(x * w for _, x, w, _, _ in found["terms"]) + found["rest"] + (found["bias"] or 0)
        case "norm":
            return float(found["weight"] * (found["x"] - found["mean"]) / found["std"] + found["bias"])
        case _:
            return float(found["parts"]["y"][found["middle"]])


def test_the_parts_of_a_kernels_gradient_add_up(every_kind: OneStep) -> None:
    checked = 0
    for passed in every_kind.layers:
        if "weight" not in passed.gradients or passed.y.ndim == 1 or passed.x.shape == passed.y.shape:
            continue
        total = np.zeros_like(passed.gradients["weight"])
        for at in np.ndindex(*passed.y.shape):
            for place, one in enumerate(shown(passed, at)["maps"]):
                total[at[0], place] += one["part"]
        assert total == pytest.approx(passed.gradients["weight"], abs=1e-12)
        checked += 1
    assert checked == 2
    [dense, _] = [passed for passed in every_kind.layers if isinstance(passed.node.layer, nn.Linear)]
    for unit in range(7):
        for d, x, _, _, back in shown(dense, (unit,))["terms"]:
            assert back == pytest.approx(dense.dy[unit] * x, abs=1e-15)
            assert x == dense.x[d]


def test_the_marked_window_is_where_the_numbers_are(every_kind: OneStep) -> None:
    for passed in every_kind.layers:
        if not hasattr(passed.node.layer, "sliding"):
            assert inputs(passed, (0,) * passed.y.ndim) == []
            continue
        at = (1, *(size // 2 for size in passed.y.shape[1:]))
        column, row, width, height = inputs(passed, at)[0].mark
        dilation = passed.node.layer.sliding.dilation
        rows, columns = (
            slice(BORDER + start, BORDER + start + size, step)
            for start, size, step in zip((row, column), (height, width), dilation, strict=True)
        )
        found = shown(passed, at)
        source = found["maps"][0]["map"] if found["kind"] == "conv" else 1
        under = found["maps"][0]["window"] if found["kind"] == "conv" else found["window"]
        around = np.pad(passed.x[source], BORDER, constant_values=-np.inf if found["kind"] == "pool" else 0)
        assert np.array_equal(around[rows, columns], under)


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
    where = next(place for place in (nn, loss, batch_norm) if hasattr(place, name))
    documented = " ".join(getattr(where, name).__doc__.split())
    for formula in FORMULAS[name]:
        assert " ".join(formula.split()) in documented


def test_formulas_become_mathml() -> None:
    assert mathml("dL/dW = dy^T x") == (
        '<math display="block"><mfrac><mi>dL</mi><mi>dW</mi></mfrac><mo>=</mo><msup><mrow><mi>dy</mi></mrow>'
        '<mrow><mi>T</mi></mrow></msup><mspace width=".3em"/><mi>x</mi></math>'
    )
    assert mathml("y = x^ / sqrt(var + 2) (a - 1)") == (
        '<math display="block"><mi>y</mi><mo>=</mo><mover accent="true"><mi>x</mi><mo>^</mo></mover>'
        "<mo>/</mo>"
        "<msqrt><mi>var</mi><mo>+</mo><mn>2</mn></msqrt>"
        "<mrow><mo>(</mo><mi>a</mi><mo>−</mo><mn>1</mn><mo>)</mo></mrow></math>"
    )
    assert "<munder><mo>∑</mo><mrow><mi>n</mi></mrow></munder>" in mathml("sum over n of dy[n]")
    assert "<msub><mrow><mi>dy</mi></mrow><mrow><mi>n</mi></mrow></msub>" in mathml("sum over n of dy[n]")


def texts(page: str, name: str) -> str:
    """Return the text of the element with an id."""
    return re.search(f'id="{name}"[^>]*>([^<]*)<', page)[1]


def written(value: float) -> str:
    return f"{value + 0:.4g}".replace("-", "−")


def test_the_page_shows_the_numbers(served: Served, keys: dict[str, str], stepped: Any) -> None:
    step = stepped[3]
    for place, passed in enumerate(step.layers):
        page = served.get(f"/study/{keys['trained']}/step?arm=max&image=0&layer={place}").decode()
        at = np.unravel_index(int(passed.y.argmax()), passed.y.shape)
        assert texts(page, "y") == written(passed.y[at])
        assert texts(page, "dy") == written(passed.dy[at])
        assert texts(page, "loss") == written(step.loss)
        known = [name for name in FORMULAS if name == type(passed.node.layer).__name__]
        assert all(mathml(formula) in page for name in known for formula in FORMULAS[name])
    rows = re.findall(r"<tr><th scope=.row.>(.*?)</tr>", page[page.index('id="scores"') :], re.DOTALL)
    best = int(step.shares.argmax())
    raised = np.exp(step.scores - step.scores.max())
    expected = [one[best] for one in (step.scores, raised, step.shares, step.dscores)]
    found = [
        re.sub(r"<small>.*?</small>", "", cell).strip()
        for cell in re.findall(r"<td[^>]*>(.*?)</td>", rows[0])
    ]
    assert found == [written(value) for value in expected]
    assert raised[best] / raised.sum() == pytest.approx(step.shares[best])


def test_image_layer_and_unit_are_chosen_by_mouse_and_by_keyboard(
    tab: Tab, keys: dict[str, str], stepped: Any
) -> None:
    step = stepped[3]
    page = tab.open(f"/study/{keys['trained']}/step?arm=max")
    page.get_by_role("link", name="pool").first.click()
    place = next(at for at, one in enumerate(step.layers) if one.node.layer.kind == "maxpool")
    page.wait_for_selector(f"#layer{place}[aria-current]")
    passed = step.layers[place]
    page.locator("#map2").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#map2[aria-current]")
    assert page.evaluate("document.activeElement.id") == "map2"
    _, rows, columns = passed.y.shape
    box = page.locator("#output svg").bounding_box()
    page.mouse.click(box["x"] + 3.5 * box["width"] / columns, box["y"] + 1.5 * box["height"] / rows)
    says(page, (2, 1, 3), passed)
    page.locator("#output").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    says(page, (2, 2, 4), passed)
    assert page.evaluate("document.activeElement.id") == "output"
    page.locator("#at-row").fill("3")
    page.keyboard.press("Enter")
    says(page, (2, 3, 4), passed)
    page.locator("#image2").click()
    page.wait_for_selector("#image2[aria-current]")
    assert f"layer={place}" in page.url
    page.go_back()
    says(page, (2, 3, 4), passed)
    page.locator(f"#layer{len(step.layers) - 1}").click()
    page.wait_for_selector("table.terms")
    page.locator("#output").focus()
    page.locator("#at-entry").fill("1")
    page.keyboard.press("Enter")
    says(page, (1,), step.layers[-1])


def says(page: Any, at: tuple[int, ...], passed: Any) -> None:
    text = f"y[{', '.join(map(str, at))}] = {written(passed.y[at])}."
    page.get_by_text(text).wait_for()
    assert page.locator("#y").inner_text() == written(passed.y[at])


def test_what_is_not_there_is_refused(served: Served, keys: dict[str, str]) -> None:
    address = f"/study/{keys['trained']}/step"
    assert served.ask("GET", f"{address}?layer=99")[0] == 422
    assert served.ask("GET", f"{address}?row=99&layer=0")[0] == 422
    assert b"no arm" in served.ask("GET", f"{address}?arm=nobody")[2]
    assert served.ask("GET", f"/study/{keys['hostile <b>&' + chr(39)]}/step")[0] == 200
