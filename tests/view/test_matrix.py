"""The confusion matrix says what was answered: counted anew, one image after another."""

import re
from collections import Counter

import pytest
from serving import Served

from assay.findings.trained import load_test
from assay.results import Results

CELL = re.compile(r'<td( class="(?P<shade>\w+)")?>(<(a|span)[^>]*title="(?P<words>[^"]*)">(?P<text>[^<]*))?')


def table(served: Served, key: str, query: str) -> dict[tuple[str, str], dict[str, str]]:
    """Return the cells of the page's matrix by true class and answer."""
    page = served.get(f"/study/{key}/confusion{query}").decode()
    heads = re.findall(r'<th scope="col">(.*?)</th>', page)
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', page)
    assert [name for name, _ in rows] == heads
    found = {}
    for name, cells in rows:
        read = [found.groupdict("") for found in CELL.finditer(cells)]
        assert len(read) == len(heads)
        found |= {(name, head): cell for head, cell in zip(heads, read, strict=True)}
    return found


def counted(results: Results, arm: str) -> dict[tuple[str, str], float]:
    """Return the shares in percent, by going through every answer of every run."""
    labels, classes = load_test(results).labels, results.header.classes
    pairs: Counter[tuple[str, str]] = Counter()
    for run in results.learnt(arm):
        pairs.update(
            (classes[a], classes[b]) for a, b in zip(labels, results.store.predicted(run.id), strict=True)
        )
    of = Counter(classes[a] for a in labels)
    seeds = len(results.learnt(arm))
    return {pair: 100 * count / (of[pair[0]] * seeds) for pair, count in pairs.items()}


def test_an_arm_by_itself(served: Served, keys: dict[str, str], trained: Results) -> None:
    cells = table(served, keys["trained"], "?arm=average")
    shares = counted(trained, "average")
    assert {pair for pair, cell in cells.items() if cell["words"]} >= set(shares)
    for pair, share in shares.items():
        assert f"{share:.1f}%" in cells[pair]["words"]
        assert cells[pair]["text"] in ("·", f"{share:.0f}")
    wrong = {pair: share for pair, share in shares.items() if pair[0] != pair[1]}
    assert cells[max(wrong, key=wrong.get)]["shade"] == "more6"


def test_one_arm_less_another(served: Served, keys: dict[str, str], trained: Results) -> None:
    cells = table(served, keys["trained"], "?arm=max&less=average")
    one, two = counted(trained, "max"), counted(trained, "average")
    apart = {pair: one.get(pair, 0) - two.get(pair, 0) for pair in {*one, *two}}
    assert len({value > 0 for value in apart.values()}) == 2
    for pair, value in apart.items():
        text = cells[pair]["text"]
        assert text == "·" or float(text) == pytest.approx(value, abs=0.51)
        assert cells[pair]["shade"][:4] == ("more" if value > 0 else "less" if value < 0 else "")


def test_an_arm_that_is_not_there_is_refused(served: Served, keys: dict[str, str]) -> None:
    assert served.ask("GET", f"/study/{keys['trained']}/confusion?arm=mean")[0] == 404
    assert served.ask("GET", f"/study/{keys['trained']}/confusion?less=mean")[0] == 404
