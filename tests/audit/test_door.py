"""What pages at the door show of patients, as the log has it (RULES R2, R24)."""

from __future__ import annotations

from tests.audit.watching import Watched
from tests.auth.browser import REDIRECT, Browser
from tests.auth.builders import BASE, write


async def test_the_names_in_the_patient_picker_are_looks(there: Watched) -> None:
    browser = Browser(there.hub)
    await register(there)
    page = await browser.sign_in(await browser.get(browser.request(client_id="dagboek")), "jan")
    assert "Jansen" in page.text
    page = await browser.send(page, "patient", find="Anna")
    await browser.send(page, "patient", ("patient", "anna"))
    seen = [one for one in await there.log() if one.person == "Practitioner/jan" and one.type == "Patient"]
    assert [(one.patient, one.query, one.rule) for one in seen] == [
        ("anna", None, "practice"), ("bert", None, "practice"), ("anna", "name=Anna", "practice"),
        ("anna", None, "practice"),
    ]  # fmt: skip


async def test_a_patient_sees_the_own_name_without_a_look(there: Watched) -> None:
    browser = Browser(there.hub)
    await register(there)
    page = await browser.sign_in(await browser.get(browser.request(client_id="dagboek")), "anna")
    assert "Anna Jansen" in page.text
    assert [one for one in await there.log() if one.type == "Patient" and one.action == "R"] == []


async def test_what_was_granted_names_no_patient_who_is_no_longer_seen(there: Watched) -> None:
    browser = Browser(there.hub)
    await register(there)
    page = await browser.sign_in(await browser.get(browser.request(client_id="dagboek")), "jan")
    page = await browser.send(page, "patient", ("patient", "anna"))
    await browser.allow(page)
    address = f"{BASE.removesuffix('/fhir')}/auth/granted"
    assert "Anna Jansen" in (await browser.get(address)).text
    await write(there.hub, {"resourceType": "Patient", "id": "anna", "name": [{"text": "Anna Jansen"}]})
    assert "Anna Jansen" not in (await browser.get(address)).text


async def register(there: Watched) -> None:
    """The app by which the browser of these tests asks."""
    await there.hub.register(
        client_id="dagboek",
        client_name="Dagboek",
        redirect_uris=[REDIRECT],
        token_endpoint_auth_method="none",
        grant_types=["authorization_code", "refresh_token"],
        scope="openid fhirUser launch/patient offline_access patient/*.rs user/*.rs",
    )
