"""A record as AuditEvent (https://hl7.org/fhir/R4/auditevent.html), with the fields of NEN 7513.

What a line is of is left out where a label hides it from the patient (RULES R20), and a query where a privacy officer
reads: it may name what somebody has (R24).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from fhirhub.audit import recording
from fhirhub.audit.reasons import Fact
from fhirhub.resources import document, guide
from fhirhub.store.chain import Entry
from fhirhub.store.log import Line

Json = dict[str, Any]

TYPES = "http://terminology.hl7.org/CodeSystem/audit-event-type"
INTERACTIONS = "http://hl7.org/fhir/restful-interaction"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
REST = {"system": TYPES, "code": "rest", "display": "RESTful Operation"}


def care_roles() -> str:
    """The system of the roles that acted."""
    return guide.url("CodeSystem", "role")


class Event(NamedTuple):
    """What is no interaction of FHIR: its type, and what it is in DICOM's words."""

    type: tuple[str, str]
    subtype: tuple[str, str] | None = None


_AUTHENTICATION = ("110114", "User Authentication")
_SECURITY = ("110113", "Security Alert")
EVENTS: Mapping[str, Event] = {
    "signed-in": Event(_AUTHENTICATION, ("110122", "Login")),
    "sign-in-failed": Event(_AUTHENTICATION, ("110122", "Login")),
    "signed-out": Event(_AUTHENTICATION, ("110123", "Logout")),
    "granted": Event(_AUTHENTICATION),
    "declined": Event(_AUTHENTICATION),
    "withdrawn": Event(_AUTHENTICATION),
    "token": Event(_AUTHENTICATION),
    "token-refused": Event(_AUTHENTICATION),
    "token-not-taken": Event(_AUTHENTICATION),
    "revoked": Event(_AUTHENTICATION),
    "launch": Event(_AUTHENTICATION),
    "password-changed": Event(_AUTHENTICATION),
    "registered": Event(_SECURITY),
    "load": Event(("110107", "Import")),
    recording.NOTIFIED: Event(("110106", "Export")),
    "erase": Event(("110110", "Patient Record")),
}
OBJECTS = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ROLES = "http://terminology.hl7.org/CodeSystem/object-role"
_FACTS = (
    ("audit-authorisation", Fact.AUTHORISED),
    ("audit-treatment-relation", Fact.RELATION),
    ("audit-consent", Fact.CONSENT),
    ("audit-emergency", Fact.EMERGENCY),
)


class View(NamedTuple):
    """How much of a line this caller sees."""

    veiled: bool
    """Whether labels hide what a line is of."""
    queries: bool
    """Whether queries are shown."""


def id_of(line: Line) -> str:
    """The logical id of a record: its chain and number."""
    return f"{line.record.chain}-{line.record.number}"


def place_of(id: str) -> tuple[int, int] | None:
    """Chain and number of a logical id; None for one that is none."""
    chain, _, number = id.partition("-")
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in (chain, number)):
        return None
    return int(chain), int(number)


def audit_event(line: Line, names: Mapping[str, str], view: View, tenant: str) -> Json:
    """The AuditEvent of a line; `names` are how people and organisations are called."""
    entry = line.record.entry
    moment = document.instant(entry.recorded)
    told: Json = {
        "resourceType": "AuditEvent",
        "id": id_of(line),
        "meta": {
            "versionId": "1",
            "lastUpdated": moment,
            "profile": [guide.url("StructureDefinition", "HubAuditEvent")],
        },
        "extension": [
            {"url": guide.url("StructureDefinition", name), "valueBoolean": bool(entry.facts & fact)}
            for name, fact in _FACTS
        ],
        **_kind(entry),
        "action": entry.action,
        "recorded": moment,
        "outcome": entry.outcome,
    }
    detail = recording.details(entry.detail)
    if "status" in detail:
        told["outcomeDesc"] = detail["status"]
    if "times" in detail:
        told["outcomeDesc"] = f"{detail['times']} times"
    told["agent"] = list(_agents(entry, detail, names))
    told["source"] = {"site": tenant, "observer": {"display": "fhirhub"}}
    entities = list(_entities(entry, names, hidden=view.veiled and line.hidden, queries=view.queries))
    if entities:
        told["entity"] = entities
    return told


