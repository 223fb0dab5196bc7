"""Right: layers with forward and backward that keep dW and db, a loss of that style, and rules with update."""

import numpy as np


class Affine:
    def __init__(self, W=None, b=None):
        self.W = np.random.randn(6, 4) if W is None else W
        self.b = np.zeros(4) if b is None else b

    def forward(self, x):
        self.x_shape = x.shape
        self.x = x.reshape(len(x), -1)
        return self.x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return (dout @ self.W.T).reshape(self.x_shape)


class Relu:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout = dout.copy()
        dout[self.mask] = 0
        return dout


class Convolution:
    def __init__(self, stride=1, pad=1):
        self.W, self.b = np.zeros((3, 2, 3, 3)), np.zeros(3)
        self.stride, self.pad = stride, pad
        self.dW = self.db = None

    def forward(self, x):
        self.x = np.pad(x, ((0, 0), (0, 0), (self.pad, self.pad), (self.pad, self.pad)))
        rows = (self.x.shape[2] - 3) // self.stride + 1
        columns = (self.x.shape[3] - 3) // self.stride + 1
        out = np.zeros((len(x), 3, rows, columns))
        for r in range(rows):
            for c in range(columns):
                out[:, :, r, c] = np.tensordot(self.seen(r, c), self.W, ((1, 2, 3), (1, 2, 3)))
        return out + self.b[:, None, None]

    def seen(self, r, c):
        top, left = r * self.stride, c * self.stride
        return self.x[:, :, top : top + 3, left : left + 3]

    def backward(self, dout):
        self.dW, self.db = np.zeros_like(self.W), dout.sum(axis=(0, 2, 3))
        dx = np.zeros_like(self.x)
        for r in range(dout.shape[2]):
            for c in range(dout.shape[3]):
                top, left = r * self.stride, c * self.stride
                self.dW += np.einsum("nk,nchw->kchw", dout[:, :, r, c], self.seen(r, c))
                dx[:, :, top : top + 3, left : left + 3] += np.tensordot(dout[:, :, r, c], self.W, (1, 0))
        rows, columns = self.x.shape[2] - self.pad, self.x.shape[3] - self.pad
        return dx[:, :, self.pad : rows, self.pad : columns]


class AveragePooling:
    def forward(self, x):
        self.shape = n, c, h, w = x.shape
        return x[:, :, : h // 2 * 2, : w // 2 * 2].reshape(n, c, h // 2, 2, w // 2, 2).mean(axis=(3, 5))

    def backward(self, dout):
        dx = np.zeros(self.shape)
        spread = dout.repeat(2, axis=2).repeat(2, axis=3) / 4
        dx[:, :, : spread.shape[2], : spread.shape[3]] = spread
        return dx


class BatchNormalization:
    def __init__(self):
        self.gamma, self.beta = np.ones(5), np.zeros(5)
        self.dgamma = self.dbeta = self.running_mean = None

    def forward(self, x, train_flg=True):
        if self.running_mean is None:
            self.running_mean, self.running_var = np.zeros(x.shape[1]), np.zeros(x.shape[1])
        if not train_flg:
            xn = (x - self.running_mean) / np.sqrt(self.running_var + 1e-7)
            return self.gamma * xn + self.beta
        mu = x.mean(axis=0)
        self.xc = x - mu
        var = (self.xc**2).mean(axis=0)
        self.running_mean = 0.9 * self.running_mean + 0.1 * mu
        self.running_var = 0.9 * self.running_var + (1 - 0.9) * var
        self.std = np.sqrt(var + 1e-7)
        self.xn = self.xc / self.std
        return self.gamma * self.xn + self.beta

    def backward(self, dout):
        self.dbeta = dout.sum(axis=0)
        self.dgamma = (self.xn * dout).sum(axis=0)
        dxn = self.gamma * dout
        dxc = dxn / self.std
        dstd = -((dxn * self.xc) / (self.std * self.std)).sum(axis=0)
        dvar = 0.5 * dstd / self.std
        dxc += (2.0 / len(dout)) * self.xc * dvar
        dmu = dxc.sum(axis=0)
        return dxc - dmu / len(dout)


class Dropout:
    def __init__(self, dropout_ratio=0.5):
        self.dropout_ratio = dropout_ratio

    def forward(self, x, train_flg=True):
        if train_flg:
            self.mask = np.random.rand(*x.shape) > self.dropout_ratio
            return x * self.mask
        return x * (1.0 - self.dropout_ratio)

    def backward(self, dout):
        return dout * self.mask


class MatMul:
    """Parameters and gradients in lists."""

    def __init__(self):
        self.params = [np.zeros((6, 3))]
        self.grads = [np.zeros((6, 3))]

    def forward(self, x):
        self.x = x
        return x @ self.params[0]

    def backward(self, dout):
        self.grads[0][...] = self.x.T @ dout
        return dout @ self.params[0].T


class Gated:
    """Parameters and gradients in dictionaries; y = x tanh(x w)."""

    def __init__(self):
        self.params = {"w": np.ones(5)}
        self.grads = {}

    def forward(self, x):
        self.x, self.gate = x, np.tanh(x * self.params["w"])
        return x * self.gate

    def backward(self, dout):
        inner = dout * self.x * (1 - self.gate**2)
        self.grads["w"] = (inner * self.x).sum(axis=0)
        return dout * self.gate + inner * self.params["w"]


class SoftmaxWithLoss:
    def forward(self, x, t):
        self.t = t
        self.y = np.exp(x - x.max(axis=1, keepdims=True))
        self.y /= self.y.sum(axis=1, keepdims=True)
        return -np.log(self.y[np.arange(len(t)), t] + 1e-7).mean()

    def backward(self, dout=1):
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return dout * dx / len(self.t)


class SGD:
    def __init__(self, lr=0.01):
        self.lr = lr

    def update(self, params, grads):
        for key in params:
            params[key] -= self.lr * grads[key]


class Nesterov:
    def __init__(self, lr=0.01, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, None

    def update(self, params, grads):
        if self.v is None:
            self.v = {key: np.zeros_like(value) for key, value in params.items()}
        for key in params:
            params[key] += self.momentum * self.momentum * self.v[key]
            params[key] -= (1 + self.momentum) * self.lr * grads[key]
            self.v[key] = self.momentum * self.v[key] - self.lr * grads[key]


class AdaGrad:
    def __init__(self, lr=0.01):
        self.lr, self.h = lr, None

    def update(self, params, grads):
        if self.h is None:
            self.h = {key: np.zeros_like(value) for key, value in params.items()}
        for key in params:
            self.h[key] += grads[key] * grads[key]
            params[key] -= self.lr * grads[key] / (np.sqrt(self.h[key]) + 1e-7)


class Adam:
    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999):
        self.lr, self.beta1, self.beta2, self.iter, self.m = lr, beta1, beta2, 0, None

    def update(self, params, grads):
        if self.m is None:
            self.m = {key: np.zeros_like(value) for key, value in params.items()}
            self.v = {key: np.zeros_like(value) for key, value in params.items()}
        self.iter += 1
        first, second = 1.0 - self.beta1**self.iter, 1.0 - self.beta2**self.iter
        lr_t = self.lr * np.sqrt(second) / first
        for key in params:
            self.m[key] += (1 - self.beta1) * (grads[key] - self.m[key])
            self.v[key] += (1 - self.beta2) * (grads[key] ** 2 - self.v[key])
            params[key] -= lr_t * self.m[key] / (np.sqrt(self.v[key]) + 1e-7)
