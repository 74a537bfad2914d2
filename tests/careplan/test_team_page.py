"""R10, R17, R18: the page on which a patient sees who can look, blocks and withdraws, told before what will stop."""

from __future__ import annotations

from fhirhub.auth import accounts
from tests.auth.browser import Browser, Page
from tests.auth.builders import ROOT, Json
from tests.careplan.neighbourhood import Neighbourhood
from tests.careplan.resources import to
from tests.careplan.test_dying import grant, task

TEAM: Json = {
    "resourceType": "CareTeam", "id": "team", "status": "active", "subject": to("Patient/anna"),
    "participant": [
        {"member": to(one), "period": {"start": "2020-01-01"}}
        for one in ("Organization/thuiszorg", "PractitionerRole/rol-sol", "Practitioner/sol")
    ],
}  # fmt: skip


async def signed_in(there: Neighbourhood, name: str = "anna") -> tuple[Browser, Page]:
    asked = {"username": name, "password": "geheim", "fhirUser": "Patient/anna", "role": "patient"}
    await accounts.add(there.hub.realm, accounts.wanted(asked))
    browser = Browser(there.hub)
    page = await browser.get(f"{ROOT}/auth/team")
    assert page.shows("sign-in")
    page = await browser.send(page, "language", ("language", "nl"))
    assert page.shows("sign-in")
    assert (await browser.sign_in(page, name)).where == f"{ROOT}/auth/team"
    return browser, await browser.get(f"{ROOT}/auth/team")


async def test_r10_the_patient_is_told_which_help_will_stop_before_a_block(there: Neighbourhood) -> None:
    work = task("wond", "Organization/thuiszorg", status="accepted", description="Wondzorg elke dag")
    await there.put(TEAM, work, {"resourceType": "CarePlan", "id": "plan", "status": "active", "intent": "plan",
                                 "subject": to("Patient/anna"), "careTeam": [to("CareTeam/team")]})  # fmt: skip
    browser, page = await signed_in(there)
    assert "Organisatie thuiszorg" in page.text
    assert "Organisatie praktijk" in page.text
    assert "rol-sol" not in page.answer.text
    blocks = [form.buttons[0][1] for form in page.forms if form.buttons and form.buttons[0][0] == "block"]
    assert blocks == ["Organization/praktijk", "Organization/thuiszorg", "Practitioner/sol"]
    assert page.text.count("Blokkeren geldt voor dit alles tegelijk") == 1
    asked = await browser.send(page, "team", ("block", "Organization/thuiszorg"))
    assert "Wondzorg elke dag" in asked.text
    assert await there.sees("wil", "Patient/anna")
    assert await there.find("Consent") == []
    done = await browser.send(asked, "team", ("confirm", "Organization/thuiszorg"))
    assert "Dat is nu zo" in done.text, done.text
    assert not await there.sees("wil", "Patient/anna")
    (ended,) = await there.find("Task", "_id=wond")
    assert ended["status"] == "cancelled"
    (block,) = await there.find("Consent")
    assert block["provision"]["type"] == "deny"
    undone = await browser.send(done, "team", ("withdraw", block["id"]))
    assert undone.status == 200
    assert (await there.find("Consent"))[0]["status"] == "inactive"


async def test_r18_the_patient_withdraws_a_grant(there: Neighbourhood) -> None:
    await there.put(grant())
    assert await there.sees("mia", "Patient/anna")
    browser, page = await signed_in(there)
    assert "Mia" in page.text
    page = await browser.send(page, "team", ("withdraw", "inzage"))
    assert not await there.sees("mia", "Patient/anna")


async def test_r10_what_would_stop_is_told_to_who_sees_it_and_changes_nothing(there: Neighbourhood) -> None:
    await there.put(task("wond", "Organization/thuiszorg", description="Wondzorg"))
    asked = {"name": "actor", "valueReference": to("Organization/thuiszorg")}
    answer = await there.call("anna", "Patient/anna/$what-stops", asked)
    assert answer.status_code == 200, answer.text
    (told,) = answer.json()["parameter"]
    assert told["part"][1]["valueString"] == "Wondzorg"
    assert (await there.find("Task"))[0]["status"] == "requested"
    assert (await there.call("tweede", "Patient/anna/$what-stops", asked)).status_code == 404
    nobody = {"name": "actor", "valueReference": to("Organization/nergens")}
    unknown = await there.call("anna", "Patient/anna/$what-stops", nobody)
    assert unknown.status_code == 400, unknown.text
    assert "There is no Organization/nergens" in unknown.text


async def test_the_page_is_a_patients_alone(there: Neighbourhood) -> None:
    asked = {
        "username": "arts",
        "password": "geheim",
        "fhirUser": "Practitioner/jan",
        "role": "huisarts",
    }
    await accounts.add(there.hub.realm, accounts.wanted(asked | {"organization": "Organization/praktijk"}))
    browser = Browser(there.hub)
    await browser.sign_in(await browser.get(f"{ROOT}/auth/team"), "arts")
    assert (await browser.get(f"{ROOT}/auth/team")).status == 403
