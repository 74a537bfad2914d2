"""Tokens: codes, identifiers and other exact values (https://hl7.org/fhir/R4/search.html#token)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from fhirhub import errors
from fhirhub.resources.masking import BSN_SYSTEMS
from fhirhub.store.index import KEY_LENGTH
from fhirhub.store.index.comparison import Comparison, Way, refuse, split, unescape
from fhirhub.store.index.parameters import Parameter, system_of
from fhirhub.store.index.string import starts
from fhirhub.store.sql import Kind

Json = dict[str, Any]
Row = tuple[Any, ...]

SPECIAL_VALUES = system_of("http://hl7.org/fhir/special-values") | 1
"""The implied system of a boolean."""
_CONCEPTS = frozenset({"CodeableConcept", "Coding"})
_BARE = frozenset({"boolean", "uri", "url", "oid", "uuid", "canonical", "ContactPoint"})
"""Types for which R4 forbids a `|` in the value."""


def shortened(text: str) -> str:
    """The text as an index keeps it: one that is too long for an index gives way to a part and its hash."""
    if len(text) <= KEY_LENGTH:
        return text
    return f"{text[: KEY_LENGTH - 20]}…{system_of(text):x}"


def codes(type: str, value: Any, implied: Callable[[str], int]) -> list[tuple[str, int]]:
    """The pairs of code and system in a value of that data type; ('', 0) for one without code."""
    if type == "CodeableConcept":
        found = [
            (shortened(coding["code"]) if "code" in coding else "", _system(coding))
            for coding in value.get("coding") or ()
            if "code" in coding or "display" in coding or "system" in coding
        ]
        return found or ([("", 0)] if "text" in value else [])
    if type == "Coding":
        if "code" in value:
            return [(shortened(value["code"]), _system(value))]
        return [("", _system(value))] if "display" in value or "system" in value else []
    if type == "Identifier":
        if "value" in value:
            return [(shortened(value["value"]), _system(value))]
        return [("", _system(value))] if "system" in value or "type" in value else []
    if type == "code":
        return [(shortened(value), implied(value))]
    if type == "ContactPoint":
        return [(shortened(value["value"]), 0)] if "value" in value else []
    if value is True or value is False:
        return [("true" if value else "false", SPECIAL_VALUES)]
    if type in ("string", "markdown"):
        return [(shortened(value.casefold()), 0)]
    if isinstance(value, str):
        return [(shortened(value), 0)]
    if isinstance(value, int):
        return [(str(value), 0)]
    if isinstance(value, dict):  # a Reference under a token parameter, an Extension: what it is called
        return [("", 0)] if value else []
    return [(str(value), 0)]


def _system(value: Json) -> int:
    system = value.get("system")
    return system_of(system) if system else 0


def texts(type: str, value: Any) -> list[str]:
    """The texts beside the code, for `:text`: a display, the text of a concept or of an identifier's type."""
    if type == "CodeableConcept":
        found = [coding["display"] for coding in value.get("coding") or () if "display" in coding]
        if "text" in value:
            found.append(value["text"])
        return found
    if type == "Coding":
        return [value["display"]] if "display" in value else []
    if type == "Identifier":
        kind = value.get("type") if value.get("system") not in BSN_SYSTEMS else None
        return [kind["text"]] if kind and "text" in kind else []
    return []


def typed(value: Json) -> list[tuple[str, int]]:
    """Of an Identifier the pairs for `:of-type`: code of the type and value, and the type's system."""
    if "value" not in value or "type" not in value:
        return []
    of_type = [coding for coding in value["type"].get("coding") or () if "code" in coding]
    if value.get("system") in BSN_SYSTEMS:
        # Under its own system, so that it can be told from others: not everybody may find it (RULES R3).
        own = system_of(value["system"])
        return [(_bsn_of_type(coding["code"], value["value"], _system(coding)), own) for coding in of_type]
    return [(shortened(f"{coding['code']}|{value['value']}"), _system(coding)) for coding in of_type]


def _bsn_of_type(code: str, value: str, system: int) -> str:
    return shortened(f"{code}|{value}|{system:x}")


# Conditions

_CODE = "{t}.code = ?"
_CODE_OR = "{t}.code IN (?, ?)"
_SYSTEM = " AND {t}.system = ?"
_SYSTEM_OR = " AND {t}.system IN (?, ?)"
_NO_SYSTEM = " AND {t}.system = 0"
_NO_SYSTEM_PROPERTY = " AND ({t}.system = 0 OR {t}.system % 2 <> 0)"


