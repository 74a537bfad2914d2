"""Two organisations accept at the same moment, at two processes of the hub, and both become members."""

from __future__ import annotations

import asyncio

from tests.auth.builders import Json
from tests.auth.conftest import Open
from tests.careplan.neighbourhood import Neighbourhood, settle
from tests.careplan.resources import PATIENT, code, to
from tests.scenarios.telling import found

BOTH = ("Organization/thuiszorg", "Organization/verpleeghuis")


async def test_two_organisations_accept_at_the_same_moment(open_hub: Open) -> None:
    async with open_hub() as hub, open_hub() as other:
        await settle(hub)
        here, there = Neighbourhood(hub), Neighbourhood(other)
        plan, tasks = await jan_asks_two_organisations(here)
        await both_accept_at_once(here, there, tasks)
        await both_are_members_and_see_the_plan(here, there, plan)
        await the_plan_names_both_tasks_and_the_team_has_a_history_of_each(here, plan, tasks)
        await each_knows_of_the_other(here, there)


async def jan_asks_two_organisations(here: Neighbourhood) -> tuple[str, list[str]]:
    plan = await here.plan("jan")
    await here.agree(*BOTH)
    shared: Json = {"basedOn": [to(plan)], "code": code("task", "medebehandeling")}
    placed = [await here.place("jan", one, **shared) for one in BOTH]
    return plan, [task["id"] for task in placed]


async def both_accept_at_once(here: Neighbourhood, there: Neighbourhood, tasks: list[str]) -> None:
    await here.as_("wil")
    await there.as_("sol")
    await asyncio.gather(
        here.move("wil", {"id": tasks[0]}, "accepted"), there.move("sol", {"id": tasks[1]}, "accepted")
    )


async def both_are_members_and_see_the_plan(here: Neighbourhood, there: Neighbourhood, plan: str) -> None:
    for where, name in ((here, "wil"), (there, "sol")):
        asker = await where.as_(name)
        team = await asker.get((await asker.get(plan))["careTeam"][0]["reference"])
        active = [one for one in team["participant"] if "end" not in one["period"]]
        members = [one["member"]["reference"] for one in active]
        assert set(BOTH) < set(members)
        assert len(members) == len(set(members))


async def the_plan_names_both_tasks_and_the_team_has_a_history_of_each(
    here: Neighbourhood, plan: str, tasks: list[str]
) -> None:
    jan = await here.as_("jan")
    read = await jan.get(plan)
    named = [one["reference"]["reference"] for one in read["activity"]]
    assert [named.count(f"Task/{id}") for id in tasks] == [1, 1]
    team = read["careTeam"][0]["reference"]
    versions = await found(jan, f"{team}/_history")
    sizes = [len(one["participant"]) for one in reversed(versions)]
    assert sizes == sorted(set(sizes)), "each acceptance is a version of its own"


async def each_knows_of_the_other(here: Neighbourhood, there: Neighbourhood) -> None:
    for where, name in ((here, "wil"), (there, "sol"), (here, "anna")):
        asker = await where.as_(name)
        assert len(await found(asker, f"Task?patient={PATIENT}&status=accepted")) == 2
