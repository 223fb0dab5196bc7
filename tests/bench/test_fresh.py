"""A process of its own."""

import os

import pytest
from apart import fail, seen

from assay.bench.fresh import process
from assay.errors import UnsupportedError


def test_it_is_another_process_with_its_own_processors_variables_and_modules():
    with process(1, {"A_NAME": "a value"}) as own:
        number, processors, value, loaded = own.call(seen)
        assert own.call(os.getpid) == number
    assert number != os.getpid()
    assert processors == (1 if hasattr(os, "sched_getaffinity") else 0)
    assert value == "a value"
    assert "A_NAME" not in os.environ
    assert not loaded


def test_errors_come_back():
    with process() as own, pytest.raises(UnsupportedError, match="no such thing"):
        own.call(fail, "no such thing")


def test_a_process_that_dies_is_a_reason():
    with process() as own, pytest.raises(UnsupportedError, match="its process was ended"):
        own.call(os._exit, 1)