def _kind(entry: Entry) -> Json:
    event = EVENTS.get(entry.interaction)
    if event is None:
        if entry.interaction[0] == "$":
            operation = {"system": INTERACTIONS, "code": "operation"}
            return {"type": REST, "subtype": [operation, {"display": entry.interaction}]}
        code = "search-type" if entry.interaction == "search-compartment" else entry.interaction
        return {"type": REST, "subtype": [{"system": INTERACTIONS, "code": code}]}
    subtypes = [{"system": guide.url("CodeSystem", "hub-event"), "code": entry.interaction}]
    if event.subtype is not None:
        subtypes.append({"system": DICOM, "code": event.subtype[0], "display": event.subtype[1]})
    return {"type": {"system": DICOM, "code": event.type[0], "display": event.type[1]}, "subtype": subtypes}


def _agents(entry: Entry, detail: Mapping[str, str], names: Mapping[str, str]) -> Iterable[Json]:
    """Who did it: the person (or the organisation's system), the organisation, the client, who is responsible."""
    rule = [f"{guide.url('CodeSystem', 'access-rule')}#{entry.rule}"] if entry.rule else []
    first: Json = {}
    if entry.role is not None:
        first["role"] = [{"coding": [{"system": care_roles(), "code": entry.role}]}]
    who = entry.person or entry.organization
    if who is not None:
        first["who"] = _named(who, names)
    if "account" in detail:
        first["altId"] = detail["account"]
    first["requestor"] = True
    if rule:
        first["policy"] = rule
    if "source" in detail:
        first["network"] = {"address": detail["source"], "type": "2"}
    if "purpose" in detail:
        first["purposeOfUse"] = [{"text": detail["purpose"]}]
    yield first
    if entry.person is not None and entry.organization is not None:
        yield {"who": _named(entry.organization, names), "requestor": False}
    if entry.client is not None:
        application = {"system": DICOM, "code": "110150", "display": "Application"}
        yield {"type": {"coding": [application]}, "who": {"display": entry.client}, "requestor": False}
    if entry.responsible is not None:
        responsible = {"text": "responsible"}
        yield {"type": responsible, "who": _named(entry.responsible, names), "requestor": False}


def _named(reference: str, names: Mapping[str, str]) -> Json:
    told = {"reference": reference}
    if reference in names:
        told["display"] = names[reference]
    return told


def _entities(entry: Entry, names: Mapping[str, str], *, hidden: bool, queries: bool) -> Iterable[Json]:
    patient = entry.patient
    if patient is not None:
        reference = patient if "/" in patient else f"Patient/{patient}"
        yield {
            "what": _named(reference, names),
            "type": {"system": OBJECTS, "code": "1", "display": "Person"},
            "role": {"system": ROLES, "code": "1", "display": "Patient"},
        }
    if hidden:
        return
    resource = {"system": OBJECTS, "code": "2", "display": "System Object"}
    if (
        entry.type is not None
        and entry.target is not None
        and (entry.type, entry.target) != ("Patient", patient)
    ):
        reference = f"{entry.type}/{entry.target}"
        if entry.version is not None:
            reference += f"/_history/{entry.version}"
        yield {
            "what": {"reference": reference},
            "type": resource,
            "role": {"system": ROLES, "code": "4", "display": "Domain Resource"},
        }
    query = entry.query if queries else None
    if query is not None or (entry.type is not None and entry.target is None):
        told: Json = {"type": resource, "role": {"system": ROLES, "code": "24", "display": "Query"}}
        if entry.type is not None:
            told["name" if query is None else "description"] = entry.type
        if query is not None:
            told["query"] = base64.b64encode(query.encode()).decode()
        yield told
