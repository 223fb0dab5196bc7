"""Hypothesis strategies: studies with every key there is, and junk at some of them."""

from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

EXAMPLES, SHAPE, CLASSES = 23, (1, 12, 12), 3
NAN, INF = float("nan"), float("inf")
NUMBERS = [
    0, -1, 1, 2, 3, 1.5, 1e9, 10**9, 10**12, 10**30, 10**300, 10**400, 16**5000, -(10**400), 1e300, 1e-300,
    5e-324, -0.0, 0.0, 0.999, 1.0, True, False, NAN, INF, -INF,
]  # fmt: skip
TEXTS = ["", "x", "nan", "1", "\n", "\x1b[31m", "\0", "ü", "x" * 5000]
LISTS = [
    [], [[]], [0], [1], [-1], [2, 2], [1, 2, 3, 4], [1.5], ["x"], [True], [NAN], [10**9],
    [10**9, 10**9], [1] * 5000,
]  # fmt: skip
OTHERS = [{}, {"x": 1}, {"0": 1}, {"0": {"layer": "Tanh"}}, {"layer": "Residual", "layers": []}, None]
JUNK = st.one_of(
    st.sampled_from(NUMBERS), st.sampled_from(TEXTS), st.sampled_from(LISTS), st.sampled_from(OTHERS),
    st.integers(), st.floats(), st.text(max_size=5),
    st.lists(st.integers(-2, 9) | st.floats() | st.booleans(), max_size=4),
).map(deepcopy)  # fmt: skip
"""What people, programs that write files, and other people's tools write."""

