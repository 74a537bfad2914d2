"""R2 over HTTP: whatever is asked about what somebody may not see is answered as about what is not there: by reads,
writes, conditions, references, Bundles and operations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from fhirhub.resources.masking import BSN_SYSTEMS
from tests.auth.builders import BASE, Json, bearer
from tests.careplan.neighbourhood import Neighbourhood
from tests.careplan.resources import SHARED, anna, code, parameters, to
from tests.careplan.test_hearing import heard

HIDDEN, ABSENT = "geheim", "nietda"
"""Ids as long as each other: of what is there and is not seen, and of what is not there. `@` stands for either."""
WHOSE = to(f"Patient/{HIDDEN}")
TYPES = (
    "Patient", "RelatedPerson", "CareTeam", "CarePlan", "Condition", "Goal", "Observation", "QuestionnaireResponse",
    "Task", "Consent", "Binary", "List", "Appointment", "Group", "Communication",
)  # fmt: skip
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
PATCH = [{"op": "add", "path": "/language", "value": "nl"}]
Asked = tuple[str, str, Any, dict[str, str]]


def about(type: str, **more: Any) -> Json:
    return {"resourceType": type, "id": HIDDEN, "subject": WHOSE, **more}


def hidden() -> Iterator[Json]:
    """Somebody whom no caller here sees, with all that there can be about them."""
    yield {
        **anna(id=HIDDEN, name=[{"family": "Elders"}], generalPractitioner=[to("Organization/tweede")]),
        "identifier": [{"system": BSN_SYSTEMS[0], "value": "999900109"}],
    }
    yield {"resourceType": "RelatedPerson", "id": HIDDEN, "patient": WHOSE, "name": [{"text": "Elders"}]}
    yield about("Condition", code={"text": "x"})
    member = {"member": to("Organization/verpleeghuis"), "period": {"start": "2020-01-01"}}
    yield about("CareTeam", status="active", participant=[member])
    yield about(
        "CarePlan", status="active", intent="plan", category=[SHARED], careTeam=[to(f"CareTeam/{HIDDEN}")]
    )
    yield about("Goal", lifecycleStatus="active", description={"text": "x"})
    number = {"system": "urn:x", "value": f"number-{HIDDEN}"}
    yield about("Observation", status="final", code={"text": "x"}, identifier=[number])
    yield about("QuestionnaireResponse", status="completed", questionnaire="urn:vragen")
    task = {"status": "accepted", "intent": "order", "code": code("task", "consult"), "for": WHOSE}
    parties = {"requester": to("Organization/tweede"), "owner": to("Organization/verpleeghuis")}
    yield {"resourceType": "Task", "id": HIDDEN, "basedOn": [to(f"CarePlan/{HIDDEN}")], **task, **parties}
    yield {**heard(to("Organization/verpleeghuis")), "id": HIDDEN, "patient": WHOSE}
    yield {
        "resourceType": "Binary",
        "id": HIDDEN,
        "contentType": "text/plain",
        "data": "eA==",
        "securityContext": WHOSE,
    }
    yield about("List", status="current", mode="working", entry=[{"item": to(f"Observation/{HIDDEN}")}])
    yield {
        "resourceType": "Appointment", "id": HIDDEN, "status": "proposed",
        "participant": [{"actor": WHOSE, "status": "accepted"}],
    }  # fmt: skip
    yield {
        "resourceType": "Group",
        "id": HIDDEN,
        "type": "person",
        "actual": True,
        "member": [{"entity": WHOSE}],
    }
    yield about("Communication", status="completed", sender=WHOSE)


def seen() -> Iterator[Json]:
    """Anna's, which the callers see."""
    own = {"subject": to("Patient/anna")}
    member = {"member": to("Organization/thuiszorg"), "period": {"start": "2020-01-01"}}
    yield {**about("CareTeam", status="active", participant=[member]), "id": "team", **own}
    plan = about(
        "CarePlan", status="active", intent="plan", category=[SHARED], careTeam=[to("CareTeam/team")]
    )
    yield {**plan, "id": "plan", **own}
    question = {"linkId": "1", "type": "string", "text": "x"}
    yield {
        "resourceType": "Questionnaire",
        "id": "q",
        "url": "urn:vragen",
        "status": "active",
        "item": [question],
    }
    yield {"resourceType": "PlanDefinition", "id": "def", "status": "active", "title": "x"}


def asked() -> Iterator[Asked]:
    for type in TYPES:
        one = f"{type}/@"
        for path in (
            one,
            f"{one}/_history",
            f"{one}/_history/1",
            f"{one}/$meta",
            f"{type}?_id=@&_total=accurate",
        ):
            yield "GET", path, None, {}
        yield "GET", one, None, {"If-None-Match": 'W/"1"'}
        yield "PATCH", one, PATCH, JSON_PATCH
        yield "PATCH", f"{type}?_id=@", PATCH, JSON_PATCH
        yield "DELETE", one, None, {"If-Match": 'W/"1"'}
        yield "DELETE", f"{type}?_id=@", None, {}
        yield "POST", f"{one}/$meta-add", parameters(), {}
    for body in referring():
        type = body["resourceType"]
        yield "POST", type, body, {}
        yield "POST", f"{type}/$validate", body, {}
        yield "PUT", f"{type}/@", {**body, "id": "@"}, {}
        yield "POST", type, body, {"If-None-Exist": "_id=@"}
        made = {
            "resource": body,
            "request": {"method": "POST", "url": type, "ifNoneExist": "identifier=number-@"},
        }
        yield "POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": [made]}, {}
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **_ANNAS}
    for condition in ("_id=@", "patient=Patient/@", "identifier=number-@"):
        yield "POST", "Observation", observation, {"If-None-Exist": condition}
    for url in ("Patient/@", "Observation?patient=@", "CarePlan/@/_history", "Patient/@/$everything"):
        entry = {"request": {"method": "GET", "url": url, "ifNoneMatch": 'W/"1"'}}
        yield "POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}, {}
        yield "POST", "", {"resourceType": "Bundle", "type": "batch", "entry": [entry]}, {}
    yield from operations()
    for query in SEARCHES:
        yield "GET", query, None, {}


