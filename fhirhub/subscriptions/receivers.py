"""Who receives: what they may see at this moment, whether they still stand, and which organisations a change reaches
by rule (RULES R4, R6, R7, R10)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fhirhub.access import EVERYTHING, NOTHING, Access, Actor
from fhirhub.auth import scopes
from fhirhub.auth.policy import ALONE, Standing, access_of, standing_of
from fhirhub.auth.principal import Principal
from fhirhub.repository import Repository, Tenant
from fhirhub.resources import references, relations
from fhirhub.resources.relations import Kind
from fhirhub.settings import Settings
from fhirhub.store.database import Reader
from fhirhub.store.sql import Binder, Statement
from fhirhub.subscriptions.queue import State

Json = dict[str, Any]

REMEMBERED_SECONDS = 1.0
"""How long what the directory says of a receiver is remembered; relations are asked in every statement."""
_ALL = (scopes.Scope("system", scopes.EVERY_TYPE, "rs"),)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Whom a Subscription notifies, as it was when they made it. None of it: a server without sign-in."""

    client: str | None = None
    account: str | None = None
    person: str | None = None
    organization: str | None = None
    role: str | None = None
    responsible: str | None = None
    purpose: str | None = None
    patient: str | None = None
    scopes: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for name in (self.person, self.organization) if name)


def of_actor(actor: Actor) -> str:
    """The receiver that this actor is, as the row keeps it."""
    told = {
        "client": actor.client,
        "account": actor.account,
        "person": actor.person,
        "organization": actor.organization,
        "role": actor.role,
        "responsible": actor.responsible,
        "purpose": actor.purpose,
        "patient": actor.patient,
        "scopes": actor.scopes,
    }
    return json.dumps({name: value for name, value in told.items() if value})


def read(text: str | None, organization: str | None = None) -> Receiver | None:
    """The receiver of a row; None where nobody had to say who they are."""
    if organization is not None:
        return Receiver(organization=organization)
    if text is None:
        return None
    told = json.loads(text)
    return Receiver(**{**told, "scopes": tuple(told.get("scopes", ()))})


def of_state(state: State) -> Receiver | None:
    return read(state.receiver, state.organization)


