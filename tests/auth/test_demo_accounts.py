"""The demo region has an account for each role, and an app."""

from __future__ import annotations

import pytest

from fhirhub import demo
from fhirhub.access import EVERYTHING
from fhirhub.auth import accounts, clients
from fhirhub.auth.realm import Realm
from fhirhub.auth.roles import ROLES
from fhirhub.demo import accounts as demo_accounts
from fhirhub.demo import enrolment
from fhirhub.load import Found, Loader, Report
from fhirhub.repository import Repository


@pytest.fixture
def whole(realm: Realm) -> Repository:
    realm.tenant.integrity = False
    return Repository(realm.tenant, EVERYTHING)


async def test_every_role_has_an_account_with_somebody_of_the_region(realm: Realm, whole: Repository) -> None:
    loader = Loader(whole, Report())
    for resource in demo.build(20):
        if resource["resourceType"] not in ("Observation", "QuestionnaireResponse", "Communication"):
            await loader.take(Found("demo", resource))
    await loader.finish()
    for _ in range(2):
        await enrolment.add(realm, whole)
    found = await accounts.every(realm)
    assert {account.username for account in found} == set(ROLES)
    for account in found:
        (standing,) = account.standings
        type, _, id = standing.fhir_user.partition("/")
        assert await whole.find(type, id) is not None
        assert standing.role == account.username
    huisarts = await accounts.by_username(realm, "huisarts")
    assert await accounts.is_password(realm, huisarts, demo_accounts.password(realm.secret, realm.name))
    assert await clients.find(realm, demo_accounts.CLIENT) is not None


def test_the_password_is_another_in_each_hub(realm: Realm) -> None:
    assert (
        demo_accounts.password(realm.secret, realm.name).removeprefix("demo-")
        != realm.secret.key("demo accounts", "x").hex()[:12]
    )