_ANNAS = {"subject": to("Patient/anna")}


def referring() -> Iterator[Json]:
    """Resources of Anna's, or of whom they say, that name what is not to be seen."""
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **_ANNAS}
    yield {**observation, "subject": to("Patient/@")}
    yield {**observation, "subject": to("Patient?_id=@")}
    yield {**observation, "hasMember": [to("Observation/@")]}
    yield {**observation, "derivedFrom": [to("QuestionnaireResponse/@/_history/1")]}
    yield {**observation, "extension": [{"url": "urn:x", "valueReference": to("Patient/@")}]}
    yield {
        "resourceType": "Binary",
        "contentType": "text/plain",
        "data": "eA==",
        "securityContext": to("Patient/@"),
    }
    task = {
        "resourceType": "Task", "status": "requested", "intent": "order", "code": code("task", "consult"),
        "for": to("Patient/anna"), "requester": to("Organization/thuiszorg"), "owner": to("Organization/praktijk"),
    }  # fmt: skip
    yield {**task, "for": to("Patient/@")}
    yield {**task, "basedOn": [to("CarePlan/@")]}
    yield {**task, "partOf": [to("Task/@")]}
    yield {"resourceType": "Provenance", "target": [to("CarePlan/@")], "recorded": "2026-01-01T00:00:00Z",
           "agent": [{"who": to("Practitioner/wil")}]}  # fmt: skip
    yield heard(to("RelatedPerson/@"))
    plan = {"resourceType": "CarePlan", "status": "active", "intent": "plan", **_ANNAS}
    yield {**plan, "careTeam": [to("CareTeam/@")]}
    yield {**plan, "replaces": [to("CarePlan/@")]}


def operations() -> Iterator[Asked]:
    for name in ("$everything", "$crisis-summary", "$spider", "$what-stops?actor=Organization/praktijk"):
        yield "GET", f"Patient/@/{name}", None, {}
    yield "POST", "Patient/@/$deregister", None, {}
    yield "GET", "Patient/anna/$what-stops?actor=RelatedPerson/@", None, {}
    for name in ("$document", "$changes", "$agenda"):
        yield "GET", f"CarePlan/@/{name}", None, {}
    yield "POST", "CarePlan/@/$seen", parameters(version="1"), {}
    yield "POST", "CarePlan/plan/$seen", parameters(version="Task/@/_history/1"), {}
    for source, target in (("@", "plan"), ("plan", "@")):
        named = {"source": to(f"CarePlan/{source}"), "target": to(f"CarePlan/{target}")}
        yield "POST", "CarePlan/$merge", parameters(**named, preview=True), {}
    yield "POST", "Questionnaire/q/$populate", parameters(subject=to("Patient/@")), {}
    yield "POST", "PlanDefinition/def/$apply", parameters(subject="Patient/@"), {}
    yield "GET", "QuestionnaireResponse/@/$extract", None, {}
    yield "GET", "Observation/$lastn?patient=Patient/@", None, {}


SEARCHES = [
    "Patient?_has:Observation:patient:_id=@", "Patient?_has:CarePlan:patient:_has:Task:based-on:_id=@",
    "Organization?_has:Patient:general-practitioner:_id=@", "Organization?_has:Task:owner:_id=@",
    "Organization?_id=tweede&_revinclude=Patient:general-practitioner&_revinclude:iterate=*",
    "Task?based-on:CarePlan.subject=Patient/@", "Observation?subject:Patient._id=@", "Patient/@/Observation",
    "Patient/@/*", "Patient?_filter=_id eq @", "Observation?patient:not=Patient/@", "Task?_list=@",
    "Questionnaire?_has:QuestionnaireResponse:questionnaire:_id=@", "Patient?_id=@&_sort=family",
    "List?item=Observation/@", "Patient?family=elders", "?_type=Patient,Observation&_id=@", "Patient/_history?_count=1",
]  # fmt: skip
_STAMPS = re.compile(
    r"01[0-9a-f]{6}-[0-9a-f]{4}-7[0-9a-f-]{21}|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)|urn:uuid:[0-9a-f-]+"
)


@pytest.mark.parametrize("who", ["wil", "anna"])
async def test_r2_what_is_not_seen_is_answered_as_what_is_not_there(there: Neighbourhood, who: str) -> None:
    there.hub.realm.tenant.integrity = False
    await there.put(*hidden(), *seen())
    there.hub.realm.tenant.integrity = True
    headers = bearer((await there.as_(who)).token)
    for method, path, body, also in asked():
        answers = []
        for id in (HIDDEN, ABSENT):
            sent = {name: value.replace("@", id) for name, value in also.items()}
            content = None if body is None else json.dumps(body).replace("@", id)
            kind = {"Content-Type": "application/fhir+json"} if body is not None else {}
            address = f"{BASE}/{path.replace('@', id)}".rstrip("/")
            answer = await there.hub.http.request(
                method, address, content=content, headers={**headers, **kind, **sent}
            )
            assert answer.status_code < 500, (method, path, body)
            told = {name: answer.headers[name] for name in ("etag", "location") if name in answer.headers}
            text = _STAMPS.sub("", f"{answer.status_code} {told} {answer.text}".replace(id, "@"))
            answers.append(re.sub(r"_cursor=[^\"]*", "", text))
        assert answers[0] == answers[1], (method, path, body)
