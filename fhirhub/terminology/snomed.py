"""SNOMED CT in FHIR: its implicit value sets and the simple expressions of its query language.

https://hl7.org/fhir/R4/snomedct.html, https://confluence.ihtsdotools.org/display/DOCECL
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from fhirhub import errors
from fhirhub.errors import FhirError
from fhirhub.terminology.expressions import (
    EVERY,
    All,
    Codes,
    Every,
    Expression,
    Having,
    Not,
    Over,
    Related,
    Some,
    Under,
)

Json = dict[str, Any]

SYSTEM = "http://snomed.info/sct"
MEMBER_OF = "memberOf"
"""The property that has the reference sets of a concept."""
_DEEPEST = 20
IS_A = "116680003"
"""The attribute that makes the hierarchy, which `<` and its like ask for."""


def implicit(url: str) -> Json | None:
    """The value set that a URL such as `http://snomed.info/sct?fhir_vs=isa/73211009` means; None for another
    URL. Raises FhirError where it asks for what is not had."""
    edition, mark, query = url.partition("?")
    if not mark or not (edition == SYSTEM or edition.startswith(SYSTEM + "/")):
        return None
    name, _, asked = query.partition("=")
    if name != "fhir_vs":
        return None
    include: Json = {"system": SYSTEM}
    if edition != SYSTEM:
        include["version"] = edition
    kind, _, value = unquote(asked).partition("/")
    match kind:
        case "":
            pass
        case "isa":
            include["filter"] = [{"property": "concept", "op": "is-a", "value": value}]
        case "refset" if value:
            include["filter"] = [{"property": "concept", "op": "in", "value": value}]
        case "ecl":
            include["filter"] = [{"property": "constraint", "op": "=", "value": value}]
        case _:
            raise errors.not_supported(
                f"`{url}` is no implicit value set that is had here; there are `?fhir_vs`, `?fhir_vs=isa/[code]`, "
                "`?fhir_vs=refset/[code]` and `?fhir_vs=ecl/[expression]`",
                404,
            )
    return {
        "resourceType": "ValueSet",
        "url": url,
        "status": "active",
        "name": "SnomedCt",
        "title": f"SNOMED CT {unquote(asked)}".strip(),
        "compose": {"include": [include]},
    }


def of_filter(given: Json) -> Expression | None:
    """What a filter means on SNOMED CT alone; None where it is one that every code system has."""
    name, operator, value = given.get("property"), given.get("op"), str(given.get("value", ""))
    if name == "constraint" and operator == "=":
        return constraint(value)
    if name == "expressions" and operator == "=":
        return EVERY
    if name == "concept" and operator == "in":
        return Having(MEMBER_OF, (value,))
    return None


_TOKEN = re.compile(
    r"\s*(?:(?P<code>\d{6,18})|(?P<term>\|[^|]*\|)|(?P<mark><<!|>>!|<<|>>|<!|>!|<|>|\^|\*|\(|\)|:|=|!=|{|})"
    r"|(?P<word>AND|OR|MINUS|,)|\[\s*(?P<cardinality>\d+\s*\.\.\s*(?:\d+|\*))\s*\])",
    re.IGNORECASE,
)


def constraint(text: str) -> Expression:
    """The meaning of an expression of `<`, `<<`, `>`, `>>`, `^`, `*`, AND, OR, MINUS, parentheses and refinements.

    Raises FhirError for what it does not understand, such as several attributes of one group: of a loaded edition it
    is known which attributes a concept has, not which of them stand together.
    """
    return _Parser(text).read()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._fault(text[at : at + 20].strip())
            at = found.end()
            kind = str(found.lastgroup)
            if kind != "term":
                self.tokens.append((kind, found[kind]))
        self.at = 0

    def _fault(self, near: str) -> FhirError:
        return errors.not_supported(
            f"The expression `{self.text[:200]}` is not understood at `{near}`: there are `<`, `<<`, `>`, `>>`, "
            "`^`, `*`, AND, OR, MINUS, parentheses, and refinements by attributes such as `: 363698007 = << 80891009`, "
            "with `!=`, the cardinalities [0..0], [0..*] and [1..*], and groups of one attribute",
            422,
        )

    def read(self) -> Expression:
        found = self._compound(0)
        if self.at < len(self.tokens):
            raise self._fault(self.tokens[self.at][1])
        return found

    def _next(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "its end")

    def _compound(self, depth: int) -> Expression:
        if depth > _DEEPEST:
            raise self._fault("(")
        found = self._part(depth)
        if self._next()[1] == ":":
            self.at += 1
            return All((found, self._refinement(depth)))
        first = ""
        while self._next()[0] == "word":
            word = self._next()[1].upper().replace(",", "AND")
            if first and word != first:
                raise self._fault(word)
            first = word
            self.at += 1
            other = self._part(depth)
            if word == "OR":
                found = Some((found, other))
            else:
                found = All((found, Not(other) if word == "MINUS" else other))
        return found

    def _refinement(self, depth: int) -> Expression:
        """Attributes with their values, all of them or one of them."""
        found = self._counted(depth)
        first = ""
        while self._next()[0] == "word":
            word = self._next()[1].upper().replace(",", "AND")
            if word == "MINUS" or (first and word != first):
                raise self._fault(word)
            first = word
            self.at += 1
            other = self._counted(depth)
            found = Some((found, other)) if word == "OR" else All((found, other))
        return found

    def _counted(self, depth: int) -> Expression:
        """An attribute, or a group of that one alone, as often as its cardinality says."""
        kind, often = self._next()
        self.at += kind == "cardinality"
        if self._next()[1] == "{":
            self.at += 1
            found = self._attribute(depth)
            if self._next()[1] != "}":
                raise self._fault(self._next()[1])
            self.at += 1
        else:
            found = self._attribute(depth)
        match often.replace(" ", "") if kind == "cardinality" else "1..*":
            case "1..*":
                return found
            case "0..*":
                return EVERY
            case "0..0":
                return Not(found)
        raise self._fault(f"[{often}]")

    def _attribute(self, depth: int) -> Expression:
        (kind, name), self.at = self._next(), self.at + 1
        if kind != "code" or name == IS_A:
            raise self._fault(name)
        sign, self.at = self._next()[1], self.at + 1
        if sign not in ("=", "!="):
            raise self._fault(sign)
        value = self._part(depth)
        if sign == "!=":
            return Related(name, Not(value))
        match value:
            case Every():
                return Having(name, ())
            case Codes(codes):
                return Having(name, codes)
            case node:
                return Related(name, node)

    def _part(self, depth: int) -> Expression:
        kind, text = self._next()
        self.at += 1
        if kind == "code":
            return Codes((text,))
        if kind == "mark":
            if text == "*":
                return EVERY
            if text == "(":
                found = self._compound(depth + 1)
                if self._next()[1] != ")":
                    raise self._fault(self._next()[1])
                self.at += 1
                return found
            if text in _OF_CODE:
                other, code = self._next()
                if other == "mark" and code == "*" and text in ("<<", ">>"):
                    self.at += 1
                    return EVERY
                if other == "code":
                    self.at += 1
                    return _of_code(text, code)
                raise self._fault(code)
        raise self._fault(text)


_OF_CODE = frozenset({"<", "<<", ">", ">>", "^", "<!", "<<!"})


def _of_code(mark: str, code: str) -> Expression:
    match mark:
        case "<":
            return Under(code, itself=False)
        case "<<":
            return Under(code, itself=True)
        case ">":
            return Over(code, itself=False)
        case ">>":
            return Over(code, itself=True)
        case "^":
            return Having(MEMBER_OF, (code,))
        case "<!":
            return Having("parent", (code,))
    return Some((Having("parent", (code,)), Codes((code,))))
