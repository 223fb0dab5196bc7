"""How many training steps a second: assay's numba engine against PyTorch as people write it.

Both train the same networks on the same images with Adam and minibatches of
100, in turns, in one process; a step gathers the minibatch and does forward,
loss, backward and update. PyTorch runs eagerly on preloaded float tensors. With
``--threads 2`` assay trains two models, one a thread, and PyTorch one model with
two threads::

    python benchmarks/training.py D A1 A2 --threads 1 --repeats 9

Printed are medians with their quartiles, the median of the turns' ratios, and
the share of the machine's matrix-product peak that was measured between the turns.
"""

import argparse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from assay.architectures import Architecture, ConvBlocks, ConvPool, Dense
from assay.engines.base import Recipe, Session, initial_state
from assay.engines.numba import NumbaEngine
from assay.network import Network
from assay.nn import AdaptiveAvgPool2d, AvgPool2d, Conv2d, Flatten, Layer, Linear, MaxPool2d, ReLU
from assay.optim import Adam
from assay.shapes import Shape

BATCH, CLASSES, IMAGES = 100, 47, 20_000
NETWORKS: dict[str, Architecture] = {
    "D": Dense(),
    "A1": ConvPool((5,)),
    "A2": ConvPool((5, 10)),
    "B4 max": ConvBlocks(reduction="max"),
    "B4 average": ConvBlocks(reduction="average"),
    "B4 strided": ConvBlocks(reduction="strided"),
    "B4 dilated": ConvBlocks(reduction="dilated"),
}
Turn = Callable[[int], float]
"""Trains so many steps and returns how many a second were done, all models together."""


def main() -> None:
    """Measure each network and print a line."""
    options = arguments()
    torch.set_num_threads(options.threads)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (IMAGES, 1, 28, 28), dtype=np.uint8)
    labels = rng.integers(0, CLASSES, IMAGES)
    print(f"{'':12}{'assay steps/s':>24}{'PyTorch steps/s':>24}{'ratio':>8}{'share of peak':>16}")
    for name in options.networks:
        network = NETWORKS[name].build((1, 28, 28), CLASSES)
        turns = [
            assay_turn(network, images, labels, options.threads),
            torch_turn(network, images, labels),
            peak_turn(),
        ]
        ours, theirs, peak = measure(turns, options.repeats, options.seconds)
        share = np.median(ours) * BATCH * training_flops(network) / peak.max()
        rates = f"{quartiles(ours):>24}{quartiles(theirs):>24}"
        print(f"{name:12}{rates}{np.median(ours / theirs):>8.2f}{share:>15.0%}", flush=True)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", help=f"of {', '.join(NETWORKS)}; all unless given")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=9, help="turns of each side")
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a turn")
    options = parser.parse_args()
    options.networks = options.networks or list(NETWORKS)
    return options


def measure(turns: list[Turn], repeats: int, seconds: float) -> np.ndarray:
    """Return steps per second (turns, repeats); each turn lasts about ``seconds``."""
    steps = []
    for turn in turns:
        turn(2)
        steps.append(max(2, int(seconds * turn(2))))
    rates = [[turn(count) for turn, count in zip(turns, steps, strict=True)] for _ in range(repeats)]
    return np.array(rates).T


def quartiles(rates: np.ndarray) -> str:
    """Write a median and its quartiles."""
    low, middle, high = np.percentile(rates, [25, 50, 75])
    return f"{middle:.4g} ({low:.4g} to {high:.4g})"


def training_flops(network: Network) -> int:
    """Count the operations of a step, one example: forward, and twice that backward, but no dx for pixels."""
    weighted = [node.flops for node in network.nodes if node.parameters]
    return 3 * sum(weighted) - weighted[0]


def assay_turn(network: Network, images: np.ndarray, labels: np.ndarray, threads: int) -> Turn:
    """Train one model a thread."""
    recipe, engine = Recipe(Adam(), BATCH), NumbaEngine()
    sessions = [
        engine.session(network, recipe, [seed], [initial_state(network, recipe, seed)])
        for seed in range(threads)
    ]
    pool, part = ThreadPoolExecutor(threads), IMAGES // BATCH

    def train(session: Session, steps: int) -> None:
        for first in range(0, steps, part):
            count = min(part, steps - first) * BATCH
            session.train_epoch(images[:count], labels[:count], 1, lambda _: None)

    def turn(steps: int) -> float:
        start = perf_counter()
        list(pool.map(train, sessions, [steps] * threads))
        return steps * threads / (perf_counter() - start)

    return turn


def torch_turn(network: Network, images: np.ndarray, labels: np.ndarray) -> Turn:
    """Train one model in the usual loop."""
    model = nn.Sequential(*torch_layers(network))
    optimizer = torch.optim.Adam(model.parameters())
    inputs, answers = torch.tensor(images).float() / 255, torch.tensor(labels)

    def turn(steps: int) -> float:
        order = torch.randperm(IMAGES)
        start = perf_counter()
        for step in range(steps):
            first = step * BATCH % IMAGES
            batch = order[first : first + BATCH]
            optimizer.zero_grad()
            functional.cross_entropy(model(inputs[batch]), answers[batch]).backward()
            optimizer.step()
        return steps / (perf_counter() - start)

    return turn


def peak_turn(size: int = 1024) -> Turn:
    """Multiply matrices; what it returns are operations a second."""
    a, b = torch.rand(size, size), torch.rand(size, size)

    def turn(_: int) -> float:
        start = perf_counter()
        for _ in range(10):
            torch.mm(a, b)
        return 10 * 2 * size**3 / (perf_counter() - start)

    return turn


def torch_layers(network: Network) -> list[nn.Module]:
    """Write a network in PyTorch's words."""
    return [torch_layer(node.layer, node.input_shape) for node in network.nodes]


def torch_layer(layer: Layer, shape: Shape) -> nn.Module:
    """Write one layer in PyTorch's words."""
    match layer:
        case Linear():
            return nn.Linear(shape[0], layer.out_features, layer.bias)
        case Conv2d():
            s = layer.sliding
            sizes = (layer.out_channels, s.kernel_size, s.stride, s.padding, s.dilation, layer.groups)
            return nn.Conv2d(shape[0], *sizes, layer.bias)
        case MaxPool2d() | AvgPool2d():
            s = layer.sliding
            kind = nn.MaxPool2d if isinstance(layer, MaxPool2d) else nn.AvgPool2d
            return kind(s.kernel_size, s.stride, s.padding)
        case AdaptiveAvgPool2d():
            return nn.AdaptiveAvgPool2d(layer.output_size)
        case Flatten():
            return nn.Flatten()
        case ReLU():
            return nn.ReLU()
    raise SystemExit(f"training.py: no PyTorch layer for {layer}")


if __name__ == "__main__":
    main()
