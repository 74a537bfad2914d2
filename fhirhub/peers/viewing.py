"""The view of plans that live at a peer: read there anew when it tells that something changed, kept to be read while it
is down, and never written.

What the peer no longer shows to the organisation is not kept either. Members are matched by URA and BIG.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fhirhub import errors, logs
from fhirhub.access import Actor
from fhirhub.errors import FhirError, Issue
from fhirhub.peers import PATH, matching, rows
from fhirhub.peers.answering import Answer, Answering
from fhirhub.peers.home import Homes, Person, Refused, Unreachable
from fhirhub.peers.matching import BIG, URA
from fhirhub.peers.rows import Kept, Peer
from fhirhub.repository import Tenant
from fhirhub.resources import document, references, relations
from fhirhub.resources.references import Link, Target
from fhirhub.settings import Settings

if TYPE_CHECKING:
    from fhirhub.auth.realm import Realm

Json = dict[str, Any]

TYPES = ("CarePlan", "CareTeam", "Goal", "Task", "Communication", "Patient")
_DIRECTORY = ("PractitionerRole", "Practitioner", "Organization", "HealthcareService")
FOR_DOCTORS = ("R", "V")
"""Labels of what some of an organisation's people see: it is read in the name of each."""
LOOK_SECONDS = 60.0
"""How often it is asked whether something changed, when nothing is heard."""
RETRY_SECONDS = 5.0
"""The same while it cannot be asked."""
FRESH_SECONDS = 2.0
"""Within this a view that was found to be right is shown without asking again."""
WHOLE_SECONDS = 900.0
"""After this all is read again: what ends by the clock alone makes no event."""
TURN_SECONDS = 1.0
PAGE = 200
MOST = 20_000
SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class View:
    """What is kept of a peer."""

    peer: Peer
    kept: tuple[Kept, ...]

    def address(self, one: Kept) -> str:
        """Where it is at home."""
        return f"{self.peer.base}/{one.type}/{one.id}"


