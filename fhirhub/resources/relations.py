"""What a resource says about who may see what: relations of people and organisations to a patient, and holdings
of one resource (RULES R1, R4, R6, R7, R13-R20).

Pure functions of one resource: its rows are written and removed with it, and what a caller may see is a look-up
in them at that moment (`store/visible.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from typing import Any, NamedTuple

from fhirhub.resources import compartments, consents, primitives, references

Json = dict[str, Any]

ALWAYS = (-(1 << 62), 1 << 62)
NEVER = ALWAYS[::-1]
"""A period without begin and end, in microseconds since 1970 UTC."""


class Kind(IntEnum):
    """What a relation is. Of WORKS to TYPE the subject is what the actor is part of, of the rest a patient."""

    PRACTICE = 1
    """The practice where the patient is registered (R6)."""
    MEMBER = 2
    """A participant of a care team (R7)."""
    GLASS = 3
    """A person who broke the glass (R12)."""
    GRANT = 4
    """A carer who may read (R18)."""
    COLLECT = 5
    """A carer who may add (R18)."""
    REPRESENTATIVE = 6
    """R19."""
    DENY = 7
    """An objection to reading (R13, R17)."""
    DENY_WRITING = 8
    PERMIT = 9
    """An agreement; by itself it opens nothing, but it outweighs a less specific objection (R13)."""
    WORKS = 10
    """A Practitioner works at the subject, an organisation."""
    BELONGS = 11
    """A PractitionerRole or HealthcareService is one of the subject's, an organisation."""
    IS = 12
    """A PractitionerRole is the subject, `Practitioner/x@Organization/y`."""
    TYPE = 13
    """The subject, an organisation, is of that type (`type`)."""
    COVER = 14
    """An organisation that covers opened a contact with the subject, a patient (R11)."""
    KNOWS = 15
    """A care provider registered the subject, a patient, and may name them; no more (R5)."""


class Hold(IntEnum):
    """What of a resource its holder may see, and why."""

    BARE = 1
    """A Task, by its owner before acceptance: `for` is a bare reference."""
    OWNED = 2
    REQUESTED = 3
    INPUT = 4
    """What a Task names as input, by its owner."""
    OUTPUT = 5
    """What a Task names as output, by its requester."""
    CONTACT = 6
    """The Patient of an accepted Task, by its owner: name, phone and address."""
    AUTHOR = 7
    """A labelled resource, by who wrote it."""
    ADDRESSED = 8
    """A message, by the relative to whom it is sent."""
    DECIDED = 9
    """A Consent about a relative's own answers, by that relative."""
    NAMED = 10
    """The Patient of a relative, who may be named by them; no more."""


class Relation(NamedTuple):
    """A row of `relation`: who is what to whom, for which resource types ('' for all), when. `weight` says how
    specific a permission (even) or objection (odd, so that of two as specific it wins) is."""

    subject: str
    actor: str
    kind: int
    type: str = ""
    start: int = ALWAYS[0]
    until: int = ALWAYS[1]
    weight: int = 0


class Holding(NamedTuple):
    """A row of `holding`."""

    target_type: str
    target_id: str
    actor: str
    kind: int


LASTING = frozenset({Hold.BARE, Hold.OWNED, Hold.REQUESTED, Hold.AUTHOR, Hold.DECIDED})
"""Holdings of the resource itself, which outlast its deletion: who saw it learns that it is gone."""

LABELS = {"R": "R", "V": "V", "S": "S"}
"""By code of `CONFIDENTIALITY` or `HIDDEN`, the label as the store keeps it (R20)."""
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"


def label(resource: Json) -> str | None:
    """Its labels of restricted access in alphabetical order, such as `RS`; None where it has none."""
    security = resource.get("meta", {}).get("security")
    if not security:
        return None
    found = {
        LABELS[coding["code"]]
        for coding in security
        if coding.get("code") in LABELS and coding.get("system") in (None, CONFIDENTIALITY, _ACT_CODE)
    }
    if consents.is_treatment_limit(resource):
        # No label hides treatment limits from treating roles.
        found -= {"R", "V"}
    return "".join(sorted(found)) or None


_ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def owners(resource: Json, base: str | None = None) -> str | None:
    """Whose the resource is, as the store keeps it: the ids of its patients with spaces between; without any,
    the RelatedPerson, Practitioner or Organization that it is about; None where it is about nobody."""
    if resource["resourceType"] == "Subscription":
        # A patient's own too: it is no part of what is about the patient.
        return subscriber(resource)
    patients = compartments.patients(resource, base)
    if patients:
        return " ".join(sorted(patients))
    others = compartments.others(resource, base)
    return " ".join(sorted(others)) or None


def subscriber(resource: Json) -> str | None:
    """Whom a Subscription notifies, as `Type/id`; the hub writes it there."""
    for extension in resource.get("extension", ()):
        if extension.get("url", "").endswith(SUBSCRIBER):
            return _reference(extension.get("valueReference"), None)
    return None


SUBSCRIBER = "/StructureDefinition/subscriber"
"""How the URL of our extension ends."""


