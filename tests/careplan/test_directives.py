"""A conversation about treatment wishes ends earlier directives and is held again on a date."""

from __future__ import annotations

from fhirhub.resources import guide
from fhirhub.resources.validation.validator import Validator
from tests.auth.builders import Hub, Json, write
from tests.careplan.neighbourhood import settle_with_plan
from tests.careplan.people import person, stored
from tests.careplan.resources import ANNA, code, task, to

RESUSCITATION, ADMISSION = "89666000", "32485007"


def directive(id: str, treatment: str, decision: str = "deny") -> Json:
    system = "http://terminology.hl7.org/CodeSystem"
    return {
        "resourceType": "Consent",
        "id": id,
        "status": "active",
        "scope": {"coding": [{"system": f"{system}/consentscope", "code": "adr"}]},
        "category": [{"coding": [{"system": f"{system}/consentcategorycodes", "code": "acd"}]}],
        "patient": ANNA,
        "policy": [{"uri": "https://wetten.overheid.nl/BWBR0005290"}],
        "provision": {
            "type": decision,
            "code": [{"coding": [{"system": "http://snomed.info/sct", "code": treatment}]}],
        },
    }


def output(**parts: str | None) -> list[Json]:
    made: list[Json] = []
    for name, value in parts.items():
        kind = name.replace("_", "-")
        holds = {"valueDate": value} if kind == "herzien-op" else {"valueReference": to(f"Consent/{value}")}
        made.append({"type": code("task-part", kind), **holds})
    return made


async def test_what_is_decided_takes_the_place_of_earlier_directives(hub: Hub) -> None:
    await settle_with_plan(hub)
    conversation = task(
        "gesprek",
        code=code("task", "behandelwensen-gesprek"),
        status="in-progress",
        requester=to("PractitionerRole/rol-els"),
        owner=to("PractitionerRole/rol-jan"),
    )
    await write(
        hub,
        directive("oud", RESUSCITATION, "permit"),
        directive("los", ADMISSION),
        directive("ander", "243114000"),
        directive("nieuw", RESUSCITATION),
        conversation,
    )
    jan, anna = await person(hub, "jan"), await person(hub, "anna")
    seen = await jan.get("Task/gesprek")
    for wrong in (
        output(wilsverklaring="nieuw"),
        output(herzien_op="2126-01-01"),
        output(wilsverklaring="nieuw", herzien_op="2020-01-01"),
    ):
        await jan.put({**seen, "status": "completed", "output": wrong}, 422)
    made = output(wilsverklaring="nieuw", vervangt="los", herzien_op="2126-01-01")
    done = await jan.put({**seen, "status": "completed", "output": made})
    profile = guide.url("StructureDefinition", "TreatmentWishesTask")
    found = Validator().validate(done, {profile: None})
    assert [one.text for one in found if one.severity in ("error", "fatal")] == []
    kept = {id: (await stored(hub, "Consent", id))["status"] for id in ("oud", "los", "ander", "nieuw")}
    assert kept == {"oud": "inactive", "los": "inactive", "ander": "active", "nieuw": "active"}
    replaced = await stored(hub, "Consent", "oud")
    assert replaced["extension"][0]["valueReference"] == to("Consent/nieuw")
    (again,) = (await jan.get("Task?code=behandelwensen-gesprek&status=requested"))["entry"]
    assert again["resource"]["restriction"]["period"]["end"] == "2126-01-01"
    assert again["resource"]["owner"] == to("PractitionerRole/rol-els")
    said = (await anna.get("Communication?recipient=Patient/anna"))["entry"]
    assert any("behandelwensen" in one["resource"]["payload"][0]["contentString"] for one in said)
