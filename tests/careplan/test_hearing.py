"""R14: what a professional heard the patient say, and whom it never lets in."""

from __future__ import annotations

from typing import Any

import pytest

from fhirhub.resources import consents, guide
from tests.auth.builders import Json
from tests.careplan.neighbourhood import Neighbourhood
from tests.careplan.resources import to


def heard(actor: Json | None, kind: str = "permit", **also: Any) -> Json:
    provision: Json = {"type": kind}
    if actor is not None:
        provision["actor"] = [{"role": {"text": "x"}, "reference": actor}]
    return {
        "resourceType": "Consent", "status": "active", "category": [{"text": "x"}], "patient": to("Patient/anna"),
        "scope": {"coding": [{"system": consents.SCOPES, "code": "patient-privacy"}]}, "dateTime": "2026-01-01",
        "performer": [to("Patient/anna")], "policy": [{"uri": "urn:x"}], "provision": provision,
        "verification": [{"verified": True, "verifiedWith": to("Patient/anna")}], **also,
    }  # fmt: skip


QUEUE: Json = {
    "extension": [
        {
            "url": guide.url("StructureDefinition", "consent-queue"),
            "valueReference": to("HealthcareService/rij"),
        }
    ]
}
OWN = [
    to("Organization/praktijk"), to("Practitioner/jan"), to("PractitionerRole/rol-jan"),
    to("Practitioner/els"), to("PractitionerRole/rol-els"), QUEUE, None,
]  # fmt: skip


async def test_r14_a_professional_lets_in_nobody_of_the_own_organisation(there: Neighbourhood) -> None:
    service = {"resourceType": "HealthcareService", "id": "rij", "providedBy": to("Organization/praktijk")}
    await there.put(service)
    for actor in OWN:
        assert (await there.ask("jan", "POST", "Consent", heard(actor))).status_code == 403, actor
    assert await there.find("Consent") == []


async def test_r14_what_was_heard_of_another_stands_with_who_wrote_it_down(there: Neighbourhood) -> None:
    answer = await there.ask("jan", "POST", "Consent", heard(to("Organization/verpleeghuis")))
    assert answer.status_code == 201, answer.text
    (told,) = await there.find("Provenance", f"target=Consent/{answer.json()['id']}")
    assert told["agent"][0]["who"] == to("Practitioner/jan")
    assert told["agent"][0]["onBehalfOf"] == to("Organization/praktijk")


@pytest.mark.parametrize("lacking", ["performer", "verification"])
async def test_r14_who_said_it_and_that_it_was_heard_is_told(there: Neighbourhood, lacking: str) -> None:
    made = heard(to("Organization/verpleeghuis"))
    del made[lacking]
    assert (await there.ask("jan", "POST", "Consent", made)).status_code == 422


OBSERVATIONS = [{"system": consents.TYPES, "code": "Observation"}]
COLLECT = [{"coding": [{"system": consents.ACTIONS, "code": "collect"}]}]


@pytest.mark.parametrize(
    "weaker",
    [
        {"period": {"end": "2021-01-01"}},
        {"period": {"start": "2999-01-01"}},
        {"action": COLLECT},
        {"class": [{"system": consents.TYPES, "code": "Goal"}]},
        {"actor": [{"role": {"text": "x"}, "reference": to("Practitioner/hap")}]},
        {"type": "permit"},
    ],
)
async def test_r14_nobody_narrows_an_objection_to_their_own(there: Neighbourhood, weaker: Json) -> None:
    objection = heard(to("Organization/praktijk"), "deny", id="nee")
    objection["provision"]["class"] = OBSERVATIONS
    await there.put(objection)
    changed = {**objection, "provision": {**objection["provision"], **weaker}}
    assert (await there.ask("jan", "PUT", "Consent/nee", changed)).status_code == 403
    for status in ("inactive", "entered-in-error"):
        changed = {**objection, "status": status}
        assert (await there.ask("jan", "PUT", "Consent/nee", changed)).status_code == 403
    more = [*OBSERVATIONS, {"system": consents.TYPES, "code": "Goal"}]
    wider = {**objection, "provision": {**objection["provision"], "class": more}}
    assert (await there.ask("jan", "PUT", "Consent/nee", wider)).status_code == 200


STRAIN: Json = {
    "resourceType": "QuestionnaireResponse", "id": "last", "status": "completed", "subject": to("RelatedPerson/mia"),
    "source": to("RelatedPerson/mia"),
}  # fmt: skip


def of_mia(actor: str, **also: Any) -> Json:
    """What Mia says about who else sees her own answers."""
    made = heard(to(actor), performer=[to("RelatedPerson/mia")], **also)
    made["provision"]["class"] = [{"system": consents.TYPES, "code": "QuestionnaireResponse"}]
    return made


async def test_r18_a_carer_opens_the_own_answers_and_closes_them_again(there: Neighbourhood) -> None:
    await there.put(STRAIN)
    others = ("anna", "jan", "wil")
    for who in others:
        assert not await there.sees(who, "QuestionnaireResponse/last")
    answer = await there.ask("mia", "POST", "Consent", of_mia("Organization/praktijk"))
    assert answer.status_code == 201, answer.text
    assert [await there.sees(who, "QuestionnaireResponse/last") for who in others] == [False, True, False]
    ended = {**answer.json(), "status": "inactive"}
    assert (await there.ask("mia", "PUT", f"Consent/{ended['id']}", ended)).status_code == 200
    assert not await there.sees("jan", "QuestionnaireResponse/last")


async def test_r18_nobody_else_opens_a_carers_own_answers(there: Neighbourhood) -> None:
    await there.put(STRAIN)
    for who, actor in (("anna", "Organization/praktijk"), ("jan", "Organization/post")):
        answer = await there.ask(who, "POST", "Consent", of_mia(actor))
        assert (answer.status_code, "decided by that relative" in answer.text) == (403, True)


async def test_r18_a_carer_decides_about_nothing_else(there: Neighbourhood) -> None:
    own = of_mia("Organization/praktijk")
    made = (await there.ask("mia", "POST", "Consent", own)).json()
    wider = [
        heard(to("Organization/post")),
        heard(to("Organization/post"), performer=[to("RelatedPerson/mia")]),
    ]
    wider.append(of_mia("Organization/post"))
    wider[-1]["provision"]["class"] = OBSERVATIONS
    for one in wider:
        assert (await there.ask("mia", "POST", "Consent", one)).status_code in (403, 422)
        changed = {**one, "id": made["id"]}
        assert (await there.ask("mia", "PUT", f"Consent/{made['id']}", changed)).status_code in (403, 422)
    assert not await there.sees("mia", "Patient/anna")