class Peers:
    """One for each application. `realm_of` gives a tenant's authorization server, whose keys sign; `clock` gives
    microseconds since 1970 UTC."""

    def __init__(
        self,
        settings: Settings,
        realm_of: Callable[[str], Awaitable[Realm | None]],
        clock: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._homes = Homes(settings.fetch_allow)
        self._realm_of = realm_of
        self._clock = clock
        self._looking: dict[tuple[int, str], asyncio.Task[None]] = {}
        self._again: set[tuple[int, str]] = set()

    async def run(self, tenants: Callable[[], Awaitable[Mapping[int, Tenant]]]) -> None:
        """Looks at all peers now and then, until cancelled."""
        try:
            while True:
                try:
                    for tenant in (await tenants()).values():
                        for peer in await rows.every(tenant.database, tenant.number):
                            now = self._clock()
                            every = LOOK_SECONDS if peer.failed is None else RETRY_SECONDS
                            before = now - int(every * SECOND_US)
                            if await rows.take(tenant.database, tenant.number, peer.name, now, before):
                                self._begin(tenant, peer.name)
                except Exception as fault:
                    logs.error("Peers could not be looked at", fault)
                await asyncio.sleep(TURN_SECONDS)
        finally:
            for task in self._looking.values():
                task.cancel()
            await asyncio.gather(*self._looking.values(), return_exceptions=True)
            await self._homes.close()

    async def heard(self, tenant: Tenant, name: str, authorization: str) -> bool:
        """A notification came; whether it is the peer's, so whether it is looked what changed."""
        realm = await self._realm_of(tenant.name)
        if realm is None or await rows.find(tenant.database, tenant.number, name) is None:
            return False
        if not hmac.compare_digest(authorization.encode(), header(realm, name).encode()):
            return False
        self._begin(tenant, name)
        return True

    async def of(self, tenant: Tenant, organization: str) -> list[Peer]:
        """The peers of this organisation."""
        known = await rows.every(tenant.database, tenant.number)
        return [peer for peer in known if peer.organization == organization]

    async def views(self, tenant: Tenant, organization: str) -> list[View]:
        """What is kept of the peers of this organisation, as new as can be."""
        found = []
        for peer in await self.of(tenant, organization):
            if self._clock() - peer.seen > FRESH_SECONDS * SECOND_US:
                await self._begin(tenant, peer.name)
            # Read before what is kept: it may be newer than is said, and not older.
            now_there = await rows.find(tenant.database, tenant.number, peer.name)
            if now_there is not None:
                kept = await rows.view(tenant.database, tenant.number, peer.name)
                found.append(View(now_there, tuple(kept)))
        return found

    async def address_of(self, tenant: Tenant, organization: str, type: str, id: str) -> str | None:
        """Where something lives that a peer of this organisation shows; None for what none shows."""
        base = await rows.base_of(tenant.database, tenant.number, organization, type, id)
        return None if base is None else f"{base}/{type}/{id}"

    async def labelled(self, tenant: Tenant, peer: Peer, actor: Actor) -> list[Kept]:
        """What home shows to who acts of what is for doctors, read in their own name; none of it is kept. Nothing for
        who is not known there. Raises Unreachable."""
        realm = await self._realm_of(tenant.name)
        assert realm is not None
        person = await Answering(self._homes, realm, peer, actor).person()
        if person is None:
            return []
        labels = ",".join(f"{relations.CONFIDENTIALITY}%7C{code}" for code in FOR_DOCTORS)
        found: list[Json] = []
        try:
            for type in TYPES:
                path = f"{type}?_count={PAGE}&_security={labels}"
                found += [one async for one in self._pages(realm, peer, path, person)]
        except Refused:
            return []
        return [
            Kept(one["resourceType"], one["id"], document.encode(_sourced(one, peer.base, {})))
            for one in found
            if _is_labelled(one)
        ]

    async def answer(self, tenant: Tenant, peer: Peer, id: str, actor: Actor, answer: Answer) -> Json:
        """The Task at home after this answer of who acts. Raises FhirError as home says it, and `transient` where home
        cannot be reached: then nothing changed."""
        realm = await self._realm_of(tenant.name)
        assert realm is not None
        try:
            task = await Answering(self._homes, realm, peer, actor).answer(id, answer)
        except Unreachable as fault:
            raise errors.transient(
                f"{peer.base}, where this Task lives, cannot be reached: {fault}. Nothing changed; try again later."
            ) from None
        except Refused as refusal:
            raise told(refusal) from None
        self._begin(tenant, peer.name)
        return absolute(task, peer.base, {})

    # --- looking ---

    def _begin(self, tenant: Tenant, name: str) -> asyncio.Future[None]:
        """Looks at a peer, once more where that is under way; done when it is."""
        key = (tenant.number, name)
        task = self._looking.get(key)
        if task is not None:
            self._again.add(key)
        else:
            task = asyncio.get_running_loop().create_task(self._look_on(tenant, name))
            self._looking[key] = task
        return asyncio.shield(task)

    async def _look_on(self, tenant: Tenant, name: str) -> None:
        key = (tenant.number, name)
        try:
            while True:
                self._again.discard(key)
                await self._look(tenant, name)
                if key not in self._again:
                    return
        except Exception as fault:
            logs.error("A peer could not be looked at", fault)
        finally:
            del self._looking[key]

    async def _look(self, tenant: Tenant, name: str) -> None:
        database, number, now = tenant.database, tenant.number, self._clock()
        peer = await rows.find(database, number, name)
        realm = await self._realm_of(tenant.name)
        if peer is None or realm is None:
            return
        try:
            mark = await self._mark(realm, peer)
            if mark == peer.mark and now - peer.filled < WHOLE_SECONDS * SECOND_US:
                await rows.is_right(database, number, name, now)
                return
            place = await matching.There(self._homes, realm, peer).organization()
            kept = await self._shown(realm, peer)
            await rows.fill(database, number, peer, place, mark, now, kept)
        except Unreachable as fault:
            await rows.has_failed(database, number, name, now, str(fault))
        except Refused as refusal:
            if refusal.status in (400, 401, 403):
                # It lets us in no more: nothing of it is ours to show.
                await rows.empty(database, number, name)
            await rows.has_failed(database, number, name, now, str(refusal))
            logs.warning("A peer refuses", peer=name, status=refusal.status)

    async def _mark(self, realm: Realm, peer: Peer) -> str:
        """How many events the organisation's Subscriptions there had, and that they notify here as they are to."""
        found = await self._homes.get(realm, peer, "Subscription?_count=50")
        for entry in found.get("entry", ()):
            await self._hold_header(realm, peer, entry["resource"])
        told = await self._homes.get(realm, peer, "Subscription/$status")
        marks = []
        for entry in told.get("entry", ()):
            values = {one["name"]: one for one in entry["resource"]["parameter"]}
            named = values["subscription"]["valueReference"]["reference"].rpartition("/")[2]
            marks.append(f"{named}:{values['events-since-subscription-start']['valueString']}")
        return " ".join(sorted(marks))

    async def _hold_header(self, realm: Realm, peer: Peer, subscription: Json) -> None:
        """Has a Subscription that notifies here say who it is: in its header, which nobody but its owner reads."""
        channel = subscription["channel"]
        if channel.get("endpoint") != address(realm.tenant, peer.name):
            return
        wanted = [f"Authorization: {header(realm, peer.name)}"]
        if channel.get("header") != wanted:
            changed = {**subscription, "status": "requested", "channel": {**channel, "header": wanted}}
            changed.pop("error", None)
            await self._homes.ask(realm, peer, "PUT", f"Subscription/{subscription['id']}", changed)

    async def _shown(self, realm: Realm, peer: Peer) -> list[Kept]:
        """All that the peer shows of plans, but what is for some of the organisation's people alone."""
        found: list[Json] = []
        for type in TYPES:
            found += [one async for one in self._pages(realm, peer, f"{type}?_count={PAGE}")]
            if len(found) > MOST:
                raise Unreachable(f"it shows more than {MOST:,} resources")
        found = [one for one in found if not _is_labelled(one)]
        directory = await self._directory(realm, peer, found)
        identifiers = _identifiers(directory)
        return [
            Kept(one["resourceType"], one["id"], document.encode(_sourced(one, peer.base, identifiers)))
            for one in (*found, *directory)
        ]

    async def _pages(
        self, realm: Realm, peer: Peer, path: str, person: Person | None = None
    ) -> AsyncIterator[Json]:
        next_path: str | None = path
        while next_path is not None:
            page = await self._homes.get(realm, peer, next_path, person=person)
            for entry in page.get("entry", ()):
                if (entry.get("search") or {}).get("mode", "match") == "match":
                    yield entry["resource"]
            links = {one["relation"]: one["url"] for one in page.get("link", ())}
            next_path = links.get("next")
            if next_path is not None and not next_path.startswith(f"{peer.base}/"):
                raise Unreachable("its next page is at another host")

    async def _directory(self, realm: Realm, peer: Peer, shown: list[Json]) -> list[Json]:
        """The organisations and people that are named in what is shown."""
        found: list[Json] = []
        for type in _DIRECTORY:
            ids = sorted({id for of, id in _named((*shown, *found)) if of == type})
            for start in range(0, len(ids), 50):
                path = f"{type}?_count=50&_id={','.join(ids[start : start + 50])}"
                found += [one async for one in self._pages(realm, peer, path)]
        return found


def _is_labelled(resource: Json) -> bool:
    """Whether it is for doctors alone; what is kept from the patient is not (RULES R20)."""
    return not frozenset(FOR_DOCTORS).isdisjoint(relations.label(resource) or "")


def header(realm: Realm, name: str) -> str:
    """What a peer shows when it notifies: nobody else knows it."""
    key = realm.secret.key(f"peer {name}", realm.name)
    return "Bearer " + base64.urlsafe_b64encode(key).rstrip(b"=").decode()


def address(tenant: Tenant, name: str) -> str:
    """Where a peer notifies."""
    return tenant.bases[0].removesuffix("/fhir") + PATH + name


def _identifiers(directory: Iterable[Json]) -> dict[str, Json]:
    """By reference, the number of an organisation or person."""
    found: dict[str, Json] = {}
    for one in directory:
        for system in (URA, BIG):
            value = matching.value(one, system)
            if value is not None:
                found[f"{one['resourceType']}/{one['id']}"] = {"system": system, "value": value}
    for one in directory:
        of = str((one.get("practitioner") or {}).get("reference", ""))
        if one["resourceType"] == "PractitionerRole" and of in found:
            found.setdefault(f"PractitionerRole/{one['id']}", found[of])
    return found


def _named(resources: Iterable[Json]) -> Iterator[tuple[str, str]]:
    """Type and id of what resources refer to."""
    for resource in resources:
        for _, target in _local(resource):
            yield str(target.type), str(target.id)


def _local(resource: Json) -> Iterator[tuple[Link, Target]]:
    """The references to what is at the same hub."""
    for link in references.walk(resource):
        if link.kind == "reference":
            target = references.parse(link.text)
            if target.is_local:
                yield link, target


def _sourced(resource: Json, base: str, identifiers: Mapping[str, Json]) -> Json:
    """As it is kept: what it refers to is at home, and so is it."""
    made = absolute(resource, base, identifiers)
    made["meta"] = {**made.get("meta", {}), "source": f"{base}/{made['resourceType']}/{made['id']}"}
    return made


def absolute(resource: Json, base: str, identifiers: Mapping[str, Json]) -> Json:
    """With references that hold elsewhere: whole addresses, and the number of who is referred to; changes the resource
    itself."""
    for link, target in _local(resource):
        link.holder[link.key] = f"{base}/{link.text}"
        if target.url in identifiers:
            link.holder.setdefault("identifier", identifiers[target.url])
    return resource


def told(refusal: Refused) -> FhirError:
    """What home refused, as it says it."""
    status = refusal.status if refusal.status in (400, 403, 404, 409, 410, 412, 422) else 403
    issues = list(refusal.issues)
    return FhirError(status, issues or [Issue("error", "processing", "The hub where it lives refused it.")])
