"""What several do at the same moment, on both databases: every acceptance counts, and one claim wins (R7, R27)."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.auth.builders import Json, write
from tests.auth.conftest import Open
from tests.careplan.neighbourhood import Neighbourhood, asked, settle
from tests.careplan.people import CAST
from tests.careplan.resources import PATIENT, code, consent, organization, to, works

MANY = 4
NURSING = "Organization/thuiszorg"


def crowd() -> list[Json]:
    """Organisations that are asked, with a nurse each."""
    return [
        resource
        for number in range(MANY)
        for resource in (
            organization(f"zorg{number}", "T2"),
            *works(f"zuster{number}", f"zorg{number}", "wijkverpleegkundige"),
        )
    ]


async def test_acceptances_at_the_same_moment_all_count(open_hub: Open) -> None:
    # Two hubs on one database are two processes to it.
    async with open_hub() as hub, open_hub() as other:
        for number in range(MANY):
            CAST[f"zuster{number}"] = (
                f"Practitioner/zuster{number}",
                f"zorg{number}",
                "wijkverpleegkundige",
            )
        try:
            await write(hub, *crowd())
            await settle(hub)
            here, there = Neighbourhood(hub), Neighbourhood(other)
            await here.agree(*(f"Organization/zorg{number}" for number in range(MANY)))
            first = await here.place("jan", "Organization/zorg0")
            tasks = [first] + [
                await here.place("jan", f"Organization/zorg{number}", basedOn=first["basedOn"])
                for number in range(1, MANY)
            ]
            for number in range(MANY):
                await (here, there)[number % 2].as_(f"zuster{number}")
            await asyncio.gather(
                *(
                    (here, there)[number % 2].move(f"zuster{number}", task, "accepted")
                    for number, task in enumerate(tasks)
                )
            )
            plan = first["basedOn"][0]["reference"]
            members = await here.members(plan)
            assert sorted(members[2:]) == [f"Organization/zorg{number}" for number in range(MANY)]
            named = [one["reference"]["reference"] for one in (await here.read(plan))["activity"]]
            assert named == [f"Task/{task['id']}" for task in tasks]
            await asyncio.gather(
                *(
                    (here, there)[number % 2].move(f"zuster{number}", task, "completed")
                    for number, task in enumerate(tasks)
                )
            )
            assert await here.members(plan) == [PATIENT, "PractitionerRole/rol-jan"]
        finally:
            for number in range(MANY):
                del CAST[f"zuster{number}"]


async def test_of_ten_who_claim_one_wins_and_the_rest_are_told(open_hub: Open) -> None:
    async with open_hub() as hub, open_hub() as other:
        await settle(hub)
        affiliation: Json = {
            "resourceType": "OrganizationAffiliation",
            "id": "ook",
            "organization": to("Organization/thuiszorg"),
            "participatingOrganization": to("Organization/andere"),
            "healthcareService": [to("HealthcareService/wachtrij")],
        }
        await write(hub, affiliation)
        here, there = Neighbourhood(hub), Neighbourhood(other)
        await here.agree("HealthcareService/wachtrij")
        task = await here.place("jan", "HealthcareService/wachtrij")
        path = f"Task/{task['id']}"
        version = {"If-Match": f'W/"{task["meta"]["versionId"]}"'}
        claims = []
        for number in range(10):
            name, owner = (("wil", "Organization/thuiszorg"), ("ine", "Organization/andere"))[number % 2]
            asker = await (here, there)[number // 2 % 2].as_(name)
            claim = {**task, "status": "accepted", "owner": to(owner)}
            claims.append(asker.ask("PUT", path, claim, **version))
        answers = await asyncio.gather(*claims)
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9
        (won,) = [answer.json() for answer in answers if answer.status_code == 200]
        plan = task["basedOn"][0]["reference"]
        assert (await here.members(plan))[2:] == [won["owner"]["reference"]]


async def test_a_claim_and_a_request_at_the_moment_of_a_block_leave_nothing_of_who_is_blocked(
    open_hub: Open,
) -> None:
    async with open_hub() as hub, open_hub() as other:
        await settle(hub)
        here, there = Neighbourhood(hub), Neighbourhood(other)
        await here.agree("HealthcareService/wachtrij")
        task = await here.place("jan", "HealthcareService/wachtrij")
        (wil, jan), anna = [await here.as_(name) for name in ("wil", "jan")], await there.as_("anna")
        claim = {**task, "status": "accepted", "owner": to(NURSING)}
        answers = await asyncio.gather(
            wil.ask("PUT", f"Task/{task['id']}", claim),
            jan.ask("POST", "Task", asked("jan", NURSING, basedOn=task["basedOn"])),
            anna.ask("POST", "Consent", consent("deny", NURSING)),
        )
        assert [answer.status_code for answer in answers[1:]] == [201, 201]
        assert answers[0].status_code in (200, 404, 422)
        assert NURSING not in await here.members(task["basedOn"][0]["reference"])
        left = {one["status"] for one in await here.find("Task", f"owner={NURSING}")}
        assert left <= {"cancelled", "rejected"}


async def test_of_two_hand_overs_at_the_same_moment_one_is_placed(open_hub: Open) -> None:
    async with open_hub() as hub, open_hub() as other:
        await settle(hub)
        here, there = Neighbourhood(hub), Neighbourhood(other)
        plan = await here.plan()
        over: Json = {"code": code("task", "coordinatie-overdragen"), "basedOn": [to(plan)]}
        jan, els = await here.as_("jan"), await there.as_("els")
        answers = await asyncio.gather(
            jan.ask("POST", "Task", asked("jan", "PractitionerRole/rol-els", **over)),
            els.ask("POST", "Task", asked("els", "PractitionerRole/rol-els", **over)),
        )
        assert sorted(answer.status_code for answer in answers) == [201, 422]


async def test_two_processes_that_accept_at_once_lose_nothing(open_hub: Open, tmp_path: Path) -> None:
    async with open_hub() as hub:
        await settle(hub)
        here = Neighbourhood(hub)
        await here.agree("Organization/thuiszorg", "Organization/andere")
        first = await here.place("jan", "Organization/thuiszorg")
        second = await here.place("jan", "Organization/andere", basedOn=first["basedOn"])
        script = tmp_path / "accept.py"
        script.write_text(_ACCEPT, encoding="utf-8")
        url = hub.realm.settings.database
        ran = [
            await asyncio.create_subprocess_exec(
                sys.executable, str(script), str(url), str(tmp_path), name, task["id"]
            )
            for name, task in (("wil", first), ("ine", second))
        ]
        assert [await one.wait() for one in ran] == [0, 0]
        members = await here.members(first["basedOn"][0]["reference"])
        assert sorted(members[2:]) == ["Organization/andere", "Organization/thuiszorg"]


_ACCEPT = """
import asyncio, sys
import httpx
from pathlib import Path
from tests.auth.builders import BASE, Hub, new_app
from tests.careplan.neighbourhood import Neighbourhood

async def run(url, folder, name, task):
    app = new_app(url, Path(folder))
    async with app.running(), httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE) as client:
        realm = await app.smart.realm("default")
        await Neighbourhood(Hub(app, client, realm)).move(name, {"id": task}, "accepted")

asyncio.run(run(*sys.argv[1:]))
"""
