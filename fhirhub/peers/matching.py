"""Who somebody of this hub is at a peer: organisations are matched by URA, people by BIG number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhirhub.access import HUB
from fhirhub.peers.home import Homes, Unreachable
from fhirhub.peers.rows import Peer
from fhirhub.repository import Repository, Tenant
from fhirhub.resources import document

if TYPE_CHECKING:
    from fhirhub.auth.realm import Realm

Json = dict[str, Any]

URA = "http://fhir.nl/fhir/NamingSystem/ura"
BIG = "http://fhir.nl/fhir/NamingSystem/big"
REGISTERS = {"Organization": URA, "Practitioner": BIG}


class There:
    """Those of this hub, as one peer knows them."""

    def __init__(self, homes: Homes, realm: Realm, peer: Peer) -> None:
        self._homes = homes
        self._realm = realm
        self._peer = peer

    async def find(self, reference: str) -> str | None:
        """The reference there of somebody here; None for who has no number, or is not known there by it. Raises
        Unreachable and Refused."""
        type, _, id = reference.partition("/")
        if type not in REGISTERS:
            return None
        number = await number_of(self._realm.tenant, type, id, REGISTERS[type])
        if number is None:
            return None
        ids = await self._ids(type, number)
        return f"{type}/{ids[0]}" if len(ids) == 1 else None

    async def organization(self) -> str:
        """The organisation that takes part there. Raises Unreachable and Refused."""
        here = self._peer.organization
        number = await number_of(self._realm.tenant, "Organization", here.partition("/")[2], URA)
        if number is None:
            raise Unreachable(f"{here} has no URA number, by which it is known there")
        ids = await self._ids("Organization", number)
        if len(ids) != 1:
            raise Unreachable(f"it knows {len(ids) or 'no'} organisations with URA number {number}")
        return f"Organization/{ids[0]}"

    async def _ids(self, type: str, number: str) -> list[str]:
        path = f"{type}?identifier={REGISTERS[type]}%7C{number}"
        found = await self._homes.get(self._realm, self._peer, path)
        return [entry["resource"]["id"] for entry in found.get("entry", ()) if "resource" in entry]


async def number_of(tenant: Tenant, type: str, id: str, system: str) -> str | None:
    """The number of somebody of this hub in a register."""
    found = await Repository(tenant, HUB).find(type, id)
    if found is None or found.body is None:
        return None
    return value(document.decode(found.body), system)


def value(resource: Json, system: str) -> str | None:
    """The number of a resource in a register."""
    for one in resource.get("identifier", ()):
        if one.get("system") == system and one.get("value"):
            return str(one["value"])
    return None
