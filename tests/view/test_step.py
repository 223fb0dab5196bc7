"""One step: the numbers on the page are the layers' own, and those of finite differences."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serving import Served, Tab, serving
from tiny import tiny_tables

from assay import nn
from assay.data import load
from assay.findings.one_step import OneStep, Passed, one_step, window
from assay.findings.trained import Fitted, Trained, best_run
from assay.findings.trained import trained as network_of
from assay.nn import activation, batch_norm, loss
from assay.nn.network import Network, to_input
from assay.nn.sliding import Sliding
from assay.results import Results
from assay.running.run import run
from assay.study.layer_tables import LAYERS
from assay.study.study import Study
from assay.view.entry import region, shown
from assay.view.layer_maps import inputs
from assay.view.mathml import FORMULAS, mathml
from assay.view.shelf import identity
from assay.view.step import _joined


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


@pytest.mark.parametrize("which", ["stepped", "windowed", "others"])
def test_gradients_are_those_of_finite_differences(which: str, request: pytest.FixtureRequest) -> None:
    network, image, label, step = request.getfixturevalue(which)
    weights = {name: value.astype(np.float64) for name, value in network.weights.items()}
    assert step.loss == pytest.approx(loss_of(network, weights, image, label), rel=1e-12)
    checked = set()
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
            checked.add(full)
    assert checked == set(network.network.parameters)


Walked = tuple[Fitted, np.ndarray, int, OneStep]


def walked(*layers: nn.Layer) -> Walked:
    """Return a network of layers with weights drawn at random, an image, its label, and the step."""
    network = Network(layers, (1, 16, 15))
    generator = np.random.default_rng(1)
    names = {**network.parameters, **network.initial_buffers()}
    weights = {name: generator.uniform(0.2, 1.2, value.shape) for name, value in names.items()}
    weights |= {name: value - 0.7 for name, value in weights.items() if name.endswith(("weight", "mean"))}
    image = generator.integers(0, 256, (16, 15)).astype(np.uint8)
    found = Fitted(network, weights, "float64")
    return found, image, 3, one_step(found, image, 3)


@pytest.fixture(scope="module")
def windowed() -> Walked:
    """Layers with windows and weights, with strides, borders and groups."""
    return walked(
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


@pytest.fixture(scope="module")
def others() -> Walked:
    """The other layers of the catalogue; a residual block within the layers of another, one as a shortcut."""
    inner = nn.Residual((nn.Conv2d(2, 1), nn.Tanh()))
    block = nn.Residual(
        (nn.Conv2d(2, 3, stride=2, padding=1), nn.BatchNorm2d(), inner, nn.Conv2d(3, 1)),
        (nn.Conv2d(3, 1, stride=2, bias=False), nn.Residual((nn.Sigmoid(),))),
    )
    return walked(
        nn.ZeroPad2d((1, 0, 2, 1)),
        block,
        nn.GELU(),
        nn.AdaptiveAvgPool2d((3, 2)),
        nn.Dropout2d(0.2),
        nn.Sigmoid(),
        nn.Reshape((2, 9)),
        nn.Softplus(),
        nn.Flatten(),
        nn.ELU(),
        nn.Dropout(0.5),
        nn.Linear(5),
        nn.SELU(),
    )


@pytest.fixture(scope="module")
def every_layer(windowed: Walked, others: Walked) -> tuple[Passed, ...]:
    return (*windowed[3].layers, *others[3].layers)


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


def test_what_is_written_out_is_the_layers_own_entry_by_entry(every_layer: tuple[Passed, ...]) -> None:
    """Window times kernel, maximum, mean, weighted sum, both branches, ... give y; their parts dL/dx."""
    kinds: dict[str, set[str]] = {}
    for passed in every_layer:
        for at in np.ndindex(*passed.y.shape):
            found = shown(passed, at)
            kinds.setdefault(found["kind"], set()).add(type(passed.node.layer).__name__)
            assert (found["y"], found["dy"]) == (passed.y[at], passed.dy[at])
            assert MADE[found["kind"]](found, passed) == pytest.approx(passed.y[at], abs=1e-12)
            for name, part in found.get("parts", {}).items():
                if name in ("x", "y", "dy", "dx"):
                    assert part[found["middle"]] == getattr(passed, name)[at]
            back = HANDED_ON.get(found["kind"], lambda found: None)(found)
            if back is not None:
                assert found["dx"] == passed.dx[found.get("where", at)]
                assert back == pytest.approx(found["dx"], abs=1e-15)
        if found["kind"] in ("conv", "pool") or isinstance(passed.node.layer, nn.AvgPool2d):
            assert handed_back(passed) == pytest.approx(passed.dx, abs=1e-12)
    assert kinds["function"] == {"ReLU", "LeakyReLU", "ELU", "SELU", "Sigmoid", "Tanh", "Softplus", "GELU"}
    assert kinds["same"] == {"Dropout", "Dropout2d"}
    assert set().union(*kinds.values()) == set(LAYERS)
    assert "other" not in kinds


def rest_and_bias(found: dict[str, Any]) -> float:
    return float(found["rest"] + (found["bias"] or 0))


MADE = {
    "conv": lambda found, _: sum(one["products"].sum() for one in found["maps"]) + rest_and_bias(found),
    "pool": lambda found, _: max(found["window"][found["first"]], found["window"].max()),
    "mean": lambda found, _: found["window"].sum() / found["count"],
    "linear": lambda found, _: sum(x * w for _, x, w, *_ in found["terms"]) + rest_and_bias(found),
    "norm": lambda found, _: found["weight"] * (found["x"] - found["mean"]) / found["std"] + found["bias"],
    "sum": lambda found, _: sum(found["parts"][name][found["middle"]] for name in ("F(x)", "S(x)")),
    "pad": lambda found, passed: passed.x[found["where"]] if found["where"] else 0.0,
    "moved": lambda found, passed: passed.x[found["where"]],
    "function": lambda found, passed: passed.node.layer.forward({}, np.full((1, 1), found["x"]))[0][0, 0],
    "same": lambda found, _: found["x"],
}
"""y as the page's numbers make it."""


