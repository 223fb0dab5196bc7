"""Batch normalisation: the formulas of `assay.nn.batch_norm`, unit after unit.

A unit has one or more neighbouring positions in each block. Only the batch's
own examples count: what lanes hold beyond the last one never enters a sum, and
their gradient is zero.
"""

from math import sqrt

from assay.engines.numba.kernels.lanes import fill, kernel, load, numbers, read, store, total, where_greater

PART = 16
"""Positions added up before they are added to the rest: sums of sums lose fewer digits."""


@kernel
def normalise(call, tables, memory, now):
    """y = max(weight x^ + bias, least) with x^ = (x - mean) / sqrt(var + eps), by the batch's statistics.

    Moves the running ones: running = (1 - momentum) running + momentum of the batch, its variance unbiased.
    Call: x, table of y, from block to block of y, units, positions, blocks, lanes, weight, bias, means
    and behind them 1 / sqrt(var + eps), running means and behind them variances, where eps, momentum
    and least (0 for a ReLU, else minus infinity) lie.
    """
    units, eps, momentum = call[4], memory[call[12]], memory[call[13]]
    count = (now.stop - now.start) * call[5]
    for unit in range(units):
        mean = _summed(call, memory, unit, now.stop - now.start, 0.0, False) / count
        var = _summed(call, memory, unit, now.stop - now.start, mean, True) / count
        _scale(call, tables, memory, unit, mean, 1 / sqrt(var + eps))
        running = call[11] + unit
        memory[running] = (1 - momentum) * memory[running] + momentum * mean
        running += units
        memory[running] = (1 - momentum) * memory[running] + momentum * (var * (count / (count - 1)))


@kernel
def normalise_by_running(call, tables, memory):
    """Do the same by the running statistics, and change none; called as `normalise`."""
    for unit in range(call[4]):
        mean, var = memory[call[11] + unit], memory[call[11] + call[4] + unit]
        _scale(call, tables, memory, unit, mean, 1 / sqrt(var + memory[call[12]]))


@kernel
def _summed(call, memory, unit, size, mean, squared):
    """Return the sum of x - mean, or of its square, over a unit's values of ``size`` examples."""
    positions, lanes = call[5], call[7]
    summed, centre = fill(memory, 0.0), fill(memory, mean)
    for block in range(call[6]):
        x, inside = call[1] + (block * call[4] + unit) * positions * lanes, fill(memory, size - block * lanes)
        for start in range(0, positions, PART):
            part = fill(memory, 0.0)
            for p in range(start, min(start + PART, positions)):
                away = load(memory, x + p * lanes) - centre
                part = part + (away * away if squared else away)
            summed = summed + where_greater(inside, numbers(memory), part, fill(memory, 0.0))
    return total(summed)


@kernel
def _scale(call, tables, memory, unit, mean, inverse):
    """Write a unit's y; keeps mean and 1 / sqrt(var + eps)."""
    memory[call[10] + unit] = mean
    memory[call[10] + call[4] + unit] = inverse
    centre, narrow, least = fill(memory, mean), fill(memory, inverse), fill(memory, memory[call[14]])
    weight, bias = fill(memory, memory[call[8] + unit]), fill(memory, memory[call[9] + unit])
    positions, lanes = call[5], call[7]
    for block in range(call[6]):
        x, entry = call[1] + (block * call[4] + unit) * positions * lanes, call[2] + unit * positions
        for p in range(positions):
            y = weight * ((load(memory, x + p * lanes) - centre) * narrow) + bias
            place = block * call[3] + read(tables, entry + p)
            store(memory, place, where_greater(least, y, least, y))


@kernel
def normalise_gradient(call, tables, memory, now):
    """dweight = sum dy x^, dbias = sum dy, dx = weight / sqrt(var + eps) (dy - (dbias + x^ dweight) / count).

    Call: x, table of dy, from block to block of dy, units, positions, blocks, lanes, weight, dweight,
    means and behind them 1 / sqrt(var + eps), dbias, distance from x to dx, or 0 where dx is not needed.
    """
    units, positions, blocks, lanes = call[4], call[5], call[6], call[7]
    size, zero = now.stop - now.start, fill(memory, 0.0)
    for unit in range(units):
        centre, narrow = fill(memory, memory[call[10] + unit]), fill(memory, memory[call[10] + units + unit])
        dweight, dbias, entry = zero, zero, call[2] + unit * positions
        for block in range(blocks):
            x = call[1] + (block * units + unit) * positions * lanes
            for start in range(0, positions, PART):
                dweights, dbiases = zero, zero
                for p in range(start, min(start + PART, positions)):
                    dy = load(memory, block * call[3] + read(tables, entry + p))
                    dweights = dweights + dy * ((load(memory, x + p * lanes) - centre) * narrow)
                    dbiases = dbiases + dy
                dweight, dbias = dweight + dweights, dbias + dbiases
        memory[call[9] + unit], memory[call[11] + unit] = total(dweight), total(dbias)
        if not call[12]:
            continue
        factor = narrow * memory[call[8] + unit]
        slope = narrow * (memory[call[9] + unit] / (size * positions))
        level = fill(memory, memory[call[11] + unit] / (size * positions))
        for block in range(blocks):
            x = call[1] + (block * units + unit) * positions * lanes
            inside = fill(memory, size - block * lanes)
            for i in range(positions):
                dy = load(memory, block * call[3] + read(tables, entry + i))
                dx = factor * (dy - level - (load(memory, x + i * lanes) - centre) * slope)
                store(memory, x + i * lanes + call[12], where_greater(inside, numbers(memory), dx, zero))
