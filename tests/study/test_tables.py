"""Tables become dataclasses, or one line that says which key cannot."""

from copy import deepcopy
from dataclasses import dataclass
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import AssayError, ShapeError, StudyError
from assay.study import tables

keys = st.text(alphabet="abrule", min_size=1, max_size=4)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)
plain = st.recursive(leaves, lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=8)
nested = st.dictionaries(keys, plain, max_size=4)


@dataclass(frozen=True)
class Cup:
    size: int
    heat: float = 1.5
    marks: tuple[int, ...] = ()
    name: str | None = None

    def __post_init__(self):
        if self.size > 9:
            raise ShapeError("size must be at most 9")


def test_a_table_becomes_its_dataclass():
    assert tables.build(Cup, {"size": 3, "heat": 2, "marks": [1, 2]}, "f") == Cup(3, 2, (1, 2))
    assert tables.build(Cup, tables.table(Cup(3, 2.0, (4,), "x")), "f") == Cup(3, 2.0, (4,), "x")


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"size": 1, "haet": 2}, "f: unknown key 'haet' (did you mean 'heat'?)"),
        ({"size": 1, "xyz": 2}, "f: unknown key 'xyz' (known: heat, marks, name, size)"),
        ({}, "f: key 'size' is missing"),
        ({"size": "3"}, "f.size: input should be a valid integer; got '3' (write it without quotes)"),
        ({"size": True}, "f.size: input should be a valid integer; got True"),
        ({"size": 3.0}, "f.size: input should be a valid integer; got 3.0"),
        (
            {"size": 1, "heat": "1e-3"},
            "f.heat: input should be a valid number; got '1e-3' (write it without quotes)",
        ),
        ({"size": 1, "marks": [1, "x"]}, "f.marks: input should be a valid integer; got [1, 'x']"),
        ({"size": 1, "marks": 4}, "f.marks: input should be a list, such as [1, 2]; got 4"),
    ],
)
def test_what_does_not_fit_is_named(values, line):
    with pytest.raises(StudyError) as caught:
        tables.build(Cup, values, "f")
    assert str(caught.value) == line


def test_a_dataclass_error_keeps_its_kind_and_gains_the_place():
    with pytest.raises(ShapeError, match=r"^f: size must be at most 9$"):
        tables.build(Cup, {"size": 10}, "f")


@pytest.mark.parametrize("tag", ["Glass", ["Cup"], {"Cup": 1}, 3, None])
def test_an_unknown_kind_is_refused(tag):
    with pytest.raises(StudyError, match=r"^f\.kind: unknown .*Cup"):
        tables.choose({"Cup": Cup}, "kind", {"kind": tag, "size": 1}, "f")


def test_a_kind_that_is_missing_is_asked_for():
    with pytest.raises(StudyError, match=r"^f: key 'kind' is missing \(known: Cup\)$"):
        tables.choose({"Cup": Cup}, "kind", {"size": 1}, "f")


@given(nested)
def test_merging_a_table_with_itself_or_nothing_changes_nothing(values):
    assert tables.merge(values, values) == values
    assert tables.merge(values, {}) == values
    assert tables.merge({}, values) == values


@given(nested, nested)
def test_what_is_laid_over_wins(below, above):
    merged = tables.merge(below, above)
    for key, value in above.items():
        if not isinstance(value, dict):
            assert merged[key] == value
    assert merged.keys() == below.keys() | above.keys()


def test_another_kind_takes_no_keys_over():
    below = {"optimizer": {"rule": "SGD", "momentum": 0.9}}
    adam = {"optimizer": {"rule": "Adam", "lr": 0.1}}
    assert tables.merge(below, adam) == adam


def test_a_first_kind_keeps_what_was_there():
    below = {"optimizer": {"weight_decay": 0.1}}
    merged = tables.merge(below, {"optimizer": {"rule": "Adam"}})
    assert merged == {"optimizer": {"rule": "Adam", "weight_decay": 0.1}}


def test_neither_table_is_changed_by_merging():
    below, above = {"a": {"b": 1}}, {"a": {"c": 2}}
    tables.merge(below, above)["a"]["b"] = 9
    assert (below, above) == ({"a": {"b": 1}}, {"a": {"c": 2}})


def test_flat_and_nest():
    values = {"a": {"b": {"c": 1}, "d": []}, "e": {}, "f": None}
    assert tables.flat(values) == {"a.b.c": 1, "a.d": [], "e": {}, "f": None}
    assert tables.nest("a.b.c", 1) == {"a": {"b": {"c": 1}}}


