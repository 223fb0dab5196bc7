"""The layout of ``--help``: commands in panels, no sentence cut short, names as in the documentation."""

from collections.abc import Iterable
from inspect import cleandoc
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup

from assay.errors import UsageError, nearest, shown

WIDEST = 120
"""Maximum width of a help text, in columns."""

PANELS = ("Study", "Look", "Exchange", "Data", "Layers", "Machine")
"""The headings of ``assay --help``, from top to bottom."""

UNBROKEN = "\N{NO-BREAK SPACE}"
"""Stands for a non-breaking space until the text is wrapped."""


class Command(TyperCommand):
    """A command whose arguments are called DIR and IMAGE... in its help, without braces and types."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what follows the command's name in its usage line."""
        return [self.options_metavar or "", *(name for name, _ in self._arguments(ctx))]

    def get_help(self, ctx: Any) -> str:
        """Return the whole help text."""
        return super().get_help(ctx).replace(UNBROKEN, " ")

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options, one per line."""
        options = (parameter for parameter in self.get_params(ctx) if parameter.param_type_name == "option")
        records = (option.get_help_record(ctx) for option in options)
        _write(formatter, "Arguments", self._arguments(ctx))
        _write(formatter, "Options", (_unbroken(*record) for record in records if record))

    def _arguments(self, ctx: Any) -> list[tuple[str, str]]:
        found = (parameter for parameter in self.get_params(ctx) if isinstance(parameter, TyperArgument))
        return [(parameter.display_name_raw, parameter.help or "") for parameter in found]


class Group(TyperGroup):
    """A group whose help lists its commands in panels, each with the whole first sentence of its own help."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is called; `UsageError`, with the nearest one, where there is none."""
        word = args[0]
        if word in self.commands or word.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        groups = [(name, command) for name, command in self.commands.items() if isinstance(command, Group)]
        inside = {leaf: f"{name} {leaf}" for name, group in groups for leaf in group.commands}
        known = inside | {name: name for name in self.commands}
        near = nearest(word, known)
        meant = f"did you mean {known[near]!r}? " if near else ""
        raise UsageError(f"no such command {shown(word)} ({meant}see `{ctx.command_path} --help`)")

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each panel's commands, in the order they were added."""
        width = max(map(len, self.commands))
        panels: dict[str, list[tuple[str, str]]] = {panel: [] for panel in (*PANELS, "Commands")}
        for name in self.list_commands(ctx):
            command = self.commands[name]
            panel = getattr(command, "rich_help_panel", None)
            row = name.ljust(width), summary(command.help or "")
            panels[panel if panel in PANELS else "Commands"].append(row)
        for panel, rows in panels.items():
            _write(formatter, panel, rows)


def summary(text: str) -> str:
    """Return the first paragraph of a help text on one line."""
    return " ".join(cleandoc(text).partition("\n\n")[0].split())


def _unbroken(names: str, text: str) -> tuple[str, str]:
    """Keep a final part in brackets, such as a default, on one line."""
    words, bracket, more = text.partition("  [")
    return names, words + bracket + more.replace(" ", UNBROKEN)


def _write(formatter: Any, heading: str, rows: Iterable[tuple[str, str]]) -> None:
    rows = list(rows)
    if rows:
        with formatter.section(heading):
            formatter.write_dl(rows)
