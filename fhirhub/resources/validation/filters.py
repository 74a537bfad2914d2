"""The filters of value sets against the code systems that they are about
(https://hl7.org/fhir/R4/valueset-filter-operator.html, https://hl7.org/fhir/R4/codesystem-concept-properties.html).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fhirhub.resources import primitives
from fhirhub.resources.fhirpath import FhirpathError, Item, regex
from fhirhub.resources.validation import wording
from fhirhub.resources.validation.examination import Examination

Json = dict[str, Any]

STANDARD = {
    "status": "code",
    "inactive": "boolean",
    "effectiveDate": "dateTime",
    "deprecationDate": "dateTime",
    "retirementDate": "dateTime",
    "notSelectable": "boolean",
    "parent": "code",
    "child": "code",
    "partOf": "code",
    "synonym": "code",
    "comment": "string",
    "itemWeight": "decimal",
}
"""The properties that every code system may have, with their types."""

_SNOMED = "http://snomed.info/sct"
_WITHIN = frozenset({"is-a", "descendent-of", "is-not-a", "generalizes"})
_OPERATORS = {
    "concept": _WITHIN | {"=", "in", "not-in"},
    "code": _WITHIN | {"=", "in", "not-in", "regex", "exists"},
}
"""What can be asked of the codes themselves; a code system may define more in `filter`."""


def _is_date_time(value: str) -> bool:
    return primitives.check("dateTime", re.sub(r"^(?:eq|ne|gt|lt|ge|le|sa|eb|ap)", "", value)) is None


_FORMS: dict[str, tuple[Callable[[str], Any], str]] = {
    "boolean": (re.compile("true|false").fullmatch, "true or false"),
    "integer": (re.compile(r"-?\d+").fullmatch, "a whole number"),
    "decimal": (re.compile(r"-?\d+(?:\.\d+)?").fullmatch, "a number"),
    "dateTime": (_is_date_time, "a date, or a date and time with its zone"),
    "code": (re.compile(r"\S+(?: \S+)*").fullmatch, "a code"),
}
"""How the values of a property are written, by its type."""


def check(examination: Examination, item: Item, system: str, given: Json, at: str) -> None:
    """Tell where a filter asks what its code system cannot answer."""
    name, operator, value = str(given.get("property")), str(given.get("op")), given.get("value")
    if not isinstance(value, str):
        return
    definition = examination.canonicals.find("CodeSystem", system) or {}
    own = {str(each.get("code")): str(each.get("type")) for each in definition.get("property", ())}
    more = {
        str(each.get("code")): frozenset(map(str, each.get("operator", ())))
        for each in definition.get("filter", ())
    }
    allowed = _OPERATORS.get(name, frozenset()) | more.get(name, frozenset())
    if allowed and operator not in allowed:
        text = f"{name} takes {wording.listed(allowed)}; got {operator}"
        examination.tell("error", "value", text, item, below=f"{at}.op")
        return
    type = own.get(name) or STANDARD.get(name)
    if definition and type is None and name not in _OPERATORS and name not in more and name != "display":
        known = wording.listed({*own, *more, *_OPERATORS})
        text = f"The code system {system} has no property {name[:80]}; it has {known}"
        examination.tell("warning", "value", text, item, below=f"{at}.property")
        return
    fault = _fault(examination, system, name, operator, value, type)
    if fault is not None:
        examination.tell("error", "value", fault, item, below=f"{at}.value")


def _fault(
    examination: Examination, system: str, name: str, operator: str, value: str, type: str | None
) -> str | None:
    if system == _SNOMED and name.isdigit() and operator not in ("=", "in"):
        return f"SNOMED CT takes = and in for attributes such as {name}; got {operator}"
    if operator == "exists":
        return None if value in ("true", "false") else f"exists takes true or false; got `{value[:80]}`"
    if operator == "regex":
        try:
            regex.compile(value)
        except FhirpathError as found:
            return f"`{value[:80]}` is no regular expression: {found}"
        return None
    listed = [each.strip() for each in value.split(",")] if operator in ("in", "not-in") else [value]
    if name in _OPERATORS:
        return _missing(examination, system, listed) if operator in _WITHIN else None
    if type not in _FORMS:
        return None
    fits, what = _FORMS[type]
    if not all(fits(each) for each in listed):
        return f"The property {name} is {what}; got `{value[:80]}`"
    return _missing(examination, system, listed) if name in ("parent", "child", "partOf") else None


def _missing(examination: Examination, system: str, codes: list[str]) -> str | None:
    for code in codes:
        if examination.terminology.validate(system, code, None).exists is False:
            return f"The code system {system} has no code `{code[:80]}`"
    return None
