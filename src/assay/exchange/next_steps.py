"""How what was exported is looked at, or used, in the tool that it is for."""

from collections.abc import Sequence
from shlex import quote
from string import Template

STEPS = {
    "onnx": 'onnxruntime.InferenceSession("$place")',
    "torch": 'python -i $quoted, then load("$last")',
    "safetensors": 'safetensors.numpy.load_file("$place")',
    "tensorboard": "tensorboard --logdir $quoted",
    "mlflow": "mlflow ui --backend-store-uri $quoted",
    "csv": 'pandas.read_csv("$place")',
    "json": 'pandas.read_json("$place")',
    "parquet": 'pandas.read_parquet("$place")',
}
"""What is run next, by the format; ``$place`` is the first thing written, ``$last`` the last one."""


def next_step(to: str, written: Sequence[str]) -> str:
    """Return what to run after an export to the format ``to`` that has ``written`` these paths or addresses.

    A tracking address on the web needs no server of one's own: it is opened in a browser.
    """
    place = written[0]
    if to == "mlflow" and place.startswith(("http://", "https://")):
        return place
    return Template(STEPS[to]).substitute(place=place, quoted=quote(place), last=written[-1])
