"""Triton's kernels for Winograd's tiles, run by its interpreter where there is no GPU."""

import os

import pytest
import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"
pytest.importorskip("triton")

from assay.engines.torch import triton_winograd, winograd_check, winograd_tiles
from assay.engines.torch.layout import channels_last
from assay.engines.torch.tile_matrices import GRADIENT, INPUT
from assay.engines.torch.ways import winograd_works
from assay.engines.torch.winograd_tiles import join, split

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SIZES = [(2, 2, 5, 7, 6), (1, 3, 3, 4, 9), (3, 1, 1, 1, 1), (2, 1, 20, 5, 3)]
"""Runs, images, channels of a run, height and width; few, since each is a while in the interpreter."""


def maps(runs, n, channels, height, width):
    torch.manual_seed(height)
    return channels_last(torch.randn(n, runs * channels, height, width))


@pytest.mark.parametrize(
    ("matrix", "padding"), [(INPUT, (1, 1)), (INPUT, (2, 0)), (GRADIENT, (0, 0))], ids=str
)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_maps_become_the_same_tiles_as_by_pytorch(size, matrix, padding, monkeypatch):
    monkeypatch.setattr(triton_winograd, "WIDEST", 8)
    runs, *_, height, width = size
    x, grid = maps(*size), (-(-(height + 2) // 4), -(-(width + 2) // 4))
    expected = split(x, runs, grid, padding, matrix)
    x = x.to(DEVICE)
    found = torch.full(expected.shape, torch.nan, device=DEVICE)
    triton_winograd.split(x, found, grid, padding, matrix)
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_products_become_the_same_maps_as_by_pytorch(size, biased, monkeypatch):
    monkeypatch.setattr(triton_winograd, "WIDEST", 8)
    runs, n, channels, height, width = size
    expected, grid = torch.empty_like(maps(*size)), (-(-height // 4), -(-width // 4))
    tiles = torch.randn(36, runs, n * grid[0] * grid[1], channels)
    bias = torch.randn(runs * channels) if biased else None
    join(tiles, bias, expected)
    found = torch.full_like(expected, torch.nan).to(DEVICE)
    triton_winograd.join(tiles.to(DEVICE), None if bias is None else bias.to(DEVICE), found, grid)
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-5, atol=1e-4)


def test_a_whole_convolution_is_as_exact_as_by_pytorch(monkeypatch):
    """The check that a GPU must pass; in the interpreter, of fewer channels."""
    if DEVICE == "cpu":
        monkeypatch.setattr(winograd_check, "CHANNELS", 3)
        monkeypatch.setattr(winograd_check, "OUT", 4)
    problem = winograd_check.drawn()
    exact = winograd_check.usually(*(value.double() for value in problem))
    allowed = winograd_check.errors(winograd_check.by_winograd(*problem), exact)
    monkeypatch.setattr(winograd_tiles, "by_triton", lambda _: True)
    found = winograd_check.errors(winograd_check.by_winograd(*(value.to(DEVICE) for value in problem)), exact)
    assert all(one <= 4 * other for one, other in zip(found, allowed, strict=True))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_a_gpu_passes_the_check():
    assert winograd_works()
