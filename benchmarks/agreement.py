"""Compare the accuracy that assay and a plain PyTorch loop reach.

Trains the 2017 report's second convolutional network on real characters, with
assay and with PyTorch as people write it, over the same number of seeds, and
prints both mean test accuracies and assay's own verdict on the difference::

    python benchmarks/agreement.py idx:DIR --epochs 8 --seeds 5

The two sides share the data and its split, and nothing else: PyTorch draws its
own initial weights and its own order.
"""

import argparse
import tempfile
from time import perf_counter

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import assay
from assay.data import Dataset, DataSpec, Split, load
from assay.stats import compare

ADAM_LR = 0.001
BATCH = 100


def main() -> None:
    """Run both sides and print what came out."""
    options = arguments()
    torch.set_num_threads(1)  # more threads than free processors make small networks far slower
    data = load(DataSpec(options.data))
    ours = train_assay(options)
    theirs = np.array([train_torch(data, seed, options.epochs) for seed in range(options.seeds)])
    for name, values in (("assay", ours), ("PyTorch", theirs)):
        runs = ", ".join(f"{100 * value:.2f}" for value in values)
        print(f"{name:8} mean {100 * values.mean():.3f}%  sd {100 * values.std(ddof=1):.3f}  runs {runs}")
    difference = compare(100 * ours, 100 * theirs)
    low, high = difference.interval or (float("nan"), float("nan"))
    print(f"difference {difference.mean:+.3f} points, 95% interval {low:+.3f} to {high:+.3f}")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", help="a data set, such as idx:DIR or emnist/balanced")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=5)
    return parser.parse_args()


def train_assay(options: argparse.Namespace) -> np.ndarray:
    """Return assay's test accuracies."""
    study = assay.load_study(
        {
            "name": "agreement",
            "question": "Does assay train as well as PyTorch?",
            "seeds": options.seeds,
            "network": {"family": "ConvPool", "maps": [5, 10]},
            "optimizer": {"rule": "Adam", "lr": ADAM_LR},
            "training": {"batch_size": BATCH, "epochs": options.epochs},
            "data": {"source": options.data},
        }
    )
    begin = perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        values = assay.run(study, out=folder).accuracies("agreement")
    print(f"assay: {perf_counter() - begin:.0f} s", flush=True)
    return values


def train_torch(data: Dataset, seed: int, epochs: int) -> float:
    """Return the test accuracy of a plain PyTorch loop at its best validation epoch."""
    torch.manual_seed(seed)
    model = network(len(data.classes))
    optimizer = torch.optim.Adam(model.parameters(), lr=ADAM_LR)
    train, valid, test = (tensors(split) for split in (data.train, data.valid, data.test))
    best_valid, best_test = -1.0, 0.0
    begin = perf_counter()
    for _ in range(epochs):
        for batch in torch.randperm(len(train[1])).split(BATCH):
            optimizer.zero_grad()
            functional.cross_entropy(model(train[0][batch]), train[1][batch]).backward()
            optimizer.step()
        accuracy = measure(model, *valid)
        if accuracy > best_valid:
            best_valid, best_test = accuracy, measure(model, *test)
    print(f"PyTorch: seed {seed}, {perf_counter() - begin:.0f} s", flush=True)
    return best_test


def network(classes: int) -> nn.Sequential:
    """Build the network with Glorot uniform weights and zero biases."""
    model = nn.Sequential(
        nn.Conv2d(1, 5, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(5, 10, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(160, classes),
    )  # fmt: skip
    for layer in model:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return model


def tensors(split: Split) -> tuple[torch.Tensor, torch.Tensor]:
    """Return images as floats in [0, 1], N x 1 x H x W, and labels."""
    return torch.from_numpy(split.images).float().div(255).unsqueeze(1), torch.from_numpy(split.labels)


@torch.no_grad()
def measure(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the accuracy on a split."""
    return float((model(images).argmax(1) == labels).float().mean())


if __name__ == "__main__":
    main()
