"""What the files of the package import, from their syntax trees; run as a script, draws it into the docs.

``python tests/helpers/house.py`` writes the drawing in ``docs/architecture.md`` anew.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "assay"
PAGE = ROOT / "docs" / "architecture.md"
BEGIN = "<!-- the order of imports, written by tests/helpers/house.py -->"
END = "<!-- the order of imports ends here -->"

ROOMS = (
    "cli",
    "view",
    "testing",
    "bench",
    "exchange",
    "running",
    "results",
    "report",
    "findings",
    "training",
    "store",
    "study",
    "engines",
    "reading",
    "data",
    "optim",
    "nn",
    "stats",
    "records",
    "shapes",
    "streams",
    "errors",
)
"""The files and folders at the top of the package, from the top of the house: each imports those below it."""

Arrows = frozenset[tuple[str, str]]

UPWARDS: Arrows = frozenset()
"""Rooms that import one above: none, and one that is wanted has to be named here."""

NAMED = re.compile(r"([a-z_]\w*(?:\.[a-z_]\w*)*):[A-Za-z_]\w*")
"""A string that names what is imported when it is first asked for: ``nn.network:Network``."""

FACE = {"assay", "assay.__main__", "assay.sklearn"}
"""The public names and ``python -m assay``, which stand before the house and not in it."""

MODULES = {
    ".".join(["assay", *path.relative_to(SOURCE).with_suffix("").parts]).removesuffix(".__init__"): path
    for path in sorted(SOURCE.rglob("*.py"))
}


def tree(module: str) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(MODULES[module].read_text("utf-8"))


def imports(node: ast.AST, delayed: bool = True) -> Iterator[str]:
    """Yield what a file imports, as modules where they are ours; those for the type checker left out.

    ``delayed`` ones stand in functions, or in strings as ``module:Name``.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            source = "." * child.level + (child.module or "")
            whole = (f"{source}.{alias.name}" for alias in child.names)
            yield from (name if name in MODULES else source for name in whole)
        elif isinstance(child, ast.Constant) and delayed:
            yield from _named(child.value)
        elif delayed or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from imports(child, delayed)


def _named(value: object) -> Iterator[str]:
    found = NAMED.fullmatch(value) if isinstance(value, str) else None
    if found:
        yield from (name for name in (found[1], f"assay.{found[1]}") if name in MODULES)


@cache
def known(delayed: bool = True) -> dict[str, frozenset[str]]:
    """Return what each module imports."""
    return {module: frozenset(imports(tree(module), delayed)) for module in MODULES}


def room(module: str) -> str:
    """Return the file or folder at the top of the package that a module is, or is in."""
    return module.split(".")[1] if "." in module else module


@cache
def files() -> dict[str, frozenset[str]]:
    """Return which of our files each of them imports, the face left out."""
    return {
        module: frozenset(name for name in found if name in MODULES)
        for module, found in known().items()
        if module not in FACE
    }


@cache
def rooms() -> dict[str, frozenset[str]]:
    """Return which rooms each room imports."""
    graph: dict[str, set[str]] = {name: set() for name in ROOMS}
    for module, found in files().items():
        graph.setdefault(room(module), set()).update({room(name) for name in found} - {room(module)} - FACE)
    return {name: frozenset(found) for name, found in graph.items()}


def upwards() -> Arrows:
    """Return the rooms that import one above them, each with that one."""
    above: set[str] = set()
    found = set()
    for name in ROOMS:
        found |= {(name, other) for other in rooms()[name] & above}
        above.add(name)
    return frozenset(found)


def circle(graph: Mapping[str, frozenset[str]], without: Arrows) -> list[str]:
    """Return files that import each other in a circle, in order; none where there is no circle.

    Imports from a room to another may be left out.
    """
    left = {
        module: {name for name in found if (room(module), room(name)) not in without}
        for module, found in graph.items()
    }
    try:
        TopologicalSorter(left).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def floors() -> dict[str, int]:
    """Return each room's floor: 0 where it imports no other room, else one above the highest of those."""
    found: dict[str, int] = {}
    for name in reversed(ROOMS):
        found[name] = 1 + max((found.get(other, -1) for other in rooms()[name]), default=-1)
    return found


def drawing() -> str:
    """Draw the rooms from the top, each with its floor and the rooms that it imports."""
    graph, levels = rooms(), floors()
    lines = [
        f"{levels[name]:>2}  {name:<9}{', '.join(other for other in ROOMS if other in graph[name]) or '-'}"
        for name in ROOMS
    ]
    return "\n".join(["```text", "floor and room, and what it imports", *lines, "```"])


def drawn(page: str) -> str:
    """Return what a page has between the marks."""
    return page.partition(BEGIN)[2].partition(END)[0].strip()


def redrawn(page: str) -> str:
    """Return the page with the drawing as the code has it."""
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    return f"{before}{BEGIN}\n{drawing()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(redrawn(PAGE.read_text("utf-8")), "utf-8", newline="\n")
