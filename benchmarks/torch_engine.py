"""How many training steps a second: assay's torch engine against PyTorch as people write it.

All train the same network on the same images with Adam and minibatches of
100, in turns, in one process; a step gathers the minibatch and does forward,
loss, backward and update. PyTorch runs eagerly on preloaded float tensors,
plainly in float32, and again channels last under bfloat16 autocast::

    python benchmarks/torch_engine.py "B4 max" "B4 average" --rounds 9

On a GPU assay trains ``--runs`` models side by side, and their steps are added
up. Printed are medians with half the quartiles' distance, and ratios of medians.
"""

import argparse
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from assay.architectures import Architecture, ConvBlocks, ConvPool, Dense
from assay.bench.clock import interleaved
from assay.engines.base import Recipe, initial_state
from assay.engines.torch import TorchEngine
from assay.network import Network
from assay.nn import AdaptiveAvgPool2d, AvgPool2d, Conv2d, Flatten, Layer, Linear, MaxPool2d
from assay.optim import Adam
from assay.shapes import Shape

BATCH, CLASSES, STEPS = 100, 47, 4
NETWORKS: dict[str, Architecture] = {
    "D": Dense(),
    "A1": ConvPool((5,)),
    "A2": ConvPool((5, 10)),
    "B4 max": ConvBlocks(reduction="max"),
    "B4 average": ConvBlocks(reduction="average"),
    "B4 strided": ConvBlocks(reduction="strided"),
    "B4 dilated": ConvBlocks(reduction="dilated"),
}
COLUMNS = ("assay float32", "assay bfloat16", "eager", "autocast")


def main() -> None:
    """Measure each network and print a line."""
    options = arguments()
    torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (STEPS * BATCH, 28, 28), dtype=np.uint8)
    labels = rng.integers(0, CLASSES, len(images))
    print(f"steps a second on the {device.type}, {options.runs} runs a session")
    print(f"{'':12}" + "".join(f"{name:>20}" for name in COLUMNS) + f"{'ratios':>12}")
    for name in options.networks:
        network = NETWORKS[name].build((1, 28, 28), CLASSES)
        actions = {
            "assay float32": ours(network, "float32", options.runs, images, labels),
            "assay bfloat16": ours(network, "bfloat16", options.runs, images, labels),
            "eager": theirs(network, False, images, labels, device),
            "autocast": theirs(network, True, images, labels, device),
        }
        timings = interleaved(actions, options.rounds)
        models = {key: options.runs if key.startswith("assay") else 1 for key in COLUMNS}
        rates = {key: models[key] * STEPS / timings[key].median for key in COLUMNS}
        cells = "".join(f"{rates[key]:>12.1f} ({timings[key].spread:4.0%})" for key in COLUMNS)
        single, half = rates["assay float32"] / rates["eager"], rates["assay bfloat16"] / rates["eager"]
        cast = rates["assay bfloat16"] / rates["autocast"]
        print(f"{name:12}{cells}   {single:.2f} {half:.2f} of eager, {cast:.2f} of autocast", flush=True)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", help=f"of {', '.join(NETWORKS)}; those of B4 unless given")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--runs", type=int, default=1, help="models that assay trains side by side")
    options = parser.parse_args()
    options.networks = options.networks or [name for name in NETWORKS if name.startswith("B4")]
    return options


def ours(
    network: Network, dtype: str, runs: int, images: np.ndarray, labels: np.ndarray
) -> Callable[[], None]:
    """Return an epoch of assay's."""
    recipe = Recipe(Adam(), BATCH, dtype=dtype)  # type: ignore[arg-type]
    states = [initial_state(network, recipe, seed) for seed in range(runs)]
    session = TorchEngine().session(network, recipe, range(runs), states)
    return lambda: session.train_epoch(images, labels, 1, lambda _: None)


def theirs(
    network: Network, autocast: bool, images: np.ndarray, labels: np.ndarray, device: torch.device
) -> Callable[[], None]:
    """Return an epoch of the usual loop."""
    layout = torch.channels_last if autocast else torch.contiguous_format
    model = nn.Sequential(*(torch_layer(node.layer, node.input_shape) for node in network.nodes))
    model = model.to(device, memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters())
    inputs = (torch.tensor(images[:, None]).float() / 255).to(device, memory_format=layout)
    answers = torch.tensor(labels, device=device)

    def epoch() -> None:
        for batch in torch.randperm(len(images), device=device).split(BATCH):
            optimizer.zero_grad()
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=autocast):
                loss = functional.cross_entropy(model(inputs[batch]), answers[batch])
            loss.backward()
            optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return epoch


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
    return nn.ReLU()


if __name__ == "__main__":
    main()
