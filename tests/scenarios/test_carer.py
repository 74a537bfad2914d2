"""A carer who gets, uses and loses a grant: Anna invites her niece, lets her see the plan, and takes it back (R18)."""

from __future__ import annotations

from tests.auth.browser import Browser
from tests.auth.builders import ROOT, Json
from tests.careplan.neighbourhood import Neighbourhood
from tests.careplan.people import Person, person
from tests.careplan.resources import ANNA, PATIENT, consent, to, weight
from tests.scenarios.telling import found, sees

READS = {"system": "http://terminology.hl7.org/CodeSystem/consentaction", "code": "access"}
COLLECTS = {"system": "http://terminology.hl7.org/CodeSystem/consentaction", "code": "collect"}
TYPES = "http://hl7.org/fhir/resource-types"


async def test_a_carer_who_gets_uses_and_loses_a_grant(street: Neighbourhood) -> None:
    plan, condition = await anna_has_a_plan_and_an_illness(street)
    relative, one_time_code = await anna_invites_her_niece(street)
    bea = await bea_comes_with_the_code_and_annas_birth_date(street, relative, one_time_code)
    await bea_sees_nothing_yet(bea, plan, condition)
    grant = await anna_lets_bea_see_the_plan_and_send_measurements(street, relative)
    await bea_sees_the_plan_and_not_the_illness(bea, plan, condition)
    await bea_measures_and_it_is_marked_as_hers(street, bea, relative)
    await bea_cannot_do_what_is_annas(bea, plan)
    await anna_takes_the_grant_back(street, grant)
    await bea_sees_nothing_any_more(bea, plan, condition)
    await anna_can_read_who_looked(street, relative)


async def anna_has_a_plan_and_an_illness(street: Neighbourhood) -> tuple[str, str]:
    plan = await street.plan("jan")
    illness: Json = {"resourceType": "Condition", "code": {"text": "Hartfalen"}, "subject": ANNA}
    made = await (await street.as_("jan")).post("Condition", illness)
    return plan, f"Condition/{made['id']}"


async def anna_invites_her_niece(street: Neighbourhood) -> tuple[str, str]:
    anna = await street.as_("anna")
    asked: list[Json] = [
        {"name": "name", "valueHumanName": {"text": "Bea Nicht"}},
        {"name": "relationship", "valueCodeableConcept": {"text": "nicht"}},
        {"name": "telecom", "valueContactPoint": {"system": "phone", "value": "0612345678"}},
    ]
    answer = await anna.post("Patient/$invite", {"resourceType": "Parameters", "parameter": asked})
    told = {one["name"]: one for one in answer["parameter"]}
    return f"RelatedPerson/{told['relatedPerson']['resource']['id']}", told["code"]["valueString"]


async def bea_comes_with_the_code_and_annas_birth_date(
    street: Neighbourhood, relative: str, one_time_code: str
) -> Person:
    browser = Browser(street.hub)
    page = await browser.get(f"{ROOT}/auth/invitation")
    page = await browser.send(page, "invitation", code=one_time_code, born="02-03-1941")
    page = await browser.send(page, "invitation-account", username="bea", password="een lang wachtwoord")
    assert page.shows("sign-out"), page.text
    bea = await person(street.hub, "bea", scope="patient/*.cruds", patient="anna")
    assert (await bea.get(relative))["name"] == [{"text": "Bea Nicht"}]
    return bea


async def bea_sees_nothing_yet(bea: Person, plan: str, condition: str) -> None:
    for path in (plan, condition, PATIENT):
        assert not await sees(bea, path), path


async def anna_lets_bea_see_the_plan_and_send_measurements(street: Neighbourhood, relative: str) -> Json:
    grant = consent(
        "permit",
        relative,
        **{
            "class": [
                {"system": TYPES, "code": one} for one in ("CarePlan", "CareTeam", "Goal", "Observation")
            ],
            "action": [{"coding": [READS]}, {"coding": [COLLECTS]}],
        },
    )
    return await (await street.as_("anna")).post("Consent", grant)


async def bea_sees_the_plan_and_not_the_illness(bea: Person, plan: str, condition: str) -> None:
    assert await sees(bea, plan)
    assert not await sees(bea, condition)


async def bea_measures_and_it_is_marked_as_hers(street: Neighbourhood, bea: Person, relative: str) -> None:
    measured = weight(62, performer=[to(relative)])
    made = await bea.post("Observation", measured)
    read = await (await street.as_("els")).get(f"Observation/{made['id']}")
    assert read["performer"] == [to(relative)]
    await bea.post("Observation", {**measured, "performer": [ANNA]}, 422)


async def bea_cannot_do_what_is_annas(bea: Person, plan: str) -> None:
    await bea.post("Consent", consent("permit", "Organization/thuiszorg"), 403)
    read = await bea.get(plan)
    read.get("meta", {}).pop("tag", None)
    await bea.put({**read, "title": "Mijn plan"}, 403)


async def anna_takes_the_grant_back(street: Neighbourhood, grant: Json) -> None:
    await (await street.as_("anna")).put({**grant, "status": "inactive"})


async def bea_sees_nothing_any_more(bea: Person, plan: str, condition: str) -> None:
    await bea_sees_nothing_yet(bea, plan, condition)


async def anna_can_read_who_looked(street: Neighbourhood, relative: str) -> None:
    anna = await street.as_("anna")
    looks = await found(anna, f"AuditEvent?patient={PATIENT}&agent={relative}&_count=50")
    assert {one["action"] for one in looks} >= {"R", "C"}
    log = str(await anna.get("Patient/anna/$access-log"))
    assert "mantelzorger, bekeek uw zorgplan. Reden: u gaf deze naaste toestemming." in log
    assert "mantelzorger, probeerde een aandoening te bekijken; dat is geweigerd." in log
