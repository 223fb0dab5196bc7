"""Imports point one way, and the heavy ones stay where they belong."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import assay

ROOT = Path(assay.__file__).parent
MODULES = {
    ".".join(["assay", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__"): path
    for path in ROOT.rglob("*.py")
}


def imports(node: ast.AST, module: str, delayed: bool = True) -> Iterator[str]:
    """Yield the modules that a file imports, as they are written; those for the type checker left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, f"{module} imports relatively"
            source = child.module or ""
            whole = (f"{source}.{alias.name}" for alias in child.names)
            yield from (name if name in MODULES else source for name in whole)
        elif delayed or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from imports(child, module, delayed)


@cache
def known(delayed: bool = True) -> dict[str, set[str]]:
    """Return what each module imports."""
    return {
        module: set(imports(ast.parse(path.read_text("utf-8")), module, delayed))
        for module, path in MODULES.items()
    }


def part(module: str) -> str:
    """Return the file or folder of the house that a module is, or is in."""
    return module.split(".")[1] if "." in module else "assay"


BOTTOM = {"errors", "shapes", "streams"}
ONLY = {
    "errors": set(),
    "streams": set(),
    "records": set(),
    "shapes": {"errors"},
    "nn": BOTTOM,
    "optim": BOTTOM,
    "data": BOTTOM | {"records"},
    "stats": BOTTOM,
    "network": BOTTOM | {"nn"},
    "metrics": {"errors", "records"},
    "claims": {"errors", "metrics", "tables"},
    "report": BOTTOM
    | {"claims", "comparisons", "data", "inspection", "metrics", "records", "results", "stats", "store"}
    | {"source", "study"},
}
"""What a part may know besides itself; of the others, that they know each other one way is enough."""

HOMES = {
    "torch": ("assay.engines.torch", "assay.bench.peers."),
    "jax": ("assay.bench.peers.",),
    "keras": ("assay.bench.peers.",),
    "numba": ("assay.engines.numba",),
    "sqlite3": ("assay.store.",),
    "safetensors": ("assay.store.",),
    "typer": ("assay.cli",),
    "pydantic": ("assay.study.tables",),
    "pickle": (),
}
"""Where alone a library is imported."""

BACKWARD = {("results", "report")}
"""Delayed imports that point back: results show themselves in a notebook."""


@cache
def parts() -> dict[str, set[str]]:
    """Return what each part of the house knows of the others."""
    graph: dict[str, set[str]] = {}
    for module, found in known().items():
        others = {part(name) for name in found if name.split(".")[0] == "assay"}
        graph.setdefault(part(module), set()).update(others - {part(module)})
    return graph


@pytest.mark.parametrize("name", ONLY)
def test_a_part_knows_no_more_than_it_may(name):
    assert parts()[name] - ONLY[name] == set()


def test_nothing_imports_the_command_line():
    knowing = {name for name, found in parts().items() if "cli" in found}
    assert knowing == {"__main__"}


def test_the_parts_know_each_other_one_way():
    graph = {
        name: {other for other in found if (name, other) not in BACKWARD} for name, found in parts().items()
    }
    assert len(list(TopologicalSorter(graph).static_order())) == len(graph)


def test_no_module_imports_itself_in_a_circle():
    graph = {
        module: {name for name in found if name in MODULES} for module, found in known(delayed=False).items()
    }
    assert len(list(TopologicalSorter(graph).static_order())) == len(graph)


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_where_it_belongs(library):
    importing = {
        module for module, found in known().items() if library in {name.split(".")[0] for name in found}
    }
    assert {module for module in importing if not module.startswith(HOMES[library])} == set()


def test_the_rules_have_something_to_look_at():
    """So that a module that moves takes its rule along."""
    assert set(ONLY) <= set(parts())
    assert "assay.store.sqlite" in {module for module, found in known().items() if "sqlite3" in found}
    assert "assay.engines.numba" in known()["assay.engines"]
    assert "assay.engines.numba" not in known(delayed=False)["assay.engines"]


def test_running_a_study_loads_no_library_that_it_does_not_use():
    code = "import sys, assay.running.run; print(*sorted(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(shown.stdout.split())
    assert "assay.running.run" in loaded
    assert loaded.isdisjoint({"torch", "numba", "matplotlib", "pandas", "typer", "jinja2", "PIL"})
