"""With a patient go their account, their relatives' and what was granted about them."""

from __future__ import annotations

import pytest_asyncio

from fhirhub.access import EVERYTHING
from fhirhub.auth import accounts, invitations, permits
from fhirhub.repository import Repository
from fhirhub.store.erasing import erase_patient
from tests.auth.browser import Browser
from tests.auth.builders import Hub, region
from tests.auth.test_authorize import let_see


@pytest_asyncio.fixture
async def people(hub: Hub) -> Hub:
    await region(hub)
    return hub


async def test_accounts_and_grants_go_with_the_patient(people: Hub) -> None:
    let_see(people, EVERYTHING)
    for name in ("anna", "mia"):
        browser = Browser(people)
        await browser.code(name)
    doctor = Browser(people)
    page = await doctor.sign_in(await doctor.get(doctor.request()), "els")
    page = await doctor.send(page, "patient", ("patient", "anna"))
    await doctor.allow(page)
    els = await accounts.by_username(people.realm, "els")
    assert els is not None
    assert len(await permits.of_account(people.realm, els.id)) == 1
    whole = Repository(people.realm.tenant, EVERYTHING)
    await whole.together(lambda unit: invitations.make(unit, "anna", "RelatedPerson/nieuw", people.realm.now))
    await erase_patient(people.realm.database, people.realm.number, "anna", "asked", 1)
    assert {one.username for one in await accounts.every(people.realm)} == {"jan", "els"}
    assert await permits.of_account(people.realm, els.id) == []
    for table in ("auth_grant", "auth_role", "auth_session", "auth_account", "auth_invitation"):
        rows = await people.realm.rows(f"SELECT * FROM {table} WHERE tenant = $1")
        assert "anna" not in repr([tuple(row) for row in rows]), table