CONV = {
    "layer": "Conv2d", "out_channels": 2, "kernel_size": [3, 3], "stride": 1, "padding": [1, 1],
    "dilation": 1, "groups": 1, "bias": True, "weight_init": "HeNormal", "bias_init": "PyTorch",
    "method": "im2col",
}  # fmt: skip
NORM = {"eps": 1e-5, "momentum": 0.1}
LAYERS = [
    {"layer": "ZeroPad2d", "padding": [1, 0, 1, 0]},
    CONV,
    {"layer": "BatchNorm2d", **NORM},
    {"layer": "LeakyReLU", "negative_slope": 0.1},
    {"layer": "MaxPool2d", "kernel_size": 2, "stride": 2, "padding": 0},
    {"layer": "ELU", "alpha": 1.0},
    {"layer": "Dropout2d", "p": 0.1},
    {
        "layer": "Residual",
        "layers": [{**CONV, "kernel_size": 3, "padding": 1}],
        "shortcut": [{"layer": "ReLU"}],
    },
    {"layer": "AvgPool2d", "kernel_size": [2, 2], "stride": [1, 1], "padding": 0, "count_include_pad": True},
    {"layer": "BatchNormPerActivation", **NORM},
    {"layer": "AdaptiveAvgPool2d", "output_size": 2},
    {"layer": "Reshape", "shape": [2, 4, 1]},
    {"layer": "SELU"},
    {"layer": "Flatten"},
    {"layer": "BatchNorm1d", **NORM},
    {"layer": "Dropout", "p": 0.5},
    {"layer": "Linear", "out_features": 4, "bias": True, "weight_init": "PyTorch", "bias_init": "HeNormal"},
    {"layer": "GELU"},
    {"layer": "Linear", "bias": False},
]
NETWORKS = [
    {"family": "Layers", "layers": LAYERS},
    {
        "family": "Dense", "hidden": [4, 3], "init": "HeNormal", "batch_norm": True, "input_dropout": 0.1,
        "hidden_dropout": 0.5, "activation": "ReLU",
    },
    {
        "family": "ConvPool", "maps": [2, 3], "kernel_size": 2, "init": "PyTorch", "batch_norm": "map",
        "convolution": "fft", "activation": "Tanh",
    },
    {
        "family": "ConvBlocks", "layers": 2, "filters": 2, "reduction": "max", "stride": 2, "kernel_size": 2,
        "batch_norm": True, "init": "HeUniform", "convolution": "offsets", "activation": "ELU",
    },
    {
        "family": "ResNet", "filters": [2, 3], "blocks": 1, "residual": True, "init": "HeNormal",
        "activation": "GELU",
    },
]  # fmt: skip
ROOT = {"eps": 1e-8, "eps_inside_sqrt": False}
ADAM = {"betas": [0.9, 0.99], "eps": 1e-8}
RULES = [
    {"rule": "SGD", "momentum": 0.9, "nesterov": True},
    {"rule": "Adagrad", **ROOT},
    {"rule": "RMSprop", "alpha": 0.9, **ROOT},
    {"rule": "Adam", **ADAM, "bias_correction": True, "eps_inside_sqrt": False},
    {"rule": "AdamW", **ADAM},
    {"rule": "Adamax", **ADAM},
    {"rule": "NAdam", **ADAM, "momentum_decay": 0.1},
]
STEP = {"kind": "StepLR", "step_size": 2, "gamma": 0.1}
SCHEDULES = [
    {"kind": "Constant"},
    STEP,
    {"kind": "ExponentialLR", "gamma": 0.9},
    {"kind": "CosineAnnealingLR", "T_max": 2, "eta_min": 0.1},
    {"kind": "OneCycleLR", "total_steps": 2, "pct_start": 0.3, "div_factor": 25, "final_div_factor": 100},
    {"kind": "WarmUp", "steps": 1, "after": STEP},
]
TRAINING = {
    "batch_size": 7,
    "epochs": 2,
    "dtype": "float32",
    "penalties": [{"kind": "L1", "strength": 0.1, "roles": ["weight"]}, {"kind": "L2", "strength": 0.1}],
    "augment": [
        {"kind": "shift", "pixels": 1},
        {"kind": "rotate", "degrees": 5},
        {"kind": "elastic", "alpha": 2, "sigma": 3},
    ],
}
STUDY = {
    "name": "tiny",
    "question": "Does it?",
    "looks": [3],
    "control": "x",
    "margin": 0.3,
    "source": "s",
    "claims": [
        {"sentence": "So.", "expect": ["x > y"], "metric": "test_accuracy", "source": "s", "tolerance": 1.5}
    ],
    "published": {"x": {"test_accuracy": 0.5, "doubt": "?"}, "y": {"test_loss": 1.5}},
    "data": {"source": "glyphs", "train": EXAMPLES, "valid": 9, "test": 9, "split_seed": 1},
    "engine": "reference",
    "factors": {"a": {"x": {"training": {"epochs": 2}}, "y": {"training": {"epochs": 3}}}},
    "quick": {"seeds": 2, "training": {"epochs": 1}},
}


@st.composite
def studies(draw: st.DrawFn) -> dict[str, Any]:
    """A good study of two arms with every key there is."""
    rule, schedule = draw(st.sampled_from(RULES)), draw(st.sampled_from(SCHEDULES))
    values = {
        **STUDY,
        "seeds": draw(st.sampled_from([3, [0, 1, 2]])),
        "network": draw(st.sampled_from(NETWORKS)),
        "optimizer": {**rule, "lr": 0.1, "weight_decay": 0.1},
        "training": {**TRAINING, "schedule": schedule},
    }
    return deepcopy(values)


@st.composite
def junk_studies(draw: st.DrawFn, most: int = 3) -> dict[str, Any]:
    """A good study with junk at one to three of its keys, or at ``most`` so many."""
    values = draw(studies())
    for _ in range(draw(st.integers(1, most))):
        *path, key = draw(st.sampled_from(places(values)))
        table: Any = values
        for part in path:
            table = table[part]
        table[key] = draw(JUNK)
    return values


def places(values: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything in nested tables and lists; of a long list, of its first items."""
    keys = list(values) if isinstance(values, dict) else range(min(len(values), 30))
    found = [(*path, key) for key in keys]
    inner = [key for key in keys if isinstance(values[key], dict | list)]
    return found + [place for key in inner for place in places(values[key], (*path, key))]
