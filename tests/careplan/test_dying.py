"""R34: what ends when a patient dies."""

from __future__ import annotations

from typing import Any

from fhirhub.auth import accounts
from fhirhub.resources import guide
from tests.auth.builders import Json
from tests.careplan.neighbourhood import Neighbourhood
from tests.careplan.people import account
from tests.careplan.resources import anna, queue, to

PRIVACY = {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}


def grant(
    person: str = "RelatedPerson/mia", id: str = "inzage", *, after_death: bool = False, **also: Any
) -> Json:
    kind = {"system": guide.url("CodeSystem", "consent-kind"), "code": "na-overlijden"}
    category = [{"coding": [kind]}] if after_death else [{"text": "x"}]
    return {
        "resourceType": "Consent", "id": id, "status": "active", "scope": {"coding": [PRIVACY]},
        "category": category, "patient": to("Patient/anna"), "dateTime": "2026-01-01",
        "policy": [{"uri": "https://wetten.overheid.nl/BWBR0023864"}],
        "performer": [to("Patient/anna")],
        "provision": {"type": "permit", "actor": [{"role": {"text": "x"}, "reference": to(person)}]}, **also,
    }  # fmt: skip


def task(id: str, owner: str, **also: Any) -> Json:
    return {
        "resourceType": "Task", "id": id, "status": "requested", "intent": "order", "code": {"text": "x"},
        "for": to("Patient/anna"), "requester": to("Organization/praktijk"), "owner": to(owner), **also,
    }  # fmt: skip


async def dies(there: Neighbourhood) -> None:
    answer = await there.ask("jan", "PUT", "Patient/anna", anna(deceasedDateTime="2026-11-20"))
    assert answer.status_code == 200, answer.text


async def test_r34_open_tasks_and_reminders_end_and_their_owners_hear_it_at_once(
    there: Neighbourhood,
) -> None:
    reminder = {
        "resourceType": "CommunicationRequest",
        "id": "bel",
        "status": "active",
        "subject": to("Patient/anna"),
    }
    await there.put(
        task("een", "Organization/thuiszorg"), task("twee", "Organization/praktijk", status="in-progress"),
        task("klaar", "Organization/thuiszorg", status="completed"), reminder,
        queue("rij", "andere"), task("drie", "HealthcareService/rij", status="ready"),
    )  # fmt: skip
    await dies(there)
    tasks = {one["id"]: one for one in await there.find("Task", "patient=anna")}
    assert {id: one["status"] for id, one in tasks.items()} == {
        "een": "cancelled", "twee": "cancelled", "drie": "cancelled", "klaar": "completed",
    }  # fmt: skip
    assert tasks["een"]["statusReason"]["coding"][0]["code"] == "patient-died"
    assert (await there.find("CommunicationRequest"))[0]["status"] == "revoked"
    for owner in ("Organization/thuiszorg", "Organization/praktijk", "Organization/andere"):
        assert any("overleden" in text for text in await there.told(owner))
    found = (await there.ask("wil", "GET", "Communication")).json()
    assert any("overleden" in one["resource"]["payload"][0]["contentString"] for one in found["entry"])


async def test_r34_the_patients_account_is_closed(there: Neighbourhood) -> None:
    assert (await there.ask("anna", "GET", "Patient/anna")).status_code == 200
    await dies(there)
    await there.hub.realm.revocations.look()
    assert (await there.ask("anna", "GET", "Patient/anna")).status_code == 401
    account = await accounts.by_username(there.hub.realm, "anna")
    assert account is not None
    assert account.disabled


async def test_r34_a_carer_sees_nothing_more_unless_the_patient_said_so_in_life(there: Neighbourhood) -> None:
    await there.put(grant())
    assert await there.sees("mia", "Patient/anna")
    await there.put({"resourceType": "RelatedPerson", "id": "tom", "patient": to("Patient/anna")})
    await account(there.hub, "tom", "RelatedPerson/tom", None, "mantelzorger")
    await there.put(grant("RelatedPerson/tom", "blijvend", after_death=True))
    await dies(there)
    assert not await there.sees("mia", "Patient/anna")
    assert await there.sees("tom", "Patient/anna")
    assert await there.sees("jan", "Patient/anna")


async def test_r34_a_patient_whom_load_says_to_be_dead_changes_nothing(there: Neighbourhood) -> None:
    await there.put(task("een", "Organization/thuiszorg"))
    await there.put(anna(deceasedBoolean=True))
    assert (await there.find("Task"))[0]["status"] == "requested"
