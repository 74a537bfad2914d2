"""R18, R23: a relative is invited, comes with a code and the patient's birth date, and the invitation is taken back."""

from __future__ import annotations

import asyncio

import pytest

from fhirhub.auth import accounts, enrolment, invitations
from fhirhub.auth.enrolment import Invitation
from tests.auth.browser import Browser
from tests.auth.builders import ROOT, Json
from tests.auth.conftest import Open
from tests.careplan.neighbourhood import Neighbourhood, settle
from tests.careplan.resources import to

WHO: list[Json] = [
    {"name": "name", "valueHumanName": {"text": "Bea Nicht"}},
    {"name": "relationship", "valueCodeableConcept": {"text": "nicht"}},
    {"name": "telecom", "valueContactPoint": {"system": "phone", "value": "0612345678"}},
]
BORN = "1941-03-02"


async def invite(there: Neighbourhood, name: str = "anna", path: str = "Patient/anna/$invite") -> Json:
    answer = await there.call(name, path, *WHO)
    assert answer.status_code == 200, answer.text
    return {part["name"]: next(value for key, value in part.items() if key != "name")
            for part in answer.json()["parameter"]}  # fmt: skip


async def come(browser: Browser, code: str, born: str = BORN) -> Json:
    page = await browser.get(f"{ROOT}/auth/invitation")
    page = await browser.send(page, "invitation", code=code, born=born)
    return {"page": page, "status": page.status}


async def test_r18_patient_and_practice_invite_and_nobody_else(there: Neighbourhood) -> None:
    made = await invite(there)
    assert made["relatedPerson"]["patient"] == to("Patient/anna")
    assert (await there.call("anna", "Patient/$invite", *WHO)).status_code == 200
    assert (await there.call("els", "Patient/anna/$invite", *WHO)).status_code == 200
    for name in ("tweede", "wil", "beheer"):
        assert (await there.call(name, "Patient/anna/$invite", *WHO)).status_code in (403, 404)
    assert (await there.call("mia", "Patient/anna/$invite", *WHO)).status_code in (403, 404)


async def test_r18_the_code_is_kept_hashed_and_lasts_fourteen_days(there: Neighbourhood) -> None:
    code = (await invite(there))["code"]
    rows = await there.hub.realm.rows("SELECT id, expires - created FROM auth_invitation WHERE tenant = $1")
    ((kept, seconds),) = rows
    assert code not in kept
    assert seconds == 14 * 24 * 3600
    realm = there.hub.realm
    assert await enrolment.find(realm, code.lower().replace("-", " "), BORN) is not None
    await realm.change("UPDATE auth_invitation SET expires = $2 WHERE tenant = $1", realm.now)
    assert await enrolment.find(realm, code, BORN) is None


async def test_r18_who_comes_with_code_and_birth_date_becomes_that_person(there: Neighbourhood) -> None:
    made = await invite(there)
    browser = Browser(there.hub)
    arrived = await come(browser, made["code"], "02-03-1941")
    assert arrived["page"].shows("invitation-account")
    page = await browser.send(
        arrived["page"], "invitation-account", username="bea", password="een lang wachtwoord"
    )
    assert page.shows("sign-out"), page.text
    account = await accounts.by_username(there.hub.realm, "bea")
    assert account is not None
    (standing,) = account.standings
    assert (standing.fhir_user, standing.role) == (
        f"RelatedPerson/{made['relatedPerson']['id']}",
        "mantelzorger",
    )
    assert any("Bea Nicht" in text for text in await there.told("Patient/anna"))
    assert (await come(Browser(there.hub), made["code"]))["status"] == 401


async def test_r18_a_wrong_code_or_birth_date_is_one_answer_and_guessing_waits(there: Neighbourhood) -> None:
    made = await invite(there)
    browser = Browser(there.hub)
    wrong = await come(browser, "AAAA-BBBB-CCCC-DDDD")
    other = await come(browser, made["code"], "1941-03-13")
    assert (wrong["status"], other["status"]) == (401, 401)
    assert "horen niet bij elkaar" in other["page"].text
    statuses = [(await come(browser, made["code"], f"19{year}-01-01"))["status"] for year in range(50, 56)]
    assert statuses[-1] == 429


async def test_r18_a_short_password_and_a_taken_name_are_refused(there: Neighbourhood) -> None:
    made = await invite(there)
    browser = Browser(there.hub)
    page = (await come(browser, made["code"]))["page"]
    for name, password in (("bea", "kort"), ("anna", "een lang wachtwoord")):
        page = await browser.send(page, "invitation-account", username=name, password=password)
        assert page.status == 400
        assert page.shows("invitation-account")


async def test_r18_of_two_who_come_with_one_code_at_once_one_wins(there: Neighbourhood) -> None:
    code = (await invite(there))["code"]
    realm = there.hub.realm
    found = await enrolment.find(realm, code, BORN)
    assert isinstance(found, Invitation)
    asked = (enrolment.accept(realm, found, name, "een lang wachtwoord") for name in ("een", "twee"))
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Account", "UsedError"]
    assert sum([await accounts.by_username(realm, name) is not None for name in ("een", "twee")]) == 1


async def test_r18_an_invitation_that_is_taken_back_counts_no_more(there: Neighbourhood) -> None:
    made = await invite(there)
    answer = await there.ask(
        "anna",
        "PUT",
        f"RelatedPerson/{made['relatedPerson']['id']}",
        {**made["relatedPerson"], "active": False},
    )
    assert answer.status_code == 200, answer.text
    assert await enrolment.find(there.hub.realm, made["code"], BORN) is None


async def test_r18_who_came_is_out_when_the_patient_takes_it_back(there: Neighbourhood) -> None:
    assert (await there.ask("mia", "GET", "RelatedPerson/mia")).status_code == 200
    (mia,) = await there.find("RelatedPerson", "_id=mia")
    assert (await there.ask("anna", "PUT", "RelatedPerson/mia", {**mia, "active": False})).status_code == 200
    await there.hub.realm.revocations.look()
    assert (await there.ask("mia", "GET", "RelatedPerson/mia")).status_code == 401
    account = await accounts.by_username(there.hub.realm, "mia")
    assert account is not None
    assert account.disabled


@pytest.mark.parametrize("language", ["nl", "en"])
async def test_r23_off_this_machine_the_code_leads_to_a_second_factor(open_hub: Open, language: str) -> None:
    async with open_hub(host="0.0.0.0") as hub:
        there = await settle(hub)
        code = (await invite_by_hub(there))[0]
        found = await enrolment.find(hub.realm, code, BORN)
        assert found is not None
        assert hub.realm.settings.needs_second_factor
        browser = Browser(hub, **{"Accept-Language": language})
        page = await browser.get(f"{ROOT}/auth/invitation")
        page = await browser.send(page, "invitation", code=code, born=BORN)
        page = await browser.send(page, "invitation-account", username="bea", password="een lang wachtwoord")
        assert page.shows("second-factor")


async def invite_by_hub(there: Neighbourhood) -> tuple[str, int]:
    return await there.whole.together(
        lambda unit: invitations.make(unit, "anna", "RelatedPerson/mia", there.hub.realm.now)
    )
