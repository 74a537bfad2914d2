"""Whatever a resource or a profile says, its validation ends soon and without a fault of ours."""

from __future__ import annotations

import copy
import random
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhirhub.errors import Issue
from fhirhub.resources import definitions, document
from fhirhub.resources.canonicals import CORE, OFFICIAL, Canonicals
from fhirhub.resources.definitions import RESOURCE_TYPES
from fhirhub.resources.validation.validator import OWN_RULES, Validator
from tests.examples import official_examples

Json = dict[str, Any]
ACME = "http://acme.example/fhir/"

FUZZED = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

VALIDATOR = Validator()
EXAMPLES = [document.parse(data) for _, data in official_examples(at_most=8_000)]

LEAVES = st.sampled_from(
    [
        *(None, True, 0, -1, 10**30, "", " ", "a", "#", "#a", "1", "2026", "Patient/1", "urn:uuid:1"),
        *("http://x|1#a", "<div>", '<div xmlns="http://www.w3.org/1999/xhtml"><p>', "a.where(b"),
        *("%resource", "[](){}", "\\", "é\u0000"),
    ]
)
KEYS = st.sampled_from(
    [
        "resourceType",
        "id",
        "extension",
        "url",
        "value",
        "coding",
        "contained",
        "entry",
        "resource",
        "_id",
        "item",
    ]
)
JUNK = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def faults_of_ours(issues: list[Issue]) -> list[str]:
    return [each.text for each in issues if each.code == "exception"]


@FUZZED
@given(seed=st.integers(0, 2**32), junk=st.lists(JUNK, min_size=1, max_size=4))
def test_an_example_with_junk_in_it(seed: int, junk: list[Any]) -> None:
    chance = random.Random(seed)
    resource = copy.deepcopy(chance.choice(EXAMPLES))
    for each in junk:
        holders = [value for _, _, value in document.walk(resource) if isinstance(value, dict)] + [resource]
        holder = chance.choice(holders)
        known = [key for key in holder if holder is not resource or key != "resourceType"]
        key = chance.choice(known) if known and chance.random() < 0.8 else "extension"
        holder[key] = each if chance.random() < 0.6 else [each]
    assert faults_of_ours(VALIDATOR.validate(resource)) == []


@FUZZED
@given(
    type=st.sampled_from(RESOURCE_TYPES),
    seed=st.integers(0, 2**32),
    junk=st.lists(JUNK, min_size=4, max_size=4),
)
def test_a_resource_of_any_type_made_of_junk(type: str, seed: int, junk: list[Any]) -> None:
    chance = random.Random(seed)
    keys = list(definitions.structure(type).properties)
    resource = {"resourceType": type} | {chance.choice(keys): each for each in junk}
    assert faults_of_ours(VALIDATOR.validate(resource)) == []


@FUZZED
@given(type=st.sampled_from(sorted(OWN_RULES)), seed=st.integers(0, 2**32), junk=JUNK)
def test_resources_with_rules_of_their_own(type: str, seed: int, junk: Any) -> None:
    chance = random.Random(seed)
    found = [each for each in EXAMPLES if each["resourceType"] == type]
    resource = copy.deepcopy(chance.choice(found)) if found else {"resourceType": type}
    places = [
        (value, key) for _, _, value in document.walk(resource) if isinstance(value, dict) for key in value
    ]
    if places:
        holder, key = chance.choice(places)
        holder[key] = junk
    # What is right in structure but not in content reaches furthest.
    assert faults_of_ours(VALIDATOR.validate(resource, has_structure=False)) == []


@FUZZED
@given(seed=st.integers(0, 2**32), junk=st.lists(JUNK, min_size=1, max_size=3))
def test_a_profile_with_junk_in_it(seed: int, junk: list[Any]) -> None:
    chance = random.Random(seed)
    rows: list[Json] = [
        {"id": "Patient", "path": "Patient"},
        {
            "id": "Patient.name",
            "path": "Patient.name",
            "slicing": {"discriminator": [{"type": "value", "path": "use"}], "rules": "open"},
        },
        {
            "id": "Patient.name:a",
            "path": "Patient.name",
            "sliceName": "a",
            "min": 1,
            "type": [{"code": "HumanName"}],
        },
        {"id": "Patient.name:a.use", "path": "Patient.name.use", "fixedCode": "usual"},
        {
            "id": "Patient.generalPractitioner",
            "path": "Patient.generalPractitioner",
            "binding": {"strength": "required", "valueSet": ACME + "v"},
            "constraint": [
                {"key": "a", "severity": "error", "human": "x", "expression": "reference.exists()"}
            ],
            "type": [{"code": "Reference", "targetProfile": [ACME + "p"]}],
        },
    ]
    for each in junk:
        row = chance.choice(rows)
        row[
            chance.choice([*row, "max", "maxLength", "minValueDate", "patternHumanName", "contentReference"])
        ] = each
    definition = {
        "resourceType": "StructureDefinition",
        "url": ACME + "p",
        "type": "Patient",
        "kind": "resource",
        "baseDefinition": CORE + "Patient",
        "derivation": "constraint",
        "differential": {"element": rows},
    }
    validator = Validator(Canonicals([definition], OFFICIAL))
    patient = {
        "resourceType": "Patient",
        "name": [{"use": "usual", "family": "x"}, {"family": "y"}],
        "generalPractitioner": [{"reference": "#p"}, {"display": "x"}],
        "contained": [{"resourceType": "Practitioner", "id": "p"}],
    }
    assert faults_of_ours(validator.validate(patient, [ACME + "p"])) == []
    assert faults_of_ours(validator.validate(definition)) == []


