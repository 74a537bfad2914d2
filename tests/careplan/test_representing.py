"""R19, R20: who represents a patient and until when, and what a doctor hides."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from fhirhub.auth import accounts
from fhirhub.resources import guide
from tests.auth.builders import Json
from tests.careplan import people
from tests.careplan.neighbourhood import Neighbourhood
from tests.careplan.resources import anna, member, team, to
from tests.careplan.test_dying import grant

TODAY = datetime.now(UTC).date()


def born(years: int, days: int = 30) -> str:
    """The birth date of who is that many years and some days old."""
    return (date(TODAY.year - years, TODAY.month, min(TODAY.day, 28)) - timedelta(days=days)).isoformat()


def representation(**also: Any) -> Json:
    role = {"coding": [{"system": "http://snomed.info/sct", "code": "310391000146105"}]}
    made = grant(id="vertegenwoordiging", **also)
    made |= {
        "dateTime": TODAY.isoformat(), "performer": [to("Practitioner/jan")],
        "organization": [to("Organization/praktijk")], "policy": [{"uri": "https://wetten.overheid.nl/BWBR0005290"}],
        "verification": [{"verified": True, "verifiedWith": to("RelatedPerson/mia")}],
    }  # fmt: skip
    made["provision"] |= {
        "period": {"start": TODAY.isoformat(), "end": (TODAY + timedelta(days=364)).isoformat()},
        "actor": [{"role": role, "reference": to("RelatedPerson/mia")}],
        "action": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentaction", "code": code}]}
            for code in ("access", "correct")
        ],
    }
    return made


async def record(there: Neighbourhood, name: str = "jan", **also: Any) -> Any:
    made = representation(**also)
    del made["id"]
    return await there.ask(name, "POST", "Consent", made)


async def as_representative(there: Neighbourhood) -> None:
    account = await accounts.by_username(there.hub.realm, "mia")
    assert account is not None
    assert "wettelijk-vertegenwoordiger" in {one.role for one in account.standings}
    await people.account(there.hub, "mia-als", "RelatedPerson/mia", None, "wettelijk-vertegenwoordiger")


async def test_r19_a_representative_does_there_what_the_patient_may_in_their_own_name(
    there: Neighbourhood,
) -> None:
    assert (await record(there, "wil")).status_code in (403, 404, 422)
    assert (await record(there)).status_code == 201
    await as_representative(there)
    assert await there.sees("mia-als", "Patient/anna")
    goal: Json = {
        "resourceType": "Goal", "lifecycleStatus": "proposed", "description": {"text": "Naar buiten"},
        "subject": to("Patient/anna"), "expressedBy": to("RelatedPerson/mia"),
    }  # fmt: skip
    assert (await there.ask("mia-als", "POST", "Goal", goal)).status_code == 201
    assert await there.sees("anna", "Patient/anna")
    assert len((await there.ask("anna", "GET", "Goal")).json()["entry"]) == 1


async def test_r19_a_representation_without_review_within_a_year_is_refused(there: Neighbourhood) -> None:
    made = representation()
    del made["id"]
    for end in ({"start": TODAY.isoformat()}, {"start": TODAY.isoformat(), "end": "2999-01-01"}):
        made["provision"]["period"] = end
        assert (await there.ask("jan", "POST", "Consent", made)).status_code == 422


@pytest.mark.parametrize("name", ["jan", "sol"])
async def test_r19_a_representation_says_its_ground_evidence_decisions_and_review(
    there: Neighbourhood, name: str
) -> None:
    await there.put(team(member("Organization/verpleeghuis", {"text": "x"})))
    whole = representation()
    del whole["id"]

    async def refused(without: str, named: str) -> None:
        made = {**whole, "provision": dict(whole["provision"])}
        path = without.split(".")
        (made if len(path) == 1 else made["provision"]).pop(path[-1])
        answer = await there.ask(name, "POST", "Consent", made)
        assert answer.status_code == 422, answer.text
        assert named in answer.text

    await refused("policy", "Policy")
    await refused("verification", "evidence")
    await refused("provision.action", "decisions")
    await refused("provision.period", "reviewed")
    void = {**whole, "provision": {**whole["provision"], "code": [{"text": "Behandeling"}]}}
    assert (await there.ask(name, "POST", "Consent", void)).status_code == 422
    answer = await there.ask(name, "POST", "Consent", whole)
    assert answer.status_code == 201, answer.text


async def test_r19_an_objection_is_a_task_for_the_doctor_who_recorded_it(there: Neighbourhood) -> None:
    consent = (await record(there)).json()
    code = {"system": guide.url("CodeSystem", "task"), "code": "bezwaar-vertegenwoordiging"}
    objection: Json = {
        "resourceType": "Task", "status": "requested", "intent": "order", "code": {"coding": [code]},
        "for": to("Patient/anna"), "requester": to("Patient/anna"), "owner": to("Practitioner/els"),
        "focus": to(f"Consent/{consent['id']}"),
    }  # fmt: skip
    assert (await there.ask("anna", "POST", "Task", objection)).status_code == 422
    objection["owner"] = to("Practitioner/jan")
    answer = await there.ask("anna", "POST", "Task", objection)
    assert answer.status_code == 201, answer.text
    assert await there.sees("jan", f"Task/{answer.json()['id']}")
    assert any("bezwaar" in text for text in await there.told("Practitioner/jan"))


@pytest.mark.parametrize(("age", "until"), [(11, 12), (13, 16), (15, 16)])
async def test_r19_what_is_decided_for_a_child_ends_by_itself_with_age(
    there: Neighbourhood, age: int, until: int
) -> None:
    birth = born(age, days=340 if age in (11, 15) else 30)
    await there.put(anna(birthDate=birth))
    answer = await record(there)
    assert answer.status_code == 201, answer.text
    (stored,) = await there.find("Consent")
    last = date.fromisoformat(stored["provision"]["period"]["end"])
    birthday = date(int(birth[:4]) + until, int(birth[5:7]), int(birth[8:10]))
    assert last == min(birthday - timedelta(days=1), TODAY + timedelta(days=364))


async def test_r19_a_grant_of_a_child_to_a_parent_ends_at_sixteen(there: Neighbourhood) -> None:
    mia: Json = {"resourceType": "RelatedPerson", "id": "mia", "patient": to("Patient/anna")}
    await there.put(anna(birthDate=born(14)), {**mia, "relationship": [{"text": "moeder"}]})
    given = {**grant(), "dateTime": TODAY.isoformat()}
    del given["id"]
    assert (await there.ask("anna", "POST", "Consent", given)).status_code == 201
    (stored,) = await there.find("Consent")
    assert int(stored["provision"]["period"]["end"][:4]) in (TODAY.year + 1, TODAY.year + 2)
    assert await there.sees("mia", "Patient/anna")


# --- R20 ---


def hidden(reason: str | None, review: date) -> Json:
    parts: list[Json] = [{"url": "review", "valueDate": review.isoformat()}]
    if reason:
        parts.insert(0, {"url": "reason", "valueString": reason})
    why = {"url": guide.url("StructureDefinition", "label-review"), "extension": parts}
    label = {
        "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
        "code": "S",
        "extension": [why],
    }
    return {
        "resourceType": "Condition", "subject": to("Patient/anna"), "code": {"text": "Vermoeden"},
        "recorder": to("Practitioner/jan"), "meta": {"security": [label]},
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                                       "code": "active"}]},
    }  # fmt: skip


async def test_r20_what_a_doctor_hides_has_a_reason_and_is_looked_at_within_six_months(
    there: Neighbourhood,
) -> None:
    soon = TODAY + timedelta(days=90)
    for wrong in (
        hidden(None, soon),
        hidden("Onrust", TODAY + timedelta(days=200)),
        hidden("Onrust", TODAY - timedelta(2)),
    ):
        assert (await there.ask("jan", "POST", "Condition", wrong)).status_code == 422
    assert (await there.ask("els", "POST", "Condition", hidden("Onrust", soon))).status_code == 422
    answer = await there.ask("jan", "POST", "Condition", hidden("Onrust", soon))
    assert answer.status_code == 201, answer.text
    name = f"Condition/{answer.json()['id']}"
    assert await there.sees("jan", name)
    assert not await there.sees("anna", name)


async def test_r20_who_wrote_what_is_hidden_later_is_hidden_with_it(there: Neighbourhood) -> None:
    goal: Json = {
        "resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "x"},
        "subject": to("Patient/anna"),
    }  # fmt: skip
    made = (await there.ask("jan", "POST", "Goal", goal)).json()
    query = f"Provenance?target=Goal/{made['id']}"
    assert (await there.ask("anna", "GET", query)).json()["total"] == 1
    review = {
        "url": guide.url("StructureDefinition", "label-review"),
        "extension": [
            {"url": "reason", "valueString": "schadelijk"},
            {"url": "review", "valueDate": (TODAY + timedelta(days=60)).isoformat()},
        ],
    }
    code = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "S", "extension": [review]}
    changed = {**made, "meta": {"security": [code]}}
    assert (await there.ask("jan", "PUT", f"Goal/{made['id']}", changed)).status_code == 200
    assert (await there.ask("anna", "GET", query)).json()["total"] == 0
    assert made["id"] not in (await there.ask("anna", "GET", "_history")).text
    assert (await there.ask("jan", "GET", query)).json()["total"] == 2
