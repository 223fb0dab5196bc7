"""One run trained to its end, and all that it consists of, to be compared bit for bit."""

from dataclasses import replace

from tiny import weights_digest

from assay.optim import SGD, Adagrad, Adam, Adamax, AdamW, NAdam, RMSprop
from assay.training.train import train

SHAPE = (1, 14, 14)
RULES = [
    SGD(lr=0.1, momentum=0.9), Adam(lr=0.01), AdamW(lr=0.01), Adamax(lr=0.01), NAdam(lr=0.01),
    Adagrad(lr=0.05), RMSprop(lr=0.01),
]  # fmt: skip


def digest(state):
    slots = {f"{name}/{key}": value for name, slot in state.slots.items() for key, value in slot.items()}
    return weights_digest({**state.weights, **slots}), state.step


def records(progress):
    epochs = [
        repr(replace(record, seconds=0, steps_per_second=0, evaluation_seconds=0))
        for record in progress.history
    ]
    return [*epochs, *progress.layers]


def finished(work, data, progress=None, stop=None):
    """Train one run to the end, or to the end of epoch ``stop``."""
    runs = progress or work.start()
    for _ in train(work.session([run.state for run in runs]), data, runs, lambda step: None):
        if len(runs[0].history) == stop:
            break
    return runs[0]
