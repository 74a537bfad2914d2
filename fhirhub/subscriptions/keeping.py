"""Keeping the Subscriptions that clients make: refused where they cannot be, begun anew where they changed
(https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/components.html#accepting-subscription-requests)."""

from __future__ import annotations

from fhirhub.repository import Effect, Repository
from fhirhub.resources import document
from fhirhub.settings import Settings
from fhirhub.subscriptions import managed, queue, reading, receivers


async def kept(unit: Repository, effect: Effect, settings: Settings) -> bool:
    """Follows the write of a Subscription; whether that changes who listens to what. Raises FhirError 422 that says
    what cannot be."""
    tenant, id = unit.tenant.number, effect.after.id
    actor = unit.asker.actor
    state = await queue.find(unit.transaction, tenant, id)
    is_hub = settings.auth != "none" if actor is None else actor.column == "hub"
    if state is not None and (effect.by_hub or is_hub):
        # The hub tells how it goes; the row says so already.
        return False
    if state is not None and state.organization is not None:
        await managed.own_change(unit, effect, state, settings)
        return True
    if effect.after.body is None:
        await queue.remove(unit.transaction, tenant, id)
        await queue.move_mark(unit.transaction, tenant)
        return True
    resource = document.decode(effect.after.body)
    wanted = reading.read(resource, unit.parameters, settings.fetch_allow, mail=bool(settings.smtp_server))
    if wanted.channel == reading.LIST and settings.auth != "none":
        raise reading.refused("A message list is had by rule: each organisation has one.", "channel.type")
    status = "off" if resource["status"] == "off" else "requested"
    if wanted.end <= effect.after.updated and status != "off":
        raise reading.refused("The end is past already; name one to come, or leave it out.", "end", "value")
    if (resource["status"], resource.get("error")) != (status, None):
        resource["status"] = status
        resource.pop("error", None)
        await unit.amend("Subscription", id, resource)
    receiver = None if actor is None else receivers.of_actor(actor)
    await queue.add(unit.transaction, tenant, queue.new(id, status, effect.after.updated, receiver=receiver))
    await queue.move_mark(unit.transaction, tenant)
    return True
