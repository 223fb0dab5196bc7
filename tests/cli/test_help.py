"""Every command says how it is used, at once; and the reference names all there is."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from said import Assay

from assay.cli.app import app

REFERENCE = Path(__file__).parents[2] / "docs" / "cli.md"
HEAVY = (
    "numpy",
    "scipy",
    "numba",
    "matplotlib",
    "pydantic",
    "pandas",
    "PIL",
    "safetensors",
    "sqlite3",
    "torch",
)


def commands() -> Iterator[tuple[tuple[str, ...], typer.core.TyperCommand]]:
    """Every command with its words."""

    def below(words: tuple[str, ...], command) -> Iterator:
        for name, inner in getattr(command, "commands", {}).items():
            yield from below((*words, name), inner)
        if not hasattr(command, "commands"):
            yield words, command

    return below((), typer.main.get_command(app))


ALL = dict(commands())


def test_the_commands_are_these():
    assert {" ".join(words) for words in ALL} == {
        "studies", "init", "schema", "export", "import", "judge",
        "show", "plan", "run", "extend", "fork", "reproduce", "status", "results", "report",
        "view", "draw", "doctor", "salvage", "predict", "read", "check",
        "data list", "data import", "data info", "data preview", "data fetch", "data verify",
        "bench convolution", "bench training",
    }  # fmt: skip


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_has_an_example_and_fits_80_columns(words: tuple[str, ...], assay: Assay):
    said = assay(*words, "--help")
    assert said.status == 0
    assert said.err == ""
    assert f"Example: assay {' '.join(words)}" in said.out
    assert max(map(len, said.out.splitlines())) <= 80


def sections() -> dict[str, str]:
    """The reference's text on each command, by the command's words."""
    found = {}
    for heading, body in re.findall(
        r"^## `assay (.*?)`\n(.*?)(?=^## |\Z)", REFERENCE.read_text("utf-8"), re.M | re.S
    ):
        found[" ".join(re.findall(r"(?<!\S)[a-z]+", heading))] = heading + body
    return found


def test_the_reference_has_these_commands_and_no_others():
    assert set(sections()) == {" ".join(words) for words in ALL}


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_the_reference_has_an_example_and_every_option(words: tuple[str, ...]):
    section = sections()[" ".join(words)]
    assert f"\nassay {' '.join(words)}" in section.partition("```")[2]
    for parameter in ALL[words].params:
        for name in parameter.opts if parameter.opts[0].startswith("-") else [parameter.metavar]:
            assert name in section


def test_the_reference_names_no_option_that_is_not_there():
    parameters = [parameter for command in ALL.values() for parameter in command.params]
    options = {name for parameter in parameters for name in (*parameter.opts, *parameter.secondary_opts)}
    for name in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", REFERENCE.read_text("utf-8")):
        assert name in {*options, "--help", "-h", "--version", "--install-completion"}


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom assay.cli import main\nmain(['--help'])\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_without_words_there_is_help(assay: Assay):
    assert assay().out == assay("--help").out
    assert "Study:" in assay().out


def test_the_version(assay: Assay):
    assert re.fullmatch(r"assay \d+\.\d+\.\d+\n", assay("--version").out)


@pytest.mark.parametrize("columns", [80, 120])
def test_the_commands_stand_in_panels_each_with_its_whole_first_sentence(columns, assay: Assay, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = assay("--help").out.splitlines()
    assert [line for line in lines if re.fullmatch(r"[A-Z]\w+:", line)] == [
        "Options:", "Study:", "Look:", "Exchange:", "Data:", "Layers:", "Machine:",
    ]  # fmt: skip
    for words, command in ALL.items():
        group, sentence = words[:-1], command.help.splitlines()[0]
        assert f" {words[-1]} {sentence} " in " ".join(assay(*group, "--help").out.split()) + " "
    assert "..." not in " ".join(lines[1:])


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_is_neither_odd_nor_wider_than_the_terminal(words, columns, assay: Assay, monkeypatch):
    """Names as the reference has them, and what stands in brackets on one line."""
    monkeypatch.setenv("COLUMNS", str(columns))
    text = assay(*words, "--help").out
    assert not re.findall(r"[{}<>\xa0]|\[[^]\n]*\n", text)
    names = [one.metavar for one in ALL[words].params if not one.opts[0].startswith("-")]
    assert text.splitlines()[0] == " ".join(["Usage: assay", *words, "[OPTIONS]", *names])
    assert max(map(len, text.splitlines())) <= columns
