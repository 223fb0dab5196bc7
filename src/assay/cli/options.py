"""The options that several commands share, each declared once."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import wraps
from glob import glob
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from assay.errors import UsageError, shown

if TYPE_CHECKING:
    from assay.study.study import Study


SECONDS = {"h": 3600, "min": 60, "s": 1}


def whole(text: str) -> int:
    """Parse a whole number; the command line says which option it belongs to."""
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"expected a whole number, got {shown(text)}") from None


def number(option: str, explained: str) -> Any:
    """Return an option that takes a whole number."""
    return typer.Option(option, metavar="N", parser=whole, help=explained)


def real(text: str) -> float:
    """Parse a number; the command line says which option it belongs to."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"expected a number, got {shown(text)}") from None


def duration(text: str) -> float:
    """Parse a duration, such as 2h, 90min, 1h30min or 45s, into seconds."""
    parts = re.findall(r"(\d+\.?\d*)(h|min|s)", text)
    if not parts or "".join(map("".join, parts)) != text:
        raise ValueError(f"expected a time such as 2h, 1h30min or 45s, got {shown(text)}")
    return sum(float(amount) * SECONDS[unit] for amount, unit in parts)


def studies_like(incomplete: str) -> list[str]:
    """Return what a shell completes the name of a study to: built-in ones, and study files here."""
    from assay.study.builtin import builtin

    return [name for name in [*builtin(), *glob("*.toml")] if name.startswith(incomplete)]


Name = Annotated[
    str,
    typer.Argument(
        metavar="STUDY",
        show_default=False,
        help="A built-in study, or a .toml file's path.",
        autocompletion=studies_like,
    ),
]
Quick = Annotated[bool, typer.Option("--quick", help="The study's short trial: small networks, few epochs.")]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="Train again what failed before, from its last checkpoint.")
]
Data = Annotated[
    str | None,
    typer.Option("--data", metavar="SPEC", help="Another data set: glyphs, images:DIR, csv:FILE, ..."),
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
Trust = Annotated[
    list[str] | None,
    typer.Option(
        "--trust", metavar="FILE.py", help="Run this Python file, which the study names; may be repeated."
    ),
]
Unchecked = Annotated[
    bool, typer.Option("--unchecked", help="Train layers of trusted files even if a gradient is wrong.")
]
Workers = Annotated[int | None, number("--workers", "Runs trained at once; by default one per processor.")]
Isolate = Annotated[
    bool, typer.Option("--isolate", help="Train in processes: one that dies costs its run alone.")
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout", metavar="TIME", parser=duration, help="Fail a run that takes longer; isolates too."
    ),
]
On = Annotated[
    str | None,
    typer.Option(
        "--on", metavar="CLUSTER", help="Train elsewhere: ray (here), HOST:PORT, ray://HOST:PORT or auto."
    ),
]
Folder = Annotated[
    str, typer.Argument(metavar="DIR", show_default=False, help="The results folder of a study.")
]


@dataclass(frozen=True)
class Choices:
    """A command line's choices for a study, from ``--quick`` first to ``--set`` last; None chooses nothing.

    Each field is an option of every command that `grouped` decorates.
    """

    quick: Quick = False
    data: Data = None
    seeds: Seeds = None
    epochs: Epochs = None
    engine: Engine = None
    device: Device = None
    settings: Set = None
    trust: Trust = None
    unchecked: Unchecked = False

    def study(self, name: str) -> "Study":
        """Load the study called ``name`` and apply the choices to it.

        Raises `StudyError` for an unknown study and `UsageError` for choices that contradict each other.
        """
        from assay.cli.settings import setting
        from assay.study.builtin import load_study

        study = load_study(name)
        if self.quick:
            study = study.quickened()
        if self.data is not None:
            study = _with_data(study, self.data)
        named = {"seeds": self.seeds, "training.epochs": self.epochs, "engine": self._engine()}
        given = {key: value for key, value in named.items() if value is not None}
        return self._trusting(study.override(given | dict(map(setting, self.settings or []))))

    def _trusting(self, study: "Study") -> "Study":
        """Return the study with the files of ``--trust`` run."""
        if not self.trust:
            if self.unchecked:
                raise UsageError("--unchecked: goes with --trust FILE.py (a study has no other code)")
            return study
        from assay.study import own_code

        own_code.trust(study.code, self.trust, study.name, unchecked=self.unchecked)
        return replace(study)

    def _engine(self) -> str | None:
        """Return the engine that ``--engine`` and ``--device`` select together."""
        if self.device is None:
            return self.engine
        if self.device not in ("cpu", "cuda"):
            raise UsageError(f"--device {self.device!r}: expected cpu or cuda")
        if self.engine not in (None, "auto", "torch"):
            raise UsageError(
                f"--device {self.device}: only the torch engine has devices; got --engine {self.engine}"
            )
        return f"torch:{self.device}"


@dataclass(frozen=True)
class Training:
    """How and where runs are trained; each field is an option of every command that `grouped` decorates."""

    workers: Workers = None
    retry_failed: RetryFailed = False
    isolate: Isolate = False
    timeout: Timeout = None
    on: On = None


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Replace each parameter of a command that is a dataclass, a group of options, with an option a field."""
    signature = inspect.signature(command)
    groups: dict[str, Any] = {
        name: parameter.annotation
        for name, parameter in signature.parameters.items()
        if is_dataclass(parameter.annotation)
    }
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        group = groups.get(parameter.name)
        parameters += [parameter] if group is None else _options(group)

    @wraps(command)
    def merged(**given: Any) -> None:
        whole = {
            name: group(**{field.name: given.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**given, **whole)

    merged.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return merged


def _options(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in fields(group)
    ]


def _with_data(study: "Study", source: str) -> "Study":
    """Choose another data set; sizes and split belonged to the previous one and are dropped."""
    if source == study.data.source:
        return study
    return replace(study, base={**study.base, "data": {"source": source}})
