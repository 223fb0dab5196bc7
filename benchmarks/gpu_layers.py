"""What a cohort's steps consist of on a GPU, and whether they could be computed faster otherwise.

The layers of the 2018 report's network, 64 filters, minibatches of 100, of 16
models at once: each way is recorded as a CUDA graph and replayed, so that only
the GPU's own time counts. Then a profile of whole steps::

    python benchmarks/gpu_layers.py
"""

import argparse
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from assay.engines.torch import triton_pooling, winograd_check, winograd_tiles
from assay.engines.torch.convolution import conv2d
from assay.engines.torch.initial_weights import Weights
from assay.engines.torch.op import Site
from assay.engines.torch.tile_matrices import INPUT, OUT, POSITIONS
from assay.engines.torch.ways import Ways
from assay.nn import Conv2d, Flatten, Linear
from assay.nn.network import Network
from assay.nn.sliding import Sliding

aten = torch.ops.aten
RUNS, N, FILTERS = 16, 100, 64
LAYERS = ((1, 28), (64, 15), (64, 8), (64, 5))
"""Channels in and the side of the maps, of each convolution."""

TILES = Ways(patches=32, own_gradients=True, summed_parts=True, winograd=32)

POOL = Sliding((2, 2), (2, 2), (1, 1))

Way = Callable[[int, int, torch.dtype], tuple[Callable[[], object], Callable[[], object]]]
"""Makes what computes a layer forward, and backward."""


def maps(channels: int, side: int, dtype: torch.dtype, last: bool) -> Tensor:
    """Return feature maps (N, channels, side, side)."""
    x = torch.rand(N, channels, side, side, device="cuda", dtype=dtype)
    return x.contiguous(memory_format=torch.channels_last) if last else x


def grouped(last: bool) -> Way:
    """All models as groups of one convolution."""

    def make(channels: int, side: int, dtype: torch.dtype) -> Any:
        x, dy = maps(RUNS * channels, side, dtype, last), maps(RUNS * FILTERS, side, dtype, last)
        w = torch.rand(RUNS * FILTERS, channels, 3, 3, device="cuda", dtype=dtype)
        w = w.contiguous(memory_format=torch.channels_last) if last else w
        b = torch.rand(RUNS * FILTERS, device="cuda", dtype=dtype)
        return convolution(x, w, b, dy, RUNS, channels > 1)

    return make


def convolution(x: Tensor, w: Tensor, b: Tensor, dy: Tensor, groups: int, needs_dx: bool) -> Any:
    """Return a convolution forward and backward."""
    window = [[1, 1], [1, 1], [1, 1], False, [0, 0]]

    def forward() -> object:
        return aten.convolution(x, w, b, *window, groups)

    def backward() -> object:
        return aten.convolution_backward(dy, x, w, list(b.shape), *window, groups, [needs_dx, True, True])

    return forward, backward


def one_by_one(last: bool) -> Way:
    """Give each model a convolution of its own."""

    def make(channels: int, side: int, dtype: torch.dtype) -> Any:
        made = []
        for _ in range(RUNS):
            x, dy = maps(channels, side, dtype, last), maps(FILTERS, side, dtype, last)
            w = torch.rand(FILTERS, channels, 3, 3, device="cuda", dtype=dtype)
            w = w.contiguous(memory_format=torch.channels_last) if last else w
            made.append(
                convolution(x, w, torch.rand(FILTERS, device="cuda", dtype=dtype), dy, 1, channels > 1)
            )
        return (lambda: [f() for f, _ in made]), (lambda: [b() for _, b in made])

    return make


def without_bias(channels: int, side: int, dtype: torch.dtype) -> Any:
    """Leave the bias to whoever pools: what is then the grouped convolution's share."""
    x, dy = maps(RUNS * channels, side, dtype, True), maps(RUNS * FILTERS, side, dtype, True)
    w = torch.rand(RUNS * FILTERS, channels, 3, 3, device="cuda", dtype=dtype)
    w = w.contiguous(memory_format=torch.channels_last)
    window = [[1, 1], [1, 1], [1, 1], False, [0, 0]]

    def forward() -> object:
        return aten.convolution(x, w, None, *window, RUNS)

    def backward() -> object:
        asked = [channels > 1, True, False]
        return aten.convolution_backward(dy, x, w, None, *window, RUNS, asked)

    return forward, backward


