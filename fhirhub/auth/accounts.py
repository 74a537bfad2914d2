"""Accounts: the people who sign in here, what they prove it with, and who they are in FHIR (RULES R22-R24)."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any, Literal

from fhirhub.auth import passwords, totp
from fhirhub.auth.jose import Json
from fhirhub.auth.realm import Realm
from fhirhub.auth.roles import ROLES
from fhirhub.auth.sealing import seal, unseal
from fhirhub.settings import Refusal
from fhirhub.store.database import Transaction
from fhirhub.store.sql import Statement

COMMON_HERE = (
    "fhirhub",
    "huisarts",
    "zorgplan",
    "patient",
    "praktijk",
    "wijkverpleging",
    "wachtwoord",
    "welkom",
)
"""Words that people here would put into a password first."""
SHORTEST_PASSWORD = 12
"""Characters, where the hub serves others than this machine."""
LONGEST_PASSWORD = 200
_USERNAME = re.compile(r"[^\x00-\x20\x7f]{1,200}")
_OF_PROVIDER = re.compile(r"[a-z0-9-]{1,40}:[0-9a-f]{32}")
"""The names of accounts by which people of an OpenID provider sign in."""
_REFERENCE = re.compile(r"(Practitioner|Patient|RelatedPerson|Organization)/[A-Za-z0-9.-]{1,64}")


class AccountError(Refusal):
    """An account that cannot be; the text says what would be right."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One of the parts in which an account's person acts: for a professional, one PractitionerRole."""

    id: str
    fhir_user: str
    organization: str | None
    role: str
    responsible: str | None


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    username: str
    disabled: bool
    password: str | None
    totp: bytes | None
    totp_step: int
    standings: tuple[Standing, ...] = ()

    def standing(self, id: str | None) -> Standing | None:
        return next((one for one in self.standings if one.id == id), None)

    def stands_as(self, fhir_user: str, organization: str | None, role: str) -> bool:
        """Whether the person still acts as this."""
        meant = (fhir_user, organization, role)
        return any((one.fhir_user, one.organization, one.role) == meant for one in self.standings)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An account as `users add` is told of it, checked."""

    username: str
    password: str | None
    fhir_user: str
    organization: str | None
    role: str
    responsible: str | None


_COLUMNS = "id, username, disabled, password, totp, totp_step"


async def by_username(realm: Realm, username: str) -> Account | None:
    sql = f"SELECT {_COLUMNS} FROM auth_account WHERE tenant = $1 AND username = $2"
    return await _account(realm, await realm.rows(sql, username))


async def by_id(realm: Realm, id: str) -> Account | None:
    sql = f"SELECT {_COLUMNS} FROM auth_account WHERE tenant = $1 AND id = $2"
    return await _account(realm, await realm.rows(sql, id))


async def by_fhir_user(realm: Realm, reference: str) -> list[Account]:
    """The accounts of this person."""
    rows = await realm.rows(
        "SELECT DISTINCT account FROM auth_role WHERE tenant = $1 AND fhir_user = $2 ORDER BY account",
        reference,
    )
    found = [await by_id(realm, str(row[0])) for row in rows]
    return [one for one in found if one is not None]


async def every(realm: Realm) -> list[Account]:
    """All accounts by name."""
    rows = await realm.rows("SELECT username FROM auth_account WHERE tenant = $1 ORDER BY username")
    found = [await by_username(realm, str(row[0])) for row in rows]
    return [one for one in found if one is not None]


async def _account(realm: Realm, rows: list[Any]) -> Account | None:
    if not rows:
        return None
    id, username, disabled, password, sealed, step = rows[0]
    sql = (
        "SELECT id, fhir_user, organization, role, responsible FROM auth_role "
        "WHERE tenant = $1 AND account = $2 ORDER BY id"
    )
    standings = tuple(Standing(*row) for row in await realm.rows(sql, id))
    secret = None if sealed is None else unseal(realm.secret, realm.name, f"totp {id}", bytes(sealed))
    return Account(id, username, bool(disabled), password, secret, int(step), standings)


async def add(realm: Realm, wanted: Wanted) -> Account:
    """Make an account, or give one that exists another standing; a password that is given is its new one."""
    stored = None if wanted.password is None else passwords.hashed(wanted.password)

    async def work(unit: Transaction) -> None:
        rows = await unit.fetch(
            realm.statement(
                "SELECT id FROM auth_account WHERE tenant = $1 AND username = $2", wanted.username
            )
        )
        id = str(rows[0][0]) if rows else str(uuid.uuid4())
        await unit.execute(inserting(realm, id, wanted.username, stored))
        if rows and stored is not None:
            sql = "UPDATE auth_account SET password = $3 WHERE tenant = $1 AND id = $2"
            await unit.execute(realm.statement(sql, id, stored))
        await put_standing(realm, unit, id, wanted)

    if stored is None and await by_username(realm, wanted.username) is None:
        raise AccountError(f"`password` is needed: there is no account `{wanted.username}` yet")
    await realm.database.transaction(work)
    account = await by_username(realm, wanted.username)
    assert account is not None
    return account


def inserting(realm: Realm, id: str, username: str, password: str | None) -> Statement:
    """The statement that makes an account, where the name is free."""
    return realm.statement(
        "INSERT INTO auth_account (tenant, id, username, password, totp, totp_step, disabled, created) "
        "VALUES ($1, $2, $3, $4, NULL, 0, $5, $6) ON CONFLICT DO NOTHING",
        id,
        username,
        password,
        False,
        realm.now,
    )


async def put_standing(realm: Realm, unit: Transaction, account: str, wanted: Wanted) -> None:
    """Give the account this standing; one it has already only gets its `responsible` anew."""
    rows = await unit.fetch(
        realm.statement(
            "SELECT id, fhir_user, organization, role FROM auth_role WHERE tenant = $1 AND account = $2",
            account,
        )
    )
    meant = (wanted.fhir_user, wanted.organization, wanted.role)
    id = next((str(row[0]) for row in rows if tuple(row[1:]) == meant), None)
    if id is not None:
        sql = "UPDATE auth_role SET responsible = $4 WHERE tenant = $1 AND account = $2 AND id = $3"
        await unit.execute(realm.statement(sql, account, id, wanted.responsible))
        return
    taken = {int(row[0]) for row in rows}
    await unit.execute(
        realm.statement(
            "INSERT INTO auth_role (tenant, account, id, fhir_user, organization, role, responsible) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7)",
            account,
            f"{max(taken, default=0) + 1:03}",
            *meant,
            wanted.responsible,
        )
    )


async def known_by_provider(realm: Realm, username: str, wanted: list[Wanted]) -> Account:
    """The account of a person whom an OpenID provider vouches for, with the standings it tells of now."""

    async def work(unit: Transaction) -> None:
        await unit.execute(inserting(realm, str(uuid.uuid4()), username, None))
        rows = await unit.fetch(
            realm.statement("SELECT id FROM auth_account WHERE tenant = $1 AND username = $2", username)
        )
        id = str(rows[0][0])
        # Nobody who had that name before by a password is this person.
        own = "UPDATE auth_account SET password = NULL WHERE tenant = $1 AND id = $2 AND password IS NOT NULL"
        if await unit.execute(realm.statement(own, id)):
            sql = "DELETE FROM auth_session WHERE tenant = $1 AND account = $2"
            await unit.execute(realm.statement(sql, id))
        await unit.execute(realm.statement("DELETE FROM auth_role WHERE tenant = $1 AND account = $2", id))
        for one in wanted:
            await put_standing(realm, unit, id, one)

    await realm.database.transaction(work)
    account = await by_username(realm, username)
    assert account is not None
    return account


async def disable(realm: Realm, username: str) -> bool:
    """Let nobody in by this account any more, and end at once what it granted; whether there is one."""
    account = await by_username(realm, username)
    if account is None:
        return False
    await realm.change(
        "UPDATE auth_account SET disabled = $3 WHERE tenant = $1 AND id = $2", account.id, True
    )
    await realm.change("DELETE FROM auth_session WHERE tenant = $1 AND account = $2", account.id)
    await realm.change(
        "UPDATE auth_grant SET revoked = $3 WHERE tenant = $1 AND account = $2 AND revoked IS NULL",
        account.id,
        realm.now,
    )
    await realm.revocations.revoke(
        [f"account {account.id}"], realm.now + realm.settings.access_token_seconds + 1
    )
    return True


async def enable(realm: Realm, username: str) -> bool:
    """Let people in by this account again; whether there is one. What was ended stays ended."""
    sql = "UPDATE auth_account SET disabled = $3 WHERE tenant = $1 AND username = $2"
    return bool(await realm.change(sql, username, False))


async def change_password(realm: Realm, account: Account, password: str) -> None:
    """Another password from now on."""
    sql = "UPDATE auth_account SET password = $3 WHERE tenant = $1 AND id = $2"
    await realm.change(sql, account.id, passwords.hashed(password))


def fault_of_password(password: str, username: str) -> Literal["short", "long", "guessable"] | None:
    """Why this cannot be a person's password where the hub serves others than this machine."""
    if len(password) < SHORTEST_PASSWORD:
        return "short"
    if len(password) > LONGEST_PASSWORD:
        return "long"
    return "guessable" if passwords.is_guessable(password, [username, *COMMON_HERE]) else None


