"""What docs/architecture.md and the docstrings name is there."""

import ast
import re

from house import MODULES, PAGE, ROOMS, ROOT, SOURCE, tree

import assay.testing

TEXT = PAGE.read_text("utf-8")
QUOTED = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w./]*/[\w./]*|\w+\.(?:py|md|toml)")
DOTTED = re.compile(r"\w+(?:\.\w+)+")


def quoted(text):
    """Return what stands in backticks, code blocks left out."""
    return sorted({*QUOTED.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL))})


def is_there(path):
    return any((folder / path).exists() for folder in (ROOT, SOURCE))


def defined(body):
    """Return what a module or class defines or imports, by name, with the node that does."""
    names = {}
    for node in body:
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                names[node.name] = node
            case ast.Assign(targets=targets):
                names.update({target.id: node for target in targets if isinstance(target, ast.Name)})
            case ast.AnnAssign(target=ast.Name(id=name)):
                names[name] = node
            case ast.ImportFrom() | ast.Import():
                names.update({alias.asname or alias.name: node for alias in node.names})
    return names


def has(body, names):
    """Whether a module or class has a name, with the attribute of it that may follow."""
    first, *rest = names
    found = defined(body).get(first)
    if found is None or not rest:
        return found is not None
    if isinstance(found, ast.ImportFrom):
        return has(tree(found.module).body, names)
    return isinstance(found, ast.ClassDef) and has(found.body, rest)


def is_known(name):
    """Whether ``study.tables.build``, with ``assay`` before it or not, or ``Session.states`` is there."""
    words = name.removeprefix("assay.").split(".")
    if name.startswith("assay.") and len(words) == 1 and words[0] in assay.__all__:
        return True
    if words[0] == "testing" and words[1:2] and words[1] in assay.testing.__all__:
        return len(words) == 2
    if words[0][0].isupper():
        return any(has(tree(module).body, words) for module in MODULES)
    for count in range(len(words), 0, -1):
        module = ".".join(["assay", *words[:count]])
        if module in MODULES:
            return count == len(words) or has(tree(module).body, words[count:])
    return False


def test_every_path_is_there():
    paths = [text for text in quoted(TEXT) if PATH.fullmatch(text)]
    assert len(paths) > 50
    assert [path for path in paths if not is_there(path)] == []


def test_every_name_is_there():
    names = [text for text in quoted(TEXT) if DOTTED.fullmatch(text) and not PATH.fullmatch(text)]
    assert len(names) > 20
    assert [name for name in names if not is_known(name)] == []


def test_docstrings_name_what_is_there():
    found = [
        (module, name)
        for module, path in MODULES.items()
        for name in re.findall(r"(?<!`)`(assay(?:\.\w+)+)`(?!`)", path.read_text("utf-8"))
    ]
    assert len(found) > 50
    assert [(module, name) for module, name in found if not is_known(name)] == []


def test_pages_name_modules_that_are_there():
    """A module by its full name, in any page; the changelog also tells of those that were."""
    pages = [*PAGE.parent.glob("*.md"), ROOT / "README.md", ROOT / "SECURITY.md"]
    rooms = "|".join(ROOMS)
    found = [
        (page.name, name)
        for page in pages
        for name in re.findall(rf"`(assay\.(?:{rooms})(?:\.\w+)*)`", page.read_text("utf-8"))
    ]
    assert len(found) > 10
    assert [(page, name) for page, name in found if not is_known(name)] == []


def test_what_is_not_there_is_noticed():
    for name in ("study.tables.built", "studies.load", "Session.secrets", "assay.engine", "Nobody.knows"):
        assert not is_known(name)
    for name in (
        "study.tables.build",
        "Session.states",
        "assay.nn",
        "testing.EngineConformance",
        "nn.Conv2d",
    ):
        assert is_known(name)
    assert not is_there("engines/numba_registers")


def test_every_room_is_in_the_list_in_its_order():
    table = TEXT.partition("## The rooms")[2].partition("## ")[0]
    first = re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE)
    assert [name for cell in first for name in QUOTED.findall(cell)] == list(ROOMS)
