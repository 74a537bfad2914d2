"""R33: the crisis summary has every section; the plan as a document says who does what."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from fhirhub.resources import guide, spoken
from fhirhub.resources.validation.validator import Validator
from tests.auth.builders import Hub, Json, write
from tests.careplan.neighbourhood import settle
from tests.careplan.people import Person, person
from tests.careplan.resources import ANNA, JAN, PRACTICE

SNOMED, HL7 = "http://snomed.info/sct", "http://terminology.hl7.org/CodeSystem"
OTHERWISE = "http://nictiz.nl/fhir/StructureDefinition/ext-TreatmentDirective2.SpecificationOther"


def coded(system: str, code: str, text: str) -> Json:
    return {"coding": [{"system": system, "code": code}], "text": text}


def directive(id: str, treatment: str, decision: str, **also: Any) -> Json:
    return {
        "resourceType": "Consent",
        "id": id,
        "status": "active",
        "scope": coded(f"{HL7}/consentscope", "treatment", "Behandeling"),
        "category": [coded(SNOMED, "11291000146105", "Behandelaanwijzing")],
        "patient": ANNA,
        "dateTime": "2026-02-20",
        "performer": [JAN],
        "policy": [{"uri": "https://wetten.overheid.nl/BWBR0005290"}],
        "provision": {"type": decision, "code": [coded(SNOMED, "305351004", treatment)]},
        **also,
    }


def summary(*sections: tuple[str, str]) -> Json:
    """One that a professional wrote."""
    return {
        "resourceType": "Composition",
        "id": "geschreven",
        "status": "final",
        "type": {
            "coding": [{"system": guide.url("CodeSystem", "document-type"), "code": "crisissamenvatting"}]
        },
        "subject": ANNA,
        "date": "2026-02-19",
        "author": [JAN],
        "title": "Crisissamenvatting",
        "section": [
            {
                "title": code,
                "code": {"coding": [{"system": guide.url("CodeSystem", "document-section"), "code": code}]},
                "text": {
                    "status": "additional",
                    "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>',
                },
            }
            for code, text in sections
        ],
    }


@pytest_asyncio.fixture
async def jan(hub: Hub) -> Person:
    await settle(hub)
    return await person(hub, "jan")


def sections(bundle: Json) -> dict[str, Json]:
    made = bundle["entry"][0]["resource"]
    return {one["code"]["coding"][0]["code"]: one for one in made["section"]}


def said(section: Json) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", section["text"]["div"]).split())


async def test_the_crisis_summary_of_somebody_of_whom_nothing_is_recorded_says_so(jan: Person) -> None:
    answer = await jan.read("Patient/anna/$crisis-summary")
    assert answer.status_code == 200, answer.text
    found = sections(answer.json())
    assert list(found) == [
        "behandelgrenzen", "wilsverklaringen", "contact", "problemen", "allergieen", "medicatie", "crisisbeleid",
        "wie-komt", "toegang", "coordinator",
    ]  # fmt: skip
    for code in set(found) - {"contact"}:
        assert said(found[code]) == "Niet vastgelegd.", code
        assert found[code]["emptyReason"]["coding"][0]["code"] == "unavailable"
    assert "Mia" in said(found["contact"])
    english = sections((await jan.read("Patient/anna/$crisis-summary", Accept_Language="en")).json())
    assert said(english["problemen"]) == "Not recorded."


async def test_a_limit_that_is_otherwise_stands_word_for_word_and_no_answer_is_derived(
    hub: Hub, jan: Person
) -> None:
    words = "Alleen beademen als dat < 3 dagen duurt & zij weer thuis kan komen"
    otherwise = [{"url": OTHERWISE, "valueString": words}]
    await write(
        hub,
        directive("reanimeren", "Reanimeren", "deny"),
        directive("opnemen", "Opnemen", "permit"),
        directive("beademen", "Beademen", "permit", modifierExtension=otherwise),
        directive(
            "dialyse",
            "Dialyse",
            "deny",
            modifierExtension=[{"url": "http://x.example/y", "valueString": "?"}],
        ),
        directive("bloed", "Bloed geven", "deny")
        | {
            "provision": {
                "type": "deny",
                "code": [coded(SNOMED, "116859006", "Bloed geven")],
                "period": {"end": "2026-03-01"},
            }
        },
    )
    section = sections((await jan.read("Patient/anna/$crisis-summary")).json())["behandelgrenzen"]
    told = said(section)
    assert "Reanimeren: niet uitvoeren (20 februari 2026, jan)" in told
    assert "Opnemen: wel uitvoeren" in told
    assert "Bloed geven: niet uitvoeren, VERLOPEN, gold tot 1 maart 2026" in told
    escaped = words.replace("&", "&amp;").replace("<", "&lt;")
    assert f"Beademen: &quot;{escaped}&quot; (20 februari 2026, jan)" in told
    assert "Dialyse: bevat een aanvulling die dit systeem niet kent" in told
    assert section["author"] == [{**JAN, "display": "jan"}]
    assert {one["reference"] for one in section["entry"]} >= {"Consent/beademen", "Consent/reanimeren"}


async def test_what_a_professional_wrote_last_tells_policy_and_entrance(hub: Hub, jan: Person) -> None:
    await write(
        hub, summary(("crisisbeleid", "Bij benauwdheid extra furosemide."), ("toegang", "Sleutel bij nr 14."))
    )
    found = sections((await jan.read("Patient/anna/$crisis-summary")).json())
    assert said(found["crisisbeleid"]) == "Bij benauwdheid extra furosemide. (19 februari 2026, jan)"
    assert "Sleutel bij nr 14." in said(found["toegang"])
    assert found["toegang"]["extension"][0]["valueDateTime"] == "2026-02-19"


async def test_a_meeting_is_called_one_and_a_coordinator_of_two_plans_stands_once(
    hub: Hub, jan: Person
) -> None:
    start = (datetime.now(UTC) + timedelta(days=3)).isoformat(timespec="seconds")
    meeting = {
        "resourceType": "Appointment",
        "id": "mdo",
        "status": "booked",
        "serviceType": [
            {"coding": [{"system": guide.url("CodeSystem", "document-type"), "code": "mdo"}]},
        ],
        "start": start,
        "participant": [{"actor": one, "status": "accepted"} for one in (ANNA, JAN)],
    }
    coordinates = {
        "member": JAN,
        "role": [{"coding": [{"system": SNOMED, "code": "768832004"}]}],
        "period": {"start": "2026-01-01"},
    }
    plans = [
        resource
        for id in ("een", "twee")
        for resource in (
            {
                "resourceType": "CareTeam",
                "id": id,
                "status": "active",
                "subject": ANNA,
                "participant": [coordinates],
            },
            {
                "resourceType": "CarePlan",
                "id": id,
                "status": "active",
                "intent": "plan",
                "category": [{"coding": [{"system": SNOMED, "code": "135411000146103"}]}],
                "title": f"Plan {id}",
                "subject": ANNA,
                "careTeam": [{"reference": f"CareTeam/{id}"}],
            },
        )
    ]
    await write(hub, meeting, *plans)
    found = sections((await jan.read("Patient/anna/$crisis-summary")).json())
    assert said(found["wie-komt"]) == f"{spoken.moment(start, 'nl')}, Multidisciplinair overleg: jan"
    assert said(found["coordinator"]).count("jan (geen telefoonnummer vastgelegd)") == 1
    assert "Plan een" not in said(found["coordinator"])


async def test_the_summary_is_a_document_that_its_profile_accepts(hub: Hub, jan: Person) -> None:
    problem = {
        "resourceType": "Condition",
        "id": "hartfalen",
        "clinicalStatus": {"coding": [{"system": f"{HL7}/condition-clinical", "code": "active"}]},
        "code": coded("http://hl7.org/fhir/sid/icpc-1-nl", "K77", "Hartfalen"),
        "subject": ANNA,
        "recorder": JAN,
        "recordedDate": "2026-02-02",
    }
    await write(hub, problem, directive("reanimeren", "Reanimeren", "deny"))
    bundle = (await jan.read("Patient/anna/$crisis-summary")).json()
    assert bundle["type"] == "document"
    named = [one["fullUrl"].rsplit("/fhir/", 1)[-1] for one in bundle["entry"][1:]]
    assert {"Patient/anna", "Condition/hartfalen", "Practitioner/jan"} <= set(named)
    assert len(named) == len(set(named))
    validator = Validator()
    for resource, profiles in ((bundle, []), (bundle["entry"][0]["resource"], ["CrisisSummary"])):
        urls = [guide.url("StructureDefinition", one) for one in profiles]
        issues = validator.validate(resource, profiles=urls)
        assert [one for one in issues if one.severity in ("error", "fatal")] == []


async def test_what_the_access_leaves_out_is_not_called_unrecorded(hub: Hub, jan: Person) -> None:
    await write(hub, directive("reanimeren", "Reanimeren", "deny"))
    narrow = await person(hub, "jan", scope="user/Patient.rs user/Condition.rs")
    found = sections((await narrow.read("Patient/anna/$crisis-summary")).json())
    assert said(found["behandelgrenzen"]) == "Niet opgevraagd: uw toegang omvat dit niet."
    assert found["behandelgrenzen"]["emptyReason"]["coding"][0]["code"] == "withheld"
    assert said(found["problemen"]) == "Niet vastgelegd."


async def test_nobody_else_gets_a_summary_or_document(hub: Hub, jan: Person) -> None:
    wil = await person(hub, "wil")
    assert (await wil.read("Patient/anna/$crisis-summary")).status_code == 404
    assert (await wil.read("Patient/nobody/$crisis-summary")).status_code == 404
    assert (await wil.read("CarePlan/nobody/$document")).status_code == 404


@pytest_asyncio.fixture
async def plan(hub: Hub, jan: Person) -> str:
    """A plan with a goal in the patient's own words, an activity and a team."""
    await write(
        hub,
        {
            "resourceType": "Condition",
            "id": "hartfalen",
            "code": coded("http://hl7.org/fhir/sid/icpc-1-nl", "K77", "Hartfalen"),
            "subject": ANNA,
            "recordedDate": "2026-02-02",
        },
        {
            "resourceType": "Goal",
            "id": "lopen",
            "lifecycleStatus": "active",
            "description": {"text": "Weer naar de markt lopen, zonder rusten"},
            "subject": ANNA,
            "expressedBy": ANNA,
            "statusDate": "2026-03-01",
            "target": [
                {
                    "measure": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
                    "detailRange": {
                        "low": {"value": 60, "unit": "kg"},
                        "high": {"value": 72.5, "unit": "kg"},
                    },
                    "dueDate": "2027-02-18",
                }
            ],
        },
        {
            "resourceType": "Goal",
            "id": "druk",
            "lifecycleStatus": "proposed",
            "achievementStatus": coded(f"{HL7}/goal-achievement", "in-progress", "Bezig"),
            "description": {"text": "Lagere bloeddruk"},
            "subject": ANNA,
            "target": [
                {
                    "measure": coded("http://loinc.org", "8480-6", "Bovendruk"),
                    "detailQuantity": {"value": 140, "comparator": "<", "unit": "mm[Hg]"},
                }
            ],
        },
        {
            "resourceType": "Task",
            "id": "douchen",
            "status": "requested",
            "intent": "order",
            "description": "Hulp bij het douchen.",
            "for": ANNA,
            "owner": PRACTICE,
        },
        {
            "resourceType": "CareTeam",
            "id": "team",
            "status": "active",
            "subject": ANNA,
            "participant": [{"member": PRACTICE, "period": {"start": "2026-01-01"}}],
        },
        {
            "resourceType": "CarePlan",
            "id": "plan",
            "status": "active",
            "intent": "plan",
            "category": [{"coding": [{"system": SNOMED, "code": "135411000146103"}]}],
            "subject": ANNA,
            "description": "Thuis blijven wonen",
            "careTeam": [{"reference": "CareTeam/team"}],
            "addresses": [{"reference": "Condition/hartfalen"}],
            "goal": [{"reference": "Goal/lopen"}, {"reference": "Goal/druk"}],
            "activity": [
                {
                    "detail": {
                        "status": "scheduled",
                        "description": "Tweemaal per week oefenen",
                        "performer": [ANNA],
                    }
                },
                {"reference": {"reference": "Task/douchen"}},
            ],
        },
    )
    return "CarePlan/plan"


