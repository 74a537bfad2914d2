"""How the scenarios (`docs/scenarios.md`) stand in the demo region, each at a patient of its own.

Two organisations in one team, a block and a yes to research are there by the draw (patients 2, 12 and 14); what a
receiver missed is told by an Endpoint that is off (`region.py`).
https://hl7.org/fhir/R4/composition.html, https://hl7.org/fhir/R4/list.html
"""

from __future__ import annotations

from datetime import date
from typing import Any

from fhirhub.careplan import programmes
from fhirhub.demo import complexity, consents, templates
from fhirhub.demo.calendar import day, moment
from fhirhub.demo.person import Person
from fhirhub.demo.templates import coded, meta, reference, without
from fhirhub.demo.typed import CANONICAL

Json = dict[str, Any]

FRAIL, PROGRAMMES, WELFARE, CARER, WITHDRAWN = 2, 4, 6, 7, 13
QUEUE: dict[int, tuple[str, int, int]] = {
    8: ("direct", 0, 0),
    9: ("binnen-drie-dagen", 2, -1),
    10: ("vandaag", 4, 3),
}
"""By patient who waits in the regional queue: how urgent, asked how many days ago, wanted how many days ago."""


def tasks(person: Person) -> list[Json]:
    """Tasks of a story, which the plan names and the team follows."""
    if person.n == FRAIL:
        return [_decision(person)]
    if person.n == WELFARE:
        return [_refused(person), _accepted(person)]
    if person.n in QUEUE:
        return [_queued(person, *QUEUE[person.n])]
    return []


def before_plan(person: Person) -> list[Json]:
    """The agenda and the meeting to which decisions refer."""
    if person.n != FRAIL:
        return []
    agenda = {
        "resourceType": "List",
        "id": person.id("agenda"),
        "meta": meta(),
        "status": "current",
        "mode": "working",
        "title": "Agenda van het overleg",
        "code": complexity.own("document-type", "agenda", "Agenda"),
        "subject": person.subject(),
        "date": moment(31, 10),
        "entry": [
            {
                "flag": {"text": "Op de agenda gezet"},
                "item": {"display": "Wie helpt in de vakantie van de mantelzorger?"},
            },
            {"flag": {"text": "Spoed"}, "item": {"display": "Twee keer gevallen in oktober"}},
        ],
    }
    return [agenda, complexity.meeting(person, 30, "mdo", [reference(f"List/{agenda['id']}")])]


def woven(person: Person, plan: Json) -> Json:
    """The plan, with three programmes in one at one patient."""
    if person.n != PROGRAMMES:
        return plan
    for id in ("diabetes-type-2", "copd", "hart-en-vaatrisico"):
        programme = programmes.find(id)
        assert programme is not None
        plan = programmes.applied(plan, programme, date.fromisoformat(day(person.started)), None)
    return plan


def after_plan(person: Person) -> list[Json]:
    """What came of it: minutes, the report of a night visit, a grant that was taken back, a yes withdrawn."""
    if person.n == FRAIL:
        return [_minutes(person), _night_visit(person)]
    if person.n == CARER:
        lost = consents.consent(person, 91, "permit", person.carers[0][0], 40)
        lost["provision"]["class"] = [{"system": "http://hl7.org/fhir/resource-types", "code": "Observation"}]
        return [{**lost, "status": "inactive"}]
    if person.n == WITHDRAWN:
        return [{**consents.research(person, 92), "status": "inactive"}]
    return []


def _task(person: Person, id: str, code: str, display: str, text: str, **more: Any) -> Json:
    return {
        **without({**templates.task()}, "executionPeriod", "input", "statusReason"),
        "id": person.id(id),
        "meta": meta(),
        "basedOn": [reference(person.plan)],
        "code": complexity.own("task", code, display),
        "description": text,
        "focus": reference(person.plan),
        "for": reference(person.reference),
        "requester": reference(person.poh, person.place.names[person.poh]),
        **more,
    }


def _decision(person: Person) -> Json:
    return _task(
        person,
        "besluit",
        "mdo-besluit",
        "Besluit van het overleg",
        "De wijkverpleging komt in de vakantie van de mantelzorger elke dag.",
        status="accepted",
        authoredOn=moment(30, 14),
        lastModified=moment(29, 9),
        executionPeriod={"start": moment(29, 9)},
        owner=reference(person.place.organizations["wijkverpleging"]),
        reasonReference=reference(f"Appointment/{person.id('mdo')}"),
        restriction={"period": {"end": day(-20)}},
    )


