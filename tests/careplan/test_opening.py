"""R11, R12: what cover and breaking the glass open, to whom and how long, and what they never open."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fhirhub.resources import guide
from fhirhub.resources.masking import BSN_SYSTEMS
from fhirhub.store.sql import Statement
from tests.auth.builders import Json
from tests.auth.conftest import Open
from tests.careplan.neighbourhood import Neighbourhood, settle
from tests.careplan.people import account
from tests.careplan.resources import ANNA_BSN, anna, codes, to

BY_BSN: Json = {"name": "identifier", "valueIdentifier": {"system": BSN_SYSTEMS[0], "value": ANNA_BSN}}
BY_NAME: list[Json] = [
    {"name": "birthDate", "valueDate": "1941-03-02"},
    {"name": "family", "valueString": "voorbeeldstra"},
    {"name": "postalCode", "valueString": "1234bc"},
]
ACUTE = {"system": guide.url("CodeSystem", "access-reason"), "code": "acute-zorg"}
REASON: Json = {
    "name": "reason",
    "valueCodeableConcept": {"coding": [ACUTE], "text": "Benauwd, belt de post"},
}
AGREED: Json = {"name": "agreement", "valueCode": "now"}
PLAN: Json = {
    "resourceType": "CarePlan", "id": "plan", "status": "active", "intent": "plan", "subject": to("Patient/anna"),
}  # fmt: skip


def service(**hours: Any) -> Json:
    return {
        "resourceType": "HealthcareService", "id": "dienst", "providedBy": to("Organization/post"),
        "availableTime": [hours or {"allDay": True}],
    }  # fmt: skip


def cover(**also: Any) -> Json:
    code = {"system": guide.url("CodeSystem", "affiliation"), "code": "waarneming"}
    return {
        "resourceType": "OrganizationAffiliation", "id": "waarneming", "active": True,
        "organization": to("Organization/praktijk"), "participatingOrganization": to("Organization/post"),
        "code": [{"coding": [code]}], "healthcareService": [to("HealthcareService/dienst")], **also,
    }  # fmt: skip


def block(actor: str) -> Json:
    scope = {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}
    return {
        "resourceType": "Consent", "id": "blokkade", "status": "active", "scope": {"coding": [scope]},
        "category": [{"text": "x"}], "patient": to("Patient/anna"), "dateTime": "2026-01-01",
        "provision": {"type": "deny", "actor": [{"role": {"text": "x"}, "reference": to(actor)}]},
    }  # fmt: skip


async def later(there: Neighbourhood, seconds: int) -> None:
    """As if that much time went by for all that was opened."""
    step = seconds * 1_000_000
    sql = "UPDATE relation SET start = start - $2, until = until - $2 WHERE tenant = $1 AND kind IN (3, 14)"
    number = there.whole.tenant.number
    await there.whole.tenant.database.execute(Statement(sql, (number, step), ("int", "bigint")))


# --- R11 ---


async def test_r11_cover_opens_one_patient_until_the_hours_end_and_twelve_more(there: Neighbourhood) -> None:
    await there.put(service(), cover(), PLAN)
    assert not await there.sees("hap", "CarePlan/plan")
    answer = await there.call("hap", "Patient/$open-contact", BY_BSN, REASON, AGREED)
    assert answer.status_code == 200, answer.text
    opened = {part["name"]: part for part in answer.json()["parameter"]}
    assert opened["patient"]["resource"]["id"] == "anna"
    until = datetime.fromisoformat(opened["until"]["valueInstant"])
    assert 12 * 3600 < (until - datetime.now(UTC)).total_seconds() <= 36 * 3600
    assert await there.sees("hap", "CarePlan/plan")
    report = {
        "resourceType": "DocumentReference", "status": "current", "subject": to("Patient/anna"),
        "content": [{"attachment": {"title": "Waarneembericht"}}],
    }  # fmt: skip
    assert (await there.ask("hap", "POST", "DocumentReference", report)).status_code == 201
    for party in ("Patient/anna", "Organization/praktijk"):
        (text,) = await there.told(party)
        assert "Benauwd" in text
    await later(there, 36 * 3600 + 60)
    assert not await there.sees("hap", "CarePlan/plan")


async def test_r11_anything_else_is_not_found_and_alike(there: Neighbourhood) -> None:
    other = {**BY_BSN, "valueIdentifier": {"system": BSN_SYSTEMS[0], "value": "999900109"}}
    twin = anna(id="twin", identifier=[{"system": "urn:x", "value": "1"}])

    async def refused(*who: Json) -> str:
        answer = await there.call("hap", "Patient/$open-contact", *who, REASON, AGREED)
        assert answer.status_code == 404, answer.text
        return answer.text

    texts = {await refused(BY_BSN)}
    await there.put(service(), cover(active=False))
    texts.add(await refused(BY_BSN))
    await there.put(cover(period={"end": "2020-01-01"}))
    texts.add(await refused(BY_BSN))
    await there.put(cover(code=[{"text": "samenwerking"}]))
    texts.add(await refused(BY_BSN))
    today = datetime.now(UTC).strftime("%a").lower()
    nearby = {
        "mon": "thu",
        "tue": "fri",
        "wed": "sat",
        "thu": "sun",
        "fri": "mon",
        "sat": "tue",
        "sun": "wed",
    }
    await there.put(cover(), service(daysOfWeek=[nearby[today]], allDay=True))
    texts.add(await refused(BY_BSN))
    await there.put(service())
    texts.add(await refused(other))
    await there.put(anna(generalPractitioner=[to("Organization/tweede")]))
    texts.add(await refused(BY_BSN))
    await there.put(anna(), twin)
    texts.add(await refused(*BY_NAME))
    await there.put(block("Organization/post"))
    texts.add(await refused(BY_BSN))
    assert len(texts) == 1
    assert await there.told("Patient/anna") == []


async def test_r11_birth_date_name_and_postcode_do_as_well(there: Neighbourhood) -> None:
    await there.put(service(), cover())
    answer = await there.call("hap", "Patient/$open-contact", *BY_NAME, REASON, AGREED)
    assert answer.status_code == 200, answer.text
    assert (await there.call("hap", "Patient/$open-contact", *BY_NAME[:2], REASON, AGREED)).status_code == 400


async def test_r11_cover_is_written_by_who_is_covered_or_an_administrator(there: Neighbourhood) -> None:
    await there.put(service())
    fresh = cover()
    del fresh["id"]
    assert (await there.ask("hap", "POST", "OrganizationAffiliation", fresh)).status_code == 403
    for other in ({"code": [{"text": "x"}]}, {"participatingOrganization": to("Organization/praktijk")}):
        answer = await there.ask("jan", "POST", "OrganizationAffiliation", {**fresh, **other})
        assert answer.status_code == 403
    for name in ("jan", "beheer"):
        assert (await there.ask(name, "POST", "OrganizationAffiliation", fresh)).status_code == 201
    assert (await there.call("els", "Patient/$open-contact", BY_BSN, REASON, AGREED)).status_code == 403


# --- R12 ---


async def test_r12_a_broken_glass_opens_to_one_person_for_an_hour_to_read(there: Neighbourhood) -> None:
    await there.put(PLAN)
    await account(there.hub, "hap2", "Practitioner/hap2", "post", "hap-arts")
    answer = await there.call("hap", "Patient/$break-glass", BY_BSN, REASON)
    assert answer.status_code == 200, answer.text
    assert answer.json()["parameter"][0]["resource"]["id"] == "anna"
    assert await there.sees("hap", "CarePlan/plan")
    assert not await there.sees("hap2", "CarePlan/plan")
    changed = await there.ask("hap", "PUT", "CarePlan/plan", {**PLAN, "title": "x"})
    assert changed.status_code == 403
    await later(there, 3601)
    assert not await there.sees("hap", "CarePlan/plan")


async def test_r12_coordinator_and_patient_are_told_and_it_is_reviewed(there: Neighbourhood) -> None:
    assert (await there.call("hap", "Patient/anna/$break-glass", REASON)).status_code == 200
    for party in ("Patient/anna", "Organization/praktijk"):
        (text,) = await there.told(party)
        assert text.startswith("hap (hap-arts, Organisatie post) ")
        assert "Benauwd" in text
    reviews = await there.find("Task", "code=inzage-beoordelen")
    assert {one["owner"]["reference"] for one in reviews} == {"Practitioner/privacy", "Organization/praktijk"}
    found = (await there.ask("privacy", "GET", "Task")).json()
    (seen,) = (entry["resource"] for entry in found["entry"])
    assert (seen["for"], codes([seen])) == ({"reference": "Patient/anna"}, ["inzage-beoordelen"])
    assert not await there.sees("privacy", "Patient/anna")


async def test_r12_a_block_or_refusal_stands_and_all_answers_are_alike(there: Neighbourhood) -> None:
    answers = [await there.call("hap", "Patient/nobody/$break-glass", REASON)]
    await there.put(block("Practitioner/hap"))
    answers.append(await there.call("hap", "Patient/anna/$break-glass", REASON))
    answers.append(await there.call("hap", "Patient/$break-glass", BY_BSN, REASON))
    await there.put(block("Organization/post"))
    answers.append(await there.call("hap", "Patient/anna/$break-glass", REASON))
    await there.put(anna(id="twin", identifier=[{"system": "urn:x", "value": "1"}]))
    answers.append(await there.call("hap", "Patient/$break-glass", *BY_NAME, REASON))
    assert {one.status_code for one in answers} == {404}
    assert len({one.text for one in answers}) == 1


async def test_r12_label_v_stays_closed(there: Neighbourhood) -> None:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}
    await there.put(PLAN, {**PLAN, "id": "zeer", "meta": {"security": [label]}})
    await account(there.hub, "arts", "Practitioner/arts", "tweede", "huisarts")
    assert (await there.call("arts", "Patient/anna/$break-glass", REASON)).status_code == 200
    assert await there.sees("arts", "CarePlan/plan")
    assert not await there.sees("arts", "CarePlan/zeer")


async def test_r12_who_may_not_break_it_and_a_reason_without_words_are_refused(there: Neighbourhood) -> None:
    for name in ("els", "sam", "anna", "beheer"):
        assert (await there.call(name, "Patient/anna/$break-glass", REASON)).status_code == 403
    bare = {"name": "reason", "valueCodeableConcept": {"coding": [ACUTE]}}
    assert (await there.call("hap", "Patient/anna/$break-glass", bare)).status_code == 400


@pytest.mark.parametrize("setting", ["off", "crisis-summary"])
async def test_r12_a_setting_closes_it_or_opens_the_crisis_summary_alone(
    open_hub: Open, setting: str
) -> None:
    async with open_hub(break_glass=setting) as hub:
        there = await settle(hub)
        await there.put(PLAN)
        answer = await there.call("hap", "Patient/anna/$break-glass", REASON)
        assert answer.status_code == (403 if setting == "off" else 200)
        assert not await there.sees("hap", "CarePlan/plan")
