"""A network's model card: where its weights come from, and what they reached, as one flat table."""

import json
from typing import Any

from assay.findings.trained import Trained
from assay.store.readout import Readout

INPUT = "pixels divided by 255, light on black, (N, {shape})"


def card(results: Readout, trained: Trained) -> dict[str, Any]:
    """Return the model card of a trained network: names to text, numbers or lists.

    ``input`` says what the network takes and ``classes`` names its outputs in order. Accuracies are shares.
    The softmax of scores divided by ``temperature`` gives probabilities, whose expected calibration error on
    the test set is ``calibration_error``, a share; both are None where they were not measured.
    """
    run, header = trained.run, results.header
    return {
        "study": results.study.name,
        "question": results.study.question,
        "arm": run.arm,
        "seed": run.seed,
        "input": INPUT.format(shape=", ".join(map(str, trained.network.input_shape))),
        "output": f"class scores (N, {len(header.classes)}), not normalised",
        "classes": list(header.classes),
        "data": results.study.data.source,
        "synthetic_data": header.synthetic,
        "best_epoch": run.best_epoch,
        "valid_accuracy": run.valid_best,
        "test_accuracy": run.test_accuracy,
        "temperature": run.temperature,
        "calibration_error": run.calibration_error,
        "parameters": run.parameters,
        "flops": run.flops,
        "precision": trained.dtype,
        "engine": run.engine,
        "assay": header.versions.get("assay", ""),
        "study_digest": header.digest,
        "data_digest": header.data_digest,
    }


def as_text(values: dict[str, Any]) -> dict[str, str]:
    """Return a card for a format whose metadata is text: whatever is not text is written as JSON."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
