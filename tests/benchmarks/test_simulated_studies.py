"""The short version of benchmarks/simulated_studies.py: few studies a promise."""

import re
from pathlib import Path

import pytest
import simulated_studies
from simulated.looks import LOOKS
from simulated.table import BROKEN, Topic

TOPICS = {topic.name: topic for topic in simulated_studies.TOPICS}
PROMISED = [name for name, topic in TOPICS.items() if topic.promises]
RESULTS = Path(simulated_studies.__file__).with_name("results") / "simulated-studies.md"
STUDIES = 300


@pytest.mark.parametrize("name", PROMISED)
def test_a_promise_is_kept(name: str):
    """In every setting, within three standard errors: a little off takes the long version."""
    topic = TOPICS[name]
    found = {setting: topic.simulate(setting, STUDIES) for setting in topic.settings}
    assert {setting: one for setting, one in found.items() if topic.broken(one, STUDIES)} == {}


def test_every_promise_is_of_something_that_is_asked():
    for topic in TOPICS.values():
        asked = {outcome for setting in topic.settings for outcome in topic.simulate(setting, 40)}
        assert set(topic.promises) <= asked, topic.name


@pytest.mark.parametrize("setting", [f"looks at {name} seeds" for name in LOOKS])
def test_looking_without_declaring_breaks_the_promise(setting):
    found = TOPICS["Looks that nobody declared"].simulate(setting, 2000)
    assert TOPICS["Declared looks"].broken(found, 2000)


def test_a_t_of_skewed_differences_breaks_the_promise():
    found = TOPICS["Skewed differences"].simulate("log-normal, sigma 1, 10 seeds", 2000)
    assert TOPICS["Two arms"].broken({"covers": found["covers"]}, 2000) == ["covers"]


def test_the_results_are_those_of_these_questions():
    """Of every topic and every setting, with the promises of today."""
    tables = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", RESULTS.read_text("utf-8"), re.M | re.S))
    assert list(tables) == list(TOPICS)
    for name, topic in TOPICS.items():
        header, _, *rows = re.findall(r"^\|(.*)\|$", tables[name], re.M)
        assert [row.split(" | ")[0].strip() for row in rows] == list(topic.settings)
        promises = [f"{outcome} ({promise})" for outcome, promise in topic.promises.items()]
        titles = [title.strip() for title in header.split(" | ")]
        assert set(promises) == {
            title for title in titles if title.endswith(")") and re.search(r"\([<>=]", title)
        }
        assert topic.text in tables[name]


def test_the_results_are_of_20_000_studies_and_keep_every_promise():
    text = RESULTS.read_text("utf-8")
    assert text.startswith("20,000 studies a line")
    assert BROKEN not in text


def command(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["simulated_studies.py", *arguments])
    with pytest.raises(SystemExit) as end:
        simulated_studies.main()
    return end.value.code


def test_the_command_prints_or_writes_the_topics_that_are_named(monkeypatch, capsys, tmp_path):
    named = ("--studies", "200", "--topic", "Two arms", "--topic", "Declared looks")
    assert command(monkeypatch, *named) == 0
    printed = capsys.readouterr().out
    assert re.findall("^## (.*)", printed, re.M) == ["Two arms", "Declared looks"]
    assert command(monkeypatch, *named, "--write", str(tmp_path / "out.md")) == 0
    assert capsys.readouterr().out == ""
    assert (tmp_path / "out.md").read_text("utf-8").strip() == printed.strip()


def test_the_command_fails_where_a_promise_is_broken(monkeypatch, capsys):
    undeclared = TOPICS["Looks that nobody declared"]
    broken = Topic("Broken", "", undeclared.settings, TOPICS["Declared looks"].promises)
    monkeypatch.setattr(simulated_studies, "TOPICS", (broken,))
    assert command(monkeypatch, "--studies", "2000") == 1
    assert BROKEN in capsys.readouterr().out