async def test_the_plan_is_a_document_its_profile_accepts(jan: Person, plan: str) -> None:
    bundle = (await jan.read(f"{plan}/$document")).json()
    found = sections(bundle)
    assert "Thuis blijven wonen" in said(found["wensen"])
    assert said(found["problemen"]) == "Hartfalen (2 februari 2026)"
    assert "Weer naar de markt lopen" in said(found["wensen"])
    assert said(found["doelen"]) == (
        "Weer naar de markt lopen, zonder rusten, loopt, streven: gewicht 60 tot 72,5 kg vóór 18 februari 2027 "
        "(1 maart 2026, Anna Voorbeeldstra) "
        "Lagere bloeddruk, voorgesteld, streven: bovendruk &lt;140 mmHg"
    )
    assert said(found["afspraken"]) == (
        "Tweemaal per week oefenen, gepland, Anna Voorbeeldstra "
        "Hulp bij het douchen, gevraagd aan Organisatie praktijk"
    )
    english = sections((await jan.read(f"{plan}/$document", Accept_Language="en")).json())
    assert "proposed, target: systolic blood pressure &lt;140 mmHg" in said(english["doelen"])
    assert "asked of Organisatie praktijk" in said(english["afspraken"])
    assert "praktijk, sinds 1 januari 2026" in said(found["team"])
    urls = [guide.url("StructureDefinition", "PlanDocument")]
    issues = Validator().validate(bundle["entry"][0]["resource"], profiles=urls)
    assert [one for one in issues if one.severity in ("error", "fatal")] == []


