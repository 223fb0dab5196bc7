"""Text as LaTeX: read back by a reader of its own, and by TeX itself."""

import re

from hypothesis import given
from hypothesis import strategies as st

from assay.report.tex import SPECIAL, Tex, escape, line, name, number

TEXTS = st.text(st.one_of(st.sampled_from(sorted(SPECIAL) + list("-',aZ9")), st.characters(codec="utf-8")))
COMMANDS = {command: letter for letter, command in SPECIAL.items() if command != " "}
TOKEN = re.compile(
    r"\\assaychar\{(?P<code>[0-9A-F]+)\}\{(?P<shown>[^{}]?)\}|(?P<command>\\[A-Za-z]+\{\}|\\.)|(?P<empty>\{\})|(?P<plain>.)"
)


def read(tex: str) -> str:
    """Return what LaTeX would print, of the little LaTeX that `escape` writes; any more fails."""
    found, place = "", 0
    while place < len(tex):
        token = TOKEN.match(tex, place)
        assert token, tex[place:]
        place = token.end()
        if token["code"]:
            assert token["shown"] in ("", chr(int(token["code"], 16)))
            found += chr(int(token["code"], 16))
        elif token["command"]:
            found += COMMANDS[token["command"]]
        elif token["plain"]:
            assert token["plain"] not in '{}$&#%_^~\\`"|<>\t\n\r'
            found += token["plain"]
    return found


@given(TEXTS)
def test_whatever_is_written_is_printed(text: str) -> None:
    expected = re.sub("[\t\n\r]", " ", text.replace("\0", "\ufffd"))
    assert read(escape(text)) == expected


@given(TEXTS)
def test_nothing_is_joined_to_another_sign(text: str) -> None:
    written = escape(text)
    assert not any(pair in written for pair in ("--", "''", ",,", "``", "<<", ">>"))


@given(TEXTS)
def test_what_is_latex_already_stays(text: str) -> None:
    assert escape(escape(text)) == escape(text)
    assert escape(Tex(text)) == text


@given(st.text("ab1-_./", max_size=80))
def test_names_can_be_broken(text: str) -> None:
    written = name(text)
    assert read(written.replace("\\allowbreak{}", "")) == text
    assert all(len(read(part)) <= 17 for part in written.split("\\allowbreak{}"))


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_numbers_have_true_minus_signs(low: float, high: float) -> None:
    written = number(f"{low:+.2f} to {high:+.2f}")
    assert written.replace("$-$", "-") == f"{low:+.2f} to {high:+.2f}"
    assert not re.search(r"(?<!\$)-", written)


def test_a_hyphen_is_no_minus() -> None:
    assert number("sign-flip, 2-3, x-1, < 0.0001") == r"sign-flip, 2-3, x-1, \textless{} 0.0001"


@given(st.text(" ab%", max_size=20))
def test_a_listing_keeps_its_spaces(text: str) -> None:
    written = line(text)
    assert written.count("\\ ") == text.count(" ")
    assert read(written.removeprefix("\\mbox{}").replace("\\ ", " ")) == text
