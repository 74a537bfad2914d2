"""The words of an expression (https://hl7.org/fhirpath/N1/#lexical-elements)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fhirhub.resources.fhirpath.faults import FhirpathError

LONGEST_EXPRESSION = 20_000
"""Characters. The longest invariant of R4 has 600."""

_DATE = r"\d{4}(?:-\d{2}(?:-\d{2})?)?"
_TIME = r"\d{2}(?::\d{2}(?::\d{2}(?:\.\d+)?)?)?"
_ZONE = r"(?:Z|[+-]\d{2}:\d{2})"

_WORD = re.compile(
    rf"""
      (?P<space>   (?:\s | //[^\r\n]* | /\*.*?\*/)+ )
    | (?P<datetime>@{_DATE}T(?:{_TIME}{_ZONE}?)? )
    | (?P<time>    @T{_TIME} )
    | (?P<date>    @{_DATE} )
    | (?P<number>  \d+(?:\.\d+)? )
    | (?P<string>  '(?:[^'\\]|\\.)*' )
    | (?P<quoted>  `(?:[^`\\]|\\.)*` | "(?:[^"\\]|\\.)*" )
    | (?P<name>    [A-Za-z_][A-Za-z0-9_]* )
    | (?P<special> \$(?:this|index|total)\b )
    | (?P<symbol>  <= | >= | != | !~ | [.,()\[\]{{}}%+\-*/&|<>=~] )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)

_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_ESCAPED = {"f": "\f", "n": "\n", "r": "\r", "t": "\t"} | {sign: sign for sign in "`'\"\\/"}


@dataclass(frozen=True, slots=True)
class Token:
    """A word: `kind` is a group of the grammar above, `text` what it stands for, `start` its offset."""

    kind: str
    text: str
    start: int


def tokens(expression: str) -> list[Token]:
    """The words of the expression and one of kind `end`; FhirpathError at the first unreadable sign."""
    if len(expression) > LONGEST_EXPRESSION:
        raise FhirpathError(
            f"The expression has {len(expression)} characters; at most {LONGEST_EXPRESSION} are read.",
            "too-long",
        )
    found, start = [], 0
    while start < len(expression):
        match = _WORD.match(expression, start)
        if match is None:
            raise FhirpathError(
                f"`{expression[start : start + 20]}` at character {start + 1} cannot be read as FHIRPath."
            )
        kind, text = match.lastgroup or "", match.group()
        if kind in ("string", "quoted"):
            found.append(Token(kind, _unescaped(text[1:-1]), start))
        elif kind != "space":
            found.append(Token(kind, text, start))
        start = match.end()
    found.append(Token("end", "", start))
    return found


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    text = _ESCAPE.sub(_character, text)
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise FhirpathError("A string has half of a surrogate pair.") from None


def _character(match: re.Match[str]) -> str:
    point, sign = match.groups()
    if point:
        return chr(int(point, 16))
    if sign not in _ESCAPED:
        raise FhirpathError(rf"`\{sign}` is no escape of a FHIRPath string; a backslash is written `\\`.")
    return _ESCAPED[sign]
