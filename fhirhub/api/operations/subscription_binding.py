"""$get-ws-binding-token: what a receiver shows on its websocket
(http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-get-ws-binding-token)."""

from __future__ import annotations

from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import parameters
from fhirhub.errors import business_rule
from fhirhub.resources import document
from fhirhub.store import request as requests
from fhirhub.subscriptions.channels import websocket

SECOND_US = 1_000_000


async def binding_token(request: FhirRequest) -> FhirResponse:
    """A token for this Subscription, those named, or all of the caller's with the channel websocket."""
    given = parameters.read(request)
    ids = [request.path[1]] if len(request.path) == 3 else given.lists("id")
    seen = request.repository
    if not ids:
        asked = requests.parse(
            "Subscription", [("type", "websocket"), ("status:not", "off")], seen.parameters
        )
        ids = [one.id for one in await seen.all_matches(asked)]
    for id in ids:
        stored = await seen.read("Subscription", id)
        resource = document.decode(stored.body or b"{}")
        if resource.get("channel", {}).get("type") != "websocket":
            raise business_rule(
                f"Subscription/{id} has no channel websocket; a binding token is for that channel.",
                "Subscription.channel.type",
            )
        if resource["status"] == "off":
            raise business_rule(
                f"Subscription/{id} is off; put it with status `requested` to be told again.",
                "Subscription.status",
            )
    if not ids:
        raise business_rule(
            "You have no Subscription with the channel websocket.", "Subscription.channel.type"
        )
    until = request.context.now() // SECOND_US + websocket.TOKEN_SECONDS
    token = websocket.token(websocket.key(seen.tenant.cursor_key), seen.tenant.name, ids, until)
    told: list[Json] = [
        {"name": "token", "valueString": token},
        {"name": "expiration", "valueDateTime": document.instant(until * SECOND_US)},
        *({"name": "subscription", "valueString": id} for id in ids),
        {"name": "websocket-url", "valueUrl": websocket.address(request.base)},
    ]
    return FhirResponse(200, document.encode({"resourceType": "Parameters", "parameter": told}))
