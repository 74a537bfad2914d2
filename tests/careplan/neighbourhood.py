"""A neighbourhood around Anna: written, and with its people signed in, each once; and one in which she has a plan."""

from __future__ import annotations

from typing import Any

import httpx

from fhirhub.access import EVERYTHING
from fhirhub.repository import Repository, now
from fhirhub.resources import careplan
from tests.auth.builders import Hub, Json, write
from tests.careplan.people import CAST, ORGANIZATIONS, Person, account, all_stored, person, stored
from tests.careplan.resources import (
    ANNA,
    anna,
    code,
    consent,
    member,
    organization,
    plan,
    queue,
    team,
    to,
    works,
)


class Neighbourhood:
    """The hub with these people signed in, each once."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._people: dict[str, Person] = {}

    @property
    def whole(self) -> Repository:
        return Repository(self.hub.realm.tenant, EVERYTHING)

    async def as_(self, name: str) -> Person:
        if name not in self._people:
            self._people[name] = await person(self.hub, name)
        return self._people[name]

    async def ask(self, name: str, method: str, path: str, content: Any = None) -> httpx.Response:
        return await (await self.as_(name)).ask(method, path, content)

    async def call(self, name: str, path: str, *values: Json) -> httpx.Response:
        """Calls an operation with these parameters, each with its name."""
        given = {"parameter": list(values)} if values else {}
        return await self.ask(name, "POST", path, {"resourceType": "Parameters", **given})

    async def sees(self, name: str, path: str) -> bool:
        answer = await self.ask(name, "GET", path)
        assert answer.status_code in (200, 404), answer.text
        return answer.status_code == 200

    async def put(self, *resources: Json) -> None:
        await write(self.hub, *resources)

    async def place(
        self, by: str, owner: str, status: int = 201, *, draft: bool = False, **more: Any
    ) -> Json:
        """A Task that `by` asks of `owner`, as it is answered; without a plan it starts one."""
        if draft:
            more["status"] = "draft"
        return await (await self.as_(by)).post("Task", asked(by, owner, **more), status)

    async def move(self, by: str, task: Json, to_status: str, status: int = 200, **more: Any) -> Json:
        """The newest version of the Task as `by` sees it, brought to that state."""
        asker = await self.as_(by)
        current = await asker.get(f"Task/{task['id']}")
        current.get("meta", {}).pop("tag", None)
        return await asker.put({**current, "status": to_status, **more}, status)

    async def agree(self, *organizations: str) -> None:
        """Anna agrees that these take part."""
        anna = await self.as_("anna")
        for one in organizations:
            await anna.post("Consent", consent("permit", one))

    async def plan(self, by: str = "jan", **more: Any) -> str:
        """The plan that `by` starts with a Task for a colleague."""
        made = await self.place(
            by, "PractitionerRole/rol-els" if by == "jan" else "PractitionerRole/rol-jan", **more
        )
        return str(made["basedOn"][0]["reference"])

    async def read(self, name: str) -> Json:
        """What the store holds, whoever may see it."""
        return await stored(self.hub, *name.split("/"))

    async def find(self, type: str, query: str = "") -> list[Json]:
        """What the store finds, whoever may see it."""
        return await all_stored(self.hub, type, query)

    async def told(self, recipient: str) -> list[str]:
        """What this party was told."""
        found = await self.find("Communication", f"recipient={recipient}&_sort=sent")
        return [one["payload"][0]["contentString"] for one in found]

    async def team(self, plan: str) -> Json:
        """The team of a plan, also where the plan contains it."""
        shared = await self.read(plan)
        name = shared["careTeam"][0]["reference"]
        inside = {f"#{one['id']}": one for one in shared.get("contained", ())}
        return inside[name] if name in inside else await self.read(name)

    async def members(self, plan: str, *, active: bool = True) -> list[str]:
        """Who is in the team of a plan: now, or ever, in order of the entries."""
        team = await self.team(plan)
        entries = careplan.active(team, now()) if active else team["participant"]
        return [one["member"]["reference"] for one in entries]


def asked(by: str, owner: str, **more: Any) -> Json:
    requester = CAST[by][0] if CAST[by][1] is None else f"PractitionerRole/rol-{by}"
    made: Json = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": code("task", "zorgvraag"),
        "for": ANNA,
        "requester": to(requester),
        "owner": to(owner),
    }
    for name, value in more.items():
        made[name.rstrip("_")] = value
    return {name: value for name, value in made.items() if value is not None}


async def settle(hub: Hub, *also: Json) -> Neighbourhood:
    """Write the neighbourhood, its accounts and the app they sign in with."""
    professionals = {name: (at, role) for name, (_, at, role) in CAST.items() if at is not None}
    await write(
        hub,
        *(organization(id, code) for id, code in ORGANIZATIONS.items()),
        *(one for name, (at, role) in professionals.items() for one in works(name, at, role)),
        anna(),
        {"resourceType": "Patient", "id": "bert", "name": [{"family": "Elders"}]},
        {"resourceType": "RelatedPerson", "id": "mia", "patient": ANNA, "name": [{"text": "Mia"}]},
        queue("wachtrij", "thuiszorg"),
        *also,
    )
    for name, (user, at, role) in CAST.items():
        await account(hub, name, user, at, role)
    await register_app(hub)
    return Neighbourhood(hub)


async def register_app(hub: Hub) -> None:
    """The app with which people sign in."""
    await hub.register(
        client_id="app",
        client_name="Dagboek",
        redirect_uris=["https://app.example/done"],
        token_endpoint_auth_method="none",
        grant_types=["authorization_code", "refresh_token"],
        scope="launch launch/patient openid fhirUser offline_access patient/*.cruds user/*.cruds",
    )


async def settle_with_plan(hub: Hub) -> None:
    """The same where Anna has a plan, with els (who coordinates it), the district nurses and herself in the team; sam
    of welfare is not in it; and bert has a plan that none of them sees."""
    coordinator = code("team-function", "coordinator")
    treating = {"coding": [{"system": "http://snomed.info/sct", "code": "405623001"}]}
    await settle(
        hub,
        team(member("PractitionerRole/rol-els", coordinator), member("Organization/thuiszorg", treating)),
        plan(author=to("PractitionerRole/rol-els")),
        team(id="team-bert", subject="Patient/bert"),
        plan("plan-bert", subject=to("Patient/bert"), careTeam=[to("CareTeam/team-bert")]),
    )
