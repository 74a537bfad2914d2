"""R26: being told is a message in that person's list, or a Task for the practice."""

from __future__ import annotations

from fhirhub.access import EVERYTHING
from fhirhub.auth import accounts
from fhirhub.careplan import telling
from fhirhub.repository import Repository
from fhirhub.resources import document, guide
from fhirhub.resources.validation.validator import Validator
from fhirhub.store.request import parse
from tests.auth.builders import Hub, Json, patient, region, write

PRACTICE: Json = {
    "resourceType": "Organization",
    "id": "praktijk",
    "type": [{"coding": [{"system": "http://nictiz.nl/fhir/NamingSystem/organization-type", "code": "Z3"}]}],
}


async def told(hub: Hub, patient: str | None, *to: str, text: str = "Er is iets veranderd.") -> None:
    whole = Repository(hub.realm.tenant, EVERYTHING)
    await whole.together(lambda unit: telling.tell(unit.as_hub(), patient=patient, to=to, text=text))


async def found(hub: Hub, type: str, query: str = "") -> list[Json]:
    whole = Repository(hub.realm.tenant, EVERYTHING)
    page = await whole.search(parse(type, query, whole.parameters))
    return [document.decode(match.body) for match in page.matches]


async def test_each_who_is_told_has_one_message_of_their_own(hub: Hub) -> None:
    await region(hub)
    await told(hub, "anna", "Patient/anna", "Practitioner/jan", "Patient/anna")
    for recipient in ("Patient/anna", "Practitioner/jan"):
        (message,) = await found(hub, "Communication", f"recipient={recipient}")
        assert message["subject"] == {"reference": "Patient/anna"}
        assert message["payload"] == [{"contentString": "Er is iets veranderd."}]
    assert await found(hub, "Task") == []


async def test_what_the_hub_tells_about_a_plan_is_a_message_of_that_plan(hub: Hub) -> None:
    await region(hub)
    plan: Json = {
        "resourceType": "CarePlan",
        "id": "plan",
        "status": "active",
        "intent": "plan",
        "subject": {"reference": "Patient/anna"},
    }
    await write(hub, plan)
    whole = Repository(hub.realm.tenant, EVERYTHING)
    await whole.together(
        lambda unit: telling.tell(
            unit.as_hub(), patient="anna", to=["Practitioner/jan"], text="Iets.", about=["CarePlan/plan"]
        )
    )
    (message,) = await found(hub, "Communication")
    assert message["basedOn"] == [{"reference": "CarePlan/plan"}]
    profile = guide.url("StructureDefinition", "PlanMessage")
    assert [one for one in Validator().validate(message, [profile]) if one.severity == "error"] == []


async def test_who_has_no_account_is_told_by_the_registered_practice(hub: Hub) -> None:
    await region(hub)
    await write(
        hub, PRACTICE, patient("bert", "Bert", generalPractitioner=[{"reference": "Practitioner/jan"}])
    )
    works: Json = {"practitioner": {"reference": "Practitioner/jan"}}
    works |= {"organization": {"reference": "Organization/praktijk"}}
    await write(hub, {"resourceType": "PractitionerRole", "id": "jan-daar", **works})
    await told(hub, "bert", "Patient/bert")
    (task,) = await found(hub, "Task")
    assert task["owner"] == {"reference": "Organization/praktijk"}
    assert task["description"] == "Er is iets veranderd."


async def test_who_may_not_sign_in_any_more_is_told_by_the_practice(hub: Hub) -> None:
    await region(hub)
    await write(
        hub, PRACTICE, patient("anna", "Anna", generalPractitioner=[{"reference": "Organization/praktijk"}])
    )
    await told(hub, "anna", "Patient/anna")
    assert await found(hub, "Task") == []
    await accounts.disable(hub.realm, "anna")
    await told(hub, "anna", "Patient/anna")
    assert len(await found(hub, "Task")) == 1


async def test_a_message_about_nobody_is_its_recipients_alone(hub: Hub) -> None:
    await region(hub)
    await told(hub, None, "Organization/post")
    (message,) = await found(hub, "Communication")
    assert "subject" not in message
    rows = await hub.realm.rows("SELECT patient FROM resource WHERE tenant = $1 AND type = 'Communication'")
    assert [row[0] for row in rows] == ["Organization/post"]
