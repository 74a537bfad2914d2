"""The Subscription that each organisation has by rule: it follows the organisation's Endpoint, and without one is the
message list that is asked by `$events`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from fhirhub import errors, fetching
from fhirhub.access import HUB
from fhirhub.repository import Effect, Repository, Stored, Tenant
from fhirhub.resources import document, guide, references
from fhirhub.settings import Settings
from fhirhub.store import request as requests
from fhirhub.store.sql import Statement
from fhirhub.subscriptions import queue, reading, topics
from fhirhub.subscriptions.queue import State

Json = dict[str, Any]

PROFILE = reading.BACKPORT + "backport-subscription"
SERVER = "http://hl7.org/fhir/uv/subscriptions-backport/CapabilityStatement/backport-subscription-server-r4"
"""What a server of that guide says that it is."""
REST = "hl7-fhir-rest"
CONNECTION_TYPE = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
_OWN_TO_CHANGE = ("status", "channel", "meta", "error")
_OF_THE_HUB = ("type", "_type", "endpoint")


def id_of(organization: str) -> str:
    """The id of the Subscription that an organisation has."""
    return f"org-{hashlib.sha256(organization.encode()).hexdigest()[:40]}"


async def of(unit: Repository, organizations: Iterable[str], now: int, settings: Settings) -> dict[str, str]:
    """By organisation, the id of its Subscription; made where it is lacking and the organisation is there."""
    named = sorted(organizations)
    known = await queue.of_organizations(unit.transaction, unit.tenant.number, named)
    found = {organization: state.id for organization, state in known.items()}
    for organization in named:
        if organization not in found and await _make(unit, organization, now, settings):
            found[organization] = id_of(organization)
    return found


async def follow(unit: Repository, effect: Effect, settings: Settings) -> None:
    """Follows the write of an Organization or an Endpoint."""
    after = _content(effect.after)
    now = effect.after.updated
    if effect.after.type == "Organization":
        organizations = [f"Organization/{effect.after.id}"]
    else:
        if after is not None:
            _check_endpoint(after, settings)
        before = None if effect.before is None else _content(effect.before)
        organizations = await _of_endpoint(unit, effect.after.id, before, after)
    await _follow(unit, organizations, now, settings)


async def _follow(unit: Repository, organizations: Iterable[str], now: int, settings: Settings) -> None:
    for organization in organizations:
        state = await queue.find(unit.transaction, unit.tenant.number, id_of(organization))
        if state is None:
            await _make(unit, organization, now, settings)
        else:
            await _update(unit, organization, state, settings)


async def follow_since(tenant: Tenant, since: int | None, now: int, settings: Settings) -> None:
    """Follows what was written of the directory since then without this rule, as by `fhirhub load`; without a moment
    all Endpoints."""
    types = "'Endpoint', 'Organization'" if since is not None else "'Endpoint'"
    rows = await tenant.database.fetch(
        Statement(
            f"SELECT r.type, r.id FROM resource r WHERE r.tenant = $1 AND r.type IN ({types}) "
            "AND r.updated >= $2 AND NOT r.deleted ORDER BY r.type, r.id",
            (tenant.number, since or 0),
            ("int", "bigint"),
        )
    )
    for start in range(0, len(rows), AT_ONCE):
        written = [(str(row[0]), str(row[1])) for row in rows[start : start + AT_ONCE]]

        async def work(unit: Repository, written: list[tuple[str, str]] = written) -> None:
            organizations = {f"Organization/{id}" for type, id in written if type == "Organization"}
            for type, id in written:
                if type == "Endpoint" and (found := await unit.find(type, id)) is not None:
                    organizations.update(await _of_endpoint(unit, id, _content(found)))
            await _follow(unit, sorted(organizations), now, settings)

        await Repository(tenant, HUB).together(work)


def _check_endpoint(endpoint: Json, settings: Settings) -> None:
    """Raises an error for a place to be notified at that may not be reached."""
    if not _is_rest(endpoint):
        return
    fault = fetching.refusal(str(endpoint.get("address", "")), settings.fetch_allow)
    if fault is not None:
        raise errors.business_rule(
            f"Nobody can be notified at `{endpoint.get('address')}`: {fault}.", "Endpoint.address"
        )


def _is_rest(endpoint: Json) -> bool:
    connection = endpoint.get("connectionType", {})
    return endpoint.get("status") == "active" and connection.get("code") == REST


async def _of_endpoint(unit: Repository, id: str, *contents: Json | None) -> list[str]:
    """The organisations that the Endpoint with these contents is, or was, of."""
    found: set[str] = set()
    base = next(iter(unit.tenant.bases), None)
    for content in contents:
        text = str(((content or {}).get("managingOrganization") or {}).get("reference", ""))
        target = references.parse(text, base)
        if target.is_local and target.type == "Organization":
            found.add(f"Organization/{target.id}")
    asked = requests.parse("Organization", [("endpoint", f"Endpoint/{id}")], unit.parameters)
    found.update(f"Organization/{one.id}" for one in await unit.all_matches(asked))
    return sorted(found)


async def _make(unit: Repository, organization: str, now: int, settings: Settings) -> bool:
    """Makes the Subscription of an organisation; whether it is there now."""
    resource = await _resource(unit, organization, settings)
    if resource is None:
        return False
    has_list = resource["status"] == "active"
    made = await unit.transaction.execute(
        Statement(
            "INSERT INTO subscription (tenant, id, status, organization, confirmed, numbered, delivered, due, tries, "
            "sent, lease, holder, created) VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0, 0, 0, '', $6) "
            "ON CONFLICT (tenant, id) DO NOTHING",
            (unit.tenant.number, resource["id"], resource["status"], organization, has_list, now),
            ("int", "text", "text", "text", "bool", "bigint"),
        )
    )
    if made:
        await unit.update(resource)
    return True


async def _update(unit: Repository, organization: str, state: State, settings: Settings) -> None:
    """Brings the Subscription to where the organisation is notified now."""
    resource = await _resource(unit, organization, settings)
    found = await unit.find("Subscription", state.id)
    current = None if found is None else _content(found)
    if resource is None:
        if current is not None and current["status"] != "off":
            await queue.change(unit.transaction, unit.tenant.number, state.id, status="off", due=queue.NEVER)
            place = await unit.find("Organization", organization.removeprefix("Organization/"))
            if place is None or _content(place) is None:
                # It would refer to an organisation that is no longer there.
                await unit.delete("Subscription", state.id)
            else:
                await unit.update({**current, "status": "off"})
        return
    if current is not None:
        of_place = ("type", "_type", "endpoint")
        wanted = resource["channel"]
        if all(current["channel"].get(name) == wanted.get(name) for name in of_place) and (
            current["status"] != "off"
        ):
            return
        # What the organisation chose stays.
        kept_of = {name: value for name, value in current["channel"].items() if name not in of_place}
        if wanted.get("endpoint") is None:
            kept_of.pop("header", None)
        resource["channel"] = {**kept_of, **{name: wanted[name] for name in of_place if name in wanted}}
    has_list = resource["status"] == "active"
    await queue.change(
        unit.transaction, unit.tenant.number, state.id,
        status=resource["status"], confirmed=has_list, due=0, tries=0, fault=None,
    )  # fmt: skip
    await unit.update(resource)


async def _resource(unit: Repository, organization: str, settings: Settings) -> Json | None:
    """The Subscription that an organisation is to have; None where there is no such organisation."""
    id = organization.removeprefix("Organization/")
    found = await unit.find("Organization", id)
    content = None if found is None else _content(found)
    if content is None or content.get("active") is False:
        return None
    endpoint = await _endpoint(unit, organization, content, settings)
    channel: Json = {
        "type": "rest-hook",
        "payload": "application/fhir+json",
        "_payload": {"extension": [{"url": reading.CONTENT, "valueCode": "id-only"}]},
    }
    if endpoint is None:
        coding = {"system": reading.list_system(), "code": reading.LIST}
        channel["_type"] = {"extension": [{"url": reading.CHANNEL_TYPE, "valueCoding": coding}]}
    else:
        channel["endpoint"] = endpoint["address"]
        if endpoint.get("header"):
            channel["header"] = endpoint["header"]
    return {
        "resourceType": "Subscription",
        "id": id_of(organization),
        "meta": {"profile": [PROFILE]},
        "extension": [
            {
                "url": guide.url("StructureDefinition", "subscriber"),
                "valueReference": {"reference": organization},
            }
        ],
        "status": "active" if endpoint is None else "requested",
        "reason": "What the organisation is to know of the plans that it takes part in; it is there by rule.",
        "criteria": topics.url(topics.SHARED_CARE),
        "channel": channel,
    }


async def _endpoint(unit: Repository, organization: str, content: Json, settings: Settings) -> Json | None:
    """Where the organisation is notified: the first active Endpoint of FHIR REST that it names or that is its own,
    and that may be reached."""
    base = next(iter(unit.tenant.bases), None)
    ids: list[str] = []
    for reference in content.get("endpoint", ()):
        target = references.parse(str(reference.get("reference", "")), base)
        if target.is_local and target.type == "Endpoint" and target.id is not None:
            ids.append(target.id)
    asked = requests.parse("Endpoint", [("organization", organization), ("_sort", "_id")], unit.parameters)
    ids += [one.id for one in await unit.all_matches(asked)]
    for id in dict.fromkeys(ids):
        found = await unit.find("Endpoint", id)
        endpoint = None if found is None else _content(found)
        if endpoint is None or not _is_rest(endpoint):
            continue
        if fetching.refusal(str(endpoint.get("address", "")), settings.fetch_allow) is None:
            return endpoint
    return None


async def make_lacking(tenant: Tenant, now: int, settings: Settings) -> None:
    """Gives each organisation the Subscription that it lacks."""
    rows = await tenant.database.fetch(
        Statement(
            "SELECT r.id FROM resource r WHERE r.tenant = $1 AND r.type = 'Organization' AND NOT r.deleted "
            "AND NOT EXISTS (SELECT 1 FROM subscription s WHERE s.tenant = $1 "
            "AND s.organization = 'Organization/' || r.id) ORDER BY r.id",
            (tenant.number,),
            ("int",),
        )
    )
    ids = [str(row[0]) for row in rows]
    for start in range(0, len(ids), AT_ONCE):
        named = [f"Organization/{id}" for id in ids[start : start + AT_ONCE]]

        async def work(unit: Repository, named: list[str] = named) -> None:
            await of(unit, named, now, settings)

        await Repository(tenant, HUB).together(work)


AT_ONCE = 50


# --- what an organisation changes itself ---


async def own_change(unit: Repository, effect: Effect, state: State, settings: Settings) -> None:
    """What an organisation may change of the Subscription that it has by rule: how much is sent, with which headers,
    how often; asking for `requested` tries at once again."""
    after, before = _content(effect.after), None if effect.before is None else _content(effect.before)
    if after is None or before is None:
        raise errors.business_rule(
            "This Subscription is the organisation's by rule and is not deleted; it ends with the organisation.",
            "Subscription",
        )
    for name in sorted(before.keys() | after.keys()):
        if name not in _OWN_TO_CHANGE and before.get(name) != after.get(name):
            raise _fixed(name)
    for name in _OF_THE_HUB:
        if before["channel"].get(name) != after["channel"].get(name):
            raise _fixed(f"channel.{name}")
    if after["status"] == "off":
        raise errors.business_rule(
            "This Subscription is the organisation's by rule and is not switched off.", "Subscription.status"
        )
    wanted = reading.read(after, unit.parameters, settings.fetch_allow)
    status = "active" if wanted.channel == reading.LIST else "requested"
    if (after["status"], after.get("error")) != (status, None):
        after["status"] = status
        after.pop("error", None)
        await unit.amend("Subscription", state.id, after)
    await queue.change(
        unit.transaction, unit.tenant.number, state.id,
        status=status, confirmed=status == "active", due=0, tries=0, fault=None,
    )  # fmt: skip


def _fixed(name: str) -> errors.FhirError:
    return errors.business_rule(
        f"`{name}` of the Subscription that an organisation has by rule follows from the directory; of `channel` the "
        "payload, headers and extensions are the organisation's to choose.",
        f"Subscription.{name}",
    )


def _content(stored: Stored) -> Json | None:
    return None if stored.body is None else document.decode(stored.body)
