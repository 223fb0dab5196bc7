"""Convolution by the fast Fourier transform: a product in the frequency domain."""

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, next_fast_len, rfft2

from assay.nn.convolution.contract import Convolution, Geometry
from assay.nn.convolution.grid import crop, pad, spread
from assay.shapes import Array, Shape

Spectrum = NDArray[np.complexfloating]


class FFT(Convolution):
    """Transform maps and kernels, multiply, transform back (Mathieu et al. 2014).

    With X, W and D the transforms of the padded x, of the kernel spread out by
    the dilation and of dy spread out by the stride, and * the conjugate::

        Y = sum over c of X W*     dX = sum over o of D W     dW = sum over n of X D*

    A transform as large as the padded maps is enough for all three: what wraps
    around falls outside of what is kept. For a **stride** everything is computed
    and the rest dropped, as with SciPy. The cost hardly depends on the kernel's size:
    N O (C / G) H W complex products, and N C + O (C / G) + N O transforms of
    H W log(H W) each. Rounding errors are **relative to the largest value** of a
    map, not to each, and one nan or inf reaches the whole map.
    """

    name = "fft"

    def _forward(self, x: Array, weight: Array, geometry: Geometry) -> Array:
        padded = pad(x, geometry.padding)
        size = _fast_size(padded.shape)
        product = np.einsum(
            "ngc...,goc...->ngo...",
            _by_group(rfft2(padded, size), geometry),
            _kernel(weight, size, geometry).conj(),
        )
        shape, (sh, sw) = geometry.output_shape(x, weight), geometry.stride
        y: Array = irfft2(product, size)[..., : shape[2] * sh : sh, : shape[3] * sw : sw]
        return y.reshape(shape).astype(x.dtype)

    def _backward(self, x: Array, weight: Array, dy: Array, geometry: Geometry) -> tuple[Array, Array]:
        padded = pad(x, geometry.padding)
        size = _fast_size(padded.shape)
        upstream = _by_group(rfft2(spread(dy, geometry.stride), size), geometry)
        maps, kernel = _by_group(rfft2(padded, size), geometry), _kernel(weight, size, geometry)
        dpadded = irfft2(np.einsum("ngo...,goc...->ngc...", upstream, kernel), size)
        dpadded = dpadded[..., : padded.shape[2], : padded.shape[3]].reshape(padded.shape)
        dkernel = irfft2(np.einsum("ngc...,ngo...->goc...", maps, upstream.conj()), size)
        (kh, kw), (dh, dw) = weight.shape[2:], geometry.dilation
        dweight = dkernel[..., : kh * dh : dh, : kw * dw : dw].reshape(weight.shape)
        return crop(dpadded, geometry.padding).astype(x.dtype), dweight.astype(weight.dtype)


def _fast_size(shape: Shape) -> tuple[int, int]:
    """Return the least size not under the maps' whose transform is fast."""
    return next_fast_len(shape[2], real=True), next_fast_len(shape[3], real=True)


def _by_group(spectrum: Spectrum, geometry: Geometry) -> Spectrum:
    """Split the channels: (N, C, ...) becomes (N, G, C / G, ...)."""
    n, channels, *size = spectrum.shape
    return spectrum.reshape(n, geometry.groups, channels // geometry.groups, *size)


def _kernel(weight: Array, size: tuple[int, int], geometry: Geometry) -> Spectrum:
    """Transform the spread kernel, its outputs split by group: (G, O / G, C / G, ...)."""
    spectrum: Spectrum = rfft2(spread(weight, geometry.dilation), size)
    return spectrum.reshape(geometry.groups, -1, *spectrum.shape[1:])
