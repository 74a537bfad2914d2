"""R8, R11, R12: what who covers, or broke the glass, writes, and what remains afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from fhirhub.repository import now
from fhirhub.resources import document
from tests.auth.builders import Json
from tests.careplan.neighbourhood import Neighbourhood
from tests.careplan.people import account
from tests.careplan.resources import code, to
from tests.careplan.test_opening import AGREED, BY_BSN, PLAN, REASON, cover, service

SHARED = {"coding": [{"system": "http://snomed.info/sct", "code": "135411000146103"}]}
PLANLESS = ["correctie", "verbeterplan", "patient-inlichten", "meetwaarde-beoordelen"]


def task(requester: str, owner: str, kind: str = "consult", **also: Any) -> Json:
    return {
        "resourceType": "Task", "status": "requested", "intent": "order", "code": code("task", kind),
        "for": to("Patient/anna"), "authoredOn": "2026-11-01T00:00:00Z", "requester": to(requester),
        "owner": to(owner), **also,
    }  # fmt: skip


async def placed(there: Neighbourhood, who: str, resource: Json) -> int:
    return (await there.ask(who, "POST", resource["resourceType"], resource)).status_code


def team(*members: tuple[str, Json]) -> Json:
    return {
        "resourceType": "CareTeam", "id": "team", "status": "active", "subject": to("Patient/anna"),
        "participant": [{"member": to(member), "period": period} for member, period in members],
    }  # fmt: skip


async def test_r11_who_covers_writes_the_contact_and_asks_the_practice_alone(there: Neighbourhood) -> None:
    await there.put(service(), cover(), PLAN)
    assert (await there.call("hap", "Patient/$open-contact", BY_BSN, REASON, AGREED)).status_code == 200
    post, practice, nursing = "Organization/post", "Organization/praktijk", "Organization/thuiszorg"
    seen: Json = {
        "resourceType": "Observation", "status": "final", "code": {"text": "saturatie"}, "subject": to("Patient/anna"),
    }  # fmt: skip
    assert await placed(there, "hap", seen) == 201
    on_plan: Json = {"basedOn": [to("CarePlan/plan")]}
    assert await placed(there, "hap", task(post, practice, **on_plan)) == 201
    assert await placed(there, "hap", task(post, practice)) == 201
    assert await placed(there, "hap", task(post, nursing, **on_plan)) == 403
    for kind in PLANLESS:
        assert await placed(there, "hap", task(post, nursing, kind)) == 403, kind


async def test_r11_who_covers_begins_no_plan_and_stays_in_no_team(there: Neighbourhood) -> None:
    await there.put(service(), cover(), PLAN)
    await there.call("hap", "Patient/$open-contact", BY_BSN, REASON, AGREED)
    own = {**PLAN, "category": [SHARED]}
    del own["id"]
    assert await placed(there, "hap", own) == 403
    goal = {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "x"}}
    assert await placed(there, "hap", {**goal, "subject": to("Patient/anna")}) == 403
    assert (await there.ask("hap", "PUT", "CarePlan/plan", {**PLAN, "title": "x"})).status_code == 403
    assert await placed(there, "hap", task("Organization/post", "Organization/praktijk")) == 201
    assert [one["id"] for one in await there.find("CarePlan")] == ["plan"]
    assert await there.find("CareTeam") == []


async def test_r12_who_broke_the_glass_places_no_task_of_any_kind(there: Neighbourhood) -> None:
    await there.put(PLAN)
    assert (await there.call("wil", "Patient/$break-glass", BY_BSN, REASON)).status_code == 200
    for kind in ("consult", *PLANLESS):
        for also in ({}, {"basedOn": [to("CarePlan/plan")]}):
            made = task("Organization/thuiszorg", "Organization/thuiszorg", kind, **also)
            assert await placed(there, "wil", made) == 403, (kind, also)


@pytest.mark.parametrize(("party", "reads"), [("Organization/thuiszorg", True), ("Organization/post", False)])
async def test_r8_after_a_shift_of_a_post_nothing_remains(
    there: Neighbourhood, party: str, reads: bool
) -> None:
    ended = document.instant(now() - 60_000_000)
    day = {"start": "2026-01-01", "end": ended}
    await there.put(PLAN, team((party, day)))
    await account(there.hub, "dokter", "Practitioner/hap", "post", "huisarts")
    who = "wil" if reads else "dokter"
    assert await there.sees(who, "CarePlan/plan") is reads
