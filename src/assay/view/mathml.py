"""The formulas of layers' docstrings, word for word, and as MathML."""

import re
from html import escape

FORMULAS: dict[str, tuple[str, ...]] = {
    "Conv2d": (
        "y[n, o, r, s] = b[o] + sum over c, i, j of W[o, c, i, j] "
        "x[n, c, r stride + i dilation - padding, ...]",
        "dL/dW[o, c, i, j] = sum over n, r, s of dy[n, o, r, s] "
        "x[n, c, r stride + i dilation - padding, ...]",
        "dL/dx[n, c, u, v] = sum over o, i, j, r, s that met x[n, c, u, v] of dy[n, o, r, s] W[o, c, i, j]",
        "dL/db[o] = sum over n, r, s of dy[n, o, r, s]",
    ),
    "AvgPool2d": (
        "y[n, c, r, s] = the mean of x[n, c] over the window at (r stride - padding, s stride - padding)",
    ),
    "BatchNorm": (
        "y = weight x^ + bias with x^ = (x - mean) / sqrt(var + eps)",
        "dL/dx = weight dy / sqrt(var + eps)",
        "dL/dweight = sum(dy x^)",
        "dL/dbias = sum dy",
    ),
    "MaxPool2d": (
        "y[n, c, r, s] = the maximum of x[n, c] over the window at (r stride - padding, s stride - padding)",
    ),
    "Linear": ("y = x W^T + b", "dL/dx = dy W", "dL/dW = dy^T x", "dL/db = sum over N of dy"),
    "AdaptiveAvgPool2d": ("y = A x B^T", "dL/dx = A^T dy B"),
    "Residual": ("y = F(x) + S(x)",),
    "Dropout": ("y = x m / (1 - p)", "dL/dx = dy m / (1 - p)"),
    "Activation": ("y = f(x)", "dL/dx = dy f'(x)"),
    "LeakyReLU": ("f(x) = x where x > 0, else a x", "f' = 1 or a"),
    "ELU": ("f(x) = x where x > 0, else a (e^x - 1)", "f' = 1 or a e^x"),
    "SELU": ("f(x) = s ELU(x)",),
    "Sigmoid": ("f(x) = 1 / (1 + e^-x)", "f' = f (1 - f)"),
    "Tanh": ("f(x) = tanh x", "f' = 1 - f^2"),
    "Softplus": ("f(x) = log(1 + e^x)", "f' = sigmoid(x)"),
    "GELU": ("f(x) = x P(x)", "f' = P(x) + x p(x)"),
    "ReLU": ("y = max(x, 0)", "dL/dx = dy where x > 0, else 0"),
    "softmax_cross_entropy": (
        "p[n, k] = exp(scores[n, k]) / sum over j of exp(scores[n, j])",
        "L = -(1/N) sum over n of log p[n, label n]",
        "dL/dscores = (p - onehot(labels)) / N",
    ),
}
"""The formulas by the name of the layer or function; a test holds each to its docstring."""

TOKEN = re.compile(
    r"dL/d(?P<by>\w+)|sum over (?P<over>.+?) of |(?P<hat>[A-Za-z]+)\^(?![\w-])|(?P<name>[A-Za-z]+)"
    r"|(?P<number>\d+)|(?P<rest>\S)"
)
SIGNS = str.maketrans({"-": "−", "'": "′"})
ENDS = ("</mi>", "</mn>", "</msub>", "</msup>", "</mover>", "</mrow>")
"""What a factor may stand behind."""


def mathml(formula: str) -> str:
    """Return a docstring's formula as a ``math`` element."""
    tokens = [*TOKEN.finditer(formula)]
    body, rest = _row(tokens, "")
    assert not rest
    return f'<math display="block">{body}</math>'


def _row(tokens: list[re.Match[str]], closing: str) -> tuple[str, list[re.Match[str]]]:
    """Return the MathML up to the ``closing`` bracket, and the tokens behind it."""
    parts: list[str] = []
    while tokens:
        token, *tokens = tokens
        if token[0] == closing:
            break
        if token[0] in ("[", "^") and parts:
            inner, tokens = _row(tokens, "]") if token[0] == "[" else _exponent(tokens)
            kind = "msub" if token[0] == "[" else "msup"
            parts.append(f"<{kind}><mrow>{parts.pop()}</mrow><mrow>{inner}</mrow></{kind}>")
        elif token[0] == "(":
            inner, tokens = _row(tokens, ")")
            root = bool(parts) and parts[-1] == "<mi>sqrt</mi>"
            parts[len(parts) - root :] = [f"<msqrt>{inner}</msqrt>" if root else _bracketed(inner)]
        else:
            if parts and _factor(token) and parts[-1].endswith(ENDS):
                parts.append('<mspace width=".3em"/>')
            parts.append(_one(token))
    return "".join(parts), tokens


def _exponent(tokens: list[re.Match[str]]) -> tuple[str, list[re.Match[str]]]:
    """Return one token, with its sign."""
    count = 1 + (tokens[0][0] == "-")
    return "".join(map(_one, tokens[:count])), tokens[count:]


def _bracketed(inner: str) -> str:
    return f"<mrow><mo>(</mo>{inner}<mo>)</mo></mrow>"


def _factor(token: re.Match[str]) -> bool:
    return bool(token["name"] or token["number"] or token["over"] or token["hat"])


def _one(token: re.Match[str]) -> str:
    if token["by"]:
        return f"<mfrac><mi>dL</mi><mi>d{token['by']}</mi></mfrac>"
    if token["over"]:
        over, _ = _row([*TOKEN.finditer(token["over"])], "")
        return f"<munder><mo>∑</mo><mrow>{over}</mrow></munder>"
    if token["hat"]:
        return f'<mover accent="true"><mi>{token["hat"]}</mi><mo>^</mo></mover>'
    if token["name"]:
        return f"<mi>{token['name']}</mi>"
    if token["number"]:
        return f"<mn>{token['number']}</mn>"
    return f"<mo>{escape(token['rest'].translate(SIGNS))}</mo>"
