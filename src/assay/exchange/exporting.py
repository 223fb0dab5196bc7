"""Results and trained networks, written for another tool."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from assay.errors import UnsupportedError, UsageError, suggestion
from assay.exchange.extras import expect_extra
from assay.exchange.tidy import write_tidy
from assay.exchange.weights_file import write_weights
from assay.report.files import made
from assay.results import Results
from assay.study.module_family import Module

FOLDER = "export"
"""The folder inside a results folder that exports go into by default."""


@dataclass(frozen=True)
class Request:
    """What is to be written: results, the place, and which arm and seed, None for all or the best."""

    results: Results
    out: str | None
    arm: str | None
    seed: int | None

    @property
    def folder(self) -> Path:
        """The folder to write into, made where it is missing."""
        return made(self.out if self.out is not None else self.results.folder / FOLDER)


def export_results(
    results: Results | Path | str,
    to: str,
    *,
    arm: str | None = None,
    seed: int | None = None,
    out: Path | str | None = None,
    trust: Iterable[Path | str] = (),
) -> list[str]:
    """Write results for another tool and return the paths or addresses of what was written.

    ``to`` is a format. ``onnx``, ``torch`` and ``safetensors`` write one trained network: that of ``arm``
    and ``seed``, or of those that match the one with the best validation accuracy. ``tensorboard``,
    ``mlflow``, ``csv``, ``json`` and ``parquet`` write all runs. ``out`` is a folder, by default ``export``
    in the results folder; for ``mlflow`` it is a tracking address, by default MLflow's own. ``trust`` names
    the study's own Python files where ``results`` is a folder, to build a network of them. Raises
    `UsageError` for an unknown format, for a library that is not installed and where nothing can be written,
    `UnsupportedError` for a layer that the other tool lacks, and what `Results.network` raises.
    """
    if to not in FORMATS:
        raise UsageError(f"export: unknown format {to!r} ({suggestion(to, FORMATS)})")
    if to in EXTRAS:
        expect_extra(*EXTRAS[to], f"export to {to}")
    opened = results if isinstance(results, Results) else Results.open(results, trust=trust)
    try:
        return FORMATS[to](Request(opened, None if out is None else str(out), arm, seed))
    finally:
        if opened is not results:
            opened.close()


def _network(request: Request, ending: str) -> list[str]:
    trained = request.results.network(request.arm, request.seed)
    architecture = request.results.study.arm(trained.run.arm).settings.architecture
    if isinstance(architecture, Module) and ending != "safetensors":
        raise UnsupportedError(
            f"export: the network of {trained.run.arm} is the study's own PyTorch module, which cannot be "
            "written (export to safetensors, whose names are those of its state dict, or use results.module)"
        )
    if ending == "onnx":
        expect_extra("onnx", "onnx", "export to onnx")
    path = request.folder / f"{trained.run.arm}-{trained.run.seed}.{ending}"
    if ending == "onnx":
        from assay.exchange.onnx_model import write_onnx

        write_onnx(request.results, trained, path)
    elif ending == "py":
        from assay.exchange.torch_script import write_torch

        write_torch(request.results, trained, path)
        return [str(path), str(path.with_suffix(".safetensors"))]
    else:
        write_weights(request.results, trained, path)
    return [str(path)]


def _log(request: Request, name: str) -> list[str]:
    from assay.exchange.log_kinds import LOGS
    from assay.exchange.logs import replay

    _expect_all(request, name)
    log = LOGS[name](request.out, request.results.folder / FOLDER, False)
    try:
        replay(request.results, log)
    except log.errors as error:
        raise UsageError(f"export to {name}: {log.address}: cannot be written ({error})") from None
    return [log.address]


def _tables(request: Request, ending: str) -> list[str]:
    _expect_all(request, ending)
    return [str(path) for path in write_tidy(request.results, request.folder, ending)]


def _expect_all(request: Request, to: str) -> None:
    if (request.arm, request.seed) != (None, None):
        raise UsageError(f"export to {to}: writes all runs, so --arm and --seed do not go with it")


FORMATS: Mapping[str, Callable[[Request], list[str]]] = {
    "onnx": partial(_network, ending="onnx"),
    "torch": partial(_network, ending="py"),
    "safetensors": partial(_network, ending="safetensors"),
    "tensorboard": partial(_log, name="tensorboard"),
    "mlflow": partial(_log, name="mlflow"),
    "csv": partial(_tables, ending="csv"),
    "json": partial(_tables, ending="json"),
    "parquet": partial(_tables, ending="parquet"),
}
"""How each format is written."""

EXTRAS: Mapping[str, tuple[str, str]] = {
    "tensorboard": ("tensorboard", "tensorboard"),
    "mlflow": ("mlflow", "mlflow"),
    "parquet": ("pyarrow", "parquet"),
}
"""The library that a format of all runs needs, and the extra that installs it."""
