"""What a store must hold to be trusted: it is input like any other, checked once, when it is opened.

SQLite itself checks that values have the types of their columns (`SQLiteStore.open` asks it to). This module
checks that the columns are ours, that the header matches the study's digest, that every row belongs to an
arm and a seed of the study, that numbers can be measurements: finite, in range, and with finite sums; and
that the header and the runs are as they were written. `assay doctor` compares the digests of all other rows,
of which there may be millions.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from assay.errors import AssayError, StoreError
from assay.store import digests
from assay.store.contract import PARTS, Header
from assay.store.migrations import schema
from assay.study.checks import DIGEST
from assay.study.study import Study, digest_of

MOST = 1e100
"""The largest valid loss, time or norm: sums and squares of many must stay finite."""
MOST_COUNTED = 10**18
MOST_CLASSES = 256
LONGEST_NAME = 200
LONGEST_LIST = 10_000
"""Characters of the list of machines that trained a run, one after the other."""
SPLITS = ("train", "valid", "test")

SHARE, AMOUNT, COUNT = "BETWEEN 0 AND 1", f"BETWEEN 0 AND {MOST}", f"BETWEEN 0 AND {MOST_COUNTED}"
NORM = ">= 0"  # or infinite, like the norms of runs that diverge
RANGES: Mapping[str, Mapping[str, str]] = {
    "run": {
        "parameters": COUNT,
        "flops": COUNT,
        "peak_memory": COUNT,
        "memory_source": "IN ('measured', 'computed')",
        "epochs": COUNT,
        "best_epoch": "BETWEEN 1 AND epochs",
        "valid_best": SHARE,
        "valid_final": SHARE,
        "train_best": SHARE,
        "train_final": SHARE,
        "test_loss": AMOUNT,
        "test_correct": "BETWEEN 0 AND test_total",
        "steps_per_second": AMOUNT,
        "seconds_per_epoch": AMOUNT,
        "evaluation_seconds_per_epoch": AMOUNT,
        "temperature": "BETWEEN 0.01 AND 100",
        "calibration_error": SHARE,
    },
    "epoch": {
        "train_loss": AMOUNT,
        "train_accuracy": SHARE,
        "valid_loss": AMOUNT,
        "valid_accuracy": SHARE,
        "seconds": AMOUNT,
        "steps_per_second": AMOUNT,
        "evaluation_seconds": AMOUNT,
    },
    "layer": {
        **dict.fromkeys(("weight_norm", "gradient_norm", "decay_norm", "update_ratio", "loss_ratio"), NORM),
        "dead_share": SHARE,
        "spread": NORM,
    },
}
"""The SQL condition on valid values by table and column; NULL where the column allows it."""
TESTED = "test_loss, test_correct, test_total"
ENDED = "status IN ('done', 'diverged')"

Faults = Iterator[str]
"""What is wrong; empty if nothing is."""


def check(path: object, connection: sqlite3.Connection, header: Header) -> Study:
    """Return the study of the store in the file ``path``; `StoreError` unless the store can be trusted."""
    study = _study(path, header)
    connection.execute("BEGIN")  # a consistent snapshot, even while another process writes
    try:
        found = next(_faults(connection, study, header), None)
    except sqlite3.Error as error:
        found = " ".join(str(error).split())[:LONGEST_NAME]
    finally:
        connection.rollback()
    if found:
        raise StoreError(f"{path}: cannot be believed: {found} (`assay doctor` says more)")
    return study


def _faults(connection: sqlite3.Connection, study: Study, header: Header) -> Faults:
    yield from _header(header)
    yield from _schema(connection)
    yield from _runs(connection, study, header)
    yield from _epochs(connection, study)
    yield from _answers(connection, study, header)
    for table in RANGES:
        yield from _range(connection, table)
    for table in ("header", "run"):
        yield from (digests.named(table, key) for key in digests.altered(connection, table))


def _study(path: object, header: Header) -> Study:
    """Return the study in the header, if it is valid and matches the digest."""
    tables: Any = header.study
    if not isinstance(tables, Mapping) or not isinstance(tables.get("training", {}), Mapping):
        raise StoreError(f"{path}: cannot be believed: its study is not a table")
    try:
        study = Study.from_tables(tables, str(tables.get("name", "study")))
        before = digest_of(_unmigrated(tables))
        possible = (digest_of(tables), before)
    except (AssayError, ValueError, TypeError, RecursionError, OverflowError) as error:
        reason = " ".join(str(error).split())[: 2 * LONGEST_NAME]
        raise StoreError(f"{path}: its study cannot be read ({reason})") from None
    if header.digest not in possible:
        raise StoreError(f"{path}: cannot be believed: its study is not the one that its digest is of")
    return study


def _unmigrated(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study's tables as they were before a migration said how epochs were measured."""
    training = {key: value for key, value in tables.get("training", {}).items() if key != "measure"}
    return {key: value for key, value in tables.items() if key != "training"} | (
        {"training": training} if training else {}
    )


