"""Python files of a user's own, as tests write them beside a study file."""

import os
from collections.abc import Sequence
from pathlib import Path

LAYERS = """
from dataclasses import dataclass
from typing import ClassVar

import numba
import numpy as np

from assay.nn import AvgPool2d, BatchNorm2d, Layer
from assay.nn.activation import Activation
from assay.nn.init import Constant
from assay.nn.layer import Parameter
from tools import one


@numba.njit(error_model="numpy")
def swish(x, beta):
    return x / (1 + np.exp(-beta * x))


@numba.njit(error_model="numpy")
def swish_slope(x, beta):
    s = 1 / (1 + np.exp(-beta * x))
    return s + beta * x * s * (1 - s)


@dataclass(frozen=True)
class Swish(Activation):
    beta: float = 1.0
    kind: ClassVar[str] = "swish"

    def value(self, x):
        return one() * x / (1 + np.exp(-self.beta * x))

    def slope(self, x):
        s = 1 / (1 + np.exp(-self.beta * x))
        return s + self.beta * x * s * (1 - s)


@dataclass(frozen=True)
class FastSwish(Swish):
    elementwise = (swish, swish_slope)


@dataclass(frozen=True)
class Scale(Layer):
    start: float = 0.5
    kind: ClassVar[str] = "scale"

    def output_shape(self, shape):
        return shape

    def parameters(self, shape):
        return {"factor": Parameter(shape, Constant(self.start), role="scale")}

    def forward(self, params, x):
        return params["factor"] * x, x

    def backward(self, params, cache, dy):
        return params["factor"] * dy, {"factor": (dy * cache).sum(axis=0)}


@dataclass(frozen=True)
class Wrong(Swish):
    kind: ClassVar[str] = "wrong"

    def slope(self, x):
        return 0.9 * super().slope(x)


@dataclass(frozen=True)
class Pool(AvgPool2d):
    kernel_size: int = 2
    kind: ClassVar[str] = "mypool"


@dataclass(frozen=True)
class Norm(BatchNorm2d):
    kind: ClassVar[str] = "mynorm"


@dataclass
class Thawed(Activation):
    value = slope = None


@dataclass(frozen=True)
class Nameless(Activation):
    value = slope = None


class Halves(Layer):
    def output_shape(self, shape):
        return shape

    def forward(self, params, x):
        return x / 2, None


class Stranger:
    pass
"""

TOOLS = """
def one():
    return 1.0
"""

RULES = """
from dataclasses import dataclass

import numpy as np

from assay.optim import Optimizer
from assay.optim.penalties import Penalty


@dataclass(frozen=True)
class Lion(Optimizer):
    lr: float = 0.001
    beta: float = 0.9

    def slots(self, theta):
        return {"average": np.zeros_like(theta)}

    def step(self, theta, grad, slots, t, lr):
        average = slots["average"]
        step = np.sign(self.beta * average + (1 - self.beta) * grad)
        return theta - theta.dtype.type(lr) * step, {"average": 0.99 * average + 0.01 * grad}


@dataclass(frozen=True)
class Huber(Penalty):
    slope: float = 1.0

    def value(self, theta):
        size = np.abs(theta)
        return self.strength * float(np.where(size < 1, size**2 / 2, size - 0.5).sum())

    def gradient(self, theta):
        return self.slope * self.strength * np.clip(theta, -1, 1)
"""


def write_own(folder: Path) -> Path:
    """Write ``mylayers.py``, ``tools.py`` that it imports, and ``myrules.py``; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("mylayers", LAYERS), ("tools", TOOLS), ("myrules", RULES)):
        (folder / f"{name}.py").write_text(text)
    return folder


def study_text(source: str, *lines: str) -> str:
    """Return a study file of two arms, ReLU and a user's Swish, on few small images; ``lines`` follow."""
    return "\n".join(
        [
            'name = "own"',
            'question = "Is Swish better than ReLU?"',
            "seeds = 2",
            'control = "relu"',
            'network = { family = "Dense", hidden = [8] }',
            'optimizer = { rule = "Adam", lr = 0.03 }',
            "training = { batch_size = 16, epochs = 2 }",
            f'data = {{ source = "{source}", train = 150, valid = 40, test = 61 }}',
            'engine = "reference"',
            'factors.activation.relu.network.activation = "ReLU"',
            'factors.activation.swish.network.activation = "mylayers.py:Swish"',
            *lines,
        ]
    )


DIES = """

@dataclass(frozen=True)
class Dies(Swish):
    kind: ClassVar[str] = "dies"

    def value(self, x):
        import os

        if os.getpid() != DRIVER:
            os._exit(7)
        return super().value(x)
"""

ARMS = """
name = "own"
question = "Does code of one's own come out the same everywhere?"
seeds = 1
control = "layer"
optimizer = { rule = "Adam", lr = 0.03 }
training = { batch_size = 16, epochs = 2 }
data = { source = "SOURCE", train = 150, valid = 40, test = 61 }
engine = "auto"
factors.own.layer.network = { family = "Dense", hidden = [40], activation = "mylayers.py:Swish" }
factors.own.compiled.network = { family = "Dense", hidden = [40], activation = "mylayers.py:FastSwish" }
factors.own.module.network = { family = "Module", module = "nets.py:Small", width = 3 }
[factors.own.rule]
network = { family = "Dense", hidden = [40] }
optimizer = { rule = "myrules.py:Lion", lr = 0.01 }
training.penalties = [{ kind = "myrules.py:Huber", strength = 0.001 }]
[factors.own.dies]
network = { family = "Dense", hidden = [40], activation = "mylayers.py:Dies" }
"""


def own_arms(folder: Path, source: str, without: Sequence[str] = ()) -> None:
    """Write ``own.toml``, whose arms each have another kind of code of the user's, and that code.

    The arm ``dies`` ends every process but this one. The module, whose PyTorch takes a second to import, does
    least and therefore comes last. Arms that are a line of the file may be left out.
    """
    write_own(folder)
    with (folder / "mylayers.py").open("a") as layers:
        layers.write(DIES.replace("DRIVER", str(os.getpid())))
    text = (Path(__file__).parent / "torch_nets.py").read_text("utf-8")
    (folder / "nets.py").write_text(f"{text}\n# {folder}\n")  # a digest of its own
    left = tuple(f"factors.own.{arm}." for arm in without)
    arms = "".join(line for line in ARMS.splitlines(True) if not line.startswith(left))
    (folder / "own.toml").write_text(arms.replace("SOURCE", source))


def spoil(folder: Path) -> None:
    """Write other code into every file, so that it shows if one is read once more."""
    for file in folder.glob("*.py"):
        file.write_text("raise SystemExit('read from the disk')")
