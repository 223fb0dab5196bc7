"""No text takes long to read, and what is beyond sense is said in one line."""

import tomllib

import pytest
from bounded import bounded

from assay.study import toml

LONG = {
    "a table header of many parts": ("[k{}." + ".".join("a" * 499) + "]\n", "dotted name"),
    "a key of many parts": ("k{}." + ".".join("a" * 499) + "=1\n", "dotted name"),
    "quoted parts": ('k{}."a b" . ' + ".".join(["'a b'"] * 300) + "=1\n", "dotted name"),
    "a key within a table": ("k{} = {{" + ".".join("a" * 499) + "=1}}\n", "dotted name"),
    "lists in lists": ("k{} = " + "[" * 5000 + "\n", "nested without end"),
    "tables in tables": ("k{} = " + "{{a=" * 5000 + "\n", "nested without end"),
    "digits": ("k{} = " + "1" * 5000 + "\n", "thousands of digits"),
    "digits apart": ("k{} = " + "1_" * 5000 + "1\n", "thousands of digits"),
}


@pytest.mark.parametrize("name", LONG)
def test_what_would_take_long_is_refused(name):
    line, found = LONG[name]
    text = "".join(line.format(index) for index in range(500_000 // len(line)))
    with bounded(), pytest.raises(ValueError, match=found) as caught:
        toml.loads(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ['x = "' + '\\"' * 200_000, "'" * 300_000, "a" * 300_000, "a" + " " * 300_000]
)
def test_looking_for_long_names_takes_no_longer_than_reading(text):
    with bounded(), pytest.raises(tomllib.TOMLDecodeError):
        toml.loads(text)


def test_sensible_texts_are_read():
    text = "a.b.c = [" + ", ".join(["0.125"] * 500) + "]\n# " + "Some words. " * 500
    assert toml.loads(text)["a"]["b"]["c"] == [0.125] * 500
    assert toml.loads("x = 0x" + "f" * 5000)["x"] == 16**5000 - 1
