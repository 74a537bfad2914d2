"""A practice's own development plan: Goals and Tasks about the organisation, which hold nothing of patients and
stand in no patient's plan (https://hl7.org/fhir/R4/goal.html)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhirhub import errors
from fhirhub.auth import careteam
from fhirhub.careplan import moves
from fhirhub.repository import Effect, Repository, Stored, now
from fhirhub.resources import careplan
from fhirhub.resources.careplan import Json
from fhirhub.resources.masking import BSN_SYSTEMS

_OURS = ("Goal/", "Task/")


class KeepApart:
    """The rule that keeps what is about an organisation and what is about patients out of each other."""

    types = frozenset({"CarePlan", "Goal", "Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        actor, resource = unit.asker.actor, moves.content(effect.after)
        if actor is None or actor.column == "hub" or effect.by_hub or resource is None:
            return
        base = moves.base_of(unit)
        before = set(_named(moves.content(effect.before) or {}, base))
        named = [one for one in _named(resource, base) if one not in before]
        of = careplan.party(resource.get("for") or resource.get("subject"), base) or ""
        if of.startswith("Organization/"):
            await _check_own(unit, resource, of, named, base)
        else:
            await _check_patients(unit, resource, named)

    async def committed(self) -> None:
        """Nothing waits for it."""


async def _check_own(unit: Repository, resource: Json, of: str, named: list[str], base: str | None) -> None:
    """Raises where a development plan names a patient, or leaves the organisation."""
    type = resource["resourceType"]
    for one in named:
        found = await _found(unit, one)
        if found is not None and any("/" not in owner for owner in (found.patient or "").split()):
            raise errors.business_rule(
                f"A {type} about {of} holds nothing of patients; it names `{one}`.", f"{type}.{_place(type)}"
            )
    if any(_is_bsn(one) for one in _identifiers(resource)):
        raise errors.business_rule(f"A {type} about {of} holds nothing of patients; it has a BSN.", type)
    for name in ("owner", "requester"):
        party = careplan.party(resource.get(name), base)
        if type == "Task" and party not in (None, of):
            assert party is not None
            if of not in await careteam.organizations_of(unit, party, now()):
                raise errors.business_rule(
                    f"A Task about {of} stays inside it: `{name}` is the organisation, or who works there.",
                    f"Task.{name}",
                )


async def _check_patients(unit: Repository, resource: Json, named: list[str]) -> None:
    """Raises where what is about a patient names a part of an organisation's development plan."""
    type = resource["resourceType"]
    for one in named:
        found = await _found(unit, one) if one.startswith(_OURS) else None
        if found is not None and (found.patient or "").startswith("Organization/"):
            raise errors.business_rule(
                f"`{one}` is about an organisation, and has no place in what is about a patient.", type
            )


async def _found(unit: Repository, name: str) -> Stored | None:
    type, _, id = name.partition("/")
    return await unit.find(type, id)


def _place(type: str) -> str:
    return "for" if type == "Task" else "subject"


def _named(value: Any, base: str | None) -> Iterator[str]:
    """Every local resource that is referred to, each as `Type/id`."""
    if isinstance(value, dict):
        one = careplan.party(value, base)
        if one is not None:
            yield one
        for child in value.values():
            yield from _named(child, base)
    elif isinstance(value, list):
        for child in value:
            yield from _named(child, base)


def _identifiers(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        if isinstance(value.get("identifier"), dict):
            yield value["identifier"]
        for child in value.values():
            yield from _identifiers(child)
    elif isinstance(value, list):
        for child in value:
            yield from _identifiers(child)


def _is_bsn(identifier: Json) -> bool:
    return identifier.get("system") in BSN_SYSTEMS