def reader(parameter: Parameter) -> Callable[[str], Comparison]:
    """Reads `code`, `system|code`, `|code` or `system|`, after the types that the parameter reads."""
    types = parameter.types
    bare = bool(types) and types <= _BARE
    folds = not types or bool(types & {"string", "markdown"})
    strict = bool(types) and types <= {"string", "markdown"}
    coded = not types or bool(types & {"code", "boolean"})
    boolean = types == {"boolean"}

    def read(text: str) -> Comparison:
        if "|" not in text:
            return _coded(unescape(text), "", ())
        parts = split(text, "|")
        if len(parts) == 1:
            return _coded(unescape(text), "", ())
        if len(parts) > 2:
            raise ValueError("expects at most one `|`, between system and code; write `\\|` within a code")
        if bare:
            raise ValueError("expects a value without `|`, as these elements have no system")
        system, code = unescape(parts[0]), unescape(parts[1])
        if not system and not code:
            raise ValueError("expects a code, or system|code")
        if not system:
            return _coded(code, _NO_SYSTEM_PROPERTY if coded else _NO_SYSTEM, ())
        known = system_of(system)
        if not code:
            if coded:
                return Comparison("{t}.system IN (?, ?)", (known, known | 1), ("bigint", "bigint"), 10)
            return Comparison("{t}.system = ?", (known,), ("bigint",), 10)
        if coded:
            return _coded(code, _SYSTEM_OR, (known, known | 1))
        return _coded(code, _SYSTEM, (known,))

    def _coded(code: str, more: str, values: tuple[int, ...]) -> Comparison:
        if boolean and code not in ("true", "false"):
            raise ValueError(f"expects true or false; got `{code[:40]}`")
        kinds: list[Kind] = ["bigint"] * len(values)
        short = shortened(code)
        if folds:
            folded = shortened(code.casefold())
            if strict:
                short = folded
            elif folded != short:
                return Comparison(_CODE_OR + more, (short, folded, *values), ("text", "text", *kinds))
        return Comparison(_CODE + more, (short, *values), ("text", *kinds))

    return read


def _of_type(text: str) -> Comparison:
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) != 3 or not all(parts):
        raise ValueError("expects system|code|value of the identifier's type, all three")
    system, code, value = parts
    known = system_of(system)
    return Comparison(
        _CODE_OR + " AND {t}.system IN (?, ?, ?)",
        (shortened(f"{code}|{value}"), _bsn_of_type(code, value, known), known, *map(system_of, BSN_SYSTEMS)),
        ("text", "text", "bigint", "bigint", "bigint"),
    )


def _mime_below(text: str) -> Comparison:
    base = unescape(text)
    return Comparison(
        "({t}.code = ? OR {t}.code LIKE ? ESCAPE '\\')",
        (base, base.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + ";%"),
        ("text", "text"),
    )


TERMINOLOGY = ("in", "not-in", "above", "below")
"""Modifiers whose values are value sets and concepts, which are looked up before a search is read."""


class CodeSet(NamedTuple):
    """Codes of one code system that a search asks for: those listed, or those whose concept of that `edition` in
    the database meets the condition, which has `{c}` for the concept and `?` for each value."""

    system: str
    codes: tuple[str, ...] = ()
    edition: int | None = None
    condition: str = ""
    values: tuple[Any, ...] = ()
    kinds: tuple[Kind, ...] = ()


def is_coded(parameter: Parameter) -> bool:
    """Whether it finds codes of code systems, rather than identifiers, booleans or media types."""
    types = parameter.types
    if parameter.kind != "token" or (types == {"code"} and "" in parameter.implied):
        return False
    return bool(types & (_CONCEPTS | {"code"}))


def way(parameter: Parameter, modifier: str) -> Way:
    """How a search by this parameter with that modifier reads a value."""
    types = parameter.types
    if modifier in ("", "not"):
        if "Identifier" in types:
            rank = 1
        elif types & _CONCEPTS and parameter.code not in ("_tag", "_security"):
            rank = 7
        elif types & {"ContactPoint", "uri", "string"} or not types:
            rank = 4
        else:
            rank = 11
        return Way("token", parameter.keys, reader(parameter), rank, negated=modifier == "not", raw=True)
    if modifier == "text" and (not types or types & (_CONCEPTS | {"Identifier"})):
        return Way("string", parameter.kindred("text"), starts, rank=8)
    if modifier == "of-type" and "Identifier" in types:
        return Way("token", parameter.kindred("of-type"), _of_type, rank=1, raw=True)
    if modifier == "below" and types == {"code"} and "" in parameter.implied:
        return Way("token", parameter.keys, _mime_below, rank=9, raw=True)
    if modifier in TERMINOLOGY:
        raise errors.not_supported(
            f"Parameter `{parameter.code}` does not support `:{modifier}`: value sets and hierarchies are of codes, "
            "and it finds none."
        )
    known = ["not", "text"] if types & (_CONCEPTS | {"Identifier"}) else ["not"]
    raise refuse(parameter, modifier, [*known, "of-type"] if "Identifier" in types else known)
