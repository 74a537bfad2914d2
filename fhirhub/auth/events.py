"""What happens at the authorization server that somebody may have to account for later: sign-ins, consents, tokens,
refusals and ends. Every one is told here, without a password, code, token or user name, and stands in the log before
it is answered (RULES R24)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from fhirhub import logs
from fhirhub.audit import recording
from fhirhub.auth import accounts, clients
from fhirhub.auth.exchange import Request
from fhirhub.repository import Agent, Repository, Trail
from fhirhub.store.chain import Entry

Kind = Literal[
    "signed-in", "sign-in-failed", "signed-out", "password-changed", "granted", "declined", "withdrawn",
    "token", "token-refused", "revoked", "registered", "launch",
]  # fmt: skip
FAILURES: frozenset[Kind] = frozenset({"sign-in-failed", "token-refused"})


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `account` is an account's id; `outcome` the error's code, or how somebody was authenticated."""

    kind: Kind
    client: str | None = None
    account: str | None = None
    role: str | None = None
    outcome: str | None = None


def tell(request: Request, event: Event) -> None:
    """Tell the process's log of the event, of a failure also where it came from; `record` keeps it."""
    request.told.append(event)
    fields = {"tenant": request.realm.name, "client": event.client, "account": event.account}
    fields |= {"role": event.role, "outcome": event.outcome}
    if event.kind in FAILURES:
        fields["source"] = request.source
    write = logs.warning if event.kind in FAILURES else logs.info
    known = {name: value for name, value in fields.items() if value is not None}
    write("Access", kind=event.kind, **known)


async def record(request: Request) -> None:
    """Keep what this request told of; durable when this returns."""
    realm = request.realm
    if realm.tenant.recorder is not None and request.told:
        entries = [await _entry(request, event) for event in request.told]
        await realm.database.log(realm.number, entries)


async def looked(seen: Repository, patients: Iterable[str], name: str = "") -> None:
    """Keep in the log that a page at the door showed somebody the names of these patients, found by that name; durable
    when this returns. Who sees the own name alone looks at nobody."""
    actor, tenant = seen.access.actor, seen.tenant
    others = [one for one in dict.fromkeys(patients) if actor is None or actor.person != f"Patient/{one}"]
    if tenant.recorder is None or not others:
        return
    agent = recording.agent_of(seen.access)._replace(client=AT_THE_DOOR)
    trail = Trail("search-type", agent=agent, owners=[(one, None) for one in others])
    query = urlencode({"name": name}) if name else None
    entries = await recording.of_reads(seen, trail, "R", ("Patient", None), query)
    await tenant.database.log(tenant.number, entries)


AT_THE_DOOR = "fhirhub"
"""The client of whoever looks at a page of the hub itself."""


async def _entry(request: Request, event: Event) -> Entry:
    """The record of an event: about the patient where that is who acted."""
    account = await accounts.by_id(request.realm, event.account) if event.account else None
    standing = None
    if account is not None and account.standings:
        roles = {one.role: one for one in account.standings}
        standing = roles.get(event.role or "", account.standings[0])
    organization = standing.organization if standing else None
    client = await clients.find(request.realm, event.client) if event.client else None
    if standing is None and client is not None:
        organization = client.organization
    agent = Agent(
        person=standing.fhir_user if standing else None,
        role=standing.role if standing else None,
        organization=organization,
        client=event.client,
    )
    told = {"account": event.account, "how": event.outcome, "source": request.source}
    entry = recording.event(
        event.kind,
        "4" if event.kind in FAILURES else "0",
        agent,
        **{name: value for name, value in told.items() if value},
    )
    if agent.person is not None and agent.person.startswith("Patient/"):
        entry = entry._replace(patient=agent.person.removeprefix("Patient/"))
    return entry
