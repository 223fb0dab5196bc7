"""How fast does a GPU train the 2018 report's network: cohorts of assay's against plain PyTorch, in turns.

Measured are model-steps a second of B4-max (four blocks of a 3x3 convolution
with 64 filters, ReLU and max pooling, minibatches of 100), in float32, in
float32 with TF32, and in bfloat16; the yardstick of each precision is an eager
PyTorch loop with one model in the same precision (for bfloat16, autocast)::

    python benchmarks/gpu_speed.py --rounds 9 --json speed.json

The ratio is the median, with quartiles, over the rounds' ratios. Exit status 1
says that a cohort of 16 is less than ten times as fast in some precision.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from assay.bench.own import Own
from assay.bench.peers.eager import Autocast, Eager
from assay.bench.problem import BATCH, Problem, Trainer
from assay.optim.recipe import Dtype

NETWORK = "B4-max"
ASKED = 10.0
"""How many times as fast as eager the largest cohort is to be."""


@dataclass(frozen=True)
class Precision:
    """What products are computed in."""

    name: str
    dtype: Dtype
    eager: type[Eager]

    def enter(self) -> None:
        """Make it PyTorch's; assay's sessions see to it themselves."""
        torch.backends.cudnn.allow_tf32 = self.dtype == "tf32"
        torch.backends.cuda.matmul.allow_tf32 = self.dtype == "tf32"


PRECISIONS = (
    Precision("TF32", "tf32", Eager),
    Precision("bfloat16", "bfloat16", Autocast),
    Precision("float32", "float32", Eager),
)


class Entrant:
    """A trainer with its turns so far."""

    def __init__(self, precision: Precision, cohort: int | None, images: int) -> None:
        """Build it and train an epoch or two, in which graphs are recorded; ``cohort`` None is eager."""
        self.precision = precision
        self.cohort = cohort
        self.steps = images // BATCH
        self.rates: list[float] = []
        precision.enter()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        self.trainer = self._trainer(Problem(NETWORK, images, models=cohort, device="cuda"))
        for _ in range(2):
            self._train()
        self.memory = torch.cuda.max_memory_allocated() - before

    def _trainer(self, problem: Problem) -> Trainer:
        if self.cohort is None:
            return self.precision.eager(problem)
        return Own(problem, "torch", self.precision.dtype)

    @property
    def words(self) -> str:
        """Name it."""
        return "eager" if self.cohort is None else f"cohort of {self.cohort}"

    def turn(self) -> None:
        """Train for an epoch and note how fast."""
        self.precision.enter()
        start = perf_counter()
        self._train()
        self.rates.append(self.trainer.models * self.steps / (perf_counter() - start))

    def _train(self) -> None:
        self.trainer.train(self.steps)
        torch.cuda.synchronize()


def main() -> int:
    """Measure, print a table, and say whether what is asked was reached."""
    options = arguments()
    print(torch.cuda.get_device_name(), "torch", torch.__version__, flush=True)
    found, reached = [], True
    for precision in PRECISIONS:
        entrants = [Entrant(precision, cohort, options.images) for cohort in (None, *options.cohorts)]
        for _ in range(options.rounds):
            for entrant in entrants:
                entrant.turn()
        rows = [row(entrant, entrants[0]) for entrant in entrants]
        for one in rows:
            print(line(one), flush=True)
        reached &= rows[-1]["ratio"][1] >= ASKED
        found += rows
        if options.json:
            options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return int(not reached)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9, help="turns of each")
    parser.add_argument("--cohorts", type=int, nargs="+", default=[1, 8, 16])
    parser.add_argument("--images", type=int, default=20_000, help="in an epoch, which is a turn")
    parser.add_argument("--json", type=Path, help="write all that was measured into this file")
    return parser.parse_args()


def row(entrant: Entrant, eager: Entrant) -> dict[str, Any]:
    """Return what was measured of one entrant."""
    ratios = np.divide(entrant.rates, eager.rates)
    return {
        "precision": entrant.precision.name,
        "method": entrant.words,
        "rates": entrant.rates,
        "rate": quartiles(entrant.rates),
        "ratio": quartiles(ratios),
        "memory": entrant.memory,
        "loss": entrant.trainer.loss(),
        "gpu": torch.cuda.get_device_name(),
    }


def quartiles(values: Any) -> list[float]:
    """Return the lower quartile, the median and the upper quartile."""
    return [float(value) for value in np.quantile(values, (0.25, 0.5, 0.75))]


def line(row: dict[str, Any]) -> str:
    """Write a row of the table."""
    low, middle, high = row["rate"]
    few, ratio, many = row["ratio"]
    return (
        f"{row['precision']:9} {row['method']:13} {middle:9,.0f} model-steps/s ({low:,.0f} to {high:,.0f})"
        f"  x{ratio:6.2f} ({few:.2f} to {many:.2f})  {row['memory'] / 1e6:8,.0f} MB  loss {row['loss']:.4f}"
    )


if __name__ == "__main__":
    sys.exit(main())
