"""The two ends of a network: pixels in, class scores and their loss out."""

from assay.engines.numba.kernels.exponentials import exp
from assay.engines.numba.kernels.lanes import fill, kernel, load, store, where_greater
from assay.engines.numba.kernels.shuffles import PIXELS, gather_tile


@kernel
def gather(call, tables, memory, images, order, now):
    """x[n, d] = images[order[n], d] / 255; zero beyond the batch's end.

    Call: table of the places of all pixels, blocks, pixels, lanes.
    """
    width = images.shape[1]
    for block in range(call[2]):
        first = now.start + block * call[4]
        for d in range(0, call[3], PIXELS):
            pixel = min(d, width - PIXELS)
            at = (call[1] + block * call[3] + pixel, pixel, width, first, now.stop)
            gather_tile(memory, tables, images, order, at)


@kernel
def collect(call, memory, data, now):
    """scores[n, k] = y[k] of example n.

    Call: y, classes, lanes.
    """
    classes, lanes = call[2], call[3]
    for n in range(now.stop - now.start):
        for k in range(classes):
            vector = call[1] + (n // lanes * classes + k) * lanes
            data.scores[now.start + n, k] = memory[vector + n % lanes]


@kernel
def loss_gradient(call, memory, data, now):
    """dy[n, k] = (exp(y[n, k]) / sum over j of exp(y[n, j]) - [k is the label of n]) / N.

    The largest score is taken off first, so that no exponential overflows;
    zero beyond the batch's end. The first step with a score that gives no probability is noted.
    Call: y, classes, blocks, lanes, dy, where the step is noted.
    """
    classes, lanes, size = call[2], call[4], now.stop - now.start
    for block in range(call[3]):
        y, dy = call[1] + block * classes * lanes, call[5] + block * classes * lanes
        _softmax(memory, y, dy, classes, lanes, size)
        for lane in range(lanes):
            if block * lanes + lane < size:
                label = data.labels[data.order[now.start + block * lanes + lane]]
                p = memory[dy + label * lanes + lane]
                if not p >= 0 and memory[call[6]] == 0:
                    memory[call[6]] = now.step
                memory[dy + label * lanes + lane] = p - 1.0 / size
            else:
                for k in range(classes):
                    memory[dy + k * lanes + lane] = 0


@kernel
def _softmax(memory, y, dy, classes, lanes, size):
    """dy[k] = exp(y[k]) / sum over j of exp(y[j]) / size, for one block; nan where a score is not finite.

    `exp` and comparisons alone would make a number of it.
    """
    zero = fill(memory, 0.0)
    largest, summed = load(memory, y), fill(memory, 0.0)
    for k in range(1, classes):
        score = load(memory, y + k * lanes)
        largest = where_greater(largest, score, largest, score)
    for k in range(classes):
        score = load(memory, y + k * lanes)
        p = exp(score - largest)
        store(memory, dy + k * lanes, p)
        summed = summed + p + score * zero
    scale = fill(memory, 1.0) / (summed * size)
    for k in range(classes):
        store(memory, dy + k * lanes, load(memory, dy + k * lanes) * scale)
