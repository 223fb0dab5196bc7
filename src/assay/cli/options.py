"""The options that choose a study and change its settings, shared by ``show``, ``plan`` and ``run``."""

import re
import tomllib
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.errors import UsageError, shown

if TYPE_CHECKING:
    from assay.study.study import Study


SECONDS = {"h": 3600, "min": 60, "s": 1}


def whole(text: str) -> int:
    """Read a whole number; the command line says which option it was for."""
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"expected a whole number, got {shown(text)}") from None


def number(option: str, explained: str) -> Any:
    """Return an option that takes a whole number."""
    return typer.Option(option, metavar="N", parser=whole, help=explained)


def real(text: str) -> float:
    """Read a number; the command line says which option it was for."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"expected a number, got {shown(text)}") from None


def duration(text: str) -> float:
    """Read a time, such as 2h, 90min, 1h30min or 45s, as seconds."""
    parts = re.findall(r"(\d+\.?\d*)(h|min|s)", text)
    if not parts or "".join(map("".join, parts)) != text:
        raise ValueError(f"expected a time such as 2h, 1h30min or 45s, got {shown(text)}")
    return sum(float(amount) * SECONDS[unit] for amount, unit in parts)


Name = Annotated[
    str, typer.Argument(metavar="STUDY", show_default=False, help="A built-in study, or a .toml file's path.")
]
Quick = Annotated[bool, typer.Option("--quick", help="The study's short trial: small networks, few epochs.")]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="Train again what failed before, from its last checkpoint.")
]
Data = Annotated[
    str | None,
    typer.Option("--data", metavar="SPEC", help="Another data set: glyphs, idx:DIR, emnist/balanced, ..."),
]
Seeds = Annotated[int | None, number("--seeds", "How many seeds, counted from 0.")]
Epochs = Annotated[int | None, number("--epochs", "How many epochs each run trains.")]
Engine = Annotated[str | None, typer.Option("--engine", metavar="E", help="auto, numba, torch or reference.")]
Device = Annotated[
    str | None,
    typer.Option("--device", metavar="D", help="cpu or cuda: the torch engine, on that device."),
]
Set = Annotated[
    list[str] | None,
    typer.Option("-s", "--set", metavar="KEY=VALUE", help="Any other setting, such as network.filters=16."),
]
Workers = Annotated[int | None, number("--workers", "Runs trained at once; by default one per processor.")]
Folder = Annotated[
    str, typer.Argument(metavar="DIR", show_default=False, help="The results folder of a study.")
]


def chosen(
    name: str,
    quick: bool = False,
    data: str | None = None,
    seeds: int | None = None,
    epochs: int | None = None,
    engine: str | None = None,
    settings: list[str] | None = None,
    device: str | None = None,
) -> "Study":
    """Load a study and lay the options over it, ``--quick`` first."""
    from assay.study.builtin import load_study

    study = load_study(name)
    if quick:
        study = study.quickened()
    if data is not None:
        study = _with_data(study, data)
    named = {"seeds": seeds, "training.epochs": epochs, "engine": _engine(engine, device)}
    given = {key: value for key, value in named.items() if value is not None}
    return _overridden(study, given | dict(map(setting, settings or [])))


def _engine(engine: str | None, device: str | None) -> str | None:
    """Return the engine that ``--engine`` and ``--device`` ask for together."""
    if device is None:
        return engine
    if device not in ("cpu", "cuda"):
        raise UsageError(f"--device {device!r}: expected cpu or cuda")
    if engine not in (None, "auto", "torch"):
        raise UsageError(f"--device {device}: only the torch engine has devices; got --engine {engine}")
    return f"torch:{device}"


def _overridden(study: "Study", changes: dict[str, Any]) -> "Study":
    """Lay settings over a study, all at once, so that their order does not matter."""
    from assay.study import tables

    outer_first = sorted(changes, key=lambda key: key.count("."))  # a list before items of it
    nested = (tables.nest(key, changes[key]) for key in outer_first)
    study = study.override(reduce(tables.merge, nested, {}))
    for key, value in changes.items():
        _expect_reach(study, key, value)
    return study


def _expect_reach(study: "Study", key: str, value: Any) -> None:
    """Refuse a setting that an arm's own level lays itself over: it would change some arms, or none."""
    from assay.study import tables
    from assay.study.settings import SETTINGS

    paths = [path for path, _ in tables.leaves(tables.nest(key, value)) if path[0] in SETTINGS]
    for arm in study.arms if paths else ():
        levels = (study.factors[factor][level] for factor, level in arm.levels.items())
        values = reduce(tables.merge, levels, study.base)
        if any(tables.at(values, path) != tables.at(study.base, path) for path in paths):
            raise UsageError(
                f"{key}={shown(value)}: does not reach arm {arm.name!r}: its level has another "
                "(edit the study file)"
            )


def _with_data(study: "Study", source: str) -> "Study":
    """Choose another data set; sizes and split belong to the one that leaves."""
    if source == study.data.source:
        return study
    return replace(study, base={**study.base, "data": {"source": source}})


def setting(text: str, example: str = "network.filters=16") -> tuple[str, Any]:
    """Read KEY=VALUE as a key and a value; `UsageError`, with the ``example``, where it is none."""
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not all(key.split(".")):
        raise UsageError(f"--set {shown(text)}: expected KEY=VALUE, such as {example}")
    return key, _value(value.strip())


def _value(text: str) -> Any:
    """Read a value as TOML does, and whatever TOML does not know as a text."""
    from assay.study import toml

    try:
        table = toml.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    except ValueError as error:
        raise UsageError(f"--set: {shown(text)}: {error}") from None
    return table["value"] if list(table) == ["value"] else text