def _header(header: Any) -> Faults:
    classes, sizes, versions = header.classes, header.sizes, header.versions
    if not isinstance(header.data_digest, str) or not DIGEST.fullmatch(header.data_digest):
        yield "the data's digest is not a SHA-256"
    if not 1 <= len(classes) <= MOST_CLASSES or not _names(classes):
        yield f"the classes are not 1 to {MOST_CLASSES} printable names"
    if not isinstance(sizes, Mapping) or set(sizes) != set(SPLITS):
        yield "the splits are not train, valid and test"
    if not all(type(size) is int and 1 <= size <= MOST_COUNTED for size in sizes.values()):
        yield "the sizes of the splits are not whole numbers above 0"
    if not isinstance(versions, Mapping) or not _names([*versions, *versions.values()]):
        yield "the versions are not printable text"
    if type(header.synthetic) is not bool:
        yield "whether its data is synthetic is neither true nor false"
    guessing = header.guessing
    if guessing is not None and (type(guessing) not in (int, float) or not 0 <= guessing <= 1):
        yield "the accuracy of guessing is not a share"


def _names(found: Iterable[object], longest: int = LONGEST_NAME) -> bool:
    return all(isinstance(name, str) and name.isprintable() and 1 <= len(name) <= longest for name in found)


def _schema(connection: sqlite3.Connection) -> Faults:
    """Compare the tables with those that this version creates, ignoring the order of columns."""
    ours = sqlite3.connect(":memory:")
    for statement in schema():
        ours.execute(statement)
    expected, found = _columns(ours), _columns(connection)
    ours.close()
    wrong = sorted(name for name in expected if found.get(name) != expected[name])
    yield from (f"table {name} has other columns than it should" for name in wrong)


def _columns(connection: sqlite3.Connection) -> dict[str, set[tuple[object, ...]]]:
    query = (
        "SELECT t.name, t.strict, c.name, c.type, c.'notnull', c.pk FROM pragma_table_list AS t, "
        "pragma_table_xinfo(t.name) AS c WHERE t.schema = 'main' AND t.type = 'table'"
    )
    found: dict[str, set[tuple[object, ...]]] = {}
    for table, *column in connection.execute(query):
        found.setdefault(table, set()).add(tuple(column))
    return found