FLATTEN, TANH, LEAKY = {"layer": "Flatten"}, {"layer": "Tanh"}, {"layer": "LeakyReLU", "negative_slope": 0.2}
LAYERS = {"network": {"layers": [FLATTEN, LEAKY]}}


@pytest.mark.parametrize(
    ("above", "items"),
    [
        ({"1": {"negative_slope": 0.5}}, [FLATTEN, {**LEAKY, "negative_slope": 0.5}]),
        ({"1": TANH}, [FLATTEN, TANH]),
        ({"0": TANH, "1": 3}, [TANH, 3]),
        ([4], [4]),
        ({}, {}),
    ],
)  # fmt: skip
def test_a_table_over_a_list_changes_items_by_their_numbers(above, items):
    before = deepcopy(LAYERS)
    assert tables.merge(LAYERS, {"network": {"layers": above}}) == {"network": {"layers": items}}
    assert before == LAYERS


@pytest.mark.parametrize("key", ["2", "-1", "01", "x", "1.0", "", "9" * 5000, "١"])
def test_an_item_that_is_not_there_is_refused_with_how_many_there_are(key):
    with pytest.raises(
        StudyError,
        match=r"^network\.layers: expected the number of an item, one of 0 to 1, for there are 2; got '",
    ):
        tables.merge(LAYERS, {"network": {"layers": {key: {"layer": "Tanh"}}}})


def test_an_empty_list_has_no_items():
    with pytest.raises(StudyError, match=r"^a: expected the number of an item, none, for the list is empty"):
        tables.merge({"a": []}, {"a": {"0": 1}})


@given(
    st.recursive(
        st.integers(), lambda inner: st.lists(inner) | st.dictionaries(keys, inner, max_size=3), max_leaves=9
    ).filter(lambda value: isinstance(value, dict)),
    st.data(),
)
def test_what_is_laid_at_a_place_is_found_there(values, data):
    """`nest`, `merge` and `at` mean the same place, through lists too, and nothing else changes."""
    here, path = values, ()
    while isinstance(here, dict | list) and here:
        part = data.draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
        here, path = here[part], (*path, str(part))
        if data.draw(st.booleans()):
            break
    if path:
        changed = tables.merge(values, tables.nest(".".join(path), "new"))
        assert tables.at(changed, path) == "new"
        assert tables.merge(changed, tables.nest(".".join(path), here)) == values or isinstance(here, dict)


def test_a_key_is_nested_as_deep_as_a_file_may_be():
    assert tables.flat(tables.nest(".".join("a" * 32), 1)) == {".".join("a" * 32): 1}
    for count in (33, 1000, 100_000):
        with pytest.raises(StudyError, match=r"^a: nested deeper than 32"):
            tables.nest(".".join("a" * count), 1)


@given(nested)
def test_tables_of_text_and_numbers_are_plain(values):
    def holds_none(value):
        return value is None or (isinstance(value, dict) and any(map(holds_none, value.values())))

    if holds_none(values):
        with pytest.raises(StudyError):
            tables.check_plain(values, "f")
    else:
        tables.check_plain(values, "f")


@pytest.mark.parametrize("value", [date(2018, 5, 1), {1: 2}, b"x", {3, 4}, 1j])
def test_what_a_file_cannot_hold_is_refused(value):
    with pytest.raises(AssayError, match=r"^f: a\.0: "):
        tables.check_plain({"a": [value]}, "f")


@pytest.mark.parametrize("value", [10**400, -(10**400), 16**5000], ids=["400", "-400", "6020"])
def test_a_number_that_no_float_holds_is_refused(value):
    with pytest.raises(StudyError, match=r"^f: a\.b: expected a number below 1e308; got ") as caught:
        tables.check_plain({"a": {"b": value}}, "f")
    assert len(str(caught.value)) < 300


def test_a_long_value_is_shortened_in_a_message():
    with pytest.raises(StudyError) as caught:
        tables.build(Cup, {"size": ["x" * 100_000]}, "f")
    assert len(str(caught.value)) < 300
    assert "..." in str(caught.value)


def test_tables_in_tables_end_somewhere():
    deep = 1
    for _ in range(tables.DEEPEST):
        deep = [deep]
    tables.check_plain({"a": deep}, "f")
    with pytest.raises(StudyError, match=r"^f: a: nested deeper than 32"):
        tables.check_plain({"a": [deep]}, "f")
