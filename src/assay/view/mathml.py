"""The formulas of layers' docstrings, word for word, and as MathML."""

import re
from html import escape

FORMULAS: dict[str, tuple[str, ...]] = {
    "Conv2d": (
        "y[n, o, r, s] = b[o] + sum over c, i, j of W[o, c, i, j] "
        "x[n, c, r stride + i dilation - padding, ...]",
        "dL/dW[o, c, i, j] = sum over n, r, s of dy[n, o, r, s] "
        "x[n, c, r stride + i dilation - padding, ...]",
        "dL/db[o] = sum over n, r, s of dy[n, o, r, s]",
    ),
    "MaxPool2d": (
        "y[n, c, r, s] = the maximum of x[n, c] over the window at (r stride - padding, s stride - padding)",
    ),
    "Linear": ("y = x W^T + b", "dL/dx = dy W", "dL/dW = dy^T x", "dL/db = sum over N of dy"),
    "ReLU": ("y = max(x, 0)", "dL/dx = dy where x > 0, else 0"),
    "softmax_cross_entropy": (
        "L = -(1/N) sum over n of log p[n, label n]",
        "dL/dscores = (p - onehot(labels)) / N",
    ),
}
"""By the name of the layer or function; a test holds each to its docstring."""

TOKEN = re.compile(
    r"dL/d(?P<by>\w+)|sum over (?P<over>.+?) of |(?P<name>[A-Za-z]+)|(?P<number>\d+)|(?P<rest>\S)"
)


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
            inner, tokens = _row(tokens, "]") if token[0] == "[" else (_one(tokens[0]), tokens[1:])
            kind = "msub" if token[0] == "[" else "msup"
            parts.append(f"<{kind}><mrow>{parts.pop()}</mrow><mrow>{inner}</mrow></{kind}>")
        else:
            if parts and _factor(token) and parts[-1].endswith(("</mi>", "</mn>", "</msub>", "</msup>")):
                parts.append('<mspace width=".3em"/>')
            parts.append(_one(token))
    return "".join(parts), tokens


def _factor(token: re.Match[str]) -> bool:
    return bool(token["name"] or token["number"] or token["over"])


def _one(token: re.Match[str]) -> str:
    if token["by"]:
        return f"<mfrac><mi>dL</mi><mi>d{token['by']}</mi></mfrac>"
    if token["over"]:
        over, _ = _row([*TOKEN.finditer(token["over"])], "")
        return f"<munder><mo>∑</mo><mrow>{over}</mrow></munder>"
    if token["name"]:
        return f"<mi>{token['name']}</mi>"
    if token["number"]:
        return f"<mn>{token['number']}</mn>"
    return f"<mo>{escape(token['rest'])}</mo>".replace("-", "−")
