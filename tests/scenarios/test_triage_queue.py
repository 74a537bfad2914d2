"""A triage queue: ten nurses reach for the same request, one gets it, the others are told and lose nothing."""

from __future__ import annotations

import asyncio

from tests.auth.builders import Json, write
from tests.auth.conftest import Open
from tests.careplan.neighbourhood import Neighbourhood, settle
from tests.careplan.people import Person, person
from tests.careplan.resources import code, to
from tests.scenarios.telling import code_of, found, newcomer, sees

QUEUE = "HealthcareService/wachtrij"


async def test_a_triage_queue_under_ten_claimants(open_hub: Open) -> None:
    async with open_hub() as hub, open_hub() as other:
        await settle(hub)
        here = Neighbourhood(hub)
        nurses = await ten_nurses_of_five_organisations(here, Neighbourhood(other))
        request = await jan_asks_the_region_and_the_request_waits_for_anna(here)
        await anna_agrees_with_whoever_comes(here)
        ready = await each_nurse_finds_the_urgent_request_without_a_name(nurses, request)
        winner = await all_reach_for_it_and_one_gets_it(nurses, ready)
        await only_the_winner_is_in_the_team(here, nurses, winner, request)


async def ten_nurses_of_five_organisations(
    here: Neighbourhood, there: Neighbourhood
) -> dict[str, list[Person]]:
    nurses: dict[str, list[Person]] = {}
    for number in range(5):
        at = f"zorg{number}"
        one = await newcomer(here.hub, f"zus{number}", at, "wijkverpleegkundige")
        await newcomer(here.hub, f"broer{number}", at, "wijkverpleegkundige")
        # They use another process of the hub.
        two = await person(there.hub, f"broer{number}", scope="user/*.cruds")
        nurses[f"Organization/{at}"] = [one, two]
        affiliation: Json = {
            "resourceType": "OrganizationAffiliation",
            "id": f"doet-mee-{number}",
            "active": True,
            "organization": to("Organization/thuiszorg"),
            "participatingOrganization": to(f"Organization/{at}"),
            "healthcareService": [to(QUEUE)],
        }
        await write(here.hub, affiliation)
    return nurses


async def jan_asks_the_region_and_the_request_waits_for_anna(street: Neighbourhood) -> Json:
    urgency = {"coding": [{"code": "direct"}], "text": "direct"}
    triage = [
        {"type": code("task-part", "geboortejaar"), "valueInteger": 1941},
        {"type": code("task-part", "geslacht"), "valueCode": "female"},
        {"type": code("task-part", "postcode4"), "valueString": "1234"},
        {"type": code("task-part", "vraag"), "valueString": "Vandaag nog wondzorg thuis."},
    ]
    request = await street.place("jan", QUEUE, businessStatus=urgency, input=triage)
    assert request["status"] == "requested"
    return request


async def anna_agrees_with_whoever_comes(street: Neighbourhood) -> None:
    anna = await street.as_("anna")
    (question,) = [
        one
        for one in await found(anna, "Task?owner=Patient/anna&status=requested")
        if code_of(one) == "toestemming-vragen"
    ]
    await street.move("anna", question, "completed")


async def each_nurse_finds_the_urgent_request_without_a_name(
    nurses: dict[str, list[Person]], request: Json
) -> Json:
    for one in (nurse for pair in nurses.values() for nurse in pair):
        (ready,) = await found(one, f"Task?owner={QUEUE}&status=ready&business-status=direct")
        assert ready["id"] == request["id"]
        assert "Voorbeeldstra" not in str(ready)
        assert not await sees(one, "Patient/anna")
    return ready


async def all_reach_for_it_and_one_gets_it(nurses: dict[str, list[Person]], ready: Json) -> str:
    version = {"If-Match": f'W/"{ready["meta"]["versionId"]}"'}
    ready["meta"].pop("tag", None)

    async def claim(nurse: Person, at: str) -> tuple[int, str]:
        claimed = {**ready, "status": "accepted", "owner": to(at)}
        answer = await nurse.ask("PUT", f"Task/{ready['id']}", claimed, **version)
        return answer.status_code, at

    answers = await asyncio.gather(*(claim(nurse, at) for at, pair in nurses.items() for nurse in pair))
    assert sorted(status for status, _ in answers) == [200] + [412] * 9
    (winner,) = [at for status, at in answers if status == 200]
    return winner


async def only_the_winner_is_in_the_team(
    street: Neighbourhood, nurses: dict[str, list[Person]], winner: str, request: Json
) -> None:
    plan = request["basedOn"][0]["reference"]
    assert [one for one in await street.members(plan) if one in nurses] == [winner]
    for at, pair in nurses.items():
        for nurse in pair:
            assert await sees(nurse, "Patient/anna") == (at == winner)
            assert await sees(nurse, plan) == (at == winner)
