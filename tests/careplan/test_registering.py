"""R3, R5, R6: one Patient for each BSN, and how registration arises, moves and ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fhirhub.access import EVERYTHING
from fhirhub.errors import FhirError
from fhirhub.load import Found, Loader, Report
from fhirhub.repository import Repository
from fhirhub.resources import guide
from fhirhub.resources.masking import BSN_SYSTEMS
from tests.auth.builders import BASE, Json, bearer
from tests.careplan.neighbourhood import Neighbourhood
from tests.careplan.resources import ANNA_BSN, anna, codes, to
from tests.careplan.test_hearing import heard

NEW_BSN = "999900018"
CHECKED = {"system": guide.url("CodeSystem", "identity-check"), "code": "document"}


def registration(bsn: str = NEW_BSN, birth: str = "1950-02-03", family: str = "Nieuwstra") -> list[Json]:
    return [
        {"name": "identifier", "valueIdentifier": {"system": BSN_SYSTEMS[0], "value": bsn}},
        {"name": "birthDate", "valueDate": birth},
        {"name": "name", "valueHumanName": {"family": family, "given": ["Anna"]}},
        {"name": "identityCheck", "valueCodeableConcept": {"coding": [CHECKED]}},
    ]


ANNA = registration(ANNA_BSN, "1941-03-02", "Voorbeeldstra")


async def practice_of(there: Neighbourhood, id: str = "anna") -> Any:
    (found,) = await there.find("Patient", f"_id={id}")
    return found.get("generalPractitioner")


# --- R3 ---


async def test_r3_a_second_patient_of_a_bsn_is_refused_and_named_register(there: Neighbourhood) -> None:
    with pytest.raises(FhirError, match=r"Patient/\$register") as refused:
        await there.whole.create({**anna(), "id": None})
    assert refused.value.issues[0].code == "duplicate"
    under_oid = {"system": BSN_SYSTEMS[1], "value": ANNA_BSN}
    await there.put(anna(id="bert", identifier=[]))
    with pytest.raises(FhirError, match="already"):
        await there.put(anna(id="bert", identifier=[under_oid]))
    await there.put(anna(language="nl"))


async def test_r3_load_refuses_a_second_of_a_bsn_and_takes_the_others(there: Neighbourhood) -> None:
    report = Report()
    loader = Loader(there.whole, report)
    other = {"system": BSN_SYSTEMS[0], "value": NEW_BSN}
    for resource in (anna(id="dubbel"), anna(id="ander", identifier=[other])):
        await loader.take(Found("f:1", resource))
    await loader.finish()
    assert (report.created, report.refused) == (1, 1)


async def test_r3_of_many_who_write_one_bsn_at_once_one_wins(there: Neighbourhood) -> None:
    async def attempt() -> bool:
        fresh = anna(identifier=[{"system": BSN_SYSTEMS[0], "value": NEW_BSN}])
        del fresh["id"]
        try:
            await Repository(there.hub.realm.tenant, EVERYTHING).create(fresh)
        except FhirError:
            return False
        return True

    assert sum(await asyncio.gather(*(attempt() for _ in range(6)))) == 1


async def test_r3_a_plain_create_is_answered_alike_whether_the_bsn_is_here_or_not(
    there: Neighbourhood,
) -> None:
    answers = []
    for bsn in (ANNA_BSN, NEW_BSN):
        fresh = anna(identifier=[{"system": BSN_SYSTEMS[0], "value": bsn}])
        del fresh["id"]
        answers.append(await there.ask("wil", "POST", "Patient", fresh))
    assert [one.status_code for one in answers] == [403, 403]
    assert answers[0].json()["issue"] == answers[1].json()["issue"]
    assert "Patient/$register" in answers[0].text


# --- R5: registering ---


async def test_r5_a_practice_registers_who_is_not_here(there: Neighbourhood) -> None:
    answer = await there.call("els", "Patient/$register", *registration())
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["generalPractitioner"] == [to("Organization/praktijk")]
    assert answer.headers["location"].startswith(f"{BASE}/Patient/{made['id']}/")
    assert await there.sees("jan", f"Patient/{made['id']}")
    (provenance,) = await there.find("Provenance", f"target=Patient/{made['id']}")
    assert provenance["reason"] == [{"coding": [CHECKED]}]


async def test_r5_a_backend_of_the_practice_registers_too(there: Neighbourhood) -> None:
    await there.hub.backend()
    token = await there.hub.backend_token(scope="system/*.cruds")
    answer = await there.hub.http.post(
        f"{BASE}/Patient/$register",
        json={"resourceType": "Parameters", "parameter": registration()},
        headers={**bearer(token), "Content-Type": "application/fhir+json"},
    )
    assert answer.status_code == 201, answer.text


async def test_r5_who_is_registered_here_already_is_found(there: Neighbourhood) -> None:
    answer = await there.call("jan", "Patient/$register", *ANNA)
    assert (answer.status_code, answer.json()["id"]) == (200, "anna")


async def test_r17_a_practice_that_is_blocked_is_shown_nothing_of_whom_it_registers(
    there: Neighbourhood,
) -> None:
    assert "address" in (await there.call("jan", "Patient/$register", *ANNA)).json()
    await there.put(heard(to("Organization/praktijk"), "deny", id="nee"))
    answer = await there.call("jan", "Patient/$register", *ANNA)
    assert (answer.status_code, answer.json()["id"]) == (200, "anna")
    assert not {"address", "generalPractitioner"} & answer.json().keys()


async def test_r5_of_many_who_register_one_bsn_at_once_one_makes_it(there: Neighbourhood) -> None:
    calls = (there.call("jan", "Patient/$register", *registration()) for _ in range(5))
    statuses = sorted(one.status_code for one in await asyncio.gather(*calls))
    assert statuses == [200, 200, 200, 200, 201]


@pytest.mark.parametrize("differs", [{"birth": "1941-03-13"}, {"family": "Anderstra"}])
async def test_r5_where_data_differ_nothing_is_shown_and_an_administrator_looks(
    there: Neighbourhood, differs: dict[str, str]
) -> None:
    told = {"bsn": ANNA_BSN, "birth": "1941-03-02", "family": "Voorbeeldstra", **differs}
    answer = await there.call("tweede", "Patient/$register", *registration(**told))
    assert answer.status_code == 409
    assert "anna" not in answer.text.lower().replace("voorbeeld", "")
    (task,) = (await there.ask("beheer", "GET", "Task")).json()["entry"]
    assert codes([task["resource"]]) == ["identiteit-controleren"]
    assert "for" not in task["resource"]
    assert await practice_of(there) == [to("Organization/praktijk")]
    assert not await there.sees("tweede", f"Task/{task['resource']['id']}")
    assert not await there.sees("anna", f"Task/{task['resource']['id']}")


async def test_r5_another_practice_waits_for_the_patient(there: Neighbourhood) -> None:
    answer = await there.call("tweede", "Patient/$register", *ANNA)
    assert answer.status_code == 202, answer.text
    task = answer.json()
    assert (task["owner"], task["status"]) == (to("Patient/anna"), "requested")
    again = await there.call("tweede", "Patient/$register", *ANNA)
    assert again.json()["id"] == task["id"]
    assert not await there.sees("tweede", "Patient/anna")
    assert any("huisartsenpraktijk" in text for text in await there.told("Patient/anna"))


async def agree(there: Neighbourhood, *states: str) -> None:
    task = (await there.call("tweede", "Patient/$register", *ANNA)).json()
    for state in states:
        task = (await there.ask("anna", "GET", f"Task/{task['id']}")).json()
        answer = await there.ask("anna", "PUT", f"Task/{task['id']}", {**task, "status": state})
        assert answer.status_code == 200, answer.text


async def test_r5_when_the_patient_agrees_the_new_practice_replaces_the_old(there: Neighbourhood) -> None:
    work: Json = {
        "resourceType": "Task", "id": "bloeddruk", "status": "accepted", "intent": "order",
        "description": "Meet de bloeddruk", "for": to("Patient/anna"), "owner": to("Organization/praktijk"),
    }  # fmt: skip
    await there.put(work)
    await agree(there, "accepted")
    assert await practice_of(there) == [to("Organization/tweede")]
    assert await there.sees("tweede", "Patient/anna")
    assert not await there.sees("jan", "Patient/anna")
    passed = await there.find("Task", "owner=Organization/tweede&status=requested")
    assert [one["description"] for one in passed] == ["Meet de bloeddruk"]
    (confirmed,) = await there.find("Task", "owner=Patient/anna")
    assert confirmed["status"] == "completed"
    for party in ("Patient/anna", "Organization/praktijk", "Organization/tweede"):
        assert any("Organisatie tweede" in text for text in await there.told(party))


async def test_r5_r9_coordination_passes_to_the_new_practice(there: Neighbourhood) -> None:
    task: Json = {
        "resourceType": "Task", "status": "requested", "intent": "order", "for": to("Patient/anna"),
        "requester": to("Organization/praktijk"), "owner": to("Organization/thuiszorg"), "code": {"text": "Wondzorg"},
    }  # fmt: skip
    assert (await there.ask("jan", "POST", "Task", task)).status_code == 201
    await agree(there, "accepted")
    (team,) = await there.find("CareTeam")
    held = [
        one["member"]["reference"]
        for one in team["participant"]
        if "end" not in one.get("period", {}) and "coordinator" in str(one.get("role"))
    ]
    assert held == ["Organization/tweede"]
    assert "coordinatie-overdragen" in codes(await there.find("Task", "owner=Organization/tweede"))
    assert not await there.sees("jan", "Patient/anna")


async def test_r5_when_the_patient_declines_nothing_changes(there: Neighbourhood) -> None:
    await agree(there, "rejected")
    assert await practice_of(there) == [to("Organization/praktijk")]
    assert not await there.sees("tweede", "Patient/anna")


async def test_r5_another_care_provider_gets_nothing_that_existed(there: Neighbourhood) -> None:
    answer = await there.call("wil", "Patient/$register", *ANNA)
    assert answer.status_code == 200, answer.text
    assert answer.json()["name"] == [{"family": "Voorbeeldstra", "given": ["Anna"]}]
    assert not {"address", "generalPractitioner"} & answer.json().keys()
    assert not await there.sees("wil", "Patient/anna")
    task: Json = {
        "resourceType": "Task", "status": "requested", "intent": "order", "for": to("Patient/anna"),
        "requester": to("Organization/thuiszorg"), "owner": to("Organization/praktijk"),
        "code": {"text": "Vraag aan de praktijk"},
    }  # fmt: skip
    assert (await there.ask("wil", "POST", "Task", task)).status_code == 201
    answer = await there.ask("sol", "POST", "Task", {**task, "requester": to("Organization/verpleeghuis")})
    assert answer.status_code == 422


async def test_r5_another_care_provider_begins_a_plan_for_whom_it_brought(there: Neighbourhood) -> None:
    made = await there.call("wil", "Patient/$register", *registration())
    assert made.status_code == 201, made.text
    task: Json = {
        "resourceType": "Task", "status": "requested", "intent": "order",
        "for": to(f"Patient/{made.json()['id']}"), "requester": to("Organization/thuiszorg"),
        "owner": to("Organization/verpleeghuis"),
        "code": {"coding": [{"system": guide.url("CodeSystem", "task"), "code": "consult"}]},
    }  # fmt: skip
    answer = await there.ask("wil", "POST", "Task", task)
    assert answer.status_code == 201, answer.text
    assert answer.json()["basedOn"]
    assert await there.sees("wil", f"Patient/{made.json()['id']}")


async def test_r5_who_is_no_care_provider_does_not_register(there: Neighbourhood) -> None:
    for name in ("sam", "anna", "mia", "beheer"):
        assert (await there.call(name, "Patient/$register", *registration())).status_code == 403


async def test_r5_the_practice_ends_the_registration(there: Neighbourhood) -> None:
    assert (await there.call("tweede", "Patient/anna/$deregister")).status_code == 404
    answer = await there.call("jan", "Patient/anna/$deregister")
    assert answer.status_code == 200, answer.text
    assert "generalPractitioner" not in answer.json()
    assert not await there.sees("jan", "Patient/anna")
    answer = await there.call("tweede", "Patient/$register", *ANNA)
    assert answer.status_code == 202


async def test_r6_no_other_write_changes_the_practice(there: Neighbourhood) -> None:
    changed = anna(generalPractitioner=[to("Organization/tweede")])
    assert (await there.ask("jan", "PUT", "Patient/anna", changed)).status_code == 200
    assert await practice_of(there) == [to("Organization/praktijk")]


async def test_r5_wrong_input_says_what_would_be_right(there: Neighbourhood) -> None:
    wrong: dict[str, tuple[str, Any, str]] = {
        "identifier": ("valueIdentifier", {"system": BSN_SYSTEMS[0], "value": "12"}, "nine digits"),
        "birthDate": ("valueDate", "1950", "birthDate"),
        "name": ("valueHumanName", {"text": "Anna"}, "family name"),
        "identityCheck": ("valueCodeableConcept", None, "identityCheck"),
    }
    for name, (key, value, says) in wrong.items():
        given = [part for part in registration() if part["name"] != name]
        if value is not None:
            given.append({"name": name, key: value})
        answer = await there.call("jan", "Patient/$register", *given)
        assert answer.status_code == 400
        assert says in answer.text
