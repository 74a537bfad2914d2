"""Whom a resource is about (https://hl7.org/fhir/R4/compartmentdefinition-patient.html).

Narrower than R4's Patient compartment, which also holds what a patient wrote, performed or is linked to: a
resource is a patient's by `patient`, `subject` or `individual`. Wider too: a type outside of that compartment
belongs to the patient whom its `patient` or `subject` names (Task, Device, Contract), and a Binary to the one
that is its `securityContext`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from fhirhub.resources import definitions, references
from fhirhub.resources.fhirpath import Select, select

Json = dict[str, Any]

ABOUT = ("patient", "subject", "individual")
"""Search parameters that say whom a resource is about."""

WITHOUT_SUBJECT = {
    "Communication": ("sender", "recipient"),
    "CommunicationRequest": ("sender", "recipient"),
    "Group": ("member",),
    "Schedule": ("actor",),
}
"""Search parameters that stand in where a resource has none of those."""


def patients(resource: Json, base: str | None = None) -> frozenset[str]:
    """The logical ids of this server's patients that the resource is about; a Patient is about itself.

    `base` is this server's base URL, for references that spell it out.
    """
    return _extractor(resource["resourceType"])(resource, base)


def others(resource: Json, base: str | None = None) -> frozenset[str]:
    """The people and organisations of this server, as `Type/id`, that a resource is about which is about no
    patient: the carer whose own answers it holds, the practice whose development plan it is part of."""
    found: set[str] = set()
    for selection in _about(resource["resourceType"]):
        for _, reference in selection(resource):
            text = reference.get("reference")
            if text is None or not any(f"{type}/" in text for type in OTHERS):
                continue
            target = references.parse(text, base)
            if target.type in OTHERS and target.base is None and target.id is not None:
                found.add(f"{target.type}/{target.id}")
    return frozenset(found)


OTHERS = ("RelatedPerson", "Organization", "Practitioner")


@functools.cache
def _about(type: str) -> tuple[Select, ...]:
    if type in ("Patient", "Binary"):
        return ()
    found = _selections(type, ABOUT)
    return (*found, select("Communication.recipient", type)) if type == "Communication" else found


_Extractor = Callable[[Json, str | None], frozenset[str]]


@functools.cache
def _extractor(type: str) -> _Extractor:
    if type == "Patient":
        return _itself
    if type == "Binary":
        return _referred((select("Binary.securityContext", "Binary"),), ())
    return _referred(_selections(type, ABOUT), _selections(type, WITHOUT_SUBJECT.get(type, ())))


def _selections(type: str, codes: tuple[str, ...]) -> tuple[Select, ...]:
    """The extractors of those parameters that can name a patient, each path once."""
    parameters = definitions.search_parameters(type)
    found = [parameters[code] for code in codes if code in parameters]
    paths = {
        branch.strip().removesuffix(".where(resolve() is Patient)")
        for parameter in found
        if parameter.type == "reference" and (not parameter.targets or "Patient" in parameter.targets)
        for branch in parameter.expression.split("|")
        if branch.strip().startswith(type + ".")
    }
    return tuple(select(path, type) for path in sorted(paths))


def _itself(resource: Json, base: str | None) -> frozenset[str]:
    id = resource.get("id")
    return frozenset((id,)) if id else frozenset()


def _referred(about: tuple[Select, ...], otherwise: tuple[Select, ...]) -> _Extractor:
    def ids(resource: Json, base: str | None) -> frozenset[str]:
        found: set[str] = set()
        stated = _collect(about, resource, base, found)
        if otherwise and not stated:
            _collect(otherwise, resource, base, found)
        return frozenset(found)

    return ids


def _collect(selections: tuple[Select, ...], resource: Json, base: str | None, found: set[str]) -> bool:
    """Add the patients' ids; whether anything was stated at all."""
    stated = False
    for selection in selections:
        for _, reference in selection(resource):
            stated = True
            text = reference.get("reference")
            if text is None or "Patient/" not in text:
                continue
            target = references.parse(text, base)
            if target.type == "Patient" and target.base is None and target.id is not None:
                found.add(target.id)
    return stated
