"""Kernels over maps: pooling, ReLU, the bias's gradient, a transpose.

A plane is one channel of one block of examples. Pooling reads its windows from a
table: for each output its own place in the plane, how many entries its window
has, and for each entry its place and where its factor, or its number, lies.
"""

from assay.engines.numba.kernels.lanes import (
    fill,
    kernel,
    load,
    read,
    store,
    total,
    where_equal,
    where_greater,
)
from assay.engines.numba.kernels.shuffles import transpose_tile

HEADER, ENTRY = 2, 2
"""Numbers in a window table, for each output and for each entry of its window."""


@kernel
def relu(call, memory):
    """y = max(y, 0).

    Call: y, size, lanes.
    """
    zero = fill(memory, 0.0)
    for i in range(call[1], call[1] + call[2], call[3]):
        y = load(memory, i)
        store(memory, i, where_greater(zero, y, zero, y))


@kernel
def relu_gradient(call, memory):
    """dy = dy where y > 0, else 0.

    Call: y, size, lanes, distance from y to dy.
    """
    zero = fill(memory, 0.0)
    for i in range(call[1], call[1] + call[2], call[3]):
        dy = load(memory, i + call[4])
        store(memory, i + call[4], where_greater(load(memory, i), zero, dy, zero))


@kernel
def window_mean(call, tables, memory):
    """y[o] = sum over the window of factor * x[entry]; transposed, the gradient.

    Call: table, outputs, planes, x, its plane's size, y, its plane's size.
    """
    for plane in range(call[3]):
        x, y, at = call[4] + plane * call[5], call[6] + plane * call[7], call[1]
        for _ in range(call[2]):
            mean, end = fill(memory, 0.0), at + HEADER + ENTRY * read(tables, at + 1)
            for entry in range(at + HEADER, end, ENTRY):
                mean = mean + load(memory, x + read(tables, entry)) * read(memory, read(tables, entry + 1))
            store(memory, y + read(tables, at), mean)
            at = end


@kernel
def window_max(call, tables, memory):
    """y[o] = the largest x of the window; winner[o] = its number, the first among equals.

    Call: table, outputs, planes, x, its plane's size, y, its plane's size, distance from y to winner.
    """
    for plane in range(call[3]):
        x, y, at = call[4] + plane * call[5], call[6] + plane * call[7], call[1]
        for _ in range(call[2]):
            first, end = at + HEADER, at + HEADER + ENTRY * read(tables, at + 1)
            best, winner = (
                load(memory, x + read(tables, first)),
                fill(memory, read(memory, read(tables, first + 1))),
            )
            for entry in range(first + ENTRY, end, ENTRY):
                value = load(memory, x + read(tables, entry))
                winner = where_greater(
                    value, best, fill(memory, read(memory, read(tables, entry + 1))), winner
                )
                best = where_greater(value, best, value, best)
            store(memory, y + read(tables, at), best)
            store(memory, y + read(tables, at) + call[8], winner)
            at = end


@kernel
def window_max_gradient(call, tables, memory):
    """dx[entry] = sum over the windows that it won of dy.

    Call: table, outputs, planes, dx, its plane's size, dy, its plane's size,
    distance from dy to winner, whether windows overlap, lanes.
    """
    zero, overlap = fill(memory, 0.0), call[9]
    for plane in range(call[3]):
        dx, dy, at = call[4] + plane * call[5], call[6] + plane * call[7], call[1]
        if overlap:
            for i in range(dx, dx + call[5], call[10]):
                store(memory, i, zero)
        for _ in range(call[2]):
            gradient, winner = (
                load(memory, dy + read(tables, at)),
                load(memory, dy + read(tables, at) + call[8]),
            )
            end = at + HEADER + ENTRY * read(tables, at + 1)
            for entry in range(at + HEADER, end, ENTRY):
                number = fill(memory, read(memory, read(tables, entry + 1)))
                share = where_equal(winner, number, gradient, zero)
                if overlap:
                    share = share + load(memory, dx + read(tables, entry))
                store(memory, dx + read(tables, entry), share)
            at = end


@kernel
def bias_gradient(call, memory):
    """db[c] = sum over examples and positions of dy[c].

    Where a pooling's winner is negative, no entry was above zero and dy
    does not pass. Call: dy, channels, blocks, plane's size, lanes, db, distance
    from dy to winner, or 0 without pooling.
    """
    zero = fill(memory, 0.0)
    for channel in range(call[2]):
        summed = zero
        for block in range(call[3]):
            start = call[1] + (block * call[2] + channel) * call[4]
            for i in range(start, start + call[4], call[5]):
                dy = load(memory, i)
                if call[7]:
                    dy = where_greater(zero, load(memory, i + call[7]), zero, dy)
                summed = summed + dy
        memory[call[6] + channel] = total(summed)


@kernel
def transpose(call, memory):
    """z[n, d] = y[d] of example n; for d up to a multiple of the lanes, beyond the features 0.

    Call: y, features, blocks, lanes, z, z's distance from example to example.
    """
    features, lanes, row = call[2], call[4], call[6]
    for block in range(call[3]):
        for d in range(0, features, lanes):
            y, z = call[1] + (block * features + d) * lanes, call[5] + block * lanes * row + d
            transpose_tile(memory, y, lanes, features - d, z, row)


@kernel
def transpose_back(call, memory):
    """y[d] of example n = z[n, d].

    Call: y, features, blocks, lanes, z, z's distance from example to example.
    """
    features, lanes, row = call[2], call[4], call[6]
    whole = features - features % lanes
    for block in range(call[3]):
        first, z = call[1] + block * features * lanes, call[5] + block * lanes * row
        for d in range(0, whole, lanes):
            transpose_tile(memory, z + d, row, lanes, first + d * lanes, lanes)
        for d in range(whole, features):  # a whole vector would reach into the next block, or beyond the map
            for lane in range(lanes):
                memory[first + d * lanes + lane] = memory[z + lane * row + d]


@kernel
def arrange(call, tables, memory):
    """y[i] = x[table[i]], number by number.

    Call: x, table, numbers, y.
    """
    for i in range(call[3]):
        memory[call[4] + i] = read(memory, call[1] + read(tables, call[2] + i))


@kernel
def mask(call, tables, memory):
    """y = x m scale, where m is 1 for what is kept and 0 for what is not; from dy to dx the same.

    Neighbours may share a decision. Call: table of x, from block to block of x, table of y, from block
    to block of y, entries, entries that share a decision, blocks, lanes, m, where the scale lies.
    """
    entries, shared, lanes, scale = call[5], call[6], call[8], memory[call[10]]
    for block in range(call[7]):
        for decision in range(entries // shared):
            kept = load(memory, call[9] + (block * (entries // shared) + decision) * lanes) * scale
            for entry in range(decision * shared, (decision + 1) * shared):
                x = load(memory, block * call[2] + read(tables, call[1] + entry))
                store(memory, block * call[4] + read(tables, call[3] + entry), x * kept)


@kernel
def copy(call, tables, memory):
    """y = x; called as `mask`."""
    for block in range(call[7]):
        for entry in range(call[5]):
            x = load(memory, block * call[2] + read(tables, call[1] + entry))
            store(memory, block * call[4] + read(tables, call[3] + entry), x)