def padded_products(channels: int, side: int, dtype: torch.dtype) -> Any:
    """Pad the first layer's nine taps to sixteen, which matrix units like better."""
    if channels > 1:
        return ()
    seen = torch.rand(RUNS, N * side * side, 16, device="cuda", dtype=dtype)
    dy = torch.rand(RUNS, N * side * side, FILTERS, device="cuda", dtype=dtype)
    w = torch.rand(RUNS, 16, FILTERS, device="cuda", dtype=dtype)
    return (lambda: torch.bmm(seen, w)), (lambda: torch.bmm(seen.transpose(1, 2), dy))


def fused(channels: int, side: int, dtype: torch.dtype) -> Any:
    """Pool and rectify in one kernel of Triton's, as the engine does."""
    del channels
    x = maps(RUNS * FILTERS, side, dtype, True)
    y, which = triton_pooling.forward(x, POOL)
    dy = torch.rand_like(y)
    return (lambda: triton_pooling.forward(x, POOL)), (
        lambda: triton_pooling.backward(dy, which, (side, side), POOL)
    )


def engine(ways: Ways) -> Way:
    """Let the engine compute it, without a bias, in these ways."""

    def make(channels: int, side: int, dtype: torch.dtype) -> Any:
        layer, shape = Conv2d(FILTERS, 3, padding=1, bias=False), (channels, side, side)
        network = Network((layer, Flatten(), Linear(2)), shape)
        device = torch.device("cuda")
        weights = Weights(network, RUNS, torch.float32, dtype, device).all
        own = {"weight": weights["conv1.weight"]}
        op = conv2d(Site("conv1", shape, RUNS, own, {}, channels > 1, ways), layer)
        x, dy = maps(RUNS * channels, side, dtype, True), maps(RUNS * FILTERS, side, dtype, True)
        _, cache = op.forward(x)
        return (lambda: op.forward(x)), (lambda: op.backward(cache, dy))

    return make


def by_tiles(channels: int, side: int, dtype: torch.dtype) -> Any:
    """Let the engine compute it by Winograd's algorithm, which is for float32 alone."""
    return () if dtype != torch.float32 or channels == 1 else engine(TILES)(channels, side, dtype)


