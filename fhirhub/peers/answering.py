"""Answering a Task that lives at a peer: its state, its outputs and what belongs to them are written there, in one
transaction and in the name of who answers here (docs/two-hubs.md). Nothing of it is kept here."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from fhirhub import errors
from fhirhub.access import Actor
from fhirhub.peers import matching
from fhirhub.peers.home import Homes, Person, Refused, parsed
from fhirhub.peers.rows import Peer
from fhirhub.resources import references

if TYPE_CHECKING:
    from fhirhub.auth.realm import Realm

Json = dict[str, Any]

QUEUE = "HealthcareService/"


class Output(NamedTuple):
    """One output of a Task: a text, or a resource that is made there."""

    type: Json
    text: str | None
    resource: Json | None


class Answer(NamedTuple):
    """What becomes of a Task: elements of it that change, a note, its outputs, and resources made with it, such as the
    answers to a questionnaire that it asks for, or a sub-task."""

    change: Json
    note: str | None = None
    outputs: tuple[Output, ...] = ()
    resources: tuple[Json, ...] = ()

    @property
    def is_of_task(self) -> bool:
        """Whether the Task itself is written; else what it asked for is, and home does the rest (RULES R28)."""
        return bool(self.change or self.note or self.outputs)


class Answering:
    """Answers at one peer, for one who acts here."""

    def __init__(self, homes: Homes, realm: Realm, peer: Peer, actor: Actor) -> None:
        self._homes = homes
        self._realm = realm
        self._peer = peer
        self._actor = actor
        self._there = matching.There(homes, realm, peer)

    async def answer(self, id: str, answer: Answer) -> Json:
        """The Task at home after this. Raises FhirError for what home cannot know, Refused as home says it, and
        Unreachable: then nothing changed."""
        made = [await self._known_there(one) for one in answer.resources]
        outputs = [
            one._replace(resource=None if one.resource is None else await self._known_there(one.resource))
            for one in answer.outputs
        ]
        answer = answer._replace(resources=tuple(made), outputs=tuple(outputs))
        person = await self.person()
        try:
            return await self._write(id, answer, person)
        except Refused as refusal:
            # With issues home took the person, and not what they ask.
            if person is None or refusal.status not in (400, 401) or refusal.issues:
                raise
        # Known there, and not as somebody of this organisation.
        return await self._write(id, answer, None)

    async def person(self) -> Person | None:
        """Who acts, as home knows them: by their number in the BIG register. None for a backend, and for who has no
        number or is not known there: home then reads that the organisation's system did it."""
        actor = self._actor
        if actor.person is None or actor.role is None:
            return None
        found = await self._there.find(actor.person)
        return None if found is None else Person(found, actor.role)

    async def _write(self, id: str, answer: Answer, person: Person | None) -> Json:
        found = await self._ask("GET", f"Task/{id}", person)
        entries = list[Json]()
        if answer.is_of_task:
            task = {**found, **answer.change}
            owner = str((task.get("owner") or {}).get("reference", ""))
            if owner.startswith(QUEUE) and answer.change.get("status") == "accepted":
                # Who claims a queue's Task becomes its owner in the same write (RULES R27).
                task["owner"] = {"reference": await self._there.organization()}
            if answer.note is not None:
                task["note"] = [*task.get("note", ()), {"text": answer.note}]
            told = [_output(one, entries) for one in answer.outputs]
            if told:
                task["output"] = [*task.get("output", ()), *told]
            entries.append(
                {
                    "resource": task,
                    "request": {
                        "method": "PUT",
                        "url": f"Task/{id}",
                        "ifMatch": f'W/"{found["meta"]["versionId"]}"',
                    },
                }
            )
        for resource in answer.resources:
            _made(resource, entries)
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        await self._ask("POST", "", person, bundle)
        return await self._ask("GET", f"Task/{id}", person)

    async def _ask(self, method: str, path: str, person: Person | None, body: Json | None = None) -> Json:
        answer = await self._homes.ask(self._realm, self._peer, method, path, body, person=person)
        return parsed(answer.body)

    async def _known_there(self, resource: Json) -> Json:
        """The resource as home can take it: what is at home by its address there, people and organisations of this
        hub by their numbers. Raises FhirError for what home cannot know."""
        base = f"{self._peer.base}/"
        for link in references.walk(resource):
            if link.kind != "reference":
                continue
            if link.text.startswith(base):
                link.holder[link.key] = link.text.removeprefix(base)
                continue
            target = references.parse(link.text)
            if not target.is_local:
                continue
            known = await self._there.find(f"{target.type}/{target.id}")
            if known is None:
                raise errors.business_rule(
                    f"`{link.text}` is not known at {self._peer.base}, where the Task lives: give its address there, "
                    f"such as {base}Patient/1; people and organisations of this hub are known by BIG and URA number.",
                    link.path,
                )
            link.holder[link.key] = known
        return {name: value for name, value in resource.items() if name not in ("id", "meta")}


def _made(resource: Json, entries: list[Json]) -> str:
    """What the resource is called in the transaction that makes it."""
    name = f"urn:uuid:{uuid.uuid4()}"
    request = {"method": "POST", "url": resource["resourceType"]}
    entries.append({"fullUrl": name, "resource": resource, "request": request})
    return name


def _output(output: Output, entries: list[Json]) -> Json:
    if output.resource is None:
        return {"type": output.type, "valueString": output.text or ""}
    return {"type": output.type, "valueReference": {"reference": _made(output.resource, entries)}}
