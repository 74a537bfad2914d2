"""Random people move random Tasks of a plan: a model of the tables and the hub agree on every state and member."""

from __future__ import annotations

import random

import pytest

from tests.auth.builders import Hub, Json
from tests.careplan.neighbourhood import Neighbourhood, settle
from tests.careplan.resources import PATIENT, to

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

# As the words are: draft > requested > received > accepted or rejected ...
NEXT = {
    "draft": "requested",
    "requested": "received accepted rejected",
    "received": "accepted rejected",
    "accepted": "in-progress on-hold completed failed",
    "in-progress": "on-hold completed failed",
    "on-hold": "in-progress completed failed",
}
STATES = (
    "draft", "requested", "received", "accepted", "rejected", "ready", "cancelled", "in-progress", "on-hold",
    "failed", "completed", "entered-in-error",
)  # fmt: skip
UNACCEPTED = ("draft", "requested", "received")
ON = ("accepted", "in-progress", "on-hold")
HOME = {"jan": "praktijk", "els": "praktijk", "wil": "thuiszorg", "wim": "thuiszorg", "ine": "andere"}
OWNERS = ("Organization/thuiszorg", "Organization/andere", "PractitionerRole/rol-wim")
ENTITLED = {OWNERS[0]: ("wil", "wim"), OWNERS[1]: ("ine",), OWNERS[2]: ("wil", "wim")}


def who(status: str, wanted: str) -> str | None:
    """`requester` or `owner`, whose move it is; None where nobody may."""
    if wanted == "cancelled" and status in NEXT:
        return "requester"
    if wanted == "entered-in-error" and status in UNACCEPTED:
        return "requester"
    if wanted not in NEXT.get(status, "").split():
        return None
    return "requester" if status == "draft" else "owner"


@pytest.mark.parametrize("seed", range(3))
async def test_a_walk_through_tasks_ends_where_the_model_does(hub: Hub, seed: int) -> None:
    draw = random.Random(seed)
    await settle(hub)
    here = Neighbourhood(hub)
    await here.agree("Organization/thuiszorg", "Organization/andere")
    first = await here.place("jan", OWNERS[0])
    plan = first["basedOn"][0]["reference"]
    model: dict[str, tuple[str, str]] = {first["id"]: ("requested", OWNERS[0])}
    entries: dict[str, int] = dict.fromkeys(OWNERS, 0)

    def active() -> set[str]:
        return {owner for status, owner in model.values() if status in ON}

    for _ in range(45):
        if len(model) < 6 and draw.random() < 0.15:
            owner, draft = draw.choice(OWNERS), draw.random() < 0.3
            made = await here.place("jan", owner, basedOn=[to(plan)], draft=draft)
            model[made["id"]] = (made["status"], owner)
            assert made["status"] == ("draft" if draft else "requested")
        id = draw.choice(sorted(model))
        status, owner = model[id]
        before = active()
        # Mostly what could be right, or the walk would hardly move.
        likely = [*NEXT.get(status, "").split(), "cancelled"] if draw.random() < 0.7 else STATES
        wanted, name = draw.choice(likely), draw.choice(sorted(HOME))
        place = who(status, wanted)
        entitled = ("jan", "els") if place == "requester" else ENTITLED[owner]
        task: Json = await here.read(f"Task/{id}")
        asker = await here.as_(name)
        answer = await asker.ask("PUT", f"Task/{id}", {**task, "status": wanted})
        if status != wanted and place is not None and name in entitled:
            assert answer.status_code == 200, (status, wanted, name, answer.text)
            model[id] = (wanted, owner)
        elif status != wanted:
            expected = {403, 404} if place is not None else {403, 404, 422}
            assert answer.status_code in expected, (status, wanted, name, answer.text)
        assert (await here.read(f"Task/{id}"))["status"] == model[id][0]
        for joined in active() - before:
            entries[joined] += 1
        members = await here.members(plan)
        assert set(members) == {PATIENT, "PractitionerRole/rol-jan", *active()}
        assert len(members) == len(set(members))
    ever = await here.members(plan, active=False)
    assert {owner: ever.count(owner) for owner in OWNERS} == entries
