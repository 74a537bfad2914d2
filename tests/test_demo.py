"""The demo region: the same each time, sound, and plainly synthetic."""

from __future__ import annotations

import importlib
import itertools
import tracemalloc
from collections import Counter, deque
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from fhirhub import demo
from fhirhub.demo import questionnaires
from fhirhub.demo.calendar import moment
from fhirhub.demo.draw import Draw
from fhirhub.demo.patients import bsns
from fhirhub.demo.words import DIMENSIONS
from fhirhub.resources import document, xml
from fhirhub.resources.consents import covers, decisions, permits_as_representative
from fhirhub.resources.validation.structure import validate
from fhirhub.resources.validation.validator import Validator
from tests.claims import profile_of

Json = dict[str, Any]


@pytest.fixture(scope="module")
def region() -> list[Json]:
    return list(demo.build())


def references(value: Any) -> Iterator[str]:
    """Every local reference in a resource."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "reference" and isinstance(inner, str):
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def name(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def test_region_is_the_same_bytes_each_time(region: list[Json]) -> None:
    again = demo.build()
    assert [document.encode(resource) for resource in region] == [
        document.encode(resource) for resource in again
    ]


def test_a_patient_is_the_same_in_a_larger_region() -> None:
    small, large = ([group[0] for group in demo.groups(count)][3:] for count in (3, 5))
    assert small == large[: len(small)]


def test_every_resource_has_the_structure_that_r4_defines(region: list[Json]) -> None:
    faults = {name(resource): issues for resource in region if (issues := validate(resource))}
    assert faults == {}


def test_every_resource_is_one_for_the_typed_classes_too(region: list[Json]) -> None:
    checked = Counter[str]()
    for resource in region:
        kind = resource["resourceType"]
        checked[kind] += 1
        if checked[kind] <= 60:
            typed = getattr(importlib.import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
            typed.model_validate_json(document.encode(resource))
    assert len(checked) == 24


def test_every_resource_keeps_to_its_profile_of_the_guide(region: list[Json]) -> None:
    validator = Validator()
    claimed = [(each, profile) for each in region if (profile := profile_of(each)) is not None]
    assert {profile.rpartition("/")[2] for _, profile in claimed} >= {
        "SharedCarePlan",
        "PlanTask",
        "TeamConsent",
    }
    faults = [
        f"{name(resource)}: {issue.expression}: {issue.text}"
        for resource, profile in claimed
        for issue in validator.validate(resource, {profile: None})
        if issue.severity in ("error", "fatal")
    ]
    assert faults == []


def test_r19_every_representation_holds(region: list[Json]) -> None:
    made = [one for one in region if one["resourceType"] == "Consent" and permits_as_representative(one)]
    assert made
    assert all(covers(one) and any(two.represents for two in decisions(one)) for one in made)


def test_every_resource_survives_xml(region: list[Json]) -> None:
    for resource in region[::7]:
        assert xml.from_xml(xml.to_xml(resource)) == resource


def test_ids_are_unique(region: list[Json]) -> None:
    assert max(Counter(map(name, region)).values()) == 1


def test_references_point_backward_or_to_the_tasks_right_after_their_plan() -> None:
    seen: set[str] = set()
    for group in demo.groups(20):
        for place, resource in enumerate(group):
            known = seen | {name(resource)}
            if resource["resourceType"] == "CarePlan":
                tasks = itertools.takewhile(lambda next: next["resourceType"] == "Task", group[place + 1 :])
                known |= {name(task) for task in tasks}
            assert set(references(resource)) <= known, name(resource)
            seen.add(name(resource))


def test_everything_says_that_it_is_made_up(region: list[Json]) -> None:
    assert all(resource["meta"]["tag"][0]["code"] == "HTEST" for resource in region)


def test_meta_of_one_resource_can_be_stamped_without_touching_another() -> None:
    first, second = itertools.islice((r for r in demo.build(2) if r["resourceType"] == "Observation"), 2)
    first["meta"]["versionId"] = "7"
    assert "versionId" not in second["meta"]
    assert all("versionId" not in resource["meta"] for resource in demo.build(1))


def test_test_bsns_keep_the_eleven_test_and_their_range() -> None:
    for bsn in itertools.islice(bsns(), 50_000):
        assert len(bsn) == 9
        assert bsn.startswith("999")
        assert (sum((9 - place) * int(digit) for place, digit in enumerate(bsn[:8])) - int(bsn[8])) % 11 == 0


def test_there_is_a_shared_plan_with_team_goals_tasks_and_measurements_for_each_patient() -> None:
    for group in itertools.islice(demo.groups(), 3, None):
        kinds = Counter(resource["resourceType"] for resource in group)
        assert kinds["Patient"] == kinds["CareTeam"] == 1
        assert kinds["Condition"] >= 2
        assert kinds["Goal"] >= 2
        assert kinds["Task"] >= 3
        plan = next(resource for resource in group if resource["resourceType"] == "CarePlan")
        assert plan["category"][0]["coding"][0]["code"] == "135411000146103"
        assert 25 <= len(group) <= 160


def test_region_is_lively(region: list[Json]) -> None:
    assert 60 <= len(region) / demo.PATIENTS <= 120
    statuses = {resource["status"] for resource in region if resource["resourceType"] == "Task"}
    assert statuses >= {"requested", "accepted", "in-progress", "completed", "rejected"}
    dimensions = {
        resource["category"][0]["coding"][0]["code"]
        for resource in region
        if resource["resourceType"] == "Goal"
    }
    assert dimensions == {code for code, _ in DIMENSIONS}


def test_team_members_by_task_are_there_from_acceptance_until_the_end() -> None:
    for group in itertools.islice(demo.groups(), 3, None):
        team = next(resource for resource in group if resource["resourceType"] == "CareTeam")
        members = {part["member"]["reference"]: part["period"] for part in team["participant"]}
        for task in group:
            owner = task["owner"]["reference"] if task["resourceType"] == "Task" else ""
            if owner.startswith("Organization/") and task["status"] in ("accepted", "in-progress", "on-hold"):
                assert "end" not in members[owner]


def test_large_region_streams() -> None:
    deque(demo.build(1), maxlen=0)  # typed classes and templates are loaded
    tracemalloc.start()
    deque(demo.build(60), maxlen=0)
    small = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    deque(demo.build(600), maxlen=0)
    large = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert large < small * 2 + 1_000_000


@pytest.mark.parametrize(
    ("marks", "points"),
    [
        ([6, 6, 6, 7, None, None, None], "6.3"),
        ([5, 5, 5, None, None, None, None], None),
        ([None, None, None, 4, 4, 4, 4], "4.0"),
        ([0, 0, 0, 0, 0, 0, 1], "0.1"),
        ([10] * 7, "10.0"),
    ],
)
def test_score_is_the_mean_of_the_answered_rounded_half_up(
    marks: list[int | None], points: str | None
) -> None:
    assert questionnaires.score(marks) == (points and Decimal(points))


def test_moments_know_summer_time() -> None:
    assert moment(0, 9) == "2026-11-20T09:00:00+01:00"
    assert moment(26, 9) == "2026-10-25T09:00:00+01:00"
    assert moment(27, 9) == "2026-10-24T09:00:00+02:00"
    assert moment(236, 9) == "2026-03-29T09:00:00+02:00"
    assert moment(237, 9) == "2026-03-28T09:00:00+01:00"


def test_draws_are_even_and_apart() -> None:
    draw = Draw("x", 1)
    counts = Counter(draw.below(10) for _ in range(10_000))
    assert all(850 < counts[digit] < 1150 for digit in range(10))
    assert Draw("x", 2).below(1 << 60) != Draw("x", 1).below(1 << 60) == Draw("x", 1).below(1 << 60)
    assert sorted(Draw("y").some("abc", 5)) == ["a", "b", "c"]


def test_numbers_stay_exact() -> None:
    weights = [resource for resource in demo.build(5) if resource["id"].startswith("gewicht")]
    assert {type(weight["valueQuantity"]["value"]) for weight in weights} == {Decimal}
    assert msgspec.json.decode(document.encode(weights[0]))["valueQuantity"]["value"] > 40


def test_the_state_of_each_scenario_can_be_looked_at(region: list[Json]) -> None:
    by_name = {name(resource): resource for resource in region}
    tasks = [one for one in region if one["resourceType"] == "Task"]
    consents = [one for one in region if one["resourceType"] == "Consent"]

    def codes(concept: Json) -> set[str]:
        return {coding["code"] for coding in concept["coding"]}

    # 1: a meeting with agenda, minutes and a decision, and a night visit
    (decision,) = (one for one in tasks if "mdo-besluit" in codes(one["code"]))
    assert decision["reasonReference"]["reference"] in by_name
    assert {"Composition/verslag-2", "List/agenda-2", "DocumentReference/waarneembericht-2"} <= by_name.keys()
    # 2: three programmes in one plan, a visit that several of them ask for
    plan = by_name["CarePlan/plan-4"]
    asking = [
        len(one["detail"].get("instantiatesCanonical", ())) for one in plan["activity"] if "detail" in one
    ]
    assert len(plan["instantiatesCanonical"]) == 3 == max(asking)
    # 3: welfare refused and accepted
    welfare = {one["status"] for one in tasks if one["owner"]["reference"] == "Organization/welzijn"}
    assert {"rejected", "completed"} <= welfare
    # 4, 5, 9: a grant, a block, a yes to research; taken back too
    grants = {
        one["status"]
        for one in consents
        if one["provision"]
        .get("actor", [{"reference": {"reference": ""}}])[0]["reference"]["reference"]
        .startswith("Related")
    }
    research = {one["status"] for one in consents if "research" in codes(one["scope"])}
    assert grants == research == {"active", "inactive"}
    assert any(
        one["provision"]["type"] == "deny" and "patient-privacy" in codes(one["scope"]) for one in consents
    )
    # 6, 7: two organisations in a team; a receiver that is off
    teams = [one for one in region if one["resourceType"] == "CareTeam"]
    others = [
        sum(member["member"]["reference"].startswith("Organization/") for member in team["participant"])
        for team in teams
    ]
    assert max(others) >= 2
    assert by_name["Endpoint/ontvanger-1"]["status"] == "off"
    # 8: a queue, by urgency, one of it overdue
    queued = [one for one in tasks if one["owner"]["reference"] == "HealthcareService/wachtrij-1"]
    assert {code for one in queued for code in codes(one["businessStatus"])} == {
        "direct",
        "vandaag",
        "binnen-drie-dagen",
    }
    assert [one for one in queued if one["restriction"]["period"]["end"] < "2026-11-20"]
