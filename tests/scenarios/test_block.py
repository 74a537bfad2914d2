"""A block: Anna no longer wants an organisation in her house, and the hub obeys at once (R10, R17)."""

from __future__ import annotations

from tests.auth.builders import Json
from tests.careplan.neighbourhood import Neighbourhood
from tests.careplan.resources import PATIENT, consent, to
from tests.scenarios.telling import found, sees

NURSING = "Organization/thuiszorg"


async def test_a_block(street: Neighbourhood) -> None:
    plan, running, waiting = await district_nursing_takes_part_and_is_asked_for_more(street)
    await anna_hears_beforehand_which_help_will_stop(street)
    await anna_blocks_district_nursing(street)
    await district_nursing_sees_nothing_any_more(street, plan, running)
    await its_participation_has_ended_and_its_open_tasks_are_cancelled(street, plan, running, waiting)
    await anna_and_the_practice_know_which_help_stopped(street, running, waiting)
    await district_nursing_knows_that_it_stopped_and_no_more(street, running)
    await asking_it_again_is_refused_in_haste_too(street, plan)


async def district_nursing_takes_part_and_is_asked_for_more(street: Neighbourhood) -> tuple[str, Json, Json]:
    plan = await street.plan("jan")
    await street.agree(NURSING)
    based = [to(plan)]
    running = await street.place("jan", NURSING, basedOn=based, description="Elke ochtend de kousen aan.")
    await street.move("wil", running, "accepted")
    waiting = await street.place("jan", NURSING, basedOn=based, description="De wond verzorgen.")
    assert NURSING in await street.members(plan)
    assert await sees(await street.as_("wil"), plan)
    return plan, running, waiting


async def anna_hears_beforehand_which_help_will_stop(street: Neighbourhood) -> None:
    anna = await street.as_("anna")
    asked = {"name": "actor", "valueReference": to(NURSING)}
    told = await anna.post("Patient/anna/$what-stops", {"resourceType": "Parameters", "parameter": [asked]})
    assert len([one for one in told["parameter"] if "resource" in one or "part" in one]) >= 2, told
    assert "kousen" in str(told)
    assert "wond" in str(told)


async def anna_blocks_district_nursing(street: Neighbourhood) -> None:
    anna = await street.as_("anna")
    await anna.post("Consent", consent("deny", NURSING))


async def district_nursing_sees_nothing_any_more(street: Neighbourhood, plan: str, running: Json) -> None:
    wil = await street.as_("wil")
    for path in (plan, PATIENT, f"Task/{running['id']}"):
        assert not await sees(wil, path), path


async def its_participation_has_ended_and_its_open_tasks_are_cancelled(
    street: Neighbourhood, plan: str, running: Json, waiting: Json
) -> None:
    jan = await street.as_("jan")
    team = await jan.get((await jan.get(plan))["careTeam"][0]["reference"])
    (entry,) = [one for one in team["participant"] if one["member"]["reference"] == NURSING]
    assert "end" in entry["period"]
    for task in (running, waiting):
        stopped = await jan.get(f"Task/{task['id']}")
        assert stopped["status"] == "cancelled"
        assert stopped["statusReason"]["coding"][0]["code"] == "participation-ended"


async def anna_and_the_practice_know_which_help_stopped(
    street: Neighbourhood, running: Json, waiting: Json
) -> None:
    for name, party in (("anna", PATIENT), ("jan", "PractitionerRole/rol-jan")):
        told = await found(await street.as_(name), f"Communication?recipient={party}")
        (stopped,) = [one for one in told if "is gestopt" in one["payload"][0]["contentString"]]
        named = {one["reference"] for one in stopped["about"]}
        assert named == {f"Task/{running['id']}", f"Task/{waiting['id']}"}


async def district_nursing_knows_that_it_stopped_and_no_more(street: Neighbourhood, running: Json) -> None:
    told = [
        one
        for one in await found(await street.as_("wil"), f"Communication?recipient={NURSING}")
        if running["id"] in str(one)
    ]
    assert told
    assert "kousen" not in str(told)
    assert "Voorbeeldstra" not in str(told)


async def asking_it_again_is_refused_in_haste_too(street: Neighbourhood, plan: str) -> None:
    haste: Json = {"priority": "stat", "reasonCode": {"text": "Gevallen"}}
    for more in ({}, haste):
        refused = await street.place("jan", NURSING, basedOn=[to(plan)], **more)
        assert refused["status"] == "rejected"
        assert refused["statusReason"]["coding"][0]["code"] == "agreement-refused"
