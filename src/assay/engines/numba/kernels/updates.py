"""The learning rules of `assay.optim`, over many parameters at once; the schedule's factor multiplies lr."""

from assay.engines.numba.kernels.lanes import fill, fma, kernel, load, sqrt, store, where_greater


@kernel
def penalise(call, memory):
    """g = g + a theta + b sign(theta), the sign of 0 being 0.

    Call: theta, g, count, lanes, where a and b lie.
    """
    a, b, zero = fill(memory, memory[call[5]]), fill(memory, memory[call[6]]), fill(memory, 0.0)
    for i in range(0, call[3], call[4]):
        theta = load(memory, call[1] + i)
        g = fma(a, theta, load(memory, call[2] + i))
        sign = where_greater(theta, zero, b, where_greater(zero, theta, zero - b, zero))
        store(memory, call[2] + i, g + sign)


@kernel
def sgd(call, memory, rates, now):
    """theta = theta - lr g, with g + w theta for g.

    Call: theta, g, count, lanes. Rates: lr, w.
    """
    lr, decay = rates[0] * now.factor, rates[1]
    for i in range(0, call[3], call[4]):
        theta = load(memory, call[1] + i)
        g = fma(fill(memory, decay), theta, load(memory, call[2] + i))
        store(memory, call[1] + i, theta - g * lr)


@kernel
def momentum(call, memory, rates, now):
    """v = u v + g; theta = theta - lr (a g + b v), with g + w theta for g.

    a and b are 0 and 1; with Nesterov's momentum 1 and u.
    Call: theta, g, count, lanes, v. Rates: lr, w, u, a, b.
    """
    lr, decay, friction, a, b = rates[0] * now.factor, rates[1], rates[2], rates[3], rates[4]
    for i in range(0, call[3], call[4]):
        theta = load(memory, call[1] + i)
        g = fma(fill(memory, decay), theta, load(memory, call[2] + i))
        v = fma(fill(memory, friction), load(memory, call[5] + i), g)
        store(memory, call[5] + i, v)
        store(memory, call[1] + i, theta - (g * a + v * b) * lr)


@kernel
def adagrad(call, memory, rates, now):
    """s = a s + b g^2; theta = theta - lr g / (sqrt(s + inside) + outside), with g + w theta for g.

    a and b are both 1, for RMSprop alpha and 1 - alpha.
    Call: theta, g, count, lanes, s. Rates: lr, w, a, b, outside, inside.
    """
    lr, decay, a, b, outside, inside = rates[0] * now.factor, rates[1], rates[2], rates[3], rates[4], rates[5]
    for i in range(0, call[3], call[4]):
        theta = load(memory, call[1] + i)
        g = fma(fill(memory, decay), theta, load(memory, call[2] + i))
        s = load(memory, call[5] + i) * a + g * g * b
        store(memory, call[5] + i, s)
        store(memory, call[1] + i, theta - g * lr / (sqrt(s + inside) + outside))


@kernel
def adam(call, memory, rates, now):
    """m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; theta as below; with g + w theta for g.

    theta = (1 - lr d) theta - lr m^ / (sqrt(v^ + inside) + outside), m^ = m / (1 - b1^t) and
    v^ = v / (1 - b2^t). Without bias correction m^ = m and v^ = v. AdamW has no w in g, and d instead.
    Call: theta, g, count, lanes, m, v. Rates: lr, w, d, b1, b2, outside, inside, whether to correct.
    """
    lr, decay, beta1, beta2 = rates[0] * now.factor, rates[1], rates[3], rates[4]
    shrink, outside, inside, corrected = 1 - lr * rates[2], rates[5], rates[6], rates[7]
    first = 1 / (1 - beta1**now.step) if corrected else 1.0
    second = 1 / (1 - beta2**now.step) if corrected else 1.0
    for i in range(0, call[3], call[4]):
        theta = load(memory, call[1] + i)
        g = fma(fill(memory, decay), theta, load(memory, call[2] + i))
        m = load(memory, call[5] + i) * beta1 + g * (1 - beta1)
        v = load(memory, call[6] + i) * beta2 + g * g * (1 - beta2)
        store(memory, call[5] + i, m)
        store(memory, call[6] + i, v)
        step = m * (lr * first) / (sqrt(v * second + inside) + outside)
        store(memory, call[1] + i, theta * shrink - step)


@kernel
def adamax(call, memory, rates, now):
    """m = b1 m + (1 - b1) g; u = max(b2 u, |g| + eps); theta = theta - lr / (1 - b1^t) m / u.

    With g + w theta for g.
    Call: theta, g, count, lanes, m, u. Rates: lr, w, b1, b2, eps.
    """
    lr, decay, beta1, beta2, eps = rates[0] * now.factor, rates[1], rates[2], rates[3], rates[4]
    rate, zero = lr / (1 - beta1**now.step), fill(memory, 0.0)
    for i in range(0, call[3], call[4]):
        theta = load(memory, call[1] + i)
        g = fma(fill(memory, decay), theta, load(memory, call[2] + i))
        m = load(memory, call[5] + i) * beta1 + g * (1 - beta1)
        past, size = load(memory, call[6] + i) * beta2, where_greater(zero, g, zero - g, g) + eps
        u = where_greater(past, size, past, size)
        store(memory, call[5] + i, m)
        store(memory, call[6] + i, u)
        store(memory, call[1] + i, theta - m * rate / u)