HANDED_ON = {
    "norm": lambda found: found["weight"] * found["dy"] / found["std"],
    "function": lambda found: found["dy"] * found["slope"],
    "sum": lambda found: sum(found["back"]) if found["back"] else None,
    "pad": lambda found: found["dy"] if found["where"] else None,
    "moved": lambda found: found["dy"],
    "same": lambda found: found["dy"],
}
"""dL/dx at the entry's own place as the page's numbers make it; None where it has no such place."""


def test_a_region_of_an_adaptive_pool_hands_back_its_share(others: Walked) -> None:
    [passed] = [one for one in others[3].layers if isinstance(one.node.layer, nn.AdaptiveAvgPool2d)]
    total = np.zeros_like(passed.x)
    for at in np.ndindex(*passed.y.shape):
        rows, columns = region(passed, at)
        total[at[0], rows, columns] += shown(passed, at)["back"]
        assert inputs(passed, at)[0].mark[:2] == (columns.start, rows.start)
    assert total == pytest.approx(passed.dx, abs=1e-15)


def test_a_block_is_shown_with_the_layers_that_it_is_made_of(others: Walked) -> None:
    """Before it, in order, with the sign that joins them."""
    joined = [(sign, node.name) for sign, node in _joined(others[3])][1:12]
    assert joined == [
        ("→", "residual1.conv1"),
        ("→", "residual1.batchnorm1"),
        ("→", "residual1.residual1.conv1"),
        ("→", "residual1.residual1.tanh1"),
        ("→", "residual1.residual1"),
        ("→", "residual1.conv2"),
        ("+", "residual1.shortcut.conv1"),
        ("→", "residual1.shortcut.residual1.sigmoid1"),
        ("→", "residual1.shortcut.residual1"),
        ("→", "residual1"),
        ("→", "gelu1"),
    ]


def test_the_parts_of_a_kernels_gradient_add_up(windowed: Walked) -> None:
    checked = 0
    for passed in windowed[3].layers:
        if "weight" not in passed.gradients or passed.y.ndim == 1 or passed.x.shape == passed.y.shape:
            continue
        total = np.zeros_like(passed.gradients["weight"])
        for at in np.ndindex(*passed.y.shape):
            for place, one in enumerate(shown(passed, at)["maps"]):
                total[at[0], place] += one["part"]
        assert total == pytest.approx(passed.gradients["weight"], abs=1e-12)
        checked += 1
    assert checked == 2
    [dense, _] = [passed for passed in windowed[3].layers if isinstance(passed.node.layer, nn.Linear)]
    for unit in range(7):
        for d, x, weight, _, gradient, back in shown(dense, (unit,))["terms"]:
            assert back == dense.dy[unit] * weight
            assert gradient == pytest.approx(dense.dy[unit] * x, abs=1e-15)
            assert x == dense.x[d]


