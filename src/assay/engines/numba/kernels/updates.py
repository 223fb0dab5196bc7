"""The learning rules of `assay.optim`, over all parameters at once."""

from assay.engines.numba.kernels.lanes import fill, fma, kernel, load, sqrt, store


@kernel
def sgd(call, memory, rates):
    """theta = theta - lr g, with g + w theta for g.

    Call: theta, g, count, lanes. Rates: lr, w.
    """
    lr, decay = rates[0], rates[1]
    for i in range(0, call[3], call[4]):
        theta = load(memory, call[1] + i)
        g = fma(fill(memory, decay), theta, load(memory, call[2] + i))
        store(memory, call[1] + i, theta - g * lr)


@kernel
def momentum(call, memory, rates):
    """v = u v + g; theta = theta - lr (a g + b v), with g + w theta for g.

    a and b are 0 and 1; with Nesterov's momentum 1 and u.
    Call: theta, g, count, lanes, v. Rates: lr, w, u, a, b.
    """
    lr, decay, friction, a, b = rates[0], rates[1], rates[2], rates[3], rates[4]
    for i in range(0, call[3], call[4]):
        theta = load(memory, call[1] + i)
        g = fma(fill(memory, decay), theta, load(memory, call[2] + i))
        v = fma(fill(memory, friction), load(memory, call[5] + i), g)
        store(memory, call[5] + i, v)
        store(memory, call[1] + i, theta - (g * a + v * b) * lr)


@kernel
def adam(call, memory, rates, step):
    """m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; theta as below; with g + w theta for g.

    theta = s theta - lr m^ / (sqrt(v^ + inside) + outside), m^ = m / (1 - b1^t), v^ = v / (1 - b2^t).
    Without bias correction m^ = m and v^ = v. AdamW has s = 1 - lr w and no w in g.
    Call: theta, g, count, lanes, m, v. Rates: lr, w, s, b1, b2, outside, inside, whether to correct.
    """
    lr, decay, shrink, beta1, beta2 = rates[0], rates[1], rates[2], rates[3], rates[4]
    outside, inside, corrected = rates[5], rates[6], rates[7]
    first = 1 / (1 - beta1**step) if corrected else 1.0
    second = 1 / (1 - beta2**step) if corrected else 1.0
    for i in range(0, call[3], call[4]):
        theta = load(memory, call[1] + i)
        g = fma(fill(memory, decay), theta, load(memory, call[2] + i))
        m = load(memory, call[5] + i) * beta1 + g * (1 - beta1)
        v = load(memory, call[6] + i) * beta2 + g * g * (1 - beta2)
        store(memory, call[5] + i, m)
        store(memory, call[6] + i, v)
        step = m * (lr * first) / (sqrt(v * second + inside) + outside)
        store(memory, call[1] + i, theta * shrink - step)
