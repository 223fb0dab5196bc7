"""One entry of a layer's output: the numbers that it was made of, and the gradients that come back."""

from collections.abc import Callable
from typing import Any

import numpy as np

from assay.findings.one_step import Passed, channels, window
from assay.nn.activation import Activation
from assay.nn.adaptive_avg_pool2d import AdaptiveAvgPool2d, mean_matrix
from assay.nn.avg_pool2d import AvgPool2d
from assay.nn.batch_norm import BatchNorm
from assay.nn.conv2d import Conv2d
from assay.nn.flatten import Flatten
from assay.nn.linear import Linear
from assay.nn.max_pool2d import MaxPool2d
from assay.nn.relu import ReLU
from assay.nn.reshape import Reshape
from assay.nn.residual import Residual
from assay.nn.zero_pad2d import ZeroPad2d
from assay.shapes import Array

MOST_MAPS, MOST_TERMS, AROUND = 4, 12, 2
"""Input maps and terms of a sum that are written out, and the entries shown on either side of one."""
At = tuple[int, ...]


def shown(passed: Passed, at: At) -> dict[str, Any]:
    """Return the numbers behind output entry ``at`` of a layer, by the names that its page gives them.

    ``kind`` says which they are: "conv", "pool", "mean", "linear", "norm", "function" of one number, "sum" of
    two branches, "pad", "moved", "same" for other layers that keep the shape, "other" for the rest; ``y`` and
    ``dy`` are always there.
    """
    layer = passed.node.layer
    found: dict[str, Any] = {"kind": "other", "y": passed.y[at], "dy": passed.dy[at]}
    for kinds, numbers in KINDS:
        if isinstance(layer, kinds):
            return found | numbers(layer, passed, at)
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


def region(passed: Passed, at: At) -> tuple[slice, slice]:
    """Return the rows and columns of the input whose mean is entry ``at`` of an `AdaptiveAvgPool2d`."""
    rows, columns = (
        np.flatnonzero(mean_matrix(size, output)[place])
        for size, output, place in zip(passed.x.shape[1:], passed.y.shape[1:], at[1:], strict=True)
    )
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _regional(layer: AdaptiveAvgPool2d, passed: Passed, at: At) -> dict[str, Any]:
    del layer
    rows, columns = region(passed, at)
    under = passed.x[at[0], rows, columns]
    back = np.full(under.shape, passed.dy[at] / under.size)
    sides = [(one.start, one.stop - 1, one.stop - one.start) for one in (rows, columns)]
    return {"kind": "mean", "window": under, "sum": float(under.sum()), "count": under.size, "back": back,
            "sides": sides}  # fmt: skip


def _linear(layer: Linear, passed: Passed, at: At) -> dict[str, Any]:
    del layer
    unit = at[0]
    weight, gradient = passed.params["weight"][unit], passed.gradients["weight"][unit]
    products, back = weight * passed.x, passed.dy[unit] * weight
    order = np.argsort(-np.abs(products), kind="stable")
    terms = [
        (int(one), *(float(part[one]) for part in (passed.x, weight, products, gradient, back)))
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


def _function(layer: Activation | ReLU, passed: Passed, at: At) -> dict[str, Any]:
    """Return also the slope: what the layer hands back where 1 arrives."""
    _, cache = layer.forward({}, passed.x[None])
    slope, _ = layer.backward({}, cache, np.ones_like(passed.x)[None])
    return _same(passed, at) | {"kind": "function", "slope": float(slope[0][at])}


def _sum(layer: Residual, passed: Passed, at: At) -> dict[str, Any]:
    """Return what both branches give, of which one without layers is the identity."""
    del layer
    ends = [way[-1].y if way else passed.x for way in passed.ways]
    back = [way[0].dx if way else passed.dy for way in passed.ways]
    alike = passed.x.shape == passed.y.shape
    gradients = [
        (name, value.shape, float(np.linalg.norm(value))) for name, value in passed.gradients.items()
    ]
    return {"kind": "sum", "parts": _near({"F(x)": ends[0], "S(x)": ends[1], "y": passed.y}, at),
            "middle": _middle(at), "terms": [float(one[at]) for one in ends], "gradients": gradients,
            "back": [float(one[at]) for one in back] if alike else None,
            "dx": passed.dx[at] if alike else None}  # fmt: skip


def _padded(layer: ZeroPad2d, passed: Passed, at: At) -> dict[str, Any]:
    left, _, top, _ = layer.sides
    where = (at[0], at[1] - top, at[2] - left)
    inside = all(0 <= one < size for one, size in zip(where, passed.x.shape, strict=True))
    return {"kind": "pad", "parts": _near({"y": passed.y, "dy": passed.dy}, at), "middle": _middle(at),
            "where": where if inside else None, "dx": passed.dx[where] if inside else None}  # fmt: skip


def _moved(layer: Flatten | Reshape, passed: Passed, at: At) -> dict[str, Any]:
    del layer
    place = np.unravel_index(int(np.ravel_multi_index(at, passed.y.shape)), passed.x.shape)
    where = tuple(map(int, place))
    return {"kind": "moved", "where": where, "x": passed.x[where], "dx": passed.dx[where]}


def _same(passed: Passed, at: At) -> dict[str, Any]:
    parts = {name: getattr(passed, name) for name in ("x", "y", "dy", "dx")}
    return {"kind": "same", "parts": _near(parts, at), "middle": _middle(at),
            "x": passed.x[at], "dx": passed.dx[at]}  # fmt: skip


def _near(parts: dict[str, Array], at: At) -> dict[str, Array]:
    """Return the entries around ``at`` of arrays of one shape, as matrices."""
    around = [slice(max(0, one - AROUND), one + AROUND + 1) for one in at]
    near: tuple[int | slice, ...] = (*at[:-2], *around[-2:])
    return {name: np.atleast_2d(part[near]) for name, part in parts.items()}


def _middle(at: At) -> tuple[int, int]:
    """Return where entry ``at`` lies in the matrices of `_near`."""
    row, column = at[-2:] if len(at) > 1 else (0, at[0])
    return min(row, AROUND), min(column, AROUND)


KINDS: tuple[tuple[type | tuple[type, ...], Callable[[Any, Passed, At], dict[str, Any]]], ...] = (
    (Conv2d, _convolution),
    (MaxPool2d, _maximum),
    (AvgPool2d, _mean),
    (AdaptiveAvgPool2d, _regional),
    (Linear, _linear),
    (BatchNorm, _normalised),
    ((Activation, ReLU), _function),
    (Residual, _sum),
    (ZeroPad2d, _padded),
    ((Flatten, Reshape), _moved),
)
"""What is shown of which layers."""
