"""A person chooses how to be told by a Subscription of their own, and is told of messages to them alone."""

from __future__ import annotations

from fhirhub.access import EVERYTHING
from fhirhub.repository import Repository
from fhirhub.subscriptions import receivers
from tests.auth.builders import region
from tests.auth.conftest import Open, open_hub
from tests.subscriptions.builders import on_topic
from tests.subscriptions.receiver import receiving

__all__ = ["open_hub"]


def message(recipient: str) -> dict[str, object]:
    return {
        "resourceType": "Communication",
        "status": "completed",
        "subject": {"reference": "Patient/anna"},
        "recipient": [{"reference": recipient}],
        "payload": [{"contentString": "hallo"}],
    }


async def test_a_patient_is_told_of_messages_to_them_and_no_others(open_hub: Open) -> None:
    async with receiving() as receiver, open_hub(fetch_allow="127.0.0.1") as hub:
        await region(hub)
        anna = receivers.Receiver(
            client="app", person="Patient/anna", role="patient", patient="anna", scopes=("user/*.cruds",)
        )
        tenant = hub.realm.tenant
        of = receivers.Receivers(hub.realm.settings)
        access = await of.access(tenant.database, tenant, anna)
        seen = Repository(tenant, access)
        written = await seen.create(on_topic("message-for-you", receiver.url))
        assert b"Patient/anna" in (written.stored.body or b"")
        await receiver.until(1, "handshake")
        whole = Repository(tenant, EVERYTHING)
        await whole.create(message("Organization/praktijk"))
        await whole.create(message("Patient/anna"))
        await receiver.until(1)
        assert receiver.numbers() == [1]
        other = receivers.Receiver(
            client="app", person="Patient/bert", role="patient", patient="bert", scopes=("user/*.cruds",)
        )
        theirs = Repository(tenant, await of.access(tenant.database, tenant, other))
        assert await theirs.find("Subscription", written.stored.id) is None
