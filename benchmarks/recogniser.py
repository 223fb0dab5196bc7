"""Make the recogniser that comes with assay from a results folder of the study `best`.

    assay run best --data idx:DIR --workers 1 --out FOLDER
    python benchmarks/recogniser.py FOLDER

Of the finished runs the one with the best validation accuracy is taken. Its weights are rounded to 16 bits;
with these the temperature is fitted on the validation set, and accuracy, calibration and confusion are
measured on the test set. Weights and card are written into the package.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from assay.data import Dataset, load
from assay.engines.base import EVALUATION_BATCH, State
from assay.engines.choice import engine
from assay.findings.trained import image_shape, trained
from assay.results import Results
from assay.stats.calibration import calibration_error, fit_temperature

HERE = Path(__file__).parents[1] / "src" / "assay" / "reading"
CONFUSED = 12
"""How many confusions the card names."""


def main(folder: str) -> None:
    """Write weights and card."""
    with Results.open(folder) as results:
        done = [run for run in results.runs if run.test is not None]
        best = max(done, key=lambda run: run.valid_best or 0)
        data = load(results.study.data)
        found = trained(results, best, image_shape(results))
        half = {name: value.astype(np.float16) for name, value in found.weights.items()}
        scores = {
            part: _scores(found.network, half, results, getattr(data, part)) for part in ("valid", "test")
        }
        temperature = fit_temperature(scores["valid"], data.valid.labels)
        card = {
            "name": "assay's recogniser",
            "temperature": temperature,
            "layers": _layers(results),
            "classes": list(data.classes),
            **_data(data),
            "recipe": results.study.to_tables()["training"]
            | {"optimizer": results.study.to_tables()["optimizer"]},
            "study": results.study.name,
            "seeds_finished": [run.seed for run in done],
            "seeds_declared": len(results.study.seeds),
            "seed": best.seed,
            "valid_accuracy": best.valid_best,
            "test_accuracy_in_32_bits": best.test_accuracy,
            **_measured(scores["test"], data, temperature),
            "limits": LIMITS,
        }
    np.savez(HERE / "recogniser.npz", **half)
    (HERE / "recogniser.json").write_text(json.dumps(card, indent=1) + "\n", "utf-8")
    print(
        json.dumps({key: value for key, value in card.items() if key not in ("layers", "classes")}, indent=1)
    )


LIMITS = [
    "47 classes: digits, capitals, and the eleven small letters unlike their capitals; no other signs",
    "letters and digits that look alike, such as O and 0, or I, 1 and l, are told apart by habit alone",
    "writers of the United States: a barred 7, a 1 with a long upstroke and the like are read worse",
    "characters that touch each other are not divided",
]


def _scores(network: Any, weights: dict[str, Any], results: Results, split: Any) -> np.ndarray:
    """Return the scores of weights of 16 bits, as the compiled engine computes them."""
    recipe = results.study.arms[0].settings.recipe
    full = {name: value.astype(np.float32) for name, value in weights.items()}
    parameters = {name: full[name] for name in network.parameters}
    buffers = {name: full[name] for name in network.initial_buffers()}
    slots = {name: recipe.optimizer.slots(value) for name, value in parameters.items()}
    session = engine("numba", network, recipe).session(
        network, recipe, [0], [State(parameters, slots, 0, buffers)]
    )
    starts = range(0, len(split), EVALUATION_BATCH)
    return np.concatenate([session.scores(split.images[at : at + EVALUATION_BATCH])[0] for at in starts])


def _layers(results: Results) -> list[dict[str, Any]]:
    layers = [dict(layer) for layer in results.study.to_tables()["network"]["layers"]]
    for layer in layers:
        layer.pop("weight_init", None)
    layers[-1]["out_features"] = len(results.header.classes)
    return layers


def _data(data: Dataset) -> dict[str, Any]:
    parts = {part: len(getattr(data, part)) for part in ("train", "valid", "test")}
    return {
        "data": "EMNIST ByMerge's test file (Cohen et al. 2017), divided at random; NIST Special Database 19",
        "examples": parts,
        "data_sha256": data.digest,
    }


def _measured(scores: np.ndarray, data: Dataset, temperature: float | None) -> dict[str, Any]:
    from scipy.stats import binomtest

    labels, predicted = data.test.labels, scores.argmax(axis=1)
    right = int((predicted == labels).sum())
    interval = binomtest(right, len(labels)).proportion_ci(method="exact")
    wrong = np.zeros((len(data.classes),) * 2, int)
    np.add.at(wrong, (labels, predicted), predicted != labels)
    worst = np.argsort(-wrong, axis=None, kind="stable")[:CONFUSED]
    pairs = [np.unravel_index(place, wrong.shape) for place in worst]
    return {
        "test_accuracy": right / len(labels),
        "test_accuracy_interval_95": [interval.low, interval.high],
        "calibration_error": calibration_error(scores, labels, temperature or 1.0),
        "calibration_error_without_temperature": calibration_error(scores, labels),
        "confused": [
            {
                "written": data.classes[a],
                "read": data.classes[b],
                "share": float(wrong[a, b] / (labels == a).sum()),
                "images": int(wrong[a, b]),
            }
            for a, b in pairs
        ],
    }


if __name__ == "__main__":
    main(sys.argv[1])
