"""Accounts: what they are made of, passwords, second factors, and their end."""

from __future__ import annotations

from typing import Any

import pytest

from fhirhub.auth import accounts, passwords, totp
from fhirhub.auth.accounts import AccountError
from fhirhub.auth.realm import Realm
from fhirhub.auth.roles import ROLES
from tests.auth.conftest import clock_of

JAN = {
    "username": "jan",
    "password": "een lang wachtwoord",
    "fhirUser": "Practitioner/jan",
    "organization": "Organization/praktijk",
    "role": "huisarts",
}


async def test_an_account_signs_in_with_its_password_alone(realm: Realm) -> None:
    account = await accounts.add(realm, accounts.wanted(JAN))
    assert await accounts.is_password(realm, account, "een lang wachtwoord")
    assert not await accounts.is_password(realm, account, "een ander wachtwoord")
    assert not await accounts.is_password(realm, account, "x" * 100_000)
    assert not await accounts.is_password(realm, None, "een lang wachtwoord")
    assert account.password is not None
    assert account.password.startswith("$argon2id$")


async def test_adding_again_gives_another_role(realm: Realm) -> None:
    await accounts.add(realm, accounts.wanted(JAN))
    post = {**JAN, "organization": "Organization/post", "role": "hap-arts", "password": None}
    account = await accounts.add(realm, accounts.wanted(post))
    assert [(one.organization, one.role) for one in account.standings] == [
        ("Organization/praktijk", "huisarts"),
        ("Organization/post", "hap-arts"),
    ]
    again = await accounts.add(realm, accounts.wanted({**post, "responsible": "Practitioner/els"}))
    assert [one.responsible for one in again.standings] == [None, "Practitioner/els"]
    assert await accounts.is_password(realm, again, "een lang wachtwoord")


async def test_a_new_account_needs_a_password(realm: Realm) -> None:
    with pytest.raises(AccountError, match="password"):
        await accounts.add(realm, accounts.wanted({**JAN, "password": None}))


async def test_a_disabled_account_lets_nobody_in(realm: Realm) -> None:
    await accounts.add(realm, accounts.wanted(JAN))
    assert await accounts.disable(realm, "jan")
    account = await accounts.by_username(realm, "jan")
    assert not await accounts.is_password(realm, account, "een lang wachtwoord")
    assert account is not None
    assert realm.revocations.any_of([f"account {account.id}"])
    assert not await accounts.disable(realm, "piet")
    assert await accounts.enable(realm, "jan")
    assert await accounts.is_password(realm, await accounts.by_username(realm, "jan"), "een lang wachtwoord")


def test_a_patient_has_no_organisation_whoever_makes_the_account() -> None:
    asked = {**JAN, "role": "patient", "fhirUser": "Patient/jan"}
    assert accounts.wanted(asked).organization is None


async def test_a_password_hashed_with_less_is_hashed_anew(
    realm: Realm, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await accounts.add(realm, accounts.wanted(JAN))
    monkeypatch.setattr(passwords, "is_weak", lambda stored: True)
    assert await accounts.is_password(realm, account, "een lang wachtwoord")
    again = await accounts.by_username(realm, "jan")
    assert again is not None
    assert again.password != account.password
    assert await accounts.is_password(realm, again, "een lang wachtwoord")


async def test_a_code_counts_once(realm: Realm) -> None:
    account = await accounts.add(realm, accounts.wanted(JAN))
    secret = totp.new_secret()
    code = totp.code(secret, int(realm.clock()) // 30)
    assert not await accounts.take_code(
        realm, account, secret, "000000" if code != "000000" else "1", enrol=True
    )
    assert await accounts.take_code(realm, account, secret, code, enrol=True)
    enrolled = await accounts.by_username(realm, "jan")
    assert enrolled is not None
    assert enrolled.totp == secret
    assert not await accounts.take_code(realm, enrolled, secret, code)
    assert not await accounts.take_code(realm, account, secret, code)
    clock_of(realm).moment += 30
    later = totp.code(secret, int(realm.clock()) // 30)
    assert await accounts.take_code(realm, enrolled, secret, later)
    assert not await accounts.take_code(realm, enrolled, secret, later)
    assert await accounts.forget_second_factor(realm, "jan")


async def test_the_second_factor_is_sealed_at_rest(realm: Realm) -> None:
    account = await accounts.add(realm, accounts.wanted(JAN))
    secret = totp.new_secret()
    assert await accounts.take_code(
        realm, account, secret, totp.code(secret, int(realm.clock()) // 30), enrol=True
    )
    rows = await realm.rows("SELECT totp FROM auth_account WHERE tenant = $1")
    assert secret not in bytes(rows[0][0])


def test_codes_are_those_of_the_rfc() -> None:
    # RFC 6238, appendix B, SHA-1, last six digits.
    secret = b"12345678901234567890"
    for moment, code in [(59, "287082"), (1111111109, "081804"), (2000000000, "279037")]:
        assert totp.code(secret, moment // 30) == code
    assert totp.matched_step(secret, "287 082", 59 + 30, 0) == 1
    assert totp.matched_step(secret, "287082", 59 + 90, 0) is None
    assert totp.matched_step(secret, "287082", 59, 1) is None
    assert totp.matched_step(secret, "é", 59, 0) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"username": ""},
        {"username": "jan jansen"},
        {"username": 5},
        {"password": ""},
        {"password": "x" * 300},
        {"role": "chirurg"},
        {"role": None},
        {"fhirUser": "jan"},
        {"fhirUser": "Patient/jan"},
        {"organization": None},
        {"organization": "praktijk"},
        {"responsible": "Patient/els"},
        {"rol": "huisarts"},
    ],
)
def test_an_account_that_cannot_be_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(AccountError):
        accounts.wanted({**JAN, **changed})


def test_every_role_can_have_an_account() -> None:
    assert len(ROLES) == 18
    for name, role in ROLES.items():
        asked = {"username": "x", "password": "x", "fhirUser": f"{role.person}/x", "role": name}
        if role.has_organization:
            asked["organization"] = "Organization/x"
        assert accounts.wanted(asked).role == name
