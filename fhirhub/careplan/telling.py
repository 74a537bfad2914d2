"""Being told: a message in each person's list, and for who has no account a Task for the practice (RULES R26).

A message is a Communication to one recipient (https://hl7.org/fhir/R4/communication.html), with the category
`notification`; one about a plan is a PlanMessage of the guide. The ping on the channel that the person chose follows
from it (`subscriptions/`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fhirhub.auth import careteam, staff
from fhirhub.repository import Repository, now
from fhirhub.resources import document, guide

Json = dict[str, Any]

CATEGORY = "http://terminology.hl7.org/CodeSystem/communication-category"
NOTIFICATION: Json = {"coding": [{"system": CATEGORY, "code": "notification", "display": "Notification"}]}
"""The category of what the hub tells people."""
SENDER: Json = {"type": "Device", "display": "fhirhub"}
"""The hub itself, which is no resource."""
TELL_THE_PATIENT = "patient-inlichten"
"""The Task by which a practice tells somebody who has no account."""
AT_HOME = ("Patient/", "RelatedPerson/")


async def tell(
    unit: Repository,
    *,
    patient: str | None,
    to: Iterable[str],
    text: str,
    about: Iterable[str] = (),
    urgent: bool = False,
) -> None:
    """Tells each of these (`Patient/x`, `RelatedPerson/x`, `Practitioner/x`, `PractitionerRole/x`,
    `Organization/x`) once, in the transaction of `unit`, the hub's own. `patient` is the id of whom it is about;
    without one the message says nothing of anybody and is its recipient's alone. `about` are references."""
    moment = now()
    named = list(dict.fromkeys(about))
    for recipient in dict.fromkeys(to):
        await unit.create(_message(patient, recipient, text, named, moment, urgent=urgent))
        if patient is not None and recipient.startswith(AT_HOME):
            await _by_the_practice(unit, patient, recipient, text, named, moment, urgent=urgent)


def _message(
    patient: str | None, recipient: str, text: str, about: list[str], moment: int, *, urgent: bool
) -> Json:
    plans = [{"reference": one} for one in about if one.startswith("CarePlan/")]
    return {
        "resourceType": "Communication",
        **({"basedOn": plans} if plans else {}),
        "status": "completed",
        "category": [NOTIFICATION],
        "priority": "urgent" if urgent else "routine",
        **({"subject": {"reference": f"Patient/{patient}"}} if patient is not None else {}),
        **({"about": [{"reference": one} for one in about]} if about else {}),
        "sent": document.instant(moment),
        "sender": SENDER,
        "recipient": [{"reference": recipient}],
        "payload": [{"contentString": text}],
    }


async def _by_the_practice(
    unit: Repository,
    patient: str,
    person: str,
    text: str,
    about: list[str],
    moment: int,
    *,
    urgent: bool,
) -> None:
    """The Task by which the registered practice tells somebody who cannot sign in here."""
    if await staff.has_account(unit, person):
        return
    practice = await careteam.registered_practice(unit, patient, moment)
    if practice is None:
        return
    code = {"system": guide.url("CodeSystem", "task"), "code": TELL_THE_PATIENT}
    await unit.create(
        {
            "resourceType": "Task",
            "status": "requested",
            "intent": "order",
            "priority": "urgent" if urgent else "routine",
            "code": {"coding": [code]},
            "description": text,
            "for": {"reference": f"Patient/{patient}"},
            **({"focus": {"reference": about[0]}} if about else {}),
            **({"reasonReference": {"reference": person}} if not person.startswith("Patient/") else {}),
            "authoredOn": document.instant(moment),
            "owner": {"reference": practice},
        }
    )
