"""What a questionnaire says of extraction is applied when a response to it is completed, where it asks for that
(https://hl7.org/fhir/uv/sdc/extraction.html; the guide's extension extract-on-completion)."""

from __future__ import annotations

import math

from fhirhub import errors
from fhirhub.careplan import moves, questionnaires
from fhirhub.careplan.dimensions import ANSWERED
from fhirhub.repository import Effect, Repository, new_id
from fhirhub.resources import extraction, guide, references, relations
from fhirhub.resources.careplan import Json
from fhirhub.resources.validation.validator import Validator


class Apply:
    """The rule that writes what a completed response says, in the same transaction: about the same patient alone, and
    only what who completed it may write."""

    types = frozenset({"QuestionnaireResponse"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        response = moves.content(effect.after)
        if unit.asker.actor is None or effect.by_hub or response is None:
            return
        before = moves.content(effect.before)
        was_completed = before is not None and before.get("status") in ANSWERED
        canonical = response.get("questionnaire")
        if response.get("status") not in ANSWERED or was_completed or not isinstance(canonical, str):
            return
        found = await questionnaires.find(unit, canonical, response)
        if found is None or not _applies(found.questionnaire):
            return
        validator = await unit.tenant.conformance.validator(math.inf)
        made = extraction.extract(found.questionnaire, response, validator.canonicals)
        if made.faults:
            raise errors.processing(
                f"The answers could not be applied: {made.faults[0]}", "QuestionnaireResponse"
            )
        for entry in made.entries:
            _refuse_faulty(validator, entry["resource"])
        await _write(unit, made.entries, response)

    async def committed(self) -> None:
        """Nothing waits for it."""


def _applies(questionnaire: Json) -> bool:
    url = guide.url("StructureDefinition", "extract-on-completion")
    return any(
        each.get("url") == url and each.get("valueBoolean") is True
        for each in questionnaire.get("extension", ())
    )


def _refuse_faulty(validator: Validator, resource: Json) -> None:
    """What is written meets what every write meets."""
    found = validator.validate(resource, level="base")
    wrong = [each for each in found if each.severity in ("error", "fatal")]
    if wrong:
        raise errors.processing(
            f"The answers make a {resource['resourceType']} that is not right: {wrong[0].expression}: "
            f"{wrong[0].text}",
            "QuestionnaireResponse",
        )


async def _write(unit: Repository, entries: list[Json], response: Json) -> None:
    base = moves.base_of(unit)
    ids = {entry["fullUrl"]: new_id() for entry in entries}
    links = {
        url: f"{entry['resource']['resourceType']}/{entry['resource'].get('id') or ids[url]}"
        for entry in entries
        for url in (entry["fullUrl"],)
    }
    owners = relations.owners(response, base)
    for entry in entries:
        resource: Json = entry["resource"]
        references.rewrite(resource, links)
        type, id = resource["resourceType"], resource.get("id")
        old = await moves.read(unit, f"{type}/{id}") if id else None
        letter = "c" if old is None else "u"
        about = {relations.owners(one, base) for one in (resource, old) if one is not None}
        if letter not in unit.asker.letters_of(type) or about != {owners}:
            raise errors.forbidden(
                f"The answers would make a {type} that is not yours to write, or of somebody else; the "
                "questionnaire asks for it on completion."
            )
        if unit.asker.guard is not None:
            unit.asker.guard(letter, old, resource)
        if id:
            await unit.update(resource)
        else:
            await unit.create(resource, id=ids[entry["fullUrl"]])
