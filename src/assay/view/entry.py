"""One entry of a layer's output: the numbers that it was made of, and the gradients that come back."""

from typing import Any

import numpy as np

from assay.findings.one_step import Passed, channels, window
from assay.nn.avg_pool2d import AvgPool2d
from assay.nn.batch_norm import BatchNorm
from assay.nn.conv2d import Conv2d
from assay.nn.linear import Linear
from assay.nn.max_pool2d import MaxPool2d

MOST_MAPS, MOST_TERMS, AROUND = 4, 12, 2
"""Input maps and terms of a sum that are written out, and the entries shown on either side of one."""
At = tuple[int, ...]


def shown(passed: Passed, at: At) -> dict[str, Any]:
    """Return the numbers behind output entry ``at`` of a layer, by the names that its page gives them.

    ``kind`` says which they are: "conv", "pool", "mean", "linear", "norm", "same" for other layers that keep
    the shape, "other" for the rest; ``y`` and ``dy`` are always there.
    """
    layer = passed.node.layer
    found: dict[str, Any] = {"kind": "other", "y": passed.y[at], "dy": passed.dy[at]}
    if isinstance(layer, Conv2d):
        return found | _convolution(layer, passed, at)
    if isinstance(layer, MaxPool2d):
        return found | _maximum(layer, passed, at)
    if isinstance(layer, AvgPool2d):
        return found | _mean(layer, passed, at)
    if isinstance(layer, Linear):
        return found | _linear(passed, at[0])
    if isinstance(layer, BatchNorm):
        return found | _normalised(layer, passed, at)
    return found | (_same(passed, at) if passed.x.shape == passed.y.shape else {})


def _convolution(layer: Conv2d, passed: Passed, at: At) -> dict[str, Any]:
    seen = channels(layer, passed.x, at[0])
    under = window(passed.x[seen.start : seen.stop], layer.sliding, at[1], at[2], 0.0)
    kernel, gradient = passed.params["weight"][at[0]], passed.gradients["weight"][at[0]]
    dy, sums = passed.dy[at], (under * kernel).sum(axis=(1, 2))
    maps = [
        {"map": seen[place], "window": under[place], "kernel": kernel[place], "sum": float(sums[place]),
         "products": under[place] * kernel[place], "gradient": gradient[place],
         "part": dy * under[place], "back": dy * kernel[place]}
        for place in range(min(MOST_MAPS, len(seen)))
    ]  # fmt: skip
    more, rest = max(0, len(seen) - MOST_MAPS), float(sums[MOST_MAPS:].sum())
    return {"kind": "conv", "maps": maps, "more": more, "rest": rest, **_bias(passed, at[0])}


def _bias(passed: Passed, unit: int) -> dict[str, Any]:
    if "bias" not in passed.params:
        return {"bias": None, "dbias": None}
    return {"bias": float(passed.params["bias"][unit]), "dbias": float(passed.gradients["bias"][unit])}


def _maximum(layer: MaxPool2d, passed: Passed, at: At) -> dict[str, Any]:
    under = window(passed.x[at[0] : at[0] + 1], layer.sliding, at[1], at[2], -np.inf)[0]
    first = np.unravel_index(int(under.argmax()), under.shape)
    back = np.zeros(under.shape)
    back[first] = passed.dy[at]
    return {"kind": "pool", "window": under, "first": tuple(map(int, first)), "back": back}


def _mean(layer: AvgPool2d, passed: Passed, at: At) -> dict[str, Any]:
    x = passed.x[at[0] : at[0] + 1]
    under = window(x, layer.sliding, at[1], at[2], 0.0)[0]
    inside = window(np.ones_like(x), layer.sliding, at[1], at[2], 0.0)[0]
    count = int(under.size if layer.count_include_pad else inside.sum())
    back = inside * passed.dy[at] / count
    return {"kind": "mean", "window": under, "sum": float(under.sum()), "count": count, "back": back}


def _linear(passed: Passed, unit: int) -> dict[str, Any]:
    weight, gradient = passed.params["weight"][unit], passed.gradients["weight"][unit]
    products = weight * passed.x
    order = np.argsort(-np.abs(products), kind="stable")
    terms = [
        (int(one), *(float(part[one]) for part in (passed.x, weight, products, gradient)))
        for one in order[:MOST_TERMS]
    ]
    more, rest = max(0, len(order) - MOST_TERMS), float(products[order[MOST_TERMS:]].sum())
    return {"kind": "linear", "terms": terms, "more": more, "rest": rest, **_bias(passed, unit)}


def _normalised(layer: BatchNorm, passed: Passed, at: At) -> dict[str, Any]:
    unit = at[: len(layer.units(passed.x.shape))]
    names = ("running_mean", "running_var", "weight", "bias")
    mean, var, weight, bias = (float(passed.params[name][unit]) for name in names)
    std = float(np.sqrt(var + layer.eps))
    back = {f"d{name}": float(passed.gradients[name][unit]) for name in ("weight", "bias")}
    return {"kind": "norm", "x": passed.x[at], "mean": mean, "var": var, "eps": layer.eps, "std": std,
            "hat": (passed.x[at] - mean) / std, "weight": weight, "bias": bias,
            "dx": passed.dx[at], **back}  # fmt: skip


def _same(passed: Passed, at: At) -> dict[str, Any]:
    around = [slice(max(0, one - AROUND), one + AROUND + 1) for one in at]
    near: tuple[int | slice, ...] = (at[0], *around[1:]) if len(at) > 1 else tuple(around)
    middle = tuple(min(one, AROUND) for one in at[-2:])
    parts = {name: np.atleast_2d(getattr(passed, name)[near]) for name in ("x", "y", "dy", "dx")}
    return {"kind": "same", "parts": parts, "middle": middle if len(at) > 1 else (0, *middle),
            "x": passed.x[at], "dx": passed.dx[at]}  # fmt: skip
