"""`fhirhub peers`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fhirhub.cli.opening import run, with_realm
from fhirhub.cli.options import Database, SecretFile, Tenant
from fhirhub.cli.preparing import prepared
from fhirhub.cli.telling import tell_json
from fhirhub.settings import Refusal

if TYPE_CHECKING:
    from fhirhub.auth.realm import Realm

commands = typer.Typer(
    help="The other hubs where plans live in which an organisation of this one takes part (docs/two-hubs.md).",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9.-]")
Name = Annotated[str, typer.Argument(help="What it is called here, such as `thuis`.")]


@commands.command("add")
def add_peer(
    name: Name,
    base: Annotated[str, typer.Argument(help="Its FHIR base, such as https://hub.example.nl/fhir.")],
    client: Annotated[str, typer.Argument(help="The client_id by which this hub is known there.")],
    organization: Annotated[
        str,
        typer.Argument(help="The organisation of this hub that takes part there, such as Organization/x."),
    ],
    database: Database = None,
    tenant: Tenant = None,
    secret_file: SecretFile = None,
) -> None:
    """Know another hub; prints what is to be registered there: the client, and the Endpoint that is notified."""
    from fhirhub import fetching
    from fhirhub.peers import rows

    chosen = prepared(database=database, tenant=tenant, secret_file=secret_file)
    if not _NAME.fullmatch(name):
        raise Refusal(
            f"`{name}` is no name of a peer: a letter, then letters, digits and hyphens, such as thuis"
        )
    base = base.rstrip("/")
    fault = fetching.refusal(base, chosen.fetch_allow)
    if fault is not None:
        raise Refusal(f"{base} cannot be asked: {fault}")

    async def work(realm: Realm) -> dict[str, Any]:
        await _check_organization(realm, organization)
        if not await rows.add(realm.database, realm.number, rows.new(name, base, client, organization)):
            raise Refusal(f"there is a peer `{name}` already; `fhirhub peers remove {name}` first")
        return _wanted_there(realm, name, client)

    tell_json(run(with_realm(chosen, work)))


@commands.command("list")
def list_peers(database: Database = None, tenant: Tenant = None, secret_file: SecretFile = None) -> None:
    """List the other hubs and how the view of each stands, as JSON, one on a line."""
    from fhirhub.peers import rows
    from fhirhub.resources import document

    chosen = prepared(database=database, tenant=tenant, secret_file=secret_file)
    for peer in run(with_realm(chosen, lambda realm: rows.every(realm.database, realm.number))):
        told = {
            "name": peer.name,
            "base": peer.base,
            "client": peer.client,
            "organization": peer.organization,
            "there": peer.place,
            "seen": document.instant(peer.seen) if peer.seen else None,
            "failing_since": None if peer.failed is None else document.instant(peer.failed),
            "fault": peer.fault,
        }
        typer.echo(json.dumps({key: value for key, value in told.items() if value is not None}))


@commands.command("remove")
def remove_peer(
    name: Name, database: Database = None, tenant: Tenant = None, secret_file: SecretFile = None
) -> None:
    """Forget another hub and all that was kept of it."""
    from fhirhub.peers import rows

    chosen = prepared(database=database, tenant=tenant, secret_file=secret_file)
    if not run(with_realm(chosen, lambda realm: rows.remove(realm.database, realm.number, name))):
        raise Refusal(f"there is no peer `{name}`; `fhirhub peers list` lists them")
    typer.echo(f"{name} is removed")


async def _check_organization(realm: Realm, reference: str) -> None:
    """It is here, with the number by which the other hub knows it. Raises Refusal."""
    from fhirhub.peers.matching import URA, number_of

    type, _, id = reference.partition("/")
    if type != "Organization" or not id:
        raise Refusal(f"`{reference}` is no organisation of this hub: one is such as Organization/x")
    if await number_of(realm.tenant, type, id, URA) is None:
        raise Refusal(
            f"{reference} is not here, or has no URA number, by which it is found at the other hub: load it with an "
            f"identifier of {URA} first"
        )


def _wanted_there(realm: Realm, name: str, client: str) -> dict[str, Any]:
    """What the other hub is to register; `Organization/...` is the organisation as it is there."""
    from fhirhub.auth.realm import Issuer
    from fhirhub.peers.viewing import address

    here = Issuer(realm, realm.tenant.bases[0])
    return {
        "client": {
            "client_id": client,
            "client_name": f"The hub at {here.root}",
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": here.at("jwks"),
            "scope": "system/*.cruds user/*.cruds",
            "organization": "Organization/...",
        },
        "endpoint": {
            "resourceType": "Endpoint",
            "id": _NOT_IN_IDS.sub("-", client)[:64],
            "status": "active",
            "connectionType": {
                "system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type",
                "code": "hl7-fhir-rest",
            },
            "managingOrganization": {"reference": "Organization/..."},
            "payloadType": [{"text": "any"}],
            "address": address(realm.tenant, name),
        },
    }
