"""What is said to be run after an export goes with what was written, whatever it is called."""

import shlex

from assay.exchange.exporting import FORMATS
from assay.exchange.next_steps import STEPS, next_step


def test_each_format_has_a_next_step_that_names_what_was_written():
    assert STEPS.keys() == FORMATS.keys()
    for to in FORMATS:
        assert "out/first" in next_step(to, ["out/first", "out/last"])


def test_a_place_with_a_space_is_one_word_for_a_shell():
    for to in ("tensorboard", "mlflow"):
        assert shlex.split(next_step(to, ["my logs/of $x"]))[-1] == "my logs/of $x"


def test_a_server_is_opened_and_none_started():
    assert next_step("mlflow", ["https://there:5000"]) == "https://there:5000"
