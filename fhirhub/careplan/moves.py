"""One write of a Task as the rules look at it: what it was, what it is, and which plan it is of
(https://hl7.org/fhir/R4/task.html).
"""

from __future__ import annotations

from dataclasses import dataclass

from fhirhub.repository import Effect, Repository, Stored
from fhirhub.resources import careplan, document
from fhirhub.resources.careplan import Json
from fhirhub.store import request as requests


@dataclass(frozen=True, slots=True)
class Move:
    """A Task before and after one write."""

    before: Json | None
    """None where there was none."""
    after: Json
    by_hub: bool
    """Whether a rule wrote it, an operation on behalf of somebody, or work that fell due."""
    base: str | None
    """The hub's own base URL, whose references are local."""

    @property
    def id(self) -> str:
        return str(self.after["id"])

    @property
    def name(self) -> str:
        """`Task/x`."""
        return f"Task/{self.id}"

    @property
    def was(self) -> str:
        """The status before; empty where there was none."""
        return "" if self.before is None else str(self.before.get("status", ""))

    @property
    def status(self) -> str:
        return str(self.after.get("status", ""))

    @property
    def patient(self) -> str | None:
        """The id of the Patient it is for."""
        return careplan.patient_of(self.after, self.base)

    @property
    def requester(self) -> str | None:
        return self.party("requester")

    @property
    def owner(self) -> str | None:
        return self.party("owner")

    @property
    def is_part(self) -> bool:
        """Whether it is a sub-task (RULES R28)."""
        return bool(self.after.get("partOf"))

    def party(self, name: str, *, before: bool = False) -> str | None:
        """The party that stands in an element, now or before."""
        task = self.before if before else self.after
        return None if task is None else careplan.party(task.get(name), self.base)

    @property
    def is_placing(self) -> bool:
        """Whether this write drafts it, or asks it of somebody."""
        return self.was in ("", "draft") and self.status in ("draft", "requested")

    def comes_to(self, *statuses: str) -> bool:
        """Whether this write brings it into one of these statuses, from none of them."""
        return self.status in statuses and self.was not in statuses

    def leaves(self, *statuses: str) -> bool:
        """Whether this write takes it out of these statuses."""
        return self.was in statuses and self.status not in statuses


def move_of(unit: Repository, effect: Effect) -> Move | None:
    """What this write does to the Task; None where nobody acts (no sign-in, `load`), and for a deletion."""
    actor = unit.asker.actor
    if actor is None or effect.after.body is None:
        return None
    by_hub = effect.by_hub or actor.column == "hub"
    return Move(content(effect.before), document.decode(effect.after.body), by_hub, base_of(unit))


def content(stored: Stored | None) -> Json | None:
    """What a version says; None for a deletion, or where there is none."""
    return None if stored is None or stored.body is None else document.decode(stored.body)


def base_of(unit: Repository) -> str | None:
    """The hub's own base URL, as far as it is known."""
    return next(iter(unit.tenant.bases), None)


async def found(unit: Repository, type: str, *query: tuple[str, str]) -> list[Json]:
    """The resources that match, as `unit` sees them."""
    asked = requests.parse(type, list(query), unit.parameters, base=base_of(unit))
    return [document.decode(one.body) for one in await unit.all_matches(asked) if one.body is not None]


async def read(unit: Repository, name: str) -> Json | None:
    """The resource of that name, such as `Task/x`; None where there is none."""
    type, _, id = name.partition("/")
    return content(await unit.find(type, id))


async def plan_of(unit: Repository, task: Json) -> str | None:
    """The CarePlan that a Task is based on, itself or by a ServiceRequest of it: `CarePlan/x`."""
    base = base_of(unit)
    named = careplan.parties(task.get("basedOn"), base)
    for one in named:
        if one.startswith("CarePlan/"):
            return one
    for one in named:
        request = await read(unit, one)
        for further in careplan.parties((request or {}).get("basedOn"), base):
            if further.startswith("CarePlan/"):
                return further
    return None
