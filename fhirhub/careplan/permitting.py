"""A consent check outside the hub, such as an adapter to Mitz: asked before an organisation joins a team or a patient
is opened to it, beside the Consents that are here. What is no clear yes, silence among it, is no (docs/access.md)."""

from __future__ import annotations

from typing import Any

from fhirhub import fetching, logs
from fhirhub.errors import FhirError
from fhirhub.repository import Repository
from fhirhub.resources import document

Json = dict[str, Any]

SECONDS = 3.0
"""How long it has to answer: a write waits for it."""
MAX_BYTES = 64 * 1024
FHIR = "application/fhir+json"


async def permits(unit: Repository, patient: str, organization: str) -> bool:
    """Whether it lets this organisation (`Organization/x`) see the patient of that id; True where none is asked."""
    url = unit.tenant.consent_check
    if url is None:
        return True
    question: Json = {
        "resourceType": "Parameters",
        "parameter": [
            *await _named(unit, "patient", f"Patient/{patient}"),
            *await _named(unit, "organization", organization),
        ],
    }
    try:
        answer = await fetching.fetch(
            url,
            unit.tenant.fetch_allow,
            method="POST",
            headers={"Accept": FHIR, "Content-Type": FHIR},
            body=document.encode(question),
            max_bytes=MAX_BYTES,
            seconds=SECONDS,
        )
    except fetching.FetchError as fault:
        logs.warning("The consent check cannot be asked, so the answer is no", reason=str(fault))
        return False
    return answer.status == 200 and _says_yes(answer.body)


async def _named(unit: Repository, name: str, reference: str) -> list[Json]:
    """Who it is, by reference and by the identifiers by which others know them."""
    type, _, id = reference.partition("/")
    stored = await unit.find(type, id)
    resource = {} if stored is None or stored.body is None else document.decode(stored.body)
    identifiers = [{"name": name, "valueIdentifier": one} for one in resource.get("identifier", ())]
    return [{"name": name, "valueReference": {"reference": reference}}, *identifiers]


def _says_yes(body: bytes) -> bool:
    try:
        told = document.parse(body)
    except FhirError:
        return False
    said = [one.get("valueBoolean") for one in told.get("parameter", ()) if one.get("name") == "permit"]
    return told.get("resourceType") == "Parameters" and said == [True]
