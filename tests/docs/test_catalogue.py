"""Everything that is public is described, and described once."""

import inspect
import re
from pathlib import Path

import pytest
from blocks import ROOT

import assay
from assay import nn, optim
from assay.nn import convolution, init
from assay.nn.layer import Layer
from assay.optim import augment, penalties, schedules

PAGES = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
HOMES = {"layers.md": nn, "initializers.md": init, "data.md": augment}


def described(page: str) -> list[str]:
    """Return the last words of what a page's directives take from the docstrings."""
    return re.findall(r"^\.\. auto(?:class|function|data):: (?:\w+\.)*(\w+)", PAGES[page], re.M)


def final(module: object, base: type) -> set[str]:
    """Return the concrete classes of a kind that a module offers."""
    return {
        name
        for name, cls in vars(module).items()
        if inspect.isclass(cls) and issubclass(cls, base) and not inspect.isabstract(cls)
    }


PUBLIC = {n for n in assay.__all__ if callable(getattr(assay, n)) and not n.endswith("Error")}
CATALOGUE = {
    "layers": ("layers.md", final(nn, Layer)),
    "initialisers": ("initializers.md", final(init, init.Initializer)),
    "learning rules": ("rules.md", final(optim, optim.Optimizer)),
    "schedules": ("rules.md", final(schedules, schedules.Schedule)),
    "penalties": ("rules.md", final(penalties, penalties.Penalty)),
    "transforms": ("data.md", final(augment, augment.Transform)),
    "public names": ("python.md", PUBLIC),
}


@pytest.mark.parametrize(("page", "names"), CATALOGUE.values(), ids=CATALOGUE)
def test_each_is_described_on_its_page(page: str, names: set[str]):
    assert names
    assert names - set(described(page)) == set()


def test_every_convolution_method_has_a_section():
    headings = re.findall(r"^## (\w+)$", PAGES["convolution.md"], re.M)
    assert tuple(headings) == convolution.METHODS


@pytest.mark.parametrize("page", ["layers.md", "rules.md"])
def test_every_formula_is_set(page: str):
    """Each heading of a layer, rule, schedule or penalty has a formula, or its group has."""
    own = {name for home, names in CATALOGUE.values() if home == page for name in names}
    alike = {"BatchNorm1d", "BatchNorm2d", "BatchNormPerActivation", "Dropout2d", "Reshape"}
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGES[page], re.M | re.S))
    assert own - set(sections) <= {"Dropout"}
    for name in own - alike - {"Dropout"}:
        assert "$$" in sections[name].partition(".. autoclass")[0], name


def test_every_page_is_in_the_contents():
    listed = re.findall(r"^([\w-]+)$", PAGES["index.md"], re.M)
    assert sorted([*listed, "index"]) == sorted(Path(name).stem for name in PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str):
    for target in re.findall(r"\]\(([^)#\s]+)", PAGES[page]):
        assert (ROOT / "docs" / target).exists(), target