# Much of everything


def timed(resource: Json, *known: Json, profiles: tuple[str, ...] = (), seconds: float = 1.0) -> list[Issue]:
    """The issues; the time is bounded, with room for a busy machine."""
    begin = time.process_time()
    found = Validator(Canonicals(known, OFFICIAL)).validate(resource, profiles, seconds=seconds)
    assert time.process_time() - begin < 15 * seconds
    assert faults_of_ours(found) == []
    return found


def test_many_items_in_many_slices_come_to_an_end() -> None:
    rows: list[Json] = [
        {
            "id": "Patient.identifier",
            "path": "Patient.identifier",
            "slicing": {
                "discriminator": [
                    {"type": "value", "path": path} for path in ("system", "type", "period.start")
                ],
                "rules": "closed",
            },
        }
    ]
    for number in range(300):
        name = f"s{number}"
        rows += [
            {"id": f"Patient.identifier:{name}", "path": "Patient.identifier", "sliceName": name},
            {
                "id": f"Patient.identifier:{name}.system",
                "path": "Patient.identifier.system",
                "min": 1,
                "fixedUri": f"urn:{name}",
            },
        ]
    definition = {
        "resourceType": "StructureDefinition",
        "url": ACME + "p",
        "type": "Patient",
        "kind": "resource",
        "baseDefinition": CORE + "Patient",
        "derivation": "constraint",
        "differential": {"element": rows},
    }
    patient = {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:none", "value": str(n)} for n in range(20_000)],
    }
    assert timed(patient, definition, profiles=(ACME + "p",)) != []


def test_deep_and_long_resources_come_to_an_end() -> None:
    extension: Json = {"url": "http://acme.example/x", "valueString": "x"}
    for _ in range(300):
        extension = {"url": "http://acme.example/x", "extension": [extension]}
    timed({"resourceType": "Patient", "extension": [extension]})
    item: Json = {"linkId": "x", "type": "group"}
    for number in range(300):
        item = {"linkId": str(number), "type": "group", "item": [item]}
    timed({"resourceType": "Questionnaire", "status": "draft", "item": [item]})
    concepts = [{"code": str(number)} for number in range(50_000)]
    timed(
        {"resourceType": "CodeSystem", "status": "draft", "content": "complete", "concept": concepts},
        seconds=5,
    )
    entries = [
        {
            "fullUrl": f"http://acme.example/Patient/{number}",
            "resource": {
                "resourceType": "Patient",
                "id": str(number),
                "link": [{"other": {"reference": f"Patient/{number + 1}"}, "type": "seealso"}],
            },
        }
        for number in range(2_000)
    ]
    timed({"resourceType": "Bundle", "type": "collection", "entry": entries})


@pytest.mark.parametrize("length", [1, 2, 5])
def test_profiles_in_a_circle_come_to_an_end(length: int) -> None:
    circle = [
        {
            "resourceType": "StructureDefinition",
            "url": f"{ACME}{number}",
            "type": "Patient",
            "kind": "resource",
            "baseDefinition": f"{ACME}{(number + 1) % length}",
            "derivation": "constraint",
            "differential": {"element": [{"id": "Patient", "path": "Patient"}]},
        }
        for number in range(length)
    ]
    assert timed({"resourceType": "Patient"}, *circle, profiles=(f"{ACME}0",)) != []
    timed(circle[0], *circle)


def test_value_sets_in_a_circle_come_to_an_end() -> None:
    sets = [
        {
            "resourceType": "ValueSet",
            "url": f"{ACME}{number}",
            "status": "active",
            "compose": {"include": [{"valueSet": [f"{ACME}{(number + 1) % 3}"]}]},
        }
        for number in range(3)
    ]
    definition = {
        "resourceType": "StructureDefinition",
        "url": ACME + "p",
        "type": "Patient",
        "kind": "resource",
        "baseDefinition": CORE + "Patient",
        "derivation": "constraint",
        "differential": {
            "element": [
                {
                    "id": "Patient.maritalStatus",
                    "path": "Patient.maritalStatus",
                    "binding": {"strength": "required", "valueSet": ACME + "0"},
                }
            ]
        },
    }
    patient = {"resourceType": "Patient", "maritalStatus": {"coding": [{"system": "urn:x", "code": "x"}]}}
    timed(patient, definition, *sets, profiles=(ACME + "p",))