async def is_password(realm: Realm, account: Account | None, password: str) -> bool:
    """Whether this is the account's password; takes as long for an account that is not there."""
    if len(password) > LONGEST_PASSWORD:
        password = ""
    right = await passwords.is_right(password, None if account is None else account.password)
    if right and account is not None and account.password and passwords.is_weak(account.password):
        sql = "UPDATE auth_account SET password = $3 WHERE tenant = $1 AND id = $2"
        await realm.change(sql, account.id, passwords.hashed(password))
    return right and account is not None and not account.disabled


async def take_code(realm: Realm, account: Account, secret: bytes, given: str, enrol: bool = False) -> bool:
    """Whether it is the code of this moment; each counts once. With `enrol` the secret becomes the account's,
    where it has none."""
    step = totp.matched_step(secret, given, realm.clock(), account.totp_step)
    if step is None:
        return False
    if enrol:
        sealed = seal(realm.secret, realm.name, f"totp {account.id}", secret)
        return bool(
            await realm.change(
                "UPDATE auth_account SET totp = $3, totp_step = $4 "
                "WHERE tenant = $1 AND id = $2 AND totp IS NULL",
                account.id,
                sealed,
                step,
            )
        )
    return bool(
        await realm.change(
            "UPDATE auth_account SET totp_step = $3 WHERE tenant = $1 AND id = $2 AND totp_step < $3",
            account.id,
            step,
        )
    )


