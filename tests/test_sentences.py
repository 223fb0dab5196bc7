"""Sentences stand in one room: statistics return numbers and codes, and every code has its words."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import assay
from assay.findings.answer import AnswerKind
from assay.findings.claim_verdicts import MarginUnit
from assay.findings.limits import LimitCode
from assay.findings.relation_findings import Remark
from assay.findings.wording import answer_words, claim_words, code_words, limit_words
from assay.stats import ClaimVerdict, Note, Verdict

STATS = sorted((Path(assay.__file__).parent / "stats").glob("*.py"))
WORDS = 3
"""From so many words on a text is taken for a sentence."""


def texts(node: ast.AST) -> Iterator[str]:
    """Yield the texts of a syntax tree, their numbers as 0; no documentation, and nothing that is raised."""
    for child in ast.iter_child_nodes(node):
        documents = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        if documents or isinstance(child, ast.Raise):
            continue
        if isinstance(child, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "0" for part in child.values)
        elif isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value
        else:
            yield from texts(child)


def is_sentence(text: str) -> bool:
    return len(re.findall(r"[A-Za-z_]{2,}", text)) >= WORDS


@pytest.mark.parametrize("path", STATS, ids=lambda path: path.stem)
def test_statistics_write_no_sentence(path: Path) -> None:
    assert [text for text in texts(ast.parse(path.read_text("utf-8"))) if is_sentence(text)] == []


def test_sentences_are_seen() -> None:
    code = '"""Of a module."""\ndef f(n):\n    "Of a function."\n    raise E("this may be said")\n    return '
    assert [text for text in texts(ast.parse(code + 'f"with {n} seeds no p"')) if is_sentence(text)] == [
        "with 0 seeds no p"
    ]
    assert not any(map(is_sentence, texts(ast.parse(code + '"too small"'))))


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (Verdict, code_words.VERDICTS),
        (ClaimVerdict, code_words.CLAIM_VERDICTS),
        (Note, code_words.NOTES),
        (AnswerKind, answer_words.SENTENCES),
        (LimitCode, limit_words.SENTENCES),
        (Remark, claim_words.REMARKS),
        (MarginUnit, claim_words.MARGINS),
        ([None, *ClaimVerdict], claim_words.SUMMARIES),
    ],
)
def test_every_code_has_its_words(codes: type, words: Mapping[object, object]) -> None:
    assert set(words) == set(codes)
