"""The checks of Coding, and of coded elements with a required binding (https://hl7.org/fhir/R4/terminologies.html#required)."""

from __future__ import annotations

from typing import Any

from fhirhub.resources import definitions, primitives
from fhirhub.resources.definitions import Element
from fhirhub.resources.validation import wording
from fhirhub.resources.validation.faults import Check, Fault, Faults, Scope

_is_uri = primitives.PATTERNS["uri"]
_is_code = primitives.PATTERNS["code"]


def check_of(whole: Check) -> Check:
    """A Coding; what most are, system, code and display, is seen without a walk through its properties."""

    def check(value: Any, scope: Scope) -> Faults:
        if value.__class__ is dict and len(value) == 3:
            system, code, display = value.get("system"), value.get("code"), value.get("display")
            if (
                display.__class__ is str
                and display.isprintable()
                and 0 < len(display) < 1000
                and system.__class__ is str
                and _is_uri(system)
                and code.__class__ is str
                and _is_code(code)
            ):
                return None
        return whole(value, scope)

    return check


def bound(whole: Check, element: Element, type: str) -> Check:
    """The same check with the codes of a required binding, where they can be enumerated."""
    allowed = definitions.required_codings(element.binding or "")
    if allowed is None or type not in ("CodeableConcept", "Coding", "Quantity"):
        return whole

    def check(value: Any, scope: Scope) -> Faults:
        faults = whole(value, scope)
        if faults is not None:
            return faults
        found = value.get("coding", ()) if type == "CodeableConcept" else (value,)
        for coding in found:
            if (coding.get("system"), coding.get("code")) in allowed:
                return None
        if "extension" in value and not any("code" in coding for coding in found):
            return None  # the reason why it is absent
        given = ", ".join(f"{each.get('system', '')}|{each.get('code', '')}" for each in found)
        text = f"{element.path} expects a coding of {_shown(allowed)}; got {given or 'none'}"
        return [Fault("", "code-invalid", text)]

    return check


def _shown(codings: frozenset[tuple[str, str]]) -> str:
    systems = sorted({system for system, _ in codings})
    return " or ".join(
        f"{system} ({wording.listed(code for found, code in codings if found == system)})"
        for system in systems
    )
