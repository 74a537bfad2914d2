"""Enrolment: who was invited comes with the code and gets an account (RULES R18)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from fhirhub.access import EVERYTHING
from fhirhub.auth import accounts, invitations, passwords
from fhirhub.auth.accounts import Account, AccountError, Wanted
from fhirhub.auth.realm import Realm
from fhirhub.repository import Repository
from fhirhub.resources import document
from fhirhub.resources.relations import Kind
from fhirhub.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Invitation:
    """One that waits. `id` is the hash of its code."""

    id: str
    person: str
    """`RelatedPerson/x`."""
    patient: str
    """The id of the Patient."""


class UsedError(Exception):
    """The code was used or withdrawn meanwhile."""


async def find(realm: Realm, code: str, birth_date: str) -> Invitation | None:
    """The invitation of this code, where the patient was born on that day."""
    rows = await realm.rows(
        "SELECT id, person, patient FROM auth_invitation "
        "WHERE tenant = $1 AND id = $2 AND used IS NULL AND expires > $3",
        invitations.stored(code),
        realm.now,
    )
    found = Invitation(*(str(value) for value in rows[0])) if rows else Invitation("", "", "-")
    stored = await Repository(realm.tenant, EVERYTHING).find("Patient", found.patient)
    if not rows or stored is None or stored.body is None:
        return None
    return found if document.decode(stored.body).get("birthDate") == birth_date else None


async def by_id(realm: Realm, id: str) -> Invitation | None:
    """The invitation, where it still waits."""
    rows = await realm.rows(
        "SELECT id, person, patient FROM auth_invitation "
        "WHERE tenant = $1 AND id = $2 AND used IS NULL AND expires > $3",
        id,
        realm.now,
    )
    return Invitation(*(str(value) for value in rows[0])) if rows else None


async def accept(realm: Realm, invitation: Invitation, username: str, password: str) -> Account:
    """The account of who came with the code: a new one, or theirs where they have one with that password. Raises
    AccountError for a name that is somebody's, or a password too short or easily guessed; UsedError for a code that
    was first used elsewhere."""
    role = await _role(realm, invitation)
    asked = {"username": username, "password": password, "fhirUser": invitation.person, "role": role}
    existing = await accounts.by_username(realm, username)
    if existing is not None and not await accounts.is_password(realm, existing, password):
        raise AccountError("taken")
    wanted = accounts.wanted(asked, for_others=existing is None)
    stored = None if existing is not None else passwords.hashed(password)

    async def work(unit: Transaction) -> None:
        await _take(realm, unit, invitation, wanted, existing.id if existing else None, stored)

    await realm.database.transaction(work)
    account = await accounts.by_username(realm, username)
    assert account is not None
    return account


async def _take(
    realm: Realm,
    unit: Transaction,
    invitation: Invitation,
    wanted: Wanted,
    account: str | None,
    password: str | None,
) -> None:
    taken = (
        "UPDATE auth_invitation SET used = $3 WHERE tenant = $1 AND id = $2 AND used IS NULL AND expires > $3"
    )
    if not await unit.execute(realm.statement(taken, invitation.id, realm.now)):
        raise UsedError
    if account is None:
        account = str(uuid.uuid4())
        if not await unit.execute(accounts.inserting(realm, account, wanted.username, password)):
            raise AccountError("taken")
    await accounts.put_standing(realm, unit, account, wanted)


async def _role(realm: Realm, invitation: Invitation) -> str:
    """As whom the person acts: as the representative, where a doctor recorded that (R19)."""
    rows = await realm.rows(
        "SELECT 1 FROM relation WHERE tenant = $1 AND subject = $2 AND actor = $3 AND kind = $4 "
        "AND start <= $5 AND until > $5",
        invitation.patient,
        invitation.person,
        int(Kind.REPRESENTATIVE),
        realm.now * 1_000_000,
    )
    return "wettelijk-vertegenwoordiger" if rows else "mantelzorger"
