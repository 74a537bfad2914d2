"""Coded elements against their bindings and code systems (https://hl7.org/fhir/R4/terminologies.html)."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

from fhirhub.errors import Severity
from fhirhub.resources import notations
from fhirhub.resources.canonicals import CORE, OFFICIAL
from fhirhub.resources.fhirpath import Item
from fhirhub.resources.validation import wording
from fhirhub.resources.validation.datatypes import has_case, has_scheme, uri_fault
from fhirhub.resources.validation.examination import Examination

Json = dict[str, Any]

CODED = frozenset({"CodeableConcept", "Coding", "Quantity", "Age", "Duration", "Distance", "Count", "Money"})
"""The types whose values carry a system and a code, or several."""


class Binding(NamedTuple):
    """What an element is bound to; `max` is the value set that no code may leave; `profile` who asks."""

    strength: str
    value_set: str
    max: str | None = None
    profile: str | None = None


def binding(given: Json, profile: str | None = None) -> Binding | None:
    """The binding of an ElementDefinition; None without a value set."""
    value_set = given.get("valueSet")
    if not isinstance(value_set, str):
        return None
    most = next(
        (
            each.get("valueCanonical") or each.get("valueUri")
            for each in given.get("extension", ())
            if str(each.get("url", "")).endswith("/elementdefinition-maxValueSet")
        ),
        None,
    )
    return Binding(str(given.get("strength")), value_set, most, profile)


_ADDITIONAL = "http://hl7.org/fhir/tools/StructureDefinition/additional-binding"
_PURPOSES = {"required": "required", "maximum": "required", "extensible": "extensible"}


def additional(given: Json, profile: str) -> Iterator[Binding]:
    """The bindings besides (R5's, by extension) that ask something wherever the element is used."""
    for each in given.get("extension", ()):
        if each.get("url") != _ADDITIONAL:
            continue
        parts = {
            part.get("url"): next((value for key, value in part.items() if key.startswith("value")), None)
            for part in each.get("extension", ())
        }
        strength, value_set = _PURPOSES.get(str(parts.get("purpose"))), parts.get("valueSet")
        if strength is not None and isinstance(value_set, str) and "usage" not in parts:
            yield Binding(strength, value_set, None, profile)


def binding_of(path: str) -> Binding | None:
    """What R4 itself binds the element to, by its path without `[x]`."""
    return _bindings(path.partition(".")[0]).get(path)


@functools.cache
def _bindings(type: str) -> dict[str, Binding]:
    definition = OFFICIAL.find("StructureDefinition", CORE + type)
    found = {}
    for row in definition["snapshot"]["element"] if definition is not None else ():
        made = binding(row["binding"]) if "binding" in row else None
        if made is not None:
            found[row["path"].removesuffix("[x]")] = made
    return found


_PARTS = ("system", "code", "display")
_PLAIN = frozenset(_PARTS)


def key(value: Json, bound: Binding | None) -> Any:
    """What tells whether a coded element was looked at before; None where it has more than plain codings."""
    codings = value.get("coding")
    if codings is None:
        if value.keys() <= _PLAIN:
            return (bound, value.get("system"), value.get("code"), value.get("display"))
        if value.keys() <= _OF_AMOUNT:
            return (bound, value.get("system"), value.get("code"))
        return (bound,) if len(value) == 1 and "text" in value else None
    size = len(value)
    if (size > 1 and not (size == 2 and "text" in value)) or codings.__class__ is not list:
        return None
    found: list[Any] = [bound]
    for coding in codings:
        if coding.__class__ is not dict or not coding.keys() <= _PLAIN:
            return None
        found += [coding.get(part) for part in _PARTS]
    return tuple(found)


_OF_AMOUNT = frozenset({"value", "comparator", "unit", "system", "code", "currency"})


def check(examination: Examination, item: Item, bound: Binding | None) -> None:
    """Tell what is wrong with a coded element.

    Codes that their code system does not have are errors; another display than the system's is a warning;
    what is not known here is said to be unknown. The binding says what the value set asks.
    """
    before = examination.told, examination.unsettled
    _check(examination, item, bound)
    if (examination.told, examination.unsettled) == before and item.value.__class__ is dict:
        known = key(item.value, bound)
        if known is not None:
            examination.quiet.add(known)


def _check(examination: Examination, item: Item, bound: Binding | None) -> None:
    if item.type == "CodeableConcept":
        for position, coding in enumerate(_codings(item)):
            _check_coding(examination, item, coding, f".coding[{position}]")
    elif item.value.__class__ is dict:
        _check_coding(examination, item, item.value, "")
    if bound is not None:
        check_bound(examination, item, bound)


def _codings(item: Item) -> list[Json]:
    value = item.value
    if item.type != "CodeableConcept":
        return [value]
    found = value.get("coding", ())
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


_ALL_LANGUAGES = "http://hl7.org/fhir/ValueSet/all-languages"


_SAYING = frozenset({"text", "extension"})


def check_bound(examination: Examination, item: Item, bound: Binding) -> None:
    """Tell where a coded element leaves the value set that it is bound to."""
    value = item.value
    if bound.strength not in ("required", "extensible") and bound.max is None:
        return
    if isinstance(value, str):
        if bound.max == _ALL_LANGUAGES and not notations.is_language(value):
            text = f"{_name(item)} expects a language of BCP 47 such as nl or nl-NL; got `{value[:80]}`"
            examination.tell("error", "code-invalid", text, item, profile=bound.profile)
            return
        _check_member(examination, item, [(None, value)], bound)
        return
    given = [
        (each.get("system", ""), each["code"]) for each in _codings(item) if isinstance(each.get("code"), str)
    ]
    if given:
        _check_member(examination, item, given, bound)
    elif item.type not in ("CodeableConcept", "Coding"):
        return
    elif bound.profile is None and "extension" not in value:
        return  # the structural check told it
    elif bound.strength == "required":
        # An extension does not stand for the code (https://hl7.org/fhir/R4/terminologies.html#required).
        text = f"A code from {bound.value_set} is required; there is none"
        examination.tell("error", "code-invalid", text, item, profile=bound.profile)
    elif bound.strength == "extensible" and not value.keys() & _SAYING:
        text = f"A code from {bound.value_set} should be here, or a text"
        examination.tell("warning", "code-invalid", text, item, profile=bound.profile)


# Versions of these stand in Coding.version (https://hl7.org/fhir/R4/terminologies-systems.html).
_UCUM = "http://unitsofmeasure.org"
_EXACT = ("http://snomed.info/sct", "http://loinc.org", "http://unitsofmeasure.org")
_PAGES = tuple(
    f"{scheme}://{host}" for scheme in ("http", "https") for host in ("hl7.org/fhir", "build.fhir.org")
)


def _check_coding(examination: Examination, item: Item, coding: Json, at: str) -> None:
    system, code = coding.get("system"), coding.get("code")
    if not isinstance(system, str) or not isinstance(code, str):
        return
    fault = None if system[:4] == "http" else uri_fault(system)
    if fault is not None:
        examination.tell("error", "value", f"system {fault}", item, below=f"{at}.system")
        return
    if not has_case(system):
        text = f"The system of a code has its UUID in lower case; got `{system[:80]}`"
        examination.tell_beyond("value", text, item, below=f"{at}.system")
    if not has_scheme(system):
        text = f"The system of a code is an absolute URI; got `{system[:80]}`"
        examination.tell("error", "value", text, item, below=f"{at}.system")
        return
    if "/ValueSet/" in system and examination.canonicals.find("ValueSet", system) is not None:
        text = f"The system of a coding is a code system; {system[:200]} is a value set"
        examination.tell("error", "value", text, item, below=f"{at}.system")
        return
    if system not in _EXACT and system.startswith(_EXACT):
        text = f"The system of a coding is {' or '.join(_EXACT)} and no more; got `{system[:200]}`"
        examination.tell("error", "value", text, item, below=f"{at}.system")
        return
    if system.startswith(_PAGES) and (system.endswith(".html") or "//build." in system):
        text = (
            f"The system of a coding is the canonical URL of a code system, not a page; got `{system[:200]}`"
        )
        examination.tell_beyond("value", text, item, below=f"{at}.system")
        return
    if (
        system.startswith("https:")
        and examination.canonicals.find("CodeSystem", f"http{system[5:]}") is not None
    ):
        text = f"The system is http{system[5:200]}, without s: the URLs of code systems are names"
        examination.tell("error", "value", text, item, below=f"{at}.system")
        return
    verdict = examination.terminology.validate(system, code, None)
    if verdict.exists is None and system != _UCUM:
        examination.say_unknown(system, item, f"{at}.system")
    if verdict.exists is False:
        # Of amounts a warning, since R4's own examples have units such as `Tab` for `TAB`.
        severity: Severity = "error" if item.type in ("Coding", "CodeableConcept") else "warning"
        text = f"The code system {system} has no code `{code[:80]}`"
        examination.tell(severity, "code-invalid", text, item, below=f"{at}.code")
    display = coding.get("display")
    if verdict.displays and isinstance(display, str):
        known = {_folded(each) for each in verdict.displays}
        if _folded(display) not in known:
            right = " or ".join(f"`{each}`" for each in list(dict.fromkeys(verdict.displays))[:3])
            text = f"The display of {code} in {system} is {right}; got `{display[:80]}`"
            examination.tell("warning", "invalid", text, item, below=f"{at}.display")


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _check_member(
    examination: Examination, item: Item, given: list[tuple[str | None, str]], bound: Binding
) -> None:
    if bound.strength in ("required", "extensible"):
        _tell_outside(examination, item, given, bound.value_set, bound.strength, bound.profile)
    if bound.max is not None:
        # R4's own (all-languages) lists no codes, and Dutch resources have languages of ISO 639 beside it.
        strength = "extensible" if bound.profile is None else "required"
        _tell_outside(examination, item, given, bound.max, strength, bound.profile)


def _tell_outside(
    examination: Examination,
    item: Item,
    given: list[tuple[str | None, str]],
    value_set: str,
    strength: str,
    profile: str | None,
) -> None:
    nearest: tuple[str, ...] = ()
    for system, code in given:
        verdict = examination.terminology.validate(system, code, value_set)
        if verdict.is_member:
            return
        if verdict.is_member is None:
            examination.unsettled += examination.may_know_later
            if examination.canonicals.find("ValueSet", value_set) is None and profile is not None:
                text = f"The value set {value_set} is not known here, so the code was not checked against it"
                examination.tell("information", "not-found", text, item, profile=profile)
            return
        nearest = nearest or verdict.nearest
    shown = ", ".join(f"{system or ''}|{code}"[:120] if system else code[:80] for system, code in given[:3])
    hint = f"; did you mean {wording.listed(nearest)}?" if nearest else ""
    severity: Severity = "error" if strength == "required" else "warning"
    word = "must" if strength == "required" else "should, where one fits,"
    text = f"{_name(item)} {word} have a code from {value_set}; got {shown}{hint}"
    examination.tell(severity, "code-invalid", text, item, profile=profile)


def _name(item: Item) -> str:
    return item.property.name if item.property is not None else item.type
