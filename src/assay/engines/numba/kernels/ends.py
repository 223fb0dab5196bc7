"""The two ends of a network: pixels in, class scores and their loss out."""

from math import exp

from numba import njit

LEVELS = 2
"""Where ``memory`` holds the 256 values of a pixel; before them lie 0 and minus infinity."""


@njit(nogil=True)
def gather(call, memory, data, now):
    """x[n, d] = image[order[n], d] / 255; zero beyond the batch's end.

    Call: x, channels, channel distance, rows, row distance, columns, block distance, blocks, lanes.
    """
    x, channels, rows, columns, lanes = call[1], call[2], call[4], call[6], call[9]
    images = data.images
    for n in range(call[8] * lanes):
        block, lane = n // lanes, n % lanes
        pixel = 0
        for channel in range(channels):
            for row in range(rows):
                at = x + block * call[7] + channel * call[3] + row * call[5] + lane
                for column in range(columns):
                    level = images[data.order[now.start + n], pixel] if now.start + n < now.stop else 0
                    memory[at + column * lanes] = memory[LEVELS + level]
                    pixel += 1


@njit(nogil=True)
def collect(call, memory, data, now):
    """scores[n, k] = y[k] of example n.

    Call: y, classes, block distance, lanes.
    """
    for n in range(now.stop - now.start):
        block, lane = n // call[4], n % call[4]
        for k in range(call[2]):
            data.scores[now.start + n, k] = memory[call[1] + block * call[3] + k * call[4] + lane]


@njit(nogil=True)
def loss_gradient(call, memory, data, now):
    """dy[n, k] = (exp(y[n, k]) / sum over j of exp(y[n, j]) - [k is the label of n]) / N.

    The largest score is taken off first, so that no exponential overflows;
    zero beyond the batch's end.
    Call: y, classes, block distance, blocks, lanes, dy, dy's block distance.
    """
    classes, lanes, size = call[2], call[5], now.stop - now.start
    for n in range(call[4] * lanes):
        block, lane = n // lanes, n % lanes
        y, dy = call[1] + block * call[3] + lane, call[6] + block * call[7] + lane
        if n >= size:
            for k in range(classes):
                memory[dy + k * lanes] = 0
            continue
        largest = memory[y]
        for k in range(1, classes):
            largest = max(largest, memory[y + k * lanes])
        summed = 0.0
        for k in range(classes):
            p = exp(memory[y + k * lanes] - largest)
            memory[dy + k * lanes] = p
            summed += p
        for k in range(classes):
            memory[dy + k * lanes] /= summed * size
        memory[dy + data.labels[data.order[now.start + n]] * lanes] -= 1.0 / size