def tiles_alone(channels: int, side: int, dtype: torch.dtype) -> Any:
    """Make tiles of maps, and maps of tiles: what Winograd's algorithm adds before its products and after."""
    if dtype != torch.float32 or channels == 1:
        return ()
    x = maps(RUNS * channels, side, dtype, True)
    grid = -(-side // OUT), -(-side // OUT)
    made = winograd_tiles.split(x, RUNS, grid, (1, 1), INPUT)
    return (lambda: winograd_tiles.split(x, RUNS, grid, (1, 1), INPUT)), (
        lambda: winograd_tiles.join(made, None, x)
    )


def products_of_tiles(channels: int, side: int, dtype: torch.dtype) -> Any:
    """Multiply tiles with kernels, and with the outputs' gradients for those of the kernels."""
    if dtype != torch.float32 or channels == 1:
        return ()
    count = N * (-(-side // OUT)) ** 2
    seen = torch.rand(POSITIONS * RUNS, count, channels, device="cuda", dtype=dtype)
    given = torch.rand(POSITIONS * RUNS, count, FILTERS, device="cuda", dtype=dtype)
    w = torch.rand(POSITIONS * RUNS, FILTERS, channels, device="cuda", dtype=dtype)
    return (lambda: torch.bmm(seen, w.mT)), (lambda: torch.bmm(given.mT, seen))


def products(channels: int, side: int, dtype: torch.dtype) -> Any:
    """Patches, written out, as the rows of one batched matrix product."""
    x = torch.rand(RUNS, N, side, side, channels, device="cuda", dtype=dtype)
    dy = torch.rand(RUNS, N * side * side, FILTERS, device="cuda", dtype=dtype)
    w = torch.rand(RUNS, 9 * channels, FILTERS, device="cuda", dtype=dtype)
    flipped = torch.rand(RUNS, 9 * FILTERS, channels, device="cuda", dtype=dtype)
    b = torch.rand(RUNS, 1, FILTERS, device="cuda", dtype=dtype)

    def forward() -> object:
        return torch.baddbmm(b, patches(x), w)

    def backward() -> object:
        dw, db = torch.bmm(patches(x).transpose(1, 2), dy), dy.sum(1)
        if channels == 1:
            return dw, db
        return dw, db, torch.bmm(patches(dy.view(RUNS, N, side, side, FILTERS)), flipped)

    return forward, backward


def patches(x: Tensor) -> Tensor:
    """Return the 3x3 patches (R, N H W, 9 C) of maps (R, N, H, W, C)."""
    runs, n, height, width, channels = x.shape
    wide = aten.constant_pad_nd(x, [0, 0, 1, 1, 1, 1], 0)
    a, b, c, d, e = wide.stride()
    seen = wide.as_strided((runs, n, height, width, 3, 3, channels), (a, b, c, d, c, d, e))
    return seen.reshape(runs, n * height * width, 9 * channels)


def pooled(last: bool) -> Way:
    """Max pooling of the convolution's output, and ReLU, as the engine computes them."""

    def make(channels: int, side: int, dtype: torch.dtype) -> Any:
        del channels
        x = maps(RUNS * FILTERS, side, dtype, last)
        window = [[2, 2], [2, 2], [1, 1], [1, 1], False]
        y, index = aten.max_pool2d_with_indices(x, *window)
        dy = torch.rand_like(y)

        def forward() -> object:
            return aten.max_pool2d_with_indices(x, *window)[0].relu_()

        def backward() -> object:
            dx = aten.threshold_backward(dy, y, 0)
            return aten.max_pool2d_with_indices_backward(dx, x, *window, index)

        return forward, backward

    return make


WAYS: dict[str, Way] = {
    "grouped NHWC": grouped(True),
    "grouped NCHW": grouped(False),
    "one by one NHWC": one_by_one(True),
    "one by one NCHW": one_by_one(False),
    "no bias, NHWC": without_bias,
    "products": products,
    "padded products": padded_products,
    "engine, plain": engine(Ways()),
    "engine, patches": engine(Ways(patches=32)),
    "engine, in parts": engine(Ways(patches=32, summed_parts=True)),
    "engine, own grads": engine(Ways(patches=32, own_gradients=True)),
    "engine, own parts": engine(Ways(patches=32, own_gradients=True, summed_parts=True)),
    "engine, Winograd": by_tiles,
    "split / join": tiles_alone,
    "tiles' products": products_of_tiles,
    "pool NHWC": pooled(True),
    "pool NCHW": pooled(False),
    "pool in Triton": fused,
}


def microseconds(action: Callable[[], object]) -> float:
    """Return what one call takes, recorded five times in a graph."""
    action()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(5):
            action()
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    graph.replay()
    begin.record()
    for _ in range(3):
        graph.replay()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 15 * 1e3


def compare() -> None:
    """Print what every way takes, of every layer in every precision."""
    for name, dtype, tf32 in (
        ("float32", torch.float32, False), ("TF32", torch.float32, True), ("bf16", torch.bfloat16, True),
    ):  # fmt: skip
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
        for way, make in WAYS.items():
            cells = []
            for channels, side in LAYERS:
                try:
                    cells.append("/".join(f"{microseconds(f):6.0f}" for f in make(channels, side, dtype)))
                except Exception as error:
                    cells.append(f"{type(error).__name__}: {error}".splitlines()[0][:60])
            print(f"{name:8} {way:18}", *cells, flush=True)


def profile(cohort: int) -> None:
    """Print which kernels whole steps spend their time in."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiled

    from assay.bench.own import Own
    from assay.bench.problem import Problem

    for dtype in ("float32", "tf32", "bfloat16"):
        problem = Problem("B4-max", 2000, models=cohort, device="cuda")
        trainer = Own(problem, "torch", dtype)  # type: ignore[arg-type]
        trainer.sessions[0]._record = None  # type: ignore[attr-defined]
        trainer.train(20)
        with profiled(activities=[ProfilerActivity.CUDA]) as found:
            trainer.train(20)
        kernels = sorted(found.key_averages(), key=lambda one: -one.self_device_time_total)
        total = sum(one.self_device_time_total for one in kernels)
        print(f"{dtype}: a step of a cohort of {cohort} takes the GPU {total / 20:,.0f} microseconds")
        for one in kernels[:24]:
            print(f"{one.self_device_time_total / 20:8.1f} {one.count / 20:5.1f} times  {one.key[:110]}")


def main() -> int:
    """Print all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--no-profile", action="store_true")
    options = parser.parse_args()
    if not options.no_profile:
        profile(RUNS)
    print("microseconds forward/backward;", *LAYERS)
    with torch.inference_mode():
        print("Triton works:", triton_pooling.works(), "and Winograd's tiles:", winograd_check.works())
        compare()
    return 0


if __name__ == "__main__":
    sys.exit(main())
