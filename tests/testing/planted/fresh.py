"""Right, of kinds that are thin elsewhere: windows of every sort, norms, attention, cells, losses, rules."""

import numpy as np

# windows


class MaxPoolPadded:
    """3 x 3 windows two apart, padded by one with minus infinity; the first of the largest gets it all."""

    def forward(self, x):
        self.x, (n, c, h, w) = x, x.shape
        xp = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
        rows, columns = (h - 1) // 2 + 1, (w - 1) // 2 + 1
        windows = [
            xp[:, :, i : i + 2 * rows - 1 : 2, j : j + 2 * columns - 1 : 2]
            for i in range(3)
            for j in range(3)
        ]
        self.at = np.argmax(windows, axis=0)
        return np.max(windows, axis=0)

    def backward(self, dout):
        n, c, h, w = self.x.shape
        dxp = np.zeros((n, c, h + 2, w + 2))
        rows, columns = dout.shape[2:]
        for k in range(9):
            i, j = divmod(k, 3)
            dxp[:, :, i : i + 2 * rows - 1 : 2, j : j + 2 * columns - 1 : 2] += dout * (self.at == k)
        return dxp[:, :, 1:-1, 1:-1]


class AveragePoolCeil:
    """2 x 2 windows, the last ones cut off at the border: each divides by how many it really has."""

    def fprop(self, inputs):
        n, c, h, w = inputs.shape
        outputs = np.zeros((n, c, -(-h // 2), -(-w // 2)))
        for i, j in np.ndindex(outputs.shape[2:]):
            outputs[:, :, i, j] = inputs[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean(axis=(2, 3))
        return outputs

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        grads = np.zeros(inputs.shape)
        for i, j in np.ndindex(outputs.shape[2:]):
            window = grads[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            window += (grads_wrt_outputs[:, :, i, j] / (window.shape[2] * window.shape[3]))[:, :, None, None]
        return grads


def lp_pool_forward(x, pool_param):
    """The root of the sum of squares in windows of 2 x 2, one apart."""
    parts = [x[:, :, i : x.shape[2] - 1 + i, j : x.shape[3] - 1 + j] for i in (0, 1) for j in (0, 1)]
    out = np.sqrt(sum(part**2 for part in parts) + 1e-3)
    return out, (x, out)


def lp_pool_backward(dout, cache):
    x, out = cache
    dx, h, w = np.zeros_like(x), *out.shape[2:]
    for i in (0, 1):
        for j in (0, 1):
            dx[:, :, i : i + h, j : j + w] += dout * x[:, :, i : i + h, j : j + w] / out
    return dx


class _Windows:
    """A convolution by shifted copies of the input."""

    stride, dilation, groups, pad = 1, 1, 1, 0

    def __init__(self, channels=4, filters=4, kernel=3):
        self.W = np.ones((filters, channels // self.groups, kernel, kernel))
        self.b, self.dW, self.db = np.zeros(filters), None, None

    def seen(self, xp, i, j):
        s, d, (h, w) = self.stride, self.dilation, self.size
        return np.s_[:, :, i * d : i * d + s * (h - 1) + 1 : s, j * d : j * d + s * (w - 1) + 1 : s]

    def parts(self, array, axis=1):
        return np.split(array, self.groups, axis=axis)

    def forward(self, x):
        k, p = self.W.shape[2], self.pad
        self.xp = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        self.size = [(size - self.dilation * (k - 1) - 1) // self.stride + 1 for size in self.xp.shape[2:]]
        out = np.zeros((len(x), len(self.W), *self.size))
        for i, j in np.ndindex(k, k):
            pieces = zip(self.parts(self.xp[self.seen(self.xp, i, j)]), self.parts(self.W, 0), strict=True)
            out += np.concatenate([np.einsum("nchw,fc->nfhw", x, w[:, :, i, j]) for x, w in pieces], axis=1)
        return out + self.b[:, None, None]

    def backward(self, dout):
        k, p = self.W.shape[2], self.pad
        self.dW, self.db, dxp = np.zeros_like(self.W), dout.sum(axis=(0, 2, 3)), np.zeros_like(self.xp)
        for i, j in np.ndindex(k, k):
            seen = self.seen(self.xp, i, j)
            of_w = [
                np.einsum("nchw,nfhw->fc", x, d)
                for x, d in zip(self.parts(self.xp[seen]), self.parts(dout), strict=True)
            ]
            self.dW[:, :, i, j] = np.concatenate(of_w)
            of_x = [
                np.einsum("nfhw,fc->nchw", d, w[:, :, i, j])
                for d, w in zip(self.parts(dout), self.parts(self.W, 0), strict=True)
            ]
            dxp[seen] += np.concatenate(of_x, axis=1)
        return dxp[:, :, p : dxp.shape[2] - p, p : dxp.shape[3] - p]


class Dilated(_Windows):
    dilation, pad = 2, 2


class Grouped(_Windows):
    groups, stride = 2, 2


class Depthwise(_Windows):
    groups, pad = 4, 1


class Transposed:
    """A transposed convolution of stride 2, kernel 3: its backward is a convolution."""

    def __init__(self, num_input_channels=2, num_output_channels=3):
        self.kernels = np.ones((num_input_channels, num_output_channels, 3, 3))
        self.params = [self.kernels]

    def places(self, inputs):
        for i, j in np.ndindex(3, 3):
            yield i, j, np.s_[:, :, i : i + 2 * inputs.shape[2] - 1 : 2, j : j + 2 * inputs.shape[3] - 1 : 2]

    def fprop(self, inputs):
        n, _, h, w = inputs.shape
        outputs = np.zeros((n, self.kernels.shape[1], 2 * h + 1, 2 * w + 1))
        for i, j, place in self.places(inputs):
            outputs[place] += np.einsum("nchw,cf->nfhw", inputs, self.kernels[:, :, i, j])
        return outputs

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        grads = np.zeros(inputs.shape)
        for i, j, place in self.places(inputs):
            grads += np.einsum("nfhw,cf->nchw", grads_wrt_outputs[place], self.kernels[:, :, i, j])
        return grads

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        grads = np.zeros(self.kernels.shape)
        for i, j, place in self.places(inputs):
            grads[:, :, i, j] = np.einsum("nchw,nfhw->cf", inputs, grads_wrt_outputs[place])
        return [grads]


class PadReflect:
    def fprop(self, inputs):
        assert inputs.ndim == 4
        return np.pad(inputs, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect")

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        g = grads_wrt_outputs.copy()
        g[:, :, 2] += g[:, :, 0]
        g[:, :, -3] += g[:, :, -1]
        g[..., 2] += g[..., 0]
        g[..., -3] += g[..., -1]
        return g[:, :, 1:-1, 1:-1]


class CropCentre:
    def forward(self, x):
        self.shape = x.shape
        return x[:, :, 1:-2, 2:-1]

    def backward(self, dout):
        dx = np.zeros(self.shape)
        dx[:, :, 1:-2, 2:-1] = dout
        return dx


class SpaceToDepth:
    def forward(self, x):
        self.shape = n, c, h, w = x.shape
        blocks = x[:, :, : h // 2 * 2, : w // 2 * 2].reshape(n, c, h // 2, 2, w // 2, 2)
        return blocks.transpose(0, 3, 5, 1, 2, 4).reshape(n, 4 * c, h // 2, w // 2)

    def backward(self, dout):
        n, c, h, w = self.shape
        blocks = dout.reshape(n, 2, 2, c, h // 2, w // 2).transpose(0, 3, 4, 1, 5, 2)
        dx = np.zeros(self.shape)
        dx[:, :, : h // 2 * 2, : w // 2 * 2] = blocks.reshape(n, c, h // 2 * 2, w // 2 * 2)
        return dx


# norms


class LayerNormOfMaps:
    def __init__(self, channels=3):
        self.gamma, self.beta = np.ones((channels, 1, 1)), np.zeros((channels, 1, 1))
        self.dgamma = self.dbeta = None

    def forward(self, x):
        axes = (1, 2, 3)
        self.std = np.sqrt(x.var(axis=axes, keepdims=True) + 1e-5)
        self.xhat = (x - x.mean(axis=axes, keepdims=True)) / self.std
        return self.gamma * self.xhat + self.beta

    def backward(self, dout):
        self.dgamma, self.dbeta = ((dout * each).sum((0, 2, 3))[:, None, None] for each in (self.xhat, 1.0))
        d, axes = dout * self.gamma, (1, 2, 3)
        d = d - d.mean(axes, keepdims=True) - self.xhat * (d * self.xhat).mean(axes, keepdims=True)
        return d / self.std


class RmsNorm:
    def __init__(self, num_features=5):
        self.params = [np.ones(num_features)]

    def fprop(self, inputs):
        self.rms = np.sqrt((inputs**2).mean(axis=-1, keepdims=True) + 1e-6)
        return self.params[0] * inputs / self.rms

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        d = grads_wrt_outputs * self.params[0]
        return (d - inputs / self.rms**2 * (d * inputs).mean(axis=-1, keepdims=True)) / self.rms

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        return [(grads_wrt_outputs * inputs / self.rms).sum(axis=0)]


class InstanceNormAffine:
    def __init__(self, num_channels=2):
        self.params = {"gamma": np.ones(num_channels), "beta": np.zeros(num_channels)}
        self.grads = {}

    def forward(self, x):
        self.std = np.sqrt(x.var(axis=(2, 3), keepdims=True) + 1e-5)
        self.xhat = (x - x.mean(axis=(2, 3), keepdims=True)) / self.std
        return self.params["gamma"][:, None, None] * self.xhat + self.params["beta"][:, None, None]

    def backward(self, dout):
        self.grads = {"gamma": (dout * self.xhat).sum((0, 2, 3)), "beta": dout.sum((0, 2, 3))}
        d = dout * self.params["gamma"][:, None, None]
        mean = d.mean((2, 3), keepdims=True)
        return (d - mean - self.xhat * (d * self.xhat).mean((2, 3), keepdims=True)) / self.std


def weightnorm_forward(x, w, gamma):
    norm = np.sqrt((w**2).sum(axis=0))
    return x @ (w / norm[None] * gamma[:4]), (x, w, gamma, norm)


def weightnorm_backward(dout, cache):
    x, w, gamma, norm = cache
    unit, dv = w / norm, x.T @ dout
    dgamma = np.zeros_like(gamma)
    dgamma[:4] = (dv * unit).sum(axis=0)
    dw = gamma[:4] / norm * (dv - unit * (dv * unit).sum(axis=0))
    return dout @ (unit * gamma[:4]).T, dw, dgamma


# vectors and sequences


class Embedding:
    """Looks rows up by rounded inputs, which have no gradient."""

    def __init__(self):
        self.W = np.ones((7, 3))
        self.dW = None

    def forward(self, x):
        assert x.ndim == 2
        self.index = np.abs(np.rint(np.nan_to_num(x))).astype(np.int64) % 7
        self.shape = x.shape
        return self.W[self.index]

    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        np.add.at(self.dW, self.index, dout)
        return np.zeros(self.shape)


class SelfAttention:
    """Scaled dot products over the steps of (N, T, D)."""

    def __init__(self, in_features=4):
        self.Wq, self.Wk, self.Wv = (np.eye(in_features) for _ in range(3))
        self.dWq = self.dWk = self.dWv = None

    def forward(self, x):
        n, t, d = x.shape
        self.x, self.q, self.k, self.v = x, x @ self.Wq, x @ self.Wk, x @ self.Wv
        s = self.q @ self.k.swapaxes(1, 2) / np.sqrt(d)
        e = np.exp(s - s.max(axis=2, keepdims=True))
        self.a = e / e.sum(axis=2, keepdims=True)
        return self.a @ self.v

    def backward(self, dout):
        da, dv = dout @ self.v.swapaxes(1, 2), self.a.swapaxes(1, 2) @ dout
        ds = self.a * (da - (da * self.a).sum(axis=2, keepdims=True)) / np.sqrt(self.x.shape[2])
        dq, dk = ds @ self.k, ds.swapaxes(1, 2) @ self.q
        self.dWq, self.dWk, self.dWv = (np.einsum("nti,nto->io", self.x, d) for d in (dq, dk, dv))
        return dq @ self.Wq.T + dk @ self.Wk.T + dv @ self.Wv.T


class FeatureAttention:
    """y = x softmax(x W)."""

    def __init__(self, input_dim=5):
        self.params = [np.eye(input_dim)]

    def weights(self, inputs):
        s = inputs @ self.params[0]
        e = np.exp(s - s.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def inner(self, inputs, g):
        a = self.weights(inputs)
        da = g * inputs
        return a * (da - (da * a).sum(axis=1, keepdims=True))

    def fprop(self, inputs):
        return inputs * self.weights(inputs)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        through = self.inner(inputs, grads_wrt_outputs) @ self.params[0].T
        return grads_wrt_outputs * self.weights(inputs) + through

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        return [inputs.T @ self.inner(inputs, grads_wrt_outputs)]


class ResidualBlock:
    def __init__(self, size=4):
        self.params, self.grads = [np.eye(size), np.eye(size)], [np.zeros((size, size))] * 2

    def forward(self, x):
        self.x, self.h = x, np.maximum(x @ self.params[0], 0)
        return x + self.h @ self.params[1]

    def backward(self, dout):
        dh = dout @ self.params[1].T * (self.h > 0)
        self.grads = [self.x.T @ dh, self.h.T @ dout]
        return dout + dh @ self.params[0].T


class RecurrentCell:
    """One step from a hidden state that it holds."""

    def __init__(self, input_dim=4, hidden=3):
        self.h = np.linspace(-1, 1, hidden)
        self.params = [np.ones((input_dim, hidden)), np.eye(hidden), np.zeros(hidden)]

    def fprop(self, inputs):
        return np.tanh(inputs @ self.params[0] + self.h @ self.params[1] + self.params[2])

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs * (1 - outputs**2) @ self.params[0].T

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        da = grads_wrt_outputs * (1 - self.fprop(inputs) ** 2)
        return [inputs.T @ da, np.outer(self.h, da.sum(axis=0)), da.sum(axis=0)]


def gru_step_forward(x, w, b):
    """A gate and a candidate from one product whose weights are shared; the state before is the input."""
    a = x @ np.concatenate([w, w[:, ::-1], w], axis=1) + b[0]
    z, c = 1 / (1 + np.exp(-a)), np.tanh(np.roll(a, 1, axis=1))
    return (1 - z) * x + z * c, (x, w, b, z, c)


def gru_step_backward(dout, cache):
    x, w, b, z, c = cache
    dz, dc = dout * (c - x) * z * (1 - z), dout * z * (1 - c**2)
    da = dz + np.roll(dc, -1, axis=1)
    wide = np.concatenate([w, w[:, ::-1], w], axis=1)
    dwide = x.T @ da
    dw = dwide[:, :4] + dwide[:, 4:8][:, ::-1] + dwide[:, 8:]
    db = np.zeros_like(b)
    db[0] = da.sum()
    return dout * (1 - z) + da @ wide.T, dw, db


class MaxoutAffine:
    """The larger of three affine pieces."""

    def __init__(self, n_in=4, n_out=3):
        self.W, self.b = np.ones((3, n_in, n_out)), np.zeros((3, n_out))
        self.dW = self.db = None

    def forward(self, x):
        self.x, pieces = x, np.einsum("ni,kio->kno", x, self.W) + self.b[:, None]
        self.mine = np.arange(3)[:, None, None] == pieces.argmax(axis=0)
        return pieces.max(axis=0)

    def backward(self, dout):
        d = self.mine * dout
        self.dW, self.db = np.einsum("ni,kno->kio", self.x, d), d.sum(axis=1)
        return np.einsum("kno,kio->ni", d, self.W)


class PReLUPerMap:
    def __init__(self, num_input_channels=2):
        self.params = [np.full(num_input_channels, 0.25)]

    def fprop(self, inputs):
        return np.where(inputs > 0, inputs, self.params[0][:, None, None] * inputs)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs * np.where(inputs > 0, 1, self.params[0][:, None, None])

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        return [(grads_wrt_outputs * np.minimum(inputs, 0)).sum(axis=(0, 2, 3))]


class RadialBasis:
    """Centres and widths that are learnt."""

    def __init__(self, input_dim=3, output_dim=4):
        self.params = [np.zeros((output_dim, input_dim)), np.ones(output_dim)]

    def fprop(self, inputs):
        away = inputs[:, None] - self.params[0]
        return np.exp(-0.5 * self.params[1] ** 2 * (away**2).sum(axis=2))

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        away, g = inputs[:, None] - self.params[0], grads_wrt_outputs * outputs * self.params[1] ** 2
        return -(g[..., None] * away).sum(axis=1)

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        away, g = inputs[:, None] - self.params[0], grads_wrt_outputs * self.fprop(inputs)
        of_centres = ((g * self.params[1] ** 2)[..., None] * away).sum(axis=0)
        return [of_centres, -(g * self.params[1] * (away**2).sum(axis=2)).sum(axis=0)]


class SoftmaxOfTemperature:
    def __init__(self, temperature=2.5):
        self.temperature = temperature

    def forward(self, x):
        z = x / self.temperature
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        self.y = e / e.sum(axis=-1, keepdims=True)
        return self.y

    def backward(self, dout):
        return self.y * (dout - (dout * self.y).sum(axis=-1, keepdims=True)) / self.temperature


# by design otherwise in evaluation


class TemperatureInEvaluation:
    """Sharper in evaluation."""

    def forward(self, x, training=True):
        t = 1.0 if training else 0.5
        e = np.exp((x - x.max(axis=-1, keepdims=True)) / t)
        self.y = e / e.sum(axis=-1, keepdims=True)
        return self.y

    def backward(self, dout):
        return self.y * (dout - (dout * self.y).sum(axis=-1, keepdims=True))


class DropConnectByScaling:
    """Weights are scaled in evaluation."""

    def __init__(self, input_dim=4, output_dim=3, keep=0.8):
        self.params, self.keep = [np.ones((input_dim, output_dim))], keep

    def fprop(self, inputs, stochastic=True):
        return inputs @ self.params[0] * (1 if stochastic else self.keep)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs @ self.params[0].T

    def grads_wrt_params(self, inputs, grads_wrt_outputs):
        return [inputs.T @ grads_wrt_outputs]


class DepthExpectation:
    """The branch counts with its survival probability in evaluation alone."""

    def fprop(self, inputs, stochastic=True):
        return inputs + (1 if stochastic else 0.7) * np.sin(inputs)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs * (1 + np.cos(inputs))


class DropConnectThenTanh:
    """What is drawn goes through a curve: evaluation can only be about its mean."""

    def __init__(self):
        self.W, self.dW = np.full((6, 3), 0.1), None

    def forward(self, x, training=True):
        self.mask = 2 * (np.random.rand(*self.W.shape) < 0.5) if training else 1
        self.x, self.y = x, np.tanh(x @ (self.W * self.mask))
        return self.y

    def backward(self, dout):
        d = dout * (1 - self.y**2)
        self.dW = self.x.T @ d * self.mask
        return d @ (self.W * self.mask).T


# losses


def masked_mse_loss(x, y, mask):
    kept = mask[..., None]
    count = mask.sum() * x.shape[-1]
    return (kept * (x - y) ** 2).sum() / count, 2 * kept * (x - y) / count


def masked_softmax_loss(x, y, mask):
    """The mean over what is not masked."""
    z = x - x.max(axis=-1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    onehot = np.eye(x.shape[-1])[y]
    each = -(onehot * np.log(p)).sum(axis=-1)
    return (mask * each).sum() / mask.sum(), mask[..., None] * (p - onehot) / mask.sum()


class SumOfCrossEntropies:
    """Softmax cross-entropy with reduction "sum"."""

    def __call__(self, outputs, targets):
        z = outputs - outputs.max(axis=1, keepdims=True)
        return -(targets * (z - np.log(np.exp(z).sum(axis=1, keepdims=True)))).sum()

    def grad(self, outputs, targets):
        e = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True) - targets


class LabelSmoothingCrossEntropy:
    def forward(self, x, t):
        n, k = x.shape
        z = x - x.max(axis=1, keepdims=True)
        self.p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        self.q = 0.9 * np.eye(k)[t] + 0.1 / k
        return -(self.q * np.log(self.p)).sum() / n

    def backward(self, dout=1.0):
        return dout * (self.p - self.q) / len(self.p)


def bce_with_logits_loss(x, y):
    """Stable, over one score for each example."""
    each = np.maximum(x, 0) - x * y + np.log1p(np.exp(-np.abs(x)))
    return each.mean(), (1 / (1 + np.exp(-x)) - y) / x.size


def squared_hinge_loss(x, y):
    gap = np.maximum(0, 1 - y * x)
    return (gap**2).mean(), -2 * y * gap / x.size


class LogCoshError:
    def __call__(self, outputs, targets):
        return np.log(np.cosh(np.clip(outputs - targets, -300, 300))).sum() / len(outputs)

    def grad(self, outputs, targets):
        return np.tanh(outputs - targets) / len(outputs)


# rules


class SGDWithDecay:
    """Weight decay added to the gradient, before the momentum."""

    def __init__(self, params, lr=0.05, momentum=0.9, weight_decay=0.1, nesterov=False):
        self.params, self.lr, self.momentum, self.weight_decay = list(params), lr, momentum, weight_decay
        self.nesterov, self.v = nesterov, [np.zeros_like(p.data) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            g = p.grad + self.weight_decay * p.data
            self.v[i] = self.momentum * self.v[i] + g
            p.data -= self.lr * (g + self.momentum * self.v[i] if self.nesterov else self.v[i])


class SGDNesterov(SGDWithDecay):
    def __init__(self, params):
        super().__init__(params, weight_decay=0.0, nesterov=True)


class AMSGrad:
    def __init__(self, lr=0.01, beta1=0.9, beta2=0.99, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps, self.t, self.state = lr, beta1, beta2, eps, 0, {}

    def update(self, params, grads):
        self.t += 1
        for key, g in grads.items():
            m, v, most = self.state.setdefault(key, [np.zeros_like(g) for _ in range(3)])
            m[...] = self.beta1 * m + (1 - self.beta1) * g
            v[...] = self.beta2 * v + (1 - self.beta2) * g**2
            most[...] = np.maximum(most, v)
            root = np.sqrt(most / (1 - self.beta2**self.t)) + self.eps
            params[key] -= self.lr * m / (1 - self.beta1**self.t) / root


def adam_warm_up(w, dw, config):
    """The rate rises over the first four steps."""
    config = config or {"learning_rate": 0.01, "warmup_steps": 4, "t": 0, "m": 0.0, "v": 0.0}
    t = config["t"] = config["t"] + 1
    m = config["m"] = 0.9 * config["m"] + 0.1 * dw
    v = config["v"] = 0.999 * config["v"] + 0.001 * dw**2
    rate = config["learning_rate"] * min(1.0, t / config["warmup_steps"])
    return w - rate * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), config


class AveragingMomentum:
    """The velocity is a moving average of gradients."""

    def __init__(self, lr=0.1, beta=0.9):
        self.lr, self.beta, self.v = lr, beta, None

    def update(self, params, grads):
        self.v = self.v or {key: 0.0 for key in params}
        for key in params:
            self.v[key] = self.beta * self.v[key] + (1 - self.beta) * grads[key]
            params[key] -= self.lr * self.v[key]


class AdamWithL2:
    def __init__(self, learning_rate=1e-2, weight_decay=0.05):
        self.learning_rate, self.weight_decay, self.t = learning_rate, weight_decay, 0

    def initialise(self, params):
        self.params, self.m, self.v = params, [0.0 for _ in params], [0.0 for _ in params]

    def update_params(self, grads_wrt_params):
        self.t += 1
        for i, (param, grad) in enumerate(zip(self.params, grads_wrt_params, strict=True)):
            g = grad + self.weight_decay * param
            self.m[i] = 0.9 * self.m[i] + 0.1 * g
            self.v[i] = 0.999 * self.v[i] + 0.001 * g * g
            root = np.sqrt(self.v[i] / (1 - 0.999**self.t)) + 1e-8
            param -= self.learning_rate * self.m[i] / (1 - 0.9**self.t) / root