class Receivers:
    """What receivers may see, worked out once a second at most."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[tuple[int, Receiver, str], tuple[float, Access]] = {}

    async def access(self, reader: Reader, tenant: Tenant, receiver: Receiver | None) -> Access:
        """What this receiver may see now. `reader` is the transaction, where there is one."""
        if receiver is None:
            # Somebody made it where nobody signs in; where people do, it is nobody's.
            return EVERYTHING if self._settings.auth == "none" else NOTHING
        key = (tenant.number, receiver, tenant.parameters.generation)
        known = self._known.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        standing: Standing = ALONE
        if receiver.organization is not None:
            standing = await standing_of(reader, tenant.number, receiver.person, receiver.organization)
        made = access_of(_principal(tenant, receiver), standing, tenant.parameters, self._settings)
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[key] = (time.monotonic() + REMEMBERED_SECONDS, made)
        return made

    async def why_not(self, reader: Reader, tenant: Tenant, receiver: Receiver | None) -> str | None:
        """Why this receiver is to be told nothing any more; None where they are."""
        if receiver is None:
            return None if self._settings.auth == "none" else "nobody signed in who made it"
        number = tenant.number
        if receiver.account is not None:
            rows = await reader.fetch(
                Statement(
                    "SELECT a.role, a.organization FROM auth_role a JOIN auth_account c ON c.tenant = $1 "
                    "AND c.id = a.account WHERE a.tenant = $1 AND a.account = $2 AND a.fhir_user = $3 "
                    "AND NOT c.disabled",
                    (number, receiver.account, receiver.person or ""),
                    ("int", "text", "text"),
                )
            )
            if (receiver.role, receiver.organization) not in [tuple(row) for row in rows]:
                return "the account that made it is gone, or no longer has that role"
            if not await _granted(reader, number, receiver):
                return "the app may no longer act for who made it"
        if receiver.client:
            rows = await reader.fetch(
                Statement(
                    "SELECT 1 FROM auth_client c WHERE c.tenant = $1 AND c.id = $2",
                    (number, receiver.client),
                    ("int", "text"),
                )
            )
            if not rows:
                return "the client that made it is no longer registered"
        return None


async def _granted(reader: Reader, tenant: int, receiver: Receiver) -> bool:
    """Whether the last thing that the person said of this app was not that it may no more. A grant that ran out by
    itself, with the session it was for, takes nothing back."""
    rows = await reader.fetch(
        Statement(
            "SELECT g.revoked FROM auth_grant g WHERE g.tenant = $1 AND g.account = $2 AND g.client = $3 "
            "ORDER BY g.created DESC, g.revoked IS NULL DESC LIMIT 1",
            (tenant, receiver.account, receiver.client or ""),
            ("int", "text", "text"),
        )
    )
    return not rows or rows[0][0] is None


def _principal(tenant: Tenant, receiver: Receiver) -> Principal:
    found = [one for text in receiver.scopes if (one := scopes.parse_one(text)) is not None]
    return Principal(
        kind="backend" if receiver.person is None else "person",
        tenant=tenant.name,
        client_id=receiver.client or "",
        token_id="",
        scopes=tuple(found) if receiver.scopes or receiver.client else _ALL,
        account=receiver.account,
        fhir_user=receiver.person,
        organization=receiver.organization,
        role=receiver.role,
        responsible=receiver.responsible,
        purpose=receiver.purpose,
        patient=receiver.patient,
    )


# --- organisations reached by rule ---

_BY_TASK = ("owner", "requester")


async def parties(unit: Repository, now: int, *contents: Json | None) -> frozenset[str]:
    """The organisations that contents of one resource, before and after a write, are about by rule: registered
    practice and active participants of their patients, those whose participation the earlier content had, owner and
    requester of a Task, whom a message is to."""
    base = next(iter(unit.tenant.bases), None)
    actors: set[str] = set()
    patients: set[str] = set()
    for content in contents:
        if content is None:
            continue
        type = content["resourceType"]
        if type == "Communication":
            actors.update(_named(content.get("recipient"), base))
            continue
        patients.update((relations.owners(content, base) or "").split())
        if type == "Task":
            actors.update(_named([content.get(name) for name in _BY_TASK], base))
        elif type in ("CareTeam", "CarePlan"):
            actors.update(
                row.actor
                for row in relations.rows(content, base)[0]
                if row.kind == Kind.MEMBER and row.start <= now
            )
    if patients:
        actors.update(await _standing(unit, sorted(patients), now))
    return await _organizations(unit, actors, now)


async def _standing(unit: Repository, patients: Sequence[str], now: int) -> set[str]:
    """Registered practices and active participants of these patients."""
    binder = Binder()
    binder.bind(unit.tenant.number, "int")
    among = unit.transaction.dialect.any_of("k.subject", binder.bind(list(patients), "text[]"))
    moment = binder.bind(now, "bigint")
    rows = await unit.fetch(
        binder.statement(
            f"SELECT DISTINCT k.actor FROM relation k WHERE k.tenant = $1 AND {among} AND k.kind IN "
            f"({int(Kind.PRACTICE)}, {int(Kind.MEMBER)}) AND k.start <= {moment} AND k.until > {moment}"
        )
    )
    return {str(row[0]) for row in rows}


async def _organizations(unit: Repository, actors: Iterable[str], now: int) -> frozenset[str]:
    """These organisations, and those of these people, roles and queues."""
    named = set(actors)
    found = {one for one in named if one.startswith("Organization/")}
    others = sorted(
        one for one in named if one.startswith(("Practitioner/", "PractitionerRole/", "HealthcareService/"))
    )
    if others:
        binder = Binder()
        binder.bind(unit.tenant.number, "int")
        among = unit.transaction.dialect.any_of("k.actor", binder.bind(others, "text[]"))
        moment = binder.bind(now, "bigint")
        rows = await unit.fetch(
            binder.statement(
                f"SELECT DISTINCT k.subject FROM relation k WHERE k.tenant = $1 AND {among} AND k.kind IN "
                f"({int(Kind.WORKS)}, {int(Kind.BELONGS)}) AND k.start <= {moment} AND k.until > {moment}"
            )
        )
        found.update(str(row[0]) for row in rows)
    return frozenset(found)


def _named(values: Iterable[Json | None] | None, base: str | None) -> Iterable[str]:
    for value in values or ():
        text = value.get("reference") if value else None
        if isinstance(text, str):
            target = references.parse(text, base)
            if target.is_local:
                yield f"{target.type}/{target.id}"


def is_recipient(message: Json, names: Iterable[str], base: str | None) -> bool:
    """Whether a message is to one of these."""
    return not frozenset(names).isdisjoint(_named(message.get("recipient"), base))
