"""Our guide: what `profiles/` says, what was compiled from it, and that its own examples keep to it."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhirhub.auth import roles
from fhirhub.resources import canonicals, guide, packages
from fhirhub.resources.canonicals import OFFICIAL
from fhirhub.resources.validation import snapshots
from fhirhub.resources.validation.validator import Validator
from tests.faulty import faulty

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "profiles"
TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"

DEFINITIONS = sorted(guide.definitions(), key=lambda each: (each["resourceType"], each["id"]))
NAMED = [
    pytest.param(each, id=f"{each['resourceType']}/{each['id']}")
    for each in DEFINITIONS
    if each["resourceType"] != "ImplementationGuide"
]


@functools.cache
def validator() -> Validator:
    return Validator()


def errors(resource: Json) -> list[str]:
    issues = validator().validate(resource)
    return [f"{each.expression}: {each.text}" for each in issues if each.severity in ("error", "fatal")]


def test_compiled_guide_is_what_sushi_makes_of_its_sources() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/compile_guide.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 2:
        pytest.skip(f"the guide cannot be compiled here: {done.stderr.strip()[-300:]}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_canonical_base_stands_in_the_configuration_and_one_rule_set() -> None:
    files = [file for file in SOURCE.rglob("*") if file.suffix in (".fsh", ".yaml")]
    naming = {file.name for file in files if guide.canonical() in file.read_text(encoding="utf-8")}
    assert naming == {"sushi-config.yaml", "rulesets.fsh"}
    assert all(each["url"].startswith(guide.canonical() + "/") for each in DEFINITIONS)


@pytest.mark.parametrize("resource", NAMED)
def test_definition_is_valid_and_tells_itself_in_dutch_and_english(resource: Json) -> None:
    assert errors(resource) == []
    assert resource.get("language") == (None if resource["resourceType"] == "CodeSystem" else "nl")
    for name in ("title", "description")[resource["resourceType"] == "SearchParameter" :]:
        assert resource[name].strip()
        assert in_english(resource, name).strip()


def in_english(resource: Json, name: str) -> str:
    (found,) = (each for each in resource[f"_{name}"]["extension"] if each["url"] == TRANSLATION)
    parts = {part["url"]: part for part in found["extension"]}
    assert parts["lang"]["valueCode"] == "en"
    return str(parts["content"]["valueString"])


def test_guide_is_found_without_being_loaded() -> None:
    for type, id in (
        ("StructureDefinition", "SharedCarePlan"),
        ("ValueSet", "positive-health-dimension"),
        ("CodeSystem", "role"),
        ("ConceptMap", "life-area-to-dimension"),
    ):
        assert OFFICIAL.find(type, guide.url(type, id)) is not None
        assert OFFICIAL.find(type, guide.url(type, id) + "|0.1.0") is not None


def codes(concepts: list[Json]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from codes(concept.get("concept", []))


def of(type: str, id: str) -> Json:
    found = guide.find(type, guide.url(type, id))
    assert found is not None
    return found


def test_positive_health_has_exactly_its_six_dimensions() -> None:
    system = of("CodeSystem", "positive-health-dimension")
    assert system["name"] == "PositiveHealthDimension"
    assert list(codes(system["concept"])) == [
        "lichaamsfuncties",
        "mentaal-welbevinden",
        "zingeving",
        "kwaliteit-van-leven",
        "meedoen",
        "dagelijks-functioneren",
    ]


def test_every_role_in_which_somebody_signs_in_has_a_code() -> None:
    roles = {
        *("huisarts", "poh", "wijkverpleegkundige", "specialist-ouderengeneeskunde", "hap-arts", "welzijn"),
        *("analist", "beheerder", "privacy-officer", "doktersassistent", "verpleegkundig-specialist"),
        *("physician-assistant", "verzorgende-ig", "casemanager-dementie", "apotheker", "patient"),
        *("mantelzorger", "wettelijk-vertegenwoordiger"),
    }
    assert roles <= set(codes(of("CodeSystem", "role")["concept"]))


def test_every_concept_has_an_english_name() -> None:
    def check(concepts: list[Json]) -> None:
        for concept in concepts:
            assert [each["language"] for each in concept["designation"]] == ["en"], concept["code"]
            check(concept.get("concept", []))

    for resource in DEFINITIONS:
        if resource["resourceType"] == "CodeSystem":
            check(resource["concept"])


EXAMPLES = sorted(guide.examples(), key=lambda each: (each["resourceType"], each["id"]))


@pytest.mark.parametrize(
    "resource", [pytest.param(each, id=f"{each['resourceType']}/{each['id']}") for each in EXAMPLES]
)
def test_example_is_valid(resource: Json) -> None:
    assert errors(resource) == []


def test_every_profile_has_an_example() -> None:
    profiles = {
        each["url"]
        for each in DEFINITIONS
        if each["resourceType"] == "StructureDefinition" and each["type"] != "Extension"
    }
    shown = {
        profile for each in (*EXAMPLES, *DEFINITIONS) for profile in each.get("meta", {}).get("profile", [])
    }
    assert profiles - shown == set()


def test_every_extension_is_used_in_a_profile_and_an_example() -> None:
    """A Questionnaire or a programme of the guide is an example too."""
    extensions = {each["url"] for each in DEFINITIONS if each.get("type") == "Extension"}
    used = str(
        [
            *EXAMPLES,
            *(each for each in DEFINITIONS if each["resourceType"] in ("Questionnaire", "PlanDefinition")),
        ]
    )
    assert {url for url in extensions if url not in used} == set()


def test_every_reference_of_an_example_is_to_an_example() -> None:
    there = {f"{each['resourceType']}/{each['id']}" for each in EXAMPLES}

    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("reference"), str):
                yield value["reference"]
            for part in value.values():
                yield from references(part)
        elif isinstance(value, list):
            for part in value:
                yield from references(part)

    assert {found for each in EXAMPLES for found in references(each)} - there == set()


PROFILES = [
    pytest.param(each, id=each["id"])
    for each in DEFINITIONS
    if each["resourceType"] == "StructureDefinition" and each["type"] != "Extension"
]
CORE = "http://hl7.org/fhir/StructureDefinition/"
# What nl-core has profiles for that speak of the same thing as ours.
SHARED_WITH_NL_CORE = {"SharedCareTeam", "DimensionGoal", "HomeMeasurement"}


@pytest.mark.parametrize("profile", PROFILES)
def test_profile_leaves_room_for_a_national_one(profile: Json) -> None:
    extensions = {each["url"] for each in DEFINITIONS if each.get("type") == "Extension"}
    for element in profile["differential"]["element"]:
        slicing = element.get("slicing", {"rules": "open"})
        assert slicing["rules"] == "open", element["id"]
        assert not slicing.get("ordered"), element["id"]
        for type in element.get("type", []):
            assert all(target.startswith(CORE) for target in type.get("targetProfile", [])), element["id"]
            assert all(each.startswith(CORE) or each in extensions for each in type.get("profile", []))
        if profile["id"] in SHARED_WITH_NL_CORE and "sliceName" not in element:
            whole = next(row for row in snapshots.rows(profile, OFFICIAL) if row["id"] == element["id"])
            assert whole["max"] == whole["base"]["max"], f"{element['id']} lowers a maximum"
            assert not any(key.startswith(("fixed", "pattern")) for key in element), element["id"]
            assert element.get("binding", {}).get("strength") != "required", element["id"]


def test_guide_depends_on_no_national_package() -> None:
    about = next(each for each in DEFINITIONS if each["resourceType"] == "ImplementationGuide")
    assert "dependsOn" not in about
    assert "nictiz.nl/fhir/StructureDefinition" not in (ROOT / "fhirhub/resources/guide.json").read_text(
        "utf-8"
    )


def test_roles_of_accounts_have_their_national_codes_in_the_concept_map() -> None:
    mapped = {
        (element["code"], group["target"], target["code"])
        for group in of("ConceptMap", "role-to-national")["group"]
        for element in group["element"]
        for target in element["target"]
    }
    assert {(code, *role.coding) for code, role in roles.ROLES.items() if role.coding} <= mapped
    assert set(roles.ROLES) <= set(codes(of("CodeSystem", "role")["concept"]))


def test_guide_is_a_package_that_can_be_added() -> None:
    package = packages.read(SOURCE / "fsh-generated")
    assert package.name == "fhirhub.guide"
    assert package.missing == {}
    assert package.skipped == {}
    assert {each.url for each in package.definitions} == {
        each["url"] for each in DEFINITIONS if each["resourceType"] in canonicals.TYPES
    }


@pytest.mark.parametrize(("name", "resource"), [pytest.param(*each, id=each[0]) for each in faulty()])
def test_profile_refuses_what_it_forbids(name: str, resource: Json) -> None:
    assert errors(resource), name
