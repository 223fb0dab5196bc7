"""A user's layer, from its file to an object; whatever goes wrong there is one line.

The code that runs is the user's, so every exception that it raises is turned
into a `UsageError` that says what was being done and on which line it ended.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import isclass
from pathlib import Path
from traceback import FrameSummary, extract_tb
from types import FunctionType
from typing import Any

from assay.errors import AssayError, UsageError, suggestion
from assay.nn.coursework import FromCoursework
from assay.nn.coursework.making import constructed, expect_makeable, from_functions
from assay.nn.coursework.signatures import arguments, needed
from assay.nn.coursework.styles import in_course_style
from assay.nn.layer import Layer
from assay.optim.rule_styles import as_rule
from assay.shapes import Shape
from assay.testing.loss_styles import as_loss
from assay.testing.modules import run

ASSUMED: Mapping[str, Any] = {
    "input_dim": 6,
    "output_dim": 4,
    "in_features": 6,
    "out_features": 4,
    "grid_dim": 4,
    "num_input_channels": 2,
    "num_output_channels": 3,
    "in_channels": 2,
    "out_channels": 3,
    "input_dim_1": 6,
    "input_dim_2": 7,
    "kernel_dim_1": 2,
    "kernel_dim_2": 3,
    "kernel_size": 2,
    "filter_size": 2,
    "pool_size": 2,
    "stride": 2,
    "padding": 0,
    "pad": 0,
}
"""What a constructor is given for arguments of these names where nobody says."""


@contextmanager
def blamed(where: str, path: Path | None = None) -> Iterator[None]:
    """Turn what the code of ``path`` raises into an error of one line that begins with ``where``."""
    try:
        yield
    except AssayError as error:
        raise type(error)(f"{where}: {error}") from error
    except (Exception, SystemExit) as error:
        raise UsageError(f"{where}: {words(error, path)}") from error


def words(error: BaseException, path: Path | None) -> str:
    """Return an exception in one line: whose it is, its kind, what it says, and where in the user's file."""
    message = (str(error).strip() or "no message").splitlines()[0]
    frames = _own_frames(error, path)
    if isinstance(error, NotImplementedError):
        line = f", line {frames[-1].lineno}" if frames else ""
        method = frames[-1].name if frames else "it"
        return f"{method} is not written yet ({path.name if path else 'code'}{line})"
    outermost = frames[0].name if frames else "<module>"
    raised = "" if outermost.startswith(("<", "__")) else f"{outermost} raised "
    place = f" ({path.name}, line {frames[-1].lineno})" if path and frames else ""
    return f"{raised}{type(error).__name__}: {message}{place}"


def split(target: str) -> tuple[Path, str]:
    """Return ``PATH.py:ClassName`` as a path and a name."""
    path, _, name = target.rpartition(":")
    if not path.endswith(".py") or not name.isidentifier():
        raise UsageError(f"{target}: expected PATH.py:ClassName")
    if not Path(path).is_file():
        raise UsageError(f"{path}: no such file")
    return Path(path), name


def load(path: Path, name: str) -> Any:
    """Run the file and return its class or function."""
    with blamed(str(path), path):
        module = run(path)
    found = getattr(module, name, None)
    own = [
        key
        for key, value in vars(module).items()
        if (isclass(value) or isinstance(value, FunctionType)) and value.__module__ == module.__name__
    ]
    if found is None:
        raise UsageError(f"{path}: no class {name!r} ({suggestion(name, own) if own else 'it has none'})")
    if not isclass(found) and not isinstance(found, FunctionType):
        raise UsageError(f"{path}:{name}: expected a class or function, found {type(found).__name__}")
    return found


def assumed(cls: type, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return small values for arguments that a constructor needs and whose names say what they are."""
    wanted = [name for name, argument in arguments(cls).items() if needed(argument)]
    return {name: ASSUMED[name] for name in wanted if name in ASSUMED and name not in settings}


def make(cls: type, settings: Mapping[str, Any], where: str, path: Path | None = None) -> object:
    """Return an instance with ``settings`` as its keyword arguments."""
    with blamed(where):
        expect_makeable(cls, settings, "give --set {}=VALUE")
    with blamed(f"{where}: the constructor failed", path):
        made: object = constructed(cls, settings)
        return made


def as_layer(found: object, where: str) -> Layer:
    """Return an object as a `Layer`, by the adapter if it is in the course's style."""
    if isinstance(found, Layer):
        return found
    if (in_style := in_course_style(found)) is not None:
        return FromCoursework(in_style)
    raise UsageError(
        f"{where}: expected a subclass of assay.nn.Layer, a class with fprop and bprop or with forward and "
        "backward, a loss or a learning rule; found none of them"
    )


def of_functions(found: FunctionType, settings: Mapping[str, Any], where: str, path: Path) -> object:
    """Return a loss or a learning rule as it is, and a function forward with its backward as a layer."""
    with blamed(where, path):
        if as_rule(found) or as_loss(found):
            return found
        return from_functions(found, settings)


def input_shape(text: str) -> Shape:
    """Read a shape such as ``3,8,8``, the batch axis left out."""
    try:
        shape = tuple(int(size) for size in text.split(","))
    except ValueError:
        shape = ()
    if not shape or min(shape) < 1:
        raise UsageError(f"input shape {text!r}: expected sizes such as 3,8,8")
    return shape


def _own_frames(error: BaseException, path: Path | None) -> list[FrameSummary]:
    """Return the calls in the user's own file that the error came through; a SyntaxError tells its place."""
    if path is None or isinstance(error, SyntaxError):
        return []
    own = str(path.absolute())
    frames = extract_tb(error.__traceback__)
    return [frame for frame in frames if frame.filename == own]