def rows(resource: Json, base: str | None = None) -> tuple[list[Relation], list[Holding]]:
    """The relations and holdings that a resource makes."""
    found = _BY_TYPE.get(resource["resourceType"])
    relations: list[Relation] = []
    holdings: list[Holding] = []
    if found is not None:
        for row in found(resource, base):
            if isinstance(row, Holding):
                holdings.append(row)
            else:
                relations.append(row)
    if resource.get("meta", {}).get("security") and label(resource) is not None:
        holdings += _written_by(resource, base)
    return relations, holdings


Row = Relation | Holding


def _patient(resource: Json, base: str | None) -> Iterator[Row]:
    for actor in _named(resource.get("generalPractitioner"), base):
        yield Relation(resource["id"], actor, Kind.PRACTICE)


def _care_team(team: Json, base: str | None) -> Iterator[Row]:
    patient = _id_of(team.get("subject"), "Patient", base)
    status = team.get("status", "active")
    if patient is None or status in ("proposed", "entered-in-error"):
        return
    start, until = period(team.get("period"))
    if status == "inactive" and until == ALWAYS[1]:
        until = _moment(team.get("meta", {}).get("lastUpdated"))
    for participant in team.get("participant", ()):
        of = participant.get("period", {})
        if not of.get("start"):
            # Active means: the start is past (R7). Who never started is none.
            continue
        begin, end = period(of)
        for actor in _named([participant.get("member")], base):
            if not actor.startswith(("Patient/", "CareTeam/")):
                yield Relation(patient, actor, Kind.MEMBER, "", max(start, begin), min(until, end))


def _care_plan(plan: Json, base: str | None) -> Iterator[Row]:
    """The care team that a plan contains, about the plan's own subject alone."""
    subject = plan.get("subject")
    named = {reference.get("reference") for reference in plan.get("careTeam", ())}
    for contained in plan.get("contained", ()):
        if contained.get("resourceType") == "CareTeam" and f"#{contained.get('id')}" in named:
            meta = plan.get("meta", {})
            yield from _care_team({**contained, "subject": subject, "meta": meta}, base)


def _consent(resource: Json, base: str | None) -> Iterator[Row]:
    relative = consents.of_own_answers(resource, base)
    if relative is not None:
        yield Holding("Consent", resource["id"], relative, Hold.DECIDED)
    for one in consents.decisions(resource, base):
        weight = 2 * one.specificity + 2
        if not one.permits:
            kind = Kind.DENY if one.reads else Kind.DENY_WRITING
            yield Relation(one.subject, one.actor, kind, one.type, one.start, one.until, weight + 1)
            continue
        if one.represents:
            yield Relation(one.subject, one.actor, Kind.REPRESENTATIVE, one.type, one.start, one.until)
            continue
        if one.reads:
            yield Relation(one.subject, one.actor, Kind.PERMIT, one.type, one.start, one.until, weight)
            own_answers = one.actor and one.subject.startswith("RelatedPerson/")
            if one.actor.startswith("RelatedPerson/") or own_answers:
                yield Relation(one.subject, one.actor, Kind.GRANT, one.type, one.start, one.until)
        if one.collects and one.actor.startswith("RelatedPerson/"):
            yield Relation(one.subject, one.actor, Kind.COLLECT, one.type, one.start, one.until)


def _role(role: Json, base: str | None) -> Iterator[Row]:
    organization = _reference(role.get("organization"), base)
    practitioner = _reference(role.get("practitioner"), base)
    if organization is None:
        return
    own = f"PractitionerRole/{role['id']}"
    if role.get("active") is False:
        if practitioner is not None:
            # It says that they work there no more, which is not the same as saying nothing.
            yield Relation(acting(practitioner, organization), own, Kind.IS, "", *NEVER)
        return
    start, until = period(role.get("period"))
    yield Relation(organization, own, Kind.BELONGS, "", start, until)
    if practitioner is not None:
        yield Relation(organization, practitioner, Kind.WORKS, "", start, until)
        yield Relation(acting(practitioner, organization), own, Kind.IS, "", start, until)


def acting(person: str, organization: str) -> str:
    """The subject under which the PractitionerRoles of a person at an organisation are kept."""
    return f"{person}@{organization}"


def _service(service: Json, base: str | None) -> Iterator[Row]:
    provider = _reference(service.get("providedBy"), base)
    if provider is not None and service.get("active") is not False:
        yield Relation(provider, f"HealthcareService/{service['id']}", Kind.BELONGS)


def is_cover(affiliation: Json) -> bool:
    """Whether an OrganizationAffiliation says that one covers for another (R11): by itself it opens nothing."""
    return any(
        coding.get("code") == COVER and str(coding.get("system", "")).endswith("/CodeSystem/affiliation")
        for concept in affiliation.get("code", ())
        for coding in concept.get("coding", ())
    )


COVER = "waarneming"


