"""Which input shapes a layer is tried with where none is given: those it names, then some small ones."""

from collections.abc import Iterator, Mapping
from typing import Any

from assay.errors import AssayError
from assay.nn.coursework import FromCoursework
from assay.nn.layer import Layer
from assay.shapes import Shape

MAPS: tuple[Shape, ...] = ((3, 6, 8), (1, 6, 8), (3, 8, 8), (1, 8, 8), (1, 28, 28))
VECTORS: tuple[Shape, ...] = ((12,), (4,), (2,), (1,))
"""What is tried after what the layer names. Not square first: height and width are easily exchanged."""

VECTOR_NAMES = frozenset(
    [
        "input_dim",
        "in_features",
        "input_size",
        "idim",
        "n_in",
        "n_inputs",
        "num_inputs",
        "in_dim",
        "in_size",
        "fan_in",
        "num_features",
        "size",
        "dim",
        "features",
        "n_features",
        "input_dims",
    ]
)
CHANNEL_NAMES = (
    "num_input_channels",
    "in_channels",
    "input_channels",
    "channels",
    "num_channels",
    "n_channels",
    "num_features",
)
HEIGHT_NAMES = ("input_dim_1", "input_height", "in_height", "height", "H")
WIDTH_NAMES = ("input_dim_2", "input_width", "in_width", "width", "W")


def candidates(layer: Layer, settings: Mapping[str, Any]) -> dict[str, list[Shape]]:
    """Return the shapes to try, maps and vectors apart, likely ones first."""
    sizes = {**_whole_numbers(layer), **settings}
    found = [*_named(sizes), *_of_parameters(layer)]
    return {
        "maps": list(dict.fromkeys([shape for shape in found if len(shape) == 3] + list(MAPS))),
        "vectors": list(dict.fromkeys([shape for shape in found if len(shape) == 1] + list(VECTORS))),
    }


def odd_sizes(layer: Layer, shape: Shape, settings: Mapping[str, Any]) -> list[Shape]:
    """Return shapes of odd and other sizes, for a layer that does not itself say how large its input is."""
    sizes = {*_whole_numbers(layer).values(), *(v for v in settings.values() if isinstance(v, int))}
    if len(shape) != 3 or sizes & set(shape[1:]):
        return []
    channels, height, width = shape
    return [(channels, height + 1, width + 1), (channels, height + 1, width - 2)]


def users_object(layer: Layer) -> Any:
    """Return the object that the user wrote."""
    return layer.users if isinstance(layer, FromCoursework) else layer


def is_refusal(error: Exception) -> bool:
    """Whether an exception is one that a shape that does not fit may end in."""
    return isinstance(error, AssayError | ValueError | IndexError | AssertionError)


def _whole_numbers(layer: Layer) -> dict[str, int]:
    own = getattr(users_object(layer), "__dict__", {})
    return {name: value for name, value in own.items() if type(value) is int}


def _named(sizes: Mapping[str, Any]) -> Iterator[Shape]:
    channels, height, width = (
        next((sizes[name] for name in names if type(sizes.get(name)) is int), None)
        for names in (CHANNEL_NAMES, HEIGHT_NAMES, WIDTH_NAMES)
    )
    if channels:
        yield (channels, height or 6, width or 8)
        yield (channels, height or 8, width or 8)
    elif height and width:
        yield (3, height, width)
        yield (1, height, width)
    for name in sizes:
        if name in VECTOR_NAMES and type(sizes[name]) is int:
            yield (sizes[name],)


def _of_parameters(layer: Layer) -> Iterator[Shape]:
    if not isinstance(layer, FromCoursework):
        return
    shapes = layer.held.sizes() or []
    for shape in shapes:
        if len(shape) == 4:
            for channels in (shape[1], shape[0]):
                yield (channels, 6, 8)
                yield (channels, 8, 8)
        else:
            yield from ((size,) for size in shape)
            yield from ((size, 6, 8) for size in shape)
