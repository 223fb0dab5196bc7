"""Values with which a layer is tried before it is trusted."""

from assay.errors import UsageError
from assay.nn.layer import Layer
from assay.shapes import Array, Shape
from assay.streams import stream


def trial_values(layer: Layer, shape: Shape) -> dict[str, Array]:
    """Return a layer's buffers, and parameters drawn at random: a mistake may hide where they are 0 or 1.

    Raises `UsageError` where one is called ``x``, as the input is.
    """
    specs = layer.parameters(shape)
    params = {name: stream(0, "check", name).normal(size=spec.shape) for name, spec in specs.items()}
    values = {**layer.buffers(shape), **params}
    if "x" in values:
        raise UsageError("a parameter called 'x', as the input is (give it another name)")
    return values
