"""The built-in layer of the same kind as a user's, with the same hyper-parameters."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from assay import nn
from assay.errors import UsageError, suggestion
from assay.nn.layer import Layer
from assay.shapes import Shape
from assay.testing.fitting import users_object

BUILT_IN: dict[str, type[Layer]] = {
    name: cls
    for name, cls in vars(nn).items()
    if isinstance(cls, type) and issubclass(cls, Layer) and cls is not Layer
}
"""Every layer of `assay.nn` by its name."""

OTHER_NAMES = {
    "AffineLayer": "Linear",
    "ConvolutionalLayer": "Conv2d",
    "MaxPoolingLayer": "MaxPool2d",
    "ReluLayer": "ReLU",
    "SigmoidLayer": "Sigmoid",
    "TanhLayer": "Tanh",
    "BatchNormalizationLayer": "BatchNorm1d",
}
"""What course frameworks call the same layers."""


ALIASES = {
    "eps": ("epsilon",),
    "padding": ("pad",),
    "kernel_size": ("filter_size", "pool_size", "kernel_dim"),
    "p": ("dropout_ratio",),
    "negative_slope": ("leak",),
}
"""What courses call hyper-parameters, by the built-ins' names."""


def kind_of(class_name: str) -> str | None:
    """Return the name of the built-in that a class's name means, if any does."""
    name = OTHER_NAMES.get(class_name, class_name)
    return name if name in BUILT_IN else None


def counterpart(kind: str, layer: Layer, shape: Shape, settings: Mapping[str, Any]) -> Layer:
    """Build the built-in ``kind`` to compare ``layer`` with.

    Its hyper-parameters are read off the shapes of the layer's parameters
    (``out_channels``, ``kernel_size``, ``groups``, ``out_features``, ``bias``)
    or else taken from the layer's attributes of the same name, or else from the
    ``settings`` it was made with. Raises `UsageError` where one is not known.
    """
    if kind not in BUILT_IN:
        raise UsageError(f"no built-in layer {kind!r} ({suggestion(kind, BUILT_IN)})")
    cls = BUILT_IN[kind]
    known = {**_renamed(settings), **_attributes(cls, layer), **_read_off(cls, layer, shape)}
    own = {field.name: known[field.name] for field in _hyper_parameters(cls) if field.name in known}
    missing = [field.name for field in _hyper_parameters(cls) if _required(field) and field.name not in own]
    if missing:
        raise UsageError(
            f"cannot tell the {missing[0]} of the {kind} to compare with "
            "(give the layer an attribute of that name)"
        )
    return cls(**own)


def _attributes(cls: type[Layer], layer: Layer) -> dict[str, Any]:
    source = users_object(layer)
    own = _renamed(vars(source)) if hasattr(source, "__dict__") else {}
    found = {field.name: getattr(source, field.name, own.get(field.name)) for field in _hyper_parameters(cls)}
    return {name: value for name, value in found.items() if _is_plain(value)}


def _renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with those under a course's names also under ours."""
    ours = {ours: values[name] for ours, names in ALIASES.items() for name in names if name in values}
    return {**ours, **values}


def _read_off(cls: type[Layer], layer: Layer, shape: Shape) -> dict[str, Any]:
    shapes = [spec.shape for spec in layer.parameters(shape).values()]
    if cls is nn.Conv2d and shapes and len(shapes[0]) == 4:
        outputs, channels, *kernel = shapes[0]
        groups = shape[0] // channels if shape[0] % channels == 0 else 1
        return {
            "out_channels": outputs,
            "kernel_size": tuple(kernel),
            "groups": groups,
            "bias": len(shapes) > 1,
        }
    if cls is nn.Linear and shapes and len(shapes[0]) == 2:
        rows, columns = shapes[0]
        return {"out_features": columns if rows == shape[0] != columns else rows, "bias": len(shapes) > 1}
    return {}


def _hyper_parameters(cls: type[Layer]) -> list["Field[Any]"]:
    return [field for field in fields(cls) if field.init]  # type: ignore[arg-type]


def _required(field: "Field[Any]") -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(_is_plain(item) for item in value)
    return isinstance(value, bool | int | float | str)