async def forget_second_factor(realm: Realm, username: str) -> bool:
    """Let the person enrol a second factor anew at the next sign-in; whether there is such an account."""
    return bool(
        await realm.change(
            "UPDATE auth_account SET totp = NULL WHERE tenant = $1 AND username = $2", username
        )
    )


def shown(account: Account) -> Json:
    """The account as commands show it: never its password."""
    return {
        "username": account.username,
        "disabled": account.disabled,
        "secondFactor": account.totp is not None,
        "roles": [
            {
                "fhirUser": one.fhir_user,
                **({"organization": one.organization} if one.organization else {}),
                "role": one.role,
                **({"responsible": one.responsible} if one.responsible else {}),
            }
            for one in account.standings
        ],
    }


def wanted(asked: Any, *, for_others: bool = False) -> Wanted:
    """An account as JSON tells of it; `for_others`: of a hub that serves others than this machine. Raises
    AccountError."""
    if not isinstance(asked, dict):
        raise AccountError(
            "an account is a JSON object with username, password, fhirUser, organization and role"
        )
    known = {"username", "password", "fhirUser", "organization", "role", "responsible"}
    if unknown := sorted(asked.keys() - known):
        raise AccountError(f"`{unknown[0]}` is not known of an account; it has {', '.join(sorted(known))}")
    for name, value in asked.items():
        if value is not None and not isinstance(value, str):
            raise AccountError(f"`{name}` expects a text")
    username, password = asked.get("username") or "", asked.get("password")
    if not _USERNAME.fullmatch(username):
        raise AccountError("`username` expects at most 200 characters without spaces")
    if password is not None:
        if _OF_PROVIDER.fullmatch(username):
            raise AccountError("`username` expects a name that no OpenID provider gives its people")
        _check_password(password, username, for_others=for_others)
    return Wanted(username, password, *_person(asked))


def _check_password(password: str, username: str, *, for_others: bool) -> None:
    shortest = SHORTEST_PASSWORD if for_others else 1
    if not shortest <= len(password) <= LONGEST_PASSWORD:
        raise AccountError(f"`password` expects {shortest} to {LONGEST_PASSWORD} characters")
    if for_others and fault_of_password(password, username):
        raise AccountError("`password` is easily guessed: take a few words that do not belong together")


def _person(asked: Json) -> tuple[str, str | None, str, str | None]:
    role = ROLES.get(asked.get("role") or "")
    if role is None:
        raise AccountError(f"`role` expects one of {', '.join(ROLES)}; got `{asked.get('role')}`")
    fhir_user = asked.get("fhirUser") or ""
    if not _REFERENCE.fullmatch(fhir_user) or not fhir_user.startswith(role.person + "/"):
        raise AccountError(f"`fhirUser` expects a reference such as {role.person}/x for a {asked['role']}")
    organization, responsible = asked.get("organization"), asked.get("responsible")
    if role.has_organization and not _refers(organization, "Organization"):
        raise AccountError(f"`organization` expects a reference such as Organization/x for a {asked['role']}")
    if not role.has_organization:
        # A patient, or a relative, acts for themselves, whatever the organisation that makes the account.
        organization = None
    if responsible is not None and not (role.has_organization and _refers(responsible, "Practitioner")):
        raise AccountError("`responsible` expects a reference such as Practitioner/x, for a professional")
    return fhir_user, organization, asked["role"], responsible


def _refers(reference: str | None, type: str) -> bool:
    return (
        reference is not None and bool(_REFERENCE.fullmatch(reference)) and reference.startswith(type + "/")
    )
