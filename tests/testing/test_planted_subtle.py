"""Mistakes that only ties, sizes, modes, magnitudes or a second batch show: each is found and named."""

import re

import pytest
from planted_layers import PLANTED

from assay.testing.check import check
from assay.testing.check_text import lines

SUBTLE = {
    "TiesInMaxOut": "ties",
    "TiesLost": "ties",
    "OddSizes": "an input of 1 x 5 x 7",
    "BatchOfOne": "with one example",
    "EvaluationScale": "on average training gives 1.2",
    "EvaluationForgetsBias": r"evaluation: params\[1\] has no effect",
    "OffByEps": "dL/dx",
    "EpsInBackwardOnly": "with zeros|inputs of 1e-8",
    "BeyondTwoWindows": "dL/dx",
    "LosesToSingle": "dL/dx",
    "LosesToHalf": "dL/dx",
    "WrongAxisOfBias": "dL/db",
    "MaskOffByOne": "dL/dx",
    "NegativeSide": "dL/dx",
    "SaturatesEarly": "inputs of 10",
    "ClipsGradients": "dL/dx",
    "ClipsLargeGradients": "an upstream gradient of 1e3",
    "StaleCache": "dL/dw of a second batch is wrong",
    "SharedGradient": "dL/dw",
    "ContiguousOnly": "a transposed array",
    "UpdatesInEvaluation": "depends on a first that was only evaluated",
    "ReflectedBorder": "at the border",
    "ChannelsExchanged": "dL/dx",
    "EvaluationOfBatch": "depends on the others of its batch",
    "log_loss": "scores of 5",
    "smoothed_softmax_loss": "dL/dx",
    "adamw": "that is Adam with L2",
    "adam_one_step": "at step 2",
    "LateMomentum": "at step 2",
    "SharedMomentum": "velocity is forgotten",
}
SUBTLER = {
    "PadsUnevenly": "shifted|dL/dx",
    "DilationForgotten": "dL/dx",
    "RowsForColumns": "times what it should be",
    "TransposedFlatten": "dL/dx",
    "VarianceOfSample": "dL/dx",
    "MaskOfEvaluation": "on average training gives",
    "OneMaskForAll": "dL/dx",
    "MomentumForgets": "not updated by every batch",
    "MeanOverMaps": "normalises other units",
    "EpsForgottenInEvaluation": "adds [0-9e-]+ to the variance, training 0.1",
    "ScaledByBatch": "a mean over the batch of 3",
    "LastExample": "dL/dx",
    "IntegersOnly": "dL/dx",
    "ThirdChannel": "dL/dx",
    "AbsoluteGradient": "dL/dx",
    "ZeroUpstream": "an upstream gradient of zero",
    "GeluMixed": "dL/dx",
    "DetachedMax": "dL/dx",
    "RecurrentForgets": "dL/d(x|W)",
    "weighted_softmax_loss": "0.6 times",
    "NesterovLate": "at step 1",
    "rmsprop_eps": "at step 1",
    "AdamOfTwo": "at step 1",
}

SMALL = {
    **dict.fromkeys(["OddSizes", "RowsForColumns", "TransposedFlatten", "MeanOverMaps"], (1, 4, 6)),
    **dict.fromkeys(
        """
        TiesInMaxOut TiesLost BatchOfOne EvaluationScale EpsInBackwardOnly BeyondTwoWindows LosesToSingle LosesToHalf
        MaskOffByOne NegativeSide SaturatesEarly ClipsGradients ClipsLargeGradients ContiguousOnly ChannelsExchanged
        MaskOfEvaluation OneMaskForAll ScaledByBatch LastExample IntegersOnly AbsoluteGradient ZeroUpstream GeluMixed
        DetachedMax
        """.split(),  # noqa: SIM905
        (10,),
    ),
}
"""Small inputs for those that take any, as the test has to be quick."""


@pytest.mark.parametrize(
    ("file", "name", "says"),
    [
        (file, name, says)
        for file, table in (("subtle", SUBTLE), ("subtler", SUBTLER))
        for name, says in table.items()
    ],
)
def test_is_found_and_named(file: str, name: str, says: str):
    found = check(f"{PLANTED / file}.py:{name}", input_shape=SMALL.get(name))
    assert not found.passed
    assert re.search(says, " ".join(lines(found))), lines(found)


def test_every_one_is_tried():
    for file, table in (("subtle", SUBTLE), ("subtler", SUBTLER)):
        written = re.findall(r"^(?:class|def) (\w+)", (PLANTED / f"{file}.py").read_text("utf-8"), re.M)
        assert list(table) == written
