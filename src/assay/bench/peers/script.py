"""A study as a plain PyTorch script: one run after another, each in the usual training loop."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from assay.bench.peers.torch_model import module
from assay.data import Split, load
from assay.study.study import Study

EVALUATED_AT_ONCE = 500
Data = tuple[Tensor, Tensor]


def run_script(study: Study, threads: int) -> list[float]:
    """Train the study's only arm with every seed, and return each run's test accuracy."""
    torch.set_num_threads(threads)
    data = load(study.data)
    train, valid, test = (_tensors(split) for split in (data.train, data.valid, data.test))
    return [_run(study, seed, train, valid, test) for seed in study.seeds]


def _tensors(split: Split) -> Data:
    return torch.from_numpy(split.images[:, None]).float() / 255, torch.from_numpy(split.labels)


def _run(study: Study, seed: int, train: Data, valid: Data, test: Data) -> float:
    """Train, evaluate both sets after each epoch, and test with the best epoch's weights."""
    torch.manual_seed(seed)
    settings = study.arms[0].settings
    nodes = settings.architecture.build(tuple(train[0].shape[1:]), int(train[1].max()) + 1).nodes
    model = nn.Sequential(*(module(node.layer, node.input_shape) for node in nodes))
    optimizer = torch.optim.Adam(model.parameters())
    best, weights = -1.0, model.state_dict()
    for _ in range(settings.recipe.epochs):
        _epoch(model, optimizer, train, settings.recipe.batch_size)
        evaluate(model, train)
        _, accuracy = evaluate(model, valid)
        if accuracy > best:
            best = accuracy
            weights = {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(weights)
    return evaluate(model, test)[1]


def _epoch(model: nn.Module, optimizer: torch.optim.Optimizer, train: Data, batch_size: int) -> None:
    inputs, answers = train
    for batch in torch.randperm(len(inputs)).split(batch_size):  # type: ignore[no-untyped-call]
        optimizer.zero_grad()
        cross_entropy(model(inputs[batch]), answers[batch]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


@torch.no_grad()
def evaluate(model: nn.Module, data: Data) -> tuple[float, float]:
    """Return the mean loss and the accuracy over a whole data set."""
    loss, correct = 0.0, 0
    for batch in torch.arange(len(data[1])).split(EVALUATED_AT_ONCE):  # type: ignore[no-untyped-call]
        x, answers = data[0][batch], data[1][batch]
        scores = model(x)
        loss += float(cross_entropy(scores, answers, reduction="sum"))
        correct += int((scores.argmax(dim=1) == answers).sum())
    return loss / len(data[1]), correct / len(data[1])