def _refused(person: Person) -> Json:
    reason = coded(
        f"{CANONICAL}/CodeSystem/task-reason", "no-capacity", "Geen plaats", "Pas over drie maanden plaats"
    )
    return _to_welfare(person, "welzijn-nee", 40, status="rejected", statusReason=reason)


def _accepted(person: Person) -> Json:
    said = complexity.own("task-part", "terugkoppeling", "Terugkoppeling")
    return _to_welfare(
        person,
        "welzijn-ja",
        30,
        status="completed",
        executionPeriod={"start": moment(28, 10), "end": moment(5, 16)},
        output=[{"type": said, "valueString": "Gaat elke dinsdag naar de eettafel in de buurt."}],
    )


def _to_welfare(person: Person, id: str, ago: int, **more: Any) -> Json:
    return _task(
        person,
        id,
        "welzijn-op-recept",
        "Welzijn op recept",
        "Gezelschap overdag, het liefst met samen eten.",
        authoredOn=moment(ago, 11),
        lastModified=moment(min(ago, 5), 16),
        owner=reference(person.place.organizations["welzijn"]),
        restriction={"period": {"end": day(ago - 28)}},
        **more,
    )


def _queued(person: Person, urgency: str, ago: int, due: int) -> Json:
    return _task(
        person,
        "wachtrij",
        "wijkverpleging-aan-huis",
        "Wijkverpleging aan huis",
        "Wondzorg aan huis.",
        status="ready",
        businessStatus=complexity.own("triage-urgency", urgency, _URGENCIES[urgency]),
        authoredOn=moment(ago, 9),
        lastModified=moment(ago, 10),
        owner=reference(person.place.organizations["queue"]),
        restriction={"period": {"end": day(due)}},
    )


_URGENCIES = {"direct": "Direct", "vandaag": "Vandaag", "binnen-drie-dagen": "Binnen drie dagen"}


def _minutes(person: Person) -> Json:
    names = [person.name, *(name for _, name in person.carers[:1]), person.place.names[person.gp]]
    told = (
        ("aanwezig", "Aanwezig", f"{', '.join(names)}.", None),
        ("besproken", "Besproken", "De vakantie van de mantelzorger en het vallen.", None),
        (
            "besluiten",
            "Besluiten",
            "In de vakantie komt de wijkverpleging elke dag.",
            f"Task/{person.id('besluit')}",
        ),
    )
    return {
        "resourceType": "Composition",
        "id": person.id("verslag"),
        "meta": meta(),
        "status": "final",
        "type": complexity.own("document-type", "mdo-verslag", "Verslag van het overleg"),
        "subject": person.subject(),
        "date": moment(30, 15),
        "author": [reference(person.gp, person.place.names[person.gp])],
        "title": "Verslag van het overleg",
        "event": [{"detail": [reference(f"Appointment/{person.id('mdo')}")]}],
        "section": [
            {
                "title": title,
                "code": complexity.own("document-section", code, title),
                "text": {
                    "status": "generated",
                    "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>',
                },
                **({"entry": [reference(entry)]} if entry is not None else {}),
            }
            for code, title, text, entry in told
        ],
    }


def _night_visit(person: Person) -> Json:
    return {
        "resourceType": "DocumentReference",
        "id": person.id("waarneembericht"),
        "meta": meta(),
        "status": "current",
        "type": {"text": "Waarneembericht van de huisartsenpost"},
        "subject": person.subject(),
        "date": moment(12, 4),
        "author": [reference(person.place.people["post"][0])],
        "custodian": reference(person.place.organizations["post"]),
        "description": "Vannacht benauwd; de plaspil verhoogd volgens het afgesproken beleid. Graag vandaag langsgaan.",
        "content": [
            {"attachment": {"contentType": "text/plain", "title": "Waarneembericht", "data": _REPORT}}
        ],
        "context": {"period": {"start": moment(12, 3), "end": moment(12, 3, 40)}},
    }


_REPORT = "VmFubmFjaHQgYmVuYXV3ZDsgcGxhc3BpbCB2ZXJob29nZCB2b2xnZW5zIGhldCBhZmdlc3Byb2tlbiBiZWxlaWQu"
