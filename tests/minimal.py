"""The smallest valid resource of each type, made from the elements that R4 requires of it."""

from __future__ import annotations

from typing import Any

from fhirhub.resources import definitions
from fhirhub.resources.definitions import Element

Json = dict[str, Any]

_ABOUT = frozenset({"patient", "subject", "individual", "beneficiary", "for", "target", "entity"})
_VALUES: Json = {
    "string": "x", "markdown": "x", "code": "x", "id": "x", "xhtml": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>',
    "boolean": True, "integer": 1, "positiveInt": 1, "unsignedInt": 1, "decimal": 1,
    "uri": "urn:x:y", "url": "https://x.example/y", "canonical": "https://x.example/y", "oid": "urn:oid:1.2.3",
    "date": "2026-01-05", "dateTime": "2026-01-05", "instant": "2026-01-05T12:00:00Z", "time": "12:00:00",
    "base64Binary": "eA==",
    "CodeableConcept": {"text": "x"}, "Coding": {"system": "urn:x:y", "code": "x"}, "Identifier": {"value": "x"},
    "Period": {"start": "2026-01-05"}, "Quantity": {"value": 1}, "SimpleQuantity": {"value": 1},
    "Money": {"value": 1, "currency": "EUR"}, "HumanName": {"text": "x"}, "Attachment": {"title": "x"},
    "Annotation": {"text": "x"}, "Range": {"low": {"value": 1}}, "Dosage": {"text": "x"},
    "Timing": {"code": {"text": "x"}},
    "Expression": {"language": "text/fhirpath", "expression": "true"}, "Duration": {"value": 1},
    "ContactPoint": {"system": "phone", "value": "0"}, "Ratio": {}, "UsageContext": {},
}  # fmt: skip


def resource(type: str, about: str, **also: Any) -> Json:
    """The smallest valid resource of a type, about this patient where the type can be."""
    made = {"resourceType": type, **_filled(type, about)}
    return {name: value for name, value in {**made, **also}.items() if value is not None}


def _filled(name: str, about: str) -> Json:
    made: Json = {}
    for element in definitions.structure(name).elements:
        if not element.min and not (element.name in _ABOUT and "Patient" in element.targets):
            continue
        key = element.name
        type = element.types[0]
        if element.choice:
            key = key.removesuffix("[x]") + type[0].upper() + type[1:]
        value = _value(element, type, about)
        made[key] = [value] if element.max != 1 else value
    return made


def _value(element: Element, type: str, about: str) -> Any:
    if type == "Reference":
        known = not element.targets or "Patient" in element.targets
        return {"reference": about if known else f"{element.targets[0]}/x"}
    if element.name == "contentType":
        return "text/plain"
    if type == "code" and element.binding and (codes := definitions.required_codes(element.binding)):
        for usual in ("active", "final", "completed", "current"):
            if usual in codes:
                return usual
        return sorted(codes)[0]
    if type in _VALUES:
        return _VALUES[type]
    return _filled(type, about)