def test_the_marked_window_is_where_the_numbers_are(windowed: Walked) -> None:
    for passed in windowed[3].layers:
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
    where = next(place for place in (nn, loss, batch_norm, activation) if hasattr(place, name))
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
    assert mathml("f' = e^-x") == (
        '<math display="block"><mi>f</mi><mo>′</mo><mo>=</mo><msup><mrow><mi>e</mi></mrow>'
        "<mrow><mo>−</mo><mi>x</mi></mrow></msup></math>"
    )
    assert "<munder><mo>∑</mo><mrow><mi>n</mi></mrow></munder>" in mathml("sum over n of dy[n]")
    assert "<msub><mrow><mi>dy</mi></mrow><mrow><mi>n</mi></mrow></msub>" in mathml("sum over n of dy[n]")


def texts(page: str, name: str) -> str:
    """Return the text of the element with an id."""
    return re.search(f'id="{name}"[^>]*>([^<]*)<', page)[1]


def written(value: float) -> str:
    return f"{value + 0:.4g}"


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


CATALOGUE = [
    {"layer": "ZeroPad2d", "padding": (1, 0, 2, 1)},
    {
        "layer": "Residual",
        "layers": [
            {"layer": "Conv2d", "out_channels": 4, "kernel_size": 3, "stride": 2, "padding": 1},
            {"layer": "BatchNorm2d"},
        ],
        "shortcut": [{"layer": "Conv2d", "out_channels": 4, "kernel_size": 1, "stride": 2, "bias": False}],
    },
    {"layer": "Residual", "layers": [{"layer": "GELU"}]},
    {"layer": "AdaptiveAvgPool2d", "output_size": (5, 4)},
    {"layer": "Dropout2d", "p": 0.1},
    {"layer": "Reshape", "shape": (2, 40)},
    {"layer": "ELU"},
    {"layer": "Flatten"},
    {"layer": "Linear", "out_features": 6},
]
SAID = {
    "zeropad1": "y = x[0, ",
    "residual1.conv1": "products, entry by entry",
    "residual1.shortcut.conv1": "products, entry by entry",
    "residual1": "dL/d shortcut.conv1.weight",
    "residual2": "The shortcut is the identity",
    "adaptiveavgpool1": "and 0 elsewhere",
    "dropout1": "leaves nothing out in evaluation",
    "reshape1": "] = x[",
    "elu1": "dy × f′(x)",
}
"""What the page says of these layers alone."""


def test_every_layer_of_the_catalogue_has_its_page(browser: Any, characters: str, tmp_path: Path) -> None:
    """With its own words and numbers; axe finds nothing wrong with that of a block."""
    arms = {"all": {"network": {"layers": CATALOGUE}}, "last": {"network": {"layers": CATALOGUE[-2:]}}}
    changes = {"training": {"epochs": 1}, "data": {"train": 60}, "seeds": [0], "control": "all"}
    tables = tiny_tables(characters, factors={"layers": arms}, **changes)
    study = Study.from_tables({**tables, "network": {"family": "Layers"}}, "catalogue.toml")
    results = run(study, tmp_path / "catalogue", progress=False)
    test = load(study.data).test
    network = network_of(results, best_run(results, "all"), test.input_shape)
    step = one_step(network, test.images[0], int(test.labels[0]))
    with serving([tmp_path]) as served:
        address = f"/study/{identity(tmp_path / 'catalogue')}/step?arm=all&layer="
        for place, passed in enumerate(step.layers):
            page = served.get(f"{address}{place}").decode()
            at = int(passed.y.argmax())
            assert texts(page, "y") == written(passed.y.flat[at])
            assert texts(page, "dy") == written(passed.dy.flat[at])
            assert SAID.get(passed.node.name, "") in page
        tab = Tab(browser, served)
        names = [passed.node.name for passed in step.layers]
        tab.open(f"{address}{names.index('residual1')}")
        assert tab.violations() == []
        tab.close()
    assert set(SAID) <= set(names)


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
    tab.until(lambda: page.evaluate("document.activeElement.id") == "map2")
    _, rows, columns = passed.y.shape
    box = page.locator("#output svg").bounding_box()
    page.mouse.click(box["x"] + 3.5 * box["width"] / columns, box["y"] + 1.5 * box["height"] / rows)
    says(page, (2, 1, 3), passed)
    page.locator("#output").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    says(page, (2, 2, 4), passed)
    tab.until(lambda: page.evaluate("document.activeElement.id") == "output")
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
