"""Text as LaTeX, escaped so that it prints exactly as written."""

import re

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "`": r"\textasciigrave{}",
    '"': r"\textquotedbl{}", "|": r"\textbar{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "‘": r"\textquoteleft{}", "’": r"\textquoteright{}", "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}", "–": r"\textendash{}", "×": r"\texttimes{}", "±": r"\textpm{}",
    "…": r"\textellipsis{}", "\n": " ", "\t": " ", "\r": " ",
}  # fmt: skip
"""How to write each character that is special to LaTeX, or that has a command."""

_LIGATURES = re.compile(r"(?<=-)(?=-)|(?<=')(?=')|(?<=,)(?=,)")
_MINUS = re.compile(r"(?<![\w-])-(?=[\d.])")


class Tex(str):
    """Text that is LaTeX already."""


def escape(value: object) -> Tex:
    """Return the text of ``value`` as LaTeX, for any engine; numbers keep a hyphen for a minus.

    Characters other than Latin letters are passed to the macro ``assaychar`` by code, because pdfTeX's
    fonts lack most of them: pdfTeX prints the code, other engines the character.
    """
    if isinstance(value, Tex):
        return value
    apart = _LIGATURES.sub("\0", str(value).replace("\0", "\ufffd"))
    return Tex("".join("{}" if letter == "\0" else _letter(letter) for letter in apart))


def number(value: object) -> Tex:
    """Return a number, or an interval of them, with true minus signs."""
    return Tex(_MINUS.sub(lambda _: "$-$", escape(value)))


def name(value: object) -> Tex:
    """Return a name that may be broken after punctuation, and anywhere within long stretches without any."""
    parts = re.findall(r"[^-_./]{1,16}[-_./]?|[-_./]", str(value))
    return Tex(r"\allowbreak{}".join(map(escape, parts)))


def _letter(letter: str) -> str:
    if letter in SPECIAL:
        return SPECIAL[letter]
    if " " <= letter <= "~" or ("À" <= letter <= "ÿ" and letter.isalpha()):
        return letter
    if not letter.isprintable():
        return rf"\assaychar{{{ord(letter):04X}}}{{}}"
    return rf"\assaychar{{{ord(letter):04X}}}{{{letter}}}"


def line(text: str) -> Tex:
    """Return a line of a listing, its spaces kept; it may be broken at each."""
    return Tex(rf"\mbox{{}}{escape(text).replace(' ', chr(92) + ' ')}")
