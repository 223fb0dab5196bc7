"""Which input shapes a layer is tried with where none is given: those it names, then some small ones."""

from collections.abc import Iterator, Mapping
from typing import Any

from assay.errors import AssayError
from assay.nn.coursework import FromCoursework
from assay.nn.coursework.styles import held_by
from assay.nn.layer import Layer
from assay.shapes import Shape

MAPS: tuple[Shape, ...] = ((3, 6, 8), (1, 6, 8), (3, 8, 8), (1, 8, 8), (1, 28, 28))
VECTORS: tuple[Shape, ...] = ((12,), (4,), (2,), (1,))
"""What is tried after what the layer names. Not square first: height and width are easily exchanged."""

SEQUENCES: tuple[Shape, ...] = ((5, 4), (5, 1))
"""What is tried where neither maps nor vectors fit: steps and their features."""

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
    """Return the shapes to try, maps, vectors and sequences apart, likely ones first."""
    sizes = {**_whole_numbers(layer), **settings}
    found = [*_named(sizes), *_of_arrays(layer)]
    return {
        "maps": list(dict.fromkeys([shape for shape in found if len(shape) == 3] + list(MAPS))),
        "vectors": list(dict.fromkeys([shape for shape in found if len(shape) == 1] + list(VECTORS))),
        "sequences": list(
            dict.fromkeys([(5, *shape) for shape in found if len(shape) == 1] + list(SEQUENCES))
        ),
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
    return layer.user_object if isinstance(layer, FromCoursework) else layer


def is_refusal(error: Exception) -> bool:
    """Whether an exception is one that a shape that does not fit may end in."""
    return isinstance(error, AssayError | ValueError | IndexError | AssertionError)


def _whole_numbers(layer: Layer) -> dict[str, int]:
    own = held_by(users_object(layer))
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


def _shapes_held(layer: Layer) -> list[Shape]:
    """Return the shapes of parameters, then of the other arrays that the object holds, sparse ones too."""
    if not isinstance(layer, FromCoursework):
        return []
    others = [getattr(value, "shape", None) for value in held_by(layer.user_object).values()]
    return [*(layer.held.sizes() or []), *(shape for shape in others if isinstance(shape, tuple))]


def _of_arrays(layer: Layer) -> Iterator[Shape]:
    """Yield shapes with the sizes of the arrays that the object holds."""
    for shape in _shapes_held(layer):
        if len(shape) == 4:
            for channels in (shape[1], shape[0]):
                yield (channels, 6, 8)
                yield (channels, 8, 8)
        else:
            yield from ((size,) for size in shape)
            yield from ((size, 6, 8) for size in shape)