def _runs(connection: sqlite3.Connection, study: Study, header: Header) -> Faults:
    budgets, seeds = _budgets(study), set(study.seeds)
    early = {arm.name for arm in study.arms if arm.settings.recipe.stops_early}
    columns = f"arm, seed, engine, processor, host, epochs, {TESTED}, status, {ENDED}"
    rows = connection.execute(
        f"SELECT {columns}, (SELECT count(*) FROM epoch AS e WHERE (e.arm, e.seed) = (run.arm, run.seed)) "
        "FROM run"
    )
    for arm, seed, engine, processor, host, epochs, *test, status, ended, stored in rows:
        if arm not in budgets or seed not in seeds:
            yield f"it has a run of arm {arm!r:.80} and seed {seed}, which the study has not"
        where = [name for name in (processor, host) if name is not None]
        if not _names([engine]) or not _names(where, LONGEST_LIST):
            yield f"{arm}, seed {seed}: the names of its engine, processor and host are not printable"
        whole = status == "done" and not study.imported and arm not in early
        short = epochs != budgets[arm] if whole else ended and epochs != stored
        if epochs > budgets[arm] or epochs > stored or short:
            yield f"{arm}, seed {seed}: says {epochs:,} epochs, but {stored:,} of {budgets[arm]:,} are there"
        if any(value is None for value in test) and (status == "done" or any(v is not None for v in test)):
            yield f"{arm}, seed {seed}: has part of a test result"
        if test[2] is not None and test[2] != header.sizes["test"]:
            yield f"{arm}, seed {seed}: was tested on {test[2]:,} of {header.sizes['test']:,} images"
        if status == "done" and not epochs and not study.imported:
            yield f"{arm}, seed {seed}: is done after no epoch"


def _budgets(study: Study) -> dict[str, int]:
    """Return for each arm how many epochs its runs may take."""
    return {arm.name: arm.settings.recipe.epochs for arm in study.arms}


def _epochs(connection: sqlite3.Connection, study: Study) -> Faults:
    """Check that epochs belong to runs and are numbered consecutively from 1, and that layers match them."""
    budgets = _budgets(study)
    for table in ("epoch", "layer", "answer", "test_opening"):
        query = f"SELECT arm, seed FROM {table} EXCEPT SELECT arm, seed FROM run LIMIT 1"
        for arm, seed in connection.execute(query):
            yield f"table {table} has rows of arm {arm!r:.80} and seed {seed}, which is no run"
    query = "SELECT arm, seed, min(epoch), max(epoch), count(*) FROM epoch GROUP BY arm, seed"
    for arm, seed, first, last, count in connection.execute(query):
        if (first, last) != (1, count) or count > budgets[arm]:
            yield f"{arm}, seed {seed}: its epochs are not 1 to {count:,}"
    query = "SELECT arm, seed, min(epoch), max(epoch) FROM layer GROUP BY arm, seed"
    for arm, seed, first, last in connection.execute(query):
        if first < 0 or last > budgets[arm]:
            yield f"{arm}, seed {seed}: has layers of epochs that it has not"
    names = [name for (name,) in connection.execute("SELECT DISTINCT layer FROM layer")]
    if not _names(names):
        yield "the names of layers are not printable"


def _answers(connection: sqlite3.Connection, study: Study, header: Header) -> Faults:
    size = header.sizes["test"]
    query = "SELECT arm, seed FROM answer WHERE length(correct) <> ? OR length(predicted) <> ? LIMIT 1"
    for arm, seed in connection.execute(query, (-(-size // 8), size)):
        yield f"{arm}, seed {seed}: its answers are not {size:,}"
    if study.imported and size == PARTS:
        return  # single answers are not known
    query = "SELECT arm, seed FROM run WHERE status = 'done' EXCEPT SELECT arm, seed FROM answer LIMIT 1"
    for arm, seed in connection.execute(query):
        yield f"{arm}, seed {seed}: is done, but its answers are missing"


def _range(connection: sqlite3.Connection, table: str) -> Faults:
    cases = " ".join(
        f"WHEN NOT ({column} {allowed}) THEN '{column}'" for column, allowed in RANGES[table].items()
    )
    query = f"SELECT arm, seed, CASE {cases} END AS fault FROM {table} WHERE fault IS NOT NULL LIMIT 1"
    for arm, seed, column in connection.execute(query):
        yield f"{arm}, seed {seed}: its {column} in table {table} is out of range"
