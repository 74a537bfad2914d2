"""Validation as a request needs it: by the tenant's definitions, with references into the store as the caller sees
it (https://hl7.org/fhir/R4/validation.html)."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from fhirhub import conformance
from fhirhub.api.exchange import FhirRequest, Json
from fhirhub.errors import FhirError, Issue
from fhirhub.repository import Check, Repository
from fhirhub.resources import document, references
from fhirhub.resources.validation import positions
from fhirhub.resources.validation.examination import MOST_SECONDS, USUAL, Strictness
from fhirhub.resources.validation.validator import Level, Validator
from fhirhub.terminology.judging import Judge
from fhirhub.turns import Turn

BUNDLE_SECONDS = 30.0
"""What the entries of one transaction may take together."""

MOST_RESOLVED = 500
"""How many references are looked up in the store for one resource."""


class Subject(NamedTuple):
    """A resource to be validated. `profiles` are asked of it besides those that it claims; `has_structure` says
    that its structure was found right already."""

    resource: Json
    profiles: tuple[str, ...] = ()
    has_structure: bool = False


def profiles_of(request: FhirRequest, type: str) -> tuple[str, ...]:
    """The profiles that the settings ask of this type."""
    return tuple(url for name, url in request.context.settings.profiles if name == type)


def level_of(request: FhirRequest) -> Level:
    """How much the settings ask before a write, where they ask for anything."""
    return "profiles" if request.context.settings.validation == "profiles" else "base"


def asked_of(request: FhirRequest) -> Strictness:
    """What the settings refuse beyond what FHIR does."""
    settings = request.context.settings
    if not settings.validation_refuses:
        return USUAL
    return Strictness(frozenset(settings.validation_refuses), settings.extension_domains)


_AGES: dict[Level, float] = {"base": conformance.LOOK_SECONDS, "profiles": 0.0}
"""How many seconds old the definitions may be. What R4 itself asks hardly leans on them; where profiles are asked,
one that was written a moment ago, by whichever process, is kept to."""


async def issues(
    request: FhirRequest, subject: Subject, level: Level = "profiles", *, age_seconds: float = 0.0
) -> list[Issue]:
    """Every issue of one resource, by what the tenant defined up to `age_seconds` ago; inside a transaction
    when that began."""
    is_inside = request.inside == "transaction"
    validator = await request.repository.tenant.conformance.validator(math.inf if is_inside else age_seconds)
    await _look(request)
    return await request.context.turns.run(
        lambda turn: _examined(request, validator, subject, level, turn, {}, MOST_SECONDS)
    )


async def issues_of_all(
    request: FhirRequest, validator: Validator, subjects: Sequence[Subject], near: Mapping[str, Json]
) -> list[list[Issue]]:
    """The same for what is written together, as the settings ask; `near` has the resources by the references
    that mean them."""
    level = level_of(request)
    await _look(request)
    until = time.monotonic() + BUNDLE_SECONDS

    def work(turn: Turn) -> list[list[Issue]]:
        return [
            _examined(
                request, validator, subject, level, turn, near, min(MOST_SECONDS, until - time.monotonic())
            )
            for subject in subjects
        ]

    return await request.context.turns.run(work)


async def _look(request: FhirRequest) -> None:
    """Take note of the code systems that were loaded."""
    if not request.repository.is_together:
        await request.repository.tenant.library.loaded()


def _examined(
    request: FhirRequest,
    validator: Validator,
    subject: Subject,
    level: Level,
    turn: Turn,
    near: Mapping[str, Json],
    seconds: float,
) -> list[Issue]:
    known: dict[str, Json | None] = dict(near)

    def resolve(text: str) -> Json | None:
        if text not in known:
            if len(known) - len(near) >= MOST_RESOLVED:
                return None
            target = references.parse(text, request.base)
            found = None
            if target.is_local and target.type is not None and target.id is not None:
                stored = turn.wait(request.repository.find(target.type, target.id))
                if stored is not None and stored.body is not None:
                    found = document.decode(stored.body)
            known[text] = found
        return known[text]

    tenant = request.repository.tenant
    wait = None if request.repository.is_together else turn.wait
    judge = Judge(tenant.library, validator.terminology, tenant.verdicts, wait)
    return validator.validate(
        subject.resource,
        subject.profiles,
        inner_profiles=lambda type: profiles_of(request, type),
        level=level,
        resolve=resolve if level == "profiles" else near.get,
        seconds=seconds,
        pause=turn.pause,
        has_structure=subject.has_structure,
        terminology=judge,
        apart=judge.apart,
        may_know_later=judge.may_know_later,
        asked=asked_of(request),
    )


# -- On write ---------------------------------------------------------------------------------------


async def check(request: FhirRequest, resource: Json) -> None:
    """Refuse (422) a resource, whose structure is right, that does not keep to what the settings ask; what only
    warns is kept for the answer."""
    if request.context.settings.validation == "off" or request.inside == "transaction":
        return
    found = await _on_write(request, resource)
    if found:
        # To find lines costs more than all else, so it is done only for who is told.
        if request.inside is None and (_is_refused(found) or "prefer" in request.headers):
            found = positions.placed(found, request.body)
        refuse(found)
        request.said = found


async def check_of(request: FhirRequest) -> Check | None:
    """The same for what a patch makes; None where the settings ask for nothing.

    It runs inside the write's transaction, so it asks nothing of the database but through that: where all
    connections are held by transactions that wait for each other, another one is not to be had.
    """
    if request.context.settings.validation == "off":
        return None
    validator = await look(request)

    async def check(resource: Json, unit: Repository) -> None:
        within = replace(request, repository=unit)
        subject = Subject(resource, profiles_of(request, resource["resourceType"]), has_structure=True)
        level = level_of(request)
        request.said = await request.context.turns.run(
            lambda turn: _examined(within, validator, subject, level, turn, {}, MOST_SECONDS)
        )
        refuse(request.said)

    return check


async def _on_write(request: FhirRequest, resource: Json) -> list[Issue]:
    level = level_of(request)
    subject = Subject(resource, profiles_of(request, resource["resourceType"]), has_structure=True)
    return await issues(request, subject, level, age_seconds=_AGES[level])


async def look(request: FhirRequest) -> Validator:
    """What validates writes. Inside a transaction it is what was known when that began."""
    seconds = math.inf if request.inside == "transaction" else _AGES[level_of(request)]
    return await request.repository.tenant.conformance.validator(seconds)


def refuse(found: Sequence[Issue]) -> None:
    """Raise all issues, 422, where one of them is an error."""
    if _is_refused(found):
        raise FhirError(422, found)


def _is_refused(found: Sequence[Issue]) -> bool:
    return any(issue.severity in ("error", "fatal") for issue in found)