def _affiliation(affiliation: Json, base: str | None) -> Iterator[Row]:
    member = _reference(affiliation.get("participatingOrganization"), base)
    if member is None or affiliation.get("active") is False or is_cover(affiliation):
        return
    start, until = period(affiliation.get("period"))
    for service in _named(affiliation.get("healthcareService"), base):
        yield Relation(member, service, Kind.BELONGS, "", start, until)


def _organization(organization: Json, base: str | None) -> Iterator[Row]:
    if organization.get("active") is False:
        return
    for concept in organization.get("type", ()):
        for coding in concept.get("coding", ()):
            if coding.get("system") == ORGANIZATION_TYPE and coding.get("code"):
                yield Relation(f"Organization/{organization['id']}", "", Kind.TYPE, coding["code"])


ORGANIZATION_TYPE = "http://nictiz.nl/fhir/NamingSystem/organization-type"
REGISTERING = "Z3"
"""The organisation type at which patients are registered (RULES R6)."""

ACCEPTED = frozenset({"accepted", "in-progress", "on-hold", "completed", "failed"})
"""Task statuses that come after acceptance."""
UNDER_WAY = frozenset({"accepted", "in-progress", "on-hold"})


def _task(task: Json, base: str | None) -> Iterator[Row]:
    own = ("Task", task["id"])
    status = task.get("status")
    requester = _reference(task.get("requester"), base)
    owner = _reference(task.get("owner"), base) if status != "draft" else None
    if requester is not None:
        yield Holding(*own, requester, Hold.REQUESTED)
        for target in _values(task.get("output"), base):
            yield Holding(*target, requester, Hold.OUTPUT)
    if owner is None:
        return
    yield Holding(*own, owner, Hold.OWNED if status in ACCEPTED else Hold.BARE)
    for target in _values(task.get("input"), base):
        yield Holding(*target, owner, Hold.INPUT)
    patient = _id_of(task.get("for"), "Patient", base)
    if patient is not None and status in UNDER_WAY:
        yield Holding("Patient", patient, owner, Hold.CONTACT)


def _communication(message: Json, base: str | None) -> Iterator[Row]:
    for actor in _named(message.get("recipient"), base):
        if actor.startswith("RelatedPerson/"):
            yield Holding("Communication", message["id"], actor, Hold.ADDRESSED)


AUTHORS = ("author", "recorder", "performer", "asserter", "sender", "informationSource", "expressedBy")
"""The elements that say who wrote a resource."""


def _written_by(resource: Json, base: str | None) -> Iterator[Holding]:
    for name in AUTHORS:
        value = resource.get(name)
        values = value if isinstance(value, list) else [value]
        for actor in _named([one.get("actor", one) if one else None for one in values], base):
            yield Holding(resource["resourceType"], resource["id"], actor, Hold.AUTHOR)


def _related_person(person: Json, base: str | None) -> Iterator[Row]:
    patient = _id_of(person.get("patient"), "Patient", base)
    if patient is not None and person.get("active") is not False:
        yield Holding("Patient", patient, f"RelatedPerson/{person['id']}", Hold.NAMED)


_BY_TYPE: dict[str, Callable[[Json, str | None], Iterator[Row]]] = {
    "CarePlan": _care_plan,
    "CareTeam": _care_team,
    "Communication": _communication,
    "Consent": _consent,
    "HealthcareService": _service,
    "Organization": _organization,
    "OrganizationAffiliation": _affiliation,
    "Patient": _patient,
    "PractitionerRole": _role,
    "RelatedPerson": _related_person,
    "Task": _task,
}
TYPES = frozenset(_BY_TYPE)
"""The resource types that make rows; others only where they carry a label."""


# Reading elements


def period(value: Json | None) -> tuple[int, int]:
    """A Period as a half-open range in microseconds; one that cannot be read holds never."""
    start, until = ALWAYS
    if value:
        try:
            if value.get("start"):
                start = primitives.date_range(value["start"])[0]
            if value.get("end"):
                until = primitives.date_range(value["end"])[1]
        except (ValueError, TypeError):
            return NEVER
    return start, until


def _moment(text: str | None) -> int:
    try:
        return primitives.date_range(text or "")[0]
    except ValueError:
        return ALWAYS[0]


def _reference(value: Json | None, base: str | None) -> str | None:
    """`Type/id` of a local reference; None for any other."""
    text = value.get("reference") if value else None
    if not isinstance(text, str):
        return None
    target = references.parse(text, base)
    return f"{target.type}/{target.id}" if target.is_local else None


def _named(values: Iterable[Json | None] | None, base: str | None) -> Iterator[str]:
    for value in values or ():
        found = _reference(value, base)
        if found is not None:
            yield found


def _id_of(value: Json | None, type: str, base: str | None) -> str | None:
    found = _reference(value, base)
    return found.partition("/")[2] if found is not None and found.startswith(f"{type}/") else None


def _values(parts: Iterable[Json] | None, base: str | None) -> Iterator[tuple[str, str]]:
    for part in parts or ():
        found = _reference(part.get("valueReference"), base)
        if found is not None:
            type, _, id = found.partition("/")
            yield type, id
