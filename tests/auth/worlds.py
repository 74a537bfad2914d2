"""Small random worlds of patients, teams, agreements and resources, and what an Access lets through of them, told
by reading its rules one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from fhirhub.access import (
    Access,
    Condition,
    Held,
    Labelled,
    Matching,
    Nobodys,
    Related,
    Rule,
    Unblocked,
)
from fhirhub.resources import consents, document, masking, relations
from fhirhub.resources.relations import Holding, Kind, Relation

Json = dict[str, Any]

PAST = {"start": "2020-01-01", "end": "2020-06-01"}
NOW = {"start": "2020-01-01"}
LATER = {"start": "2999-01-01"}
BSN = "http://fhir.nl/fhir/NamingSystem/bsn"
PATIENTS = ("p1", "p2", "p3")
PARTIES = (
    "Organization/practice",
    "Organization/nursing",
    "Organization/welfare",
    "Practitioner/doctor",
    "PractitionerRole/nurse-there",
    "RelatedPerson/carer",
)


def to(reference: str, **more: Any) -> Json:
    return {"reference": reference, **more}


def directory() -> list[Json]:
    def organization(id: str, code: str | None) -> Json:
        coding = {"system": relations.ORGANIZATION_TYPE, "code": code}
        return {
            "resourceType": "Organization",
            "id": id,
            "name": id,
            **({"type": [{"coding": [coding]}]} if code else {}),
        }

    def role(id: str, person: str, organization: str) -> Json:
        return {
            "resourceType": "PractitionerRole",
            "id": id,
            "practitioner": to(f"Practitioner/{person}"),
            "organization": to(f"Organization/{organization}"),
        }

    return [
        organization("practice", "Z3"),
        organization("nursing", "T2"),
        organization("welfare", None),
        *({"resourceType": "Practitioner", "id": id} for id in ("doctor", "nurse", "helper")),
        role("doctor-there", "doctor", "practice"),
        role("nurse-there", "nurse", "nursing"),
        role("helper-there", "helper", "welfare"),
    ]


@st.composite
def worlds(draw: st.DrawFn) -> list[Json]:
    """Resources in the order in which they are written; one id may come several times, as versions, and last as
    a deletion (`{"deleted": True}`)."""
    made = directory()
    one = st.sampled_from
    patients = one([f"Patient/{id}" for id in PATIENTS])
    parties = one(PARTIES)
    periods = one([PAST, NOW, NOW, NOW, LATER, None])
    for number, id in enumerate(PATIENTS):
        made.append(
            {
                "resourceType": "Patient",
                "id": id,
                "identifier": [{"system": BSN, "value": f"12345678{number}"}]
                if draw(st.booleans())
                else [{"system": "urn:x", "value": id}, {"system": BSN, "value": "999"}],
                "name": [{"family": draw(one(["Jansen", "Smit"])), "given": ["A"]}],
                "gender": draw(one(["male", "female"])),
                "birthDate": draw(one(["1950-01-01", "1960-02-02"])),
                "telecom": [{"system": "phone", "value": f"06{number}"}],
                "generalPractitioner": [
                    to(draw(one(["Organization/practice", "Practitioner/doctor", "Organization/nursing"])))
                ],
            }
        )
    made.append({"resourceType": "RelatedPerson", "id": "carer", "patient": to("Patient/p1")})
    for number in range(draw(st.integers(0, 3))):
        made.append(
            {
                "resourceType": "CareTeam",
                "id": f"team{number}",
                "status": draw(one(["active", "active", "inactive", "proposed"])),
                "subject": to(draw(patients)),
                "participant": [
                    {"member": to(draw(parties)), **({"period": period} if period else {})}
                    for period in draw(st.lists(periods, max_size=3))
                ],
            }
        )
    for number in range(draw(st.integers(0, 4))):
        provision: Json = {"type": draw(one(["permit", "deny"]))}
        if period := draw(periods):
            provision["period"] = period
        actors = draw(st.lists(parties, max_size=1))
        if actors:
            provision["actor"] = [{"role": {"text": "x"}, "reference": to(actor)} for actor in actors]
        if draw(one([False, False, True])):
            action = draw(one(["access", "collect", "correct"]))
            provision["action"] = [{"coding": [{"system": consents.ACTIONS, "code": action}]}]
        if draw(st.booleans()):
            code = draw(one(["CarePlan", "Observation", "QuestionnaireResponse"]))
            provision["class"] = [{"system": "http://hl7.org/fhir/resource-types", "code": code}]
        made.append(
            {
                "resourceType": "Consent",
                "id": f"consent{number}",
                "status": "active",
                "scope": {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/consentscope",
                            "code": "patient-privacy",
                        }
                    ]
                },
                "category": [{"text": "x"}],
                "patient": to(draw(patients)),
                **({"performer": [to("RelatedPerson/carer")]} if draw(one([False, False, True])) else {}),
                "provision": provision,
            }
        )
    for number in range(draw(st.integers(0, 3))):
        for version in range(draw(st.integers(1, 2))):
            made.append(
                _labelled(
                    draw,
                    {
                        "resourceType": "CarePlan",
                        "id": f"plan{number}",
                        "status": draw(one(["active", "completed"])),
                        "intent": "plan",
                        "title": f"v{version}",
                        "subject": to(draw(patients)),
                        "author": to(draw(parties)),
                    },
                )
            )
    for number in range(draw(st.integers(0, 4))):
        made.append(
            _labelled(
                draw,
                {
                    "resourceType": "Observation",
                    "id": f"obs{number}",
                    "status": "final",
                    "code": {"coding": [{"code": draw(one(["x", "y"]))}]},
                    "subject": to(draw(patients)),
                    "performer": [to(draw(parties))],
                    "effectiveDateTime": f"2024-01-0{draw(st.integers(1, 3))}",
                },
            )
        )
    for number in range(draw(st.integers(0, 3))):
        whom = draw(patients)
        made.append(
            {
                "resourceType": "Task",
                "id": f"task{number}",
                "status": draw(one(["draft", "requested", "accepted", "completed", "rejected"])),
                "intent": "order",
                "for": to(whom, display="Mevrouw Geheim", identifier={"system": BSN, "value": "123456780"}),
                "requester": to(draw(parties)),
                "owner": to(draw(parties)),
                "authoredOn": f"2024-02-0{draw(st.integers(1, 3))}",
                "basedOn": [to(f"CarePlan/plan{draw(st.integers(0, 2))}")],
                "input": [{"type": {"text": "x"}, "valueReference": to("Observation/obs0")}],
            }
        )
    if draw(st.booleans()):
        made.append(
            {
                "resourceType": "Communication",
                "id": "between",
                "status": "completed",
                "sender": to(draw(patients)),
                "recipient": [to(draw(patients)), to(draw(parties)), to("RelatedPerson/carer")],
            }
        )
    several = st.lists(patients, min_size=1, max_size=3, unique=True)
    for number in range(draw(st.integers(0, 2))):
        people = draw(several)
        made.append(
            _labelled(
                draw,
                {
                    "resourceType": "Appointment",
                    "id": f"visit{number}",
                    "status": "proposed",
                    "description": f"d{number}",
                    "participant": [
                        {"actor": to(each), "status": "accepted"}
                        for each in [*people, draw(one(["Practitioner/doctor", "RelatedPerson/carer"]))]
                    ],
                },
            )
        )
    if draw(st.booleans()):
        entities = [{"entity": to(each)} for each in draw(several)]
        made.append(
            {"resourceType": "Group", "id": "group", "type": "person", "actual": True, "member": entities}
        )
    if draw(st.booleans()):
        made.append(
            {
                "resourceType": "QuestionnaireResponse",
                "id": "strain",
                "status": "completed",
                "subject": to("RelatedPerson/carer"),
                "source": to("RelatedPerson/carer"),
            }
        )
    if draw(st.booleans()):
        items = [to(f"Patient/{id}") for id in PATIENTS] + [to("CarePlan/plan0")]
        made.append(
            {
                "resourceType": "List",
                "id": "list",
                "status": "current",
                "mode": "working",
                "subject": to(draw(patients)),
                "entry": [{"item": item} for item in items],
            }
        )
    for type, id in (("CarePlan", "plan0"), ("Task", "task0")):
        if draw(one([False, False, True])) and any(one["id"] == id for one in made):
            made.append({"resourceType": type, "id": id, "deleted": True})
    return made


def _labelled(draw: st.DrawFn, resource: Json) -> Json:
    labels = draw(st.sampled_from(["", "", "", "R", "V", "S", "RS", "RSV"]))
    if labels:
        resource["meta"] = {
            "security": [{"system": relations.CONFIDENTIALITY, "code": label} for label in labels]
        }
    return resource


class World:
    """What the versions of a world say, read in Python."""

    def __init__(self, resources: list[Json], now: int) -> None:
        self.now = now
        self.versions: dict[tuple[str, str], list[Json]] = {}
        for resource in resources:
            self.versions.setdefault((resource["resourceType"], resource["id"]), []).append(resource)
        self.relations: list[Relation] = []
        self.holdings: list[Holding] = []
        for versions in self.versions.values():
            newest = versions[-1]
            content = versions[-2] if "deleted" in newest else newest
            # A team that is no longer active ended when that was written, which was just now.
            meta = {**content.get("meta", {}), "lastUpdated": document.instant(now)}
            related, held = relations.rows({**content, "meta": meta})
            if "deleted" in newest:
                related, held = [], [row for row in held if row.kind in relations.LASTING]
            self.relations += related
            self.holdings += held

    def seen(self, access: Access) -> Iterator[Json]:
        """The versions that may be seen, in order, as they may be seen."""
        flat = [one for versions in self.versions.values() for one in versions]
        flat.sort(key=self._order)
        for resource in flat:
            shown = self._shown(resource, access)
            if shown is not None:
                yield shown

    def _order(self, resource: Json) -> int:
        return self._places[id(resource)]

    def remember(self, resources: list[Json]) -> World:
        self._places = {id(resource): place for place, resource in enumerate(resources)}
        return self

    def _shown(self, resource: Json, access: Access) -> Json | None:
        versions = self.versions[resource["resourceType"], resource["id"]]
        newest = versions[-2] if "deleted" in versions[-1] else versions[-1]
        own = newest if "deleted" in resource else resource
        ways = {self._way(one, access) for one in (newest, own)}
        if "" in ways:
            return None
        if "deleted" in resource:
            return resource
        body = document.encode(resource)
        if "masked" in ways:
            body = masking.MASKED_BYTE + body
        shown = document.decode(masking.shown(body, without_bsn=access.without_bsn))
        return without_tag(shown)

    def _way(self, resource: Json, access: Access) -> str:
        about = (relations.owners(resource) or "").split() or [""]
        for name, rules in (
            ("whole", [rule for rule in access.rules if not rule.masked]),
            ("masked", list(access.rules)),
        ):
            if all(any(self._lets(rule, resource, subject, access) for rule in rules) for subject in about):
                return name
        return ""

    def _lets(self, rule: Rule, resource: Json, subject: str, access: Access) -> bool:
        type, about = resource["resourceType"], (relations.owners(resource) or "").split()
        return (
            (not rule.types or type in rule.types)
            and (rule.patients is None or (bool(about) and set(about) <= rule.patients))
            and (rule.ids is None or resource["id"] in rule.ids)
            and all(self._meets(condition, resource, subject, access) for condition in rule.where)
        )

    def _meets(self, condition: Condition, resource: Json, subject: str, access: Access) -> bool:
        type = resource["resourceType"]
        match condition:
            case Nobodys():
                return not subject
            case Labelled(seen):
                return relations.label(resource) in (None, *seen)
            case Matching():
                return any(coding.get("code") == "x" for coding in resource["code"]["coding"])
            case Held(kinds):
                return any(
                    (row.target_type, row.target_id) == (type, resource["id"])
                    and row.kind in kinds
                    and (self._mine(row.actor, access) or self._belongs(row.actor, access))
                    for row in self.holdings
                )
            case Related(kinds, typed, ended):
                return any(
                    row.subject == subject
                    and row.kind in kinds
                    and (not typed or row.type in ("", type))
                    and self._is_so(row, ended)
                    and row.actor
                    in (access.caller.firm if row.kind == Kind.PRACTICE else access.caller.names)
                    for row in self.relations
                )
            case Unblocked():
                return not self._denied(subject, type, access)
        raise AssertionError(condition)

    def _is_so(self, row: Relation, ended: int | None) -> bool:
        if ended is None:
            return row.start <= self.now < row.until
        return row.start <= self.now and row.until <= self.now < row.until + ended

    def _denied(self, subject: str, type: str, access: Access) -> bool:
        def weights(kind: Kind) -> list[int]:
            return [
                row.weight
                for row in self.relations
                if row.subject == subject
                and row.kind == kind
                and row.type in ("", type)
                and self._is_so(row, None)
                and (
                    self._mine(row.actor, access)
                    or (not row.actor and (kind == Kind.DENY or access.caller.provider))
                )
            ]

        denied = weights(Kind.DENY)
        return bool(denied) and max(denied) > max(weights(Kind.PERMIT), default=-1)

    def _mine(self, actor: str, access: Access) -> bool:
        return actor in access.caller.names

    def _belongs(self, actor: str, access: Access) -> bool:
        return self._row(access.caller.organization or "", actor, Kind.BELONGS)

    def _row(self, subject: str, actor: str, kind: Kind) -> bool:
        return any((row.subject, row.actor, row.kind) == (subject, actor, kind) for row in self.relations)


def without_tag(resource: Json) -> Json:
    """The same without the tag of what is not whole, and without what a store stamps."""
    meta = {
        key: value
        for key, value in resource.get("meta", {}).items()
        if key not in ("versionId", "lastUpdated")
    }
    tags = [tag for tag in meta.pop("tag", ()) if tag.get("code") != "SUBSETTED"]
    if tags:
        meta["tag"] = tags
    rest = {key: value for key, value in resource.items() if key != "meta"}
    if meta:
        rest["meta"] = meta
    copied: Json = json.loads(json.dumps(rest))
    return copied
