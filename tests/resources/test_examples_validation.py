"""The official examples are valid, but for those that are truly wrong; and each mutant of them is found out."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fhirhub.resources import definitions, document
from fhirhub.resources.canonicals import OFFICIAL
from fhirhub.resources.definitions import Property
from fhirhub.resources.validation import elements, structure
from fhirhub.resources.validation.validator import Validator
from tests.examples import official_examples

Json = dict[str, Any]
Place = tuple[dict[str, Any] | list[Any], str | int, Property, Any]
"""What holds a value, under which key or index, what it is, and the value."""

EXAMPLES = [(name, document.parse(data)) for name, data in official_examples(at_most=20_000)]

DEAD = "links in the narrative to codes that are not there"

# What is wrong, beyond what the structural check finds, by file.
WRONG = {
    "Basic-referral.json": "modifier extensions that only the example knows",
    "Bundle-10bb101f-a121-4264-a920-67be9cb82c74.json": "a fullUrl of pat12 for pat2",
    "Bundle-3a0707d3-549e-4467-b8b8-5a2ab3800efe.json": "a fullUrl of pat12 for pat2",
    "Bundle-father.json": "references that belong to another server than the fullUrls",
    "Bundle-hla-1.json": "a part `uri` of an extension that has `url` and `text`",
    "Bundle-lri-example.json": "fullUrls with other ids than the resources",
    "CapabilityStatement-knowledge-repository.json": "a search parameter with another type than defined",
    "CapabilityStatement-measure-processor.json": "a search parameter with another type than defined",
    "CapabilityStatement-terminology-server.json": "a search parameter with another type than defined",
    "CodeSystem-snomedct.json": "two properties with the same uri, `http://.........?`",
    "CodeSystem-v3-CalendarCycle.json": DEAD,
    "CodeSystem-v3-ContextControl.json": DEAD,
    "CodeSystem-v3-EntityNamePartQualifier.json": DEAD,
    "CodeSystem-v3-NullFlavor.json": DEAD,
    "DiagnosticReport-example-pgx.json": "a hash in hexadecimal instead of base64",
    "Library-zika-virus-intervention-logic.json": "an OID of X.Y.Z",
    "Measure-component-a-example.json": "criteria in CQL without a library",
    "Measure-component-b-example.json": "criteria in CQL without a library",
    "Media-sound.json": "an image in the narrative that is not there",
    "Observation-f202.json": "a body temperature without the moment that its profile asks",
    "Organization-2.16.840.1.113883.19.5.json": "an identifier that is no URI, though its system says so",
    "StructureDefinition-allergyintolerance-substanceExposureRisk.json": "an invariant of an unknown element",
    "StructureDefinition-Definition.json": "sdf-4: not abstract, without baseDefinition",
    "StructureDefinition-Event.json": "sdf-4: not abstract, without baseDefinition",
    "StructureDefinition-example-composition.json": "another kind than its base",
    "StructureDefinition-example-section-library.json": "another kind than its base",
    "StructureDefinition-FiveWs.json": "sdf-4: not abstract, without baseDefinition",
    "StructureDefinition-Request.json": "sdf-4: not abstract, without baseDefinition",
    "ValueSet-example-hierarchical.json": "a system `#hacked`",
    "ValueSet-v3-CalendarCycle.json": DEAD,
    "ValueSet-v3-ContextControl.json": DEAD,
    "ValueSet-v3-EntityNamePartQualifier.json": DEAD,
    "ValueSet-v3-NullFlavor.json": DEAD,
}


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator()


def errors(validator: Validator, resource: Json) -> list[str]:
    return [issue.text for issue in validator.validate(resource) if issue.severity == "error"]


def test_official_examples_are_valid_but_for_those_named(validator: Validator) -> None:
    found = {
        name
        for name, resource in EXAMPLES
        if set(errors(validator, resource)) - {issue.text for issue in structure.validate(resource)}
    }
    assert found <= WRONG.keys()


def test_what_is_passed_over_as_quiet_has_nothing_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = random.Random(7).sample(EXAMPLES, 300)
    quick, whole = Validator(), Validator()
    first = [quick.validate(resource) for _, resource in sample]
    again = [quick.validate(resource) for _, resource in sample]
    monkeypatch.setattr(elements, "_quiet", lambda *given: None)
    elements.plan.cache_clear()
    slow = [whole.validate(resource) for _, resource in sample]
    elements.plan.cache_clear()
    assert first == slow
    assert again == slow


def places(value: Json, type: str) -> Iterator[Place]:
    for key, given in value.items():
        property = definitions.structure(type).properties.get(key)
        if property is None:
            continue
        several = isinstance(given, list)
        for index, each in enumerate(given if several else [given]):
            yield (given, index, property, each) if several else (value, key, property, each)
            if isinstance(each, dict):
                inner = each.get("resourceType", "") if property.type == "Resource" else property.type
                yield from places(each, inner)


def _of(type: str, *needed: str) -> Callable[[Place], bool]:
    return lambda place: place[2].type == type and all(key in place[3] for key in needed)


def _is_required(place: Place) -> bool:
    return place[2].element.min > 0 and isinstance(place[1], str) and place[1] not in ("url", "div")


def _put(value: Any) -> Callable[[Any, Any, Any], None]:
    def change(holder: Any, key: Any, given: Any) -> None:
        holder[key] = value

    return change


def _set(name: str, value: Any) -> Callable[[Any, Any, Any], None]:
    def change(holder: Any, key: Any, given: Any) -> None:
        given[name] = value

    return change


def _without(name: str) -> Callable[[Any, Any, Any], None]:
    return lambda holder, key, given: given.pop(name)


def _is_known(place: Place) -> bool:
    if not _of("Coding", "system", "code")(place):
        return False
    found = OFFICIAL.find("CodeSystem", place[3]["system"])
    return found is not None and found.get("content") == "complete"


UNKNOWN = {"url": "http://acme.example/unknown", "valueBoolean": True}
MISPLACED = {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "valueString": "x"}

MUTATIONS: dict[str, tuple[Callable[[Place], bool], Callable[[Any, Any, Any], Any]]] = {
    "a required element is gone": (_is_required, lambda holder, key, given: holder.pop(key)),
    "a code is not in its required value set": (
        lambda place: (
            place[2].type == "code" and bool(definitions.required_codes(place[2].element.binding or ""))
        ),
        _put("zzz"),
    ),
    "an element is not known": (lambda place: isinstance(place[3], dict), _set("colour", "x")),
    "a date is impossible": (lambda place: place[2].type in ("date", "dateTime"), _put("2026-13-45")),
    "a number is text": (lambda place: isinstance(place[3], int), _put("many")),
    "a period ends before it starts": (_of("Period", "start"), _set("end", "1066")),
    "a unit has a code without system": (_of("Quantity", "code", "system"), _without("system")),
    "a contact has no system": (_of("ContactPoint", "value", "system"), _without("system")),
    "a code is not in its code system": (_is_known, _set("code", "zzz")),
    "a modifier extension is unknown": (
        lambda place: "modifierExtension" in definitions.structure(place[2].type).properties,
        _set("modifierExtension", [UNKNOWN]),
    ),
    "an extension has another value, at another place": (
        lambda place: isinstance(place[3], dict) and place[2].type not in ("Resource", "Extension"),
        _set("extension", [MISPLACED]),
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutants_are_found_out(validator: Validator, name: str) -> None:
    is_place, change = MUTATIONS[name]
    chance = random.Random(name)
    made, missed = 0, []
    for file, resource in chance.sample(EXAMPLES, 150):
        if errors(validator, resource):
            continue
        mutant = copy.deepcopy(resource)
        fitting = [each for each in places(mutant, mutant["resourceType"]) if is_place(each)]
        if fitting:
            holder, key, _, given = chance.choice(fitting)
            change(holder, key, given)
            made += 1
            if not errors(validator, mutant):
                missed.append(file)
    assert made > 0
    assert missed == []
