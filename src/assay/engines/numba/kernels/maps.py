"""Kernels over maps: pooling, ReLU's derivative, sums, a transpose.

A plane is one channel of one block of examples; planes lie at equal distances.
Pooling reads its windows from a table: for each output its own offset, its
winner's, how many entries its window has, and for each entry an offset and
where its factor lies.
"""

from numba import njit

from assay.engines.numba.kernels.lanes import fill, load, store, total, where_equal, where_greater

HEADER, ENTRY = 3, 2
"""Numbers in a window table, for each output and for each entry of its window."""


@njit(nogil=True)
def relu(call, memory):
    """Y = max(y, 0).

    Call: y, planes, plane distance, rows, row distance, numbers a row, lanes.
    """
    zero = fill(memory, memory[0])
    for plane in range(call[2]):
        for row in range(call[4]):
            start = call[1] + plane * call[3] + row * call[5]
            for i in range(start, start + call[6], call[7]):
                y = load(memory, i)
                store(memory, i, where_greater(zero, y, zero, y))


@njit(nogil=True)
def relu_gradient(call, memory):
    """dy = dy where y > 0, else 0.

    Call: y, planes, plane distance, rows, row distance, numbers a row, lanes; the same three of dy.
    """
    zero = fill(memory, memory[0])
    for plane in range(call[2]):
        for row in range(call[4]):
            y = call[1] + plane * call[3] + row * call[5]
            dy = call[8] + plane * call[9] + row * call[10]
            for i in range(0, call[6], call[7]):
                store(memory, dy + i, where_greater(load(memory, y + i), zero, load(memory, dy + i), zero))


@njit(nogil=True)
def window_mean(call, tables, memory):
    """y[o] = sum over the window of factor * x[entry]; transposed, the gradient.

    Call: table, outputs, planes, x, x's plane distance, y, y's plane distance.
    """
    for plane in range(call[3]):
        x, y = call[4] + plane * call[5], call[6] + plane * call[7]
        at = call[1]
        for _ in range(call[2]):
            mean = fill(memory, memory[0])
            end = at + HEADER + ENTRY * tables[at + 2]
            for entry in range(at + HEADER, end, ENTRY):
                mean = mean + load(memory, x + tables[entry]) * memory[tables[entry + 1]]
            store(memory, y + tables[at], mean)
            at = end


@njit(nogil=True)
def window_max(call, tables, memory):
    """y[o] = the largest x of the window; winner[o] = its number, the first among equals.

    Call: table, outputs, planes; offset and plane distance of x, of y, of winner.
    """
    for plane in range(call[3]):
        x, y, won = call[4] + plane * call[5], call[6] + plane * call[7], call[8] + plane * call[9]
        at = call[1]
        for _ in range(call[2]):
            best, winner = load(memory, x + tables[at + HEADER]), fill(memory, memory[0])
            for number in range(1, tables[at + 2]):
                value = load(memory, x + tables[at + HEADER + ENTRY * number])
                winner = where_greater(value, best, fill(memory, number), winner)
                best = where_greater(value, best, value, best)
            store(memory, y + tables[at], best)
            store(memory, won + tables[at + 1], winner)
            at += HEADER + ENTRY * tables[at + 2]


@njit(nogil=True)
def window_max_gradient(call, tables, memory):
    """dx[entry] = sum over the windows that it won of dy.

    Call: table, outputs, planes, dx, dx's plane distance, dy, dy's plane
    distance, winner, winner's plane distance, rows of dx, row distance, numbers a row, lanes.
    """
    zero = fill(memory, memory[0])
    for plane in range(call[3]):
        dx, dy, won = call[4] + plane * call[5], call[6] + plane * call[7], call[8] + plane * call[9]
        for row in range(call[10]):
            start = dx + row * call[11]
            for i in range(start, start + call[12], call[13]):
                store(memory, i, zero)
        at = call[1]
        for _ in range(call[2]):
            gradient, winner = load(memory, dy + tables[at]), load(memory, won + tables[at + 1])
            for number in range(tables[at + 2]):
                entry = dx + tables[at + HEADER + ENTRY * number]
                share = where_equal(winner, fill(memory, number), gradient, zero)
                store(memory, entry, load(memory, entry) + share)
            at += HEADER + ENTRY * tables[at + 2]


@njit(nogil=True)
def bias_gradient(call, memory):
    """db[c] = sum over examples and positions of dy[c].

    Call: dy; channels, blocks, rows, and the distance of each; numbers a row, lanes, db.
    """
    for channel in range(call[2]):
        summed = fill(memory, memory[0])
        for block in range(call[4]):
            for row in range(call[6]):
                start = call[1] + channel * call[3] + block * call[5] + row * call[7]
                for i in range(start, start + call[8], call[9]):
                    summed = summed + load(memory, i)
        memory[call[10] + channel] = total(summed)


@njit(nogil=True)
def transpose(call, memory):
    """z[n, d] = y[d] of example n.

    Call: y, features, blocks, block distance, lanes, z, z's distance from example to example.
    """
    for block in range(call[3]):
        for feature in range(call[2]):
            y = call[1] + block * call[4] + feature * call[5]
            for lane in range(call[5]):
                memory[call[6] + (block * call[5] + lane) * call[7] + feature] = memory[y + lane]
