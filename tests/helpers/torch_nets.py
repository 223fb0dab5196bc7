"""PyTorch networks as a user would write them, right and wrong; tests read it as a study's own code."""

import torch
from torch import nn
from torch.nn import functional


class Small(nn.Module):
    """Convolution, batch normalisation, dropout: all kinds of state."""

    def __init__(self, num_classes, width=4, drop=0.3):
        super().__init__()
        self.conv = nn.Conv2d(1, width, 3, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.drop = nn.Dropout(drop)
        self.head = nn.Linear(width * 36, num_classes)

    def forward(self, x):
        x = functional.max_pool2d(torch.relu(self.norm(self.conv(x))), 2)
        return self.head(self.drop(x.flatten(1)))


class Perceptron(nn.Module):
    """Linear layers under the names that assay's have."""

    def __init__(self, classes, input_shape, hidden=7):
        super().__init__()
        channels, height, width = input_shape
        self.linear1 = nn.Linear(channels * height * width, hidden)
        self.linear2 = nn.Linear(hidden, classes)

    def forward(self, x):
        return self.linear2(torch.relu(self.linear1(x.flatten(1))))


class Leaky(Perceptron):
    """Has an argument that does not show in what it prints."""

    def __init__(self, classes, input_shape, slope=0.0):
        super().__init__(classes, input_shape)
        self.slope = slope

    def forward(self, x):
        return self.linear2(functional.leaky_relu(self.linear1(x.flatten(1)), self.slope))


class Odd(nn.Module):
    """Tied and frozen weights, a parameter of the whole, a gate by name, an unused layer."""

    def __init__(self, classes):
        super().__init__()
        self.first = nn.Linear(196, 12)
        self.again = nn.Linear(12, 12)
        self.tied = nn.Linear(12, 12)
        self.tied.weight = self.again.weight
        self.fixed = nn.Linear(12, 12)
        self.fixed.requires_grad_(False)
        self.last = nn.Linear(12, classes)
        self.unused = nn.Linear(3, 2)
        self.scale = nn.Parameter(torch.ones(classes))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, x):
        if self.training:
            self.seen += 1
        x = torch.tanh(self.first(x.flatten(1)))
        x = torch.tanh(self.fixed(self.tied(torch.tanh(self.again(x)))))
        return self.scale * functional.linear(x, self.last.weight, self.last.bias)


class Lazy(nn.Module):
    """Finds out its own sizes, and overwrites what it needs no more."""

    def __init__(self, classes):
        super().__init__()
        self.first = nn.LazyLinear(5, bias=False)
        self.norm = nn.BatchNorm1d(5)
        self.relu = nn.ReLU(inplace=True)
        self.last = nn.LazyLinear(classes)

    def forward(self, x):
        return self.last(self.relu(self.norm(self.first(x.flatten(1)))))


class Restless(Perceptron):
    """Drops units in evaluation mode too."""

    def forward(self, x):
        return functional.dropout(super().forward(x), 0.5, training=True)


class Unrepeatable(Perceptron):
    """Starts from numbers that no seed determines."""

    def __init__(self, classes, input_shape):
        super().__init__(classes, input_shape)
        nn.init.constant_(self.linear1.bias, float(id(self) % 1009) + torch.seed() % 1009)


class Weightless(nn.Module):
    """Learns nothing."""

    def forward(self, x):
        return x.flatten(1)[:, :6]


class Several(Perceptron):
    """Returns more than scores."""

    def forward(self, x):
        return super().forward(x), x


class Attentive(nn.Module):
    """Has weights of a kind that assay does not draw."""

    def __init__(self, classes):
        super().__init__()
        self.attention = nn.MultiheadAttention(14, 2, batch_first=True)
        self.head = nn.Linear(14, classes)

    def forward(self, x):
        rows = x[:, 0]
        return self.head(self.attention(rows, rows, rows)[0].mean(1))


class Mistaken(Perceptron):
    """Multiplies what does not fit."""

    def forward(self, x):
        return self.linear2(x.flatten(1))


class Failing(Perceptron):
    """Raises an exception in training."""

    def forward(self, x):
        if self.training:
            raise ValueError("no luck today")
        return super().forward(x)