async def test_the_plan_is_read_as_a_page_and_as_a_pdf(jan: Person, plan: str) -> None:
    page = await jan.read(f"{plan}/$document", Accept="text/html")
    assert page.headers["content-type"].startswith("text/html")
    assert "sandbox" in page.headers["content-security-policy"]
    assert '<html lang="nl">' in page.text
    assert "<h2>Doelen</h2>" in page.text
    assert "Weer naar de markt lopen" in page.text
    assert "<script" not in page.text
    printed = await jan.read(f"{plan}/$document", Accept="application/pdf")
    assert printed.headers["content-type"] == "application/pdf"
    assert printed.content.startswith(b"%PDF-")


@pytest.mark.parametrize("form", ["text/html", "application/pdf"])
async def test_names_in_any_script_are_printed(hub: Hub, jan: Person, plan: str, form: str) -> None:
    name = [{"family": "Żółć-Øçalan", "given": ["Ağatha <b>"]}]
    await write(
        hub, {"resourceType": "Patient", "id": "anna", "name": name, "generalPractitioner": [PRACTICE]}
    )
    answer = await jan.read(f"{plan}/$document", Accept=form)
    assert answer.status_code == 200, answer.text
    if form == "text/html":
        assert "Ağatha &lt;b&gt; Żółć-Øçalan" in answer.text
