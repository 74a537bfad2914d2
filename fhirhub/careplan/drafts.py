"""Drafts of responses: begun in one version of a questionnaire, completed in that version and in time
(https://hl7.org/fhir/R4/questionnaireresponse.html, `in-progress`)."""

from __future__ import annotations

from decimal import Decimal

from fhirhub import errors
from fhirhub.careplan import moves, questionnaires
from fhirhub.careplan.questionnaires import Found
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import guide, ucum
from fhirhub.resources.careplan import Json

_GOES_ON = ("in-progress", "completed", "amended")
_DAY_US = 86_400 * 1_000_000
_ANEW = "Begin anew with Questionnaire/$populate; this draft can be set to `stopped`."


class KeepDrafts:
    """The rule that refuses to go on with a draft that is too old, or whose questionnaire changed."""

    types = frozenset({"QuestionnaireResponse"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        response = moves.content(effect.after)
        if unit.asker.actor is None or effect.by_hub or response is None:
            return
        canonical = response.get("questionnaire")
        if (
            response.get("status") not in _GOES_ON
            or not isinstance(canonical, str)
            or canonical.startswith("#")
        ):
            return
        before = moves.content(effect.before)
        is_draft = before is not None and before.get("status") == "in-progress"
        if before is not None and before.get("questionnaire") != canonical:
            raise _refused(f"The questionnaire of a response stays the one it began with. {_ANEW}")
        if before is not None and not is_draft:
            return
        url, _, version = canonical.partition("|")
        known = await questionnaires.every(unit, url)
        if not known:
            return
        if before is None:
            if version and all(each.version != version for each in known):
                raise _refused(f"The questionnaire has no version {version} any more. {_now(known)}")
            return
        assert effect.before is not None
        newest = questionnaires.newest_of(known)
        current = next((each for each in known if each.version == version), None) if version else newest
        if (
            current is None
            or (version and newest.version != version)
            or current.updated > effect.before.updated
        ):
            raise _refused(f"The questionnaire changed since this draft was saved. {_now(known)}")
        await _check_age(unit, effect, current.questionnaire)

    async def committed(self) -> None:
        """Nothing waits for it."""


def _refused(text: str) -> errors.FhirError:
    return errors.business_rule(text, "QuestionnaireResponse.questionnaire")


def _now(known: list[Found]) -> str:
    newest = questionnaires.newest_of(known)
    named = f"version {newest.version}" if newest.version else "another one"
    return f"It is {named} now. {_ANEW}"


async def _check_age(unit: Repository, effect: Effect, questionnaire: Json) -> None:
    longest = _longest_us(questionnaire)
    if longest is None:
        days = unit.tenant.draft_days
        longest = None if days is None else days * _DAY_US
    if longest is None:
        return
    assert effect.before is not None
    first = effect.before
    if first.version > 1:
        first = await unit.vread(first.type, first.id, "1")
    if now() - first.updated > longest:
        raise errors.business_rule(
            f"This draft was begun more than {longest // _DAY_US} days ago, so its answers may not hold any more. "
            f"{_ANEW}",
            "QuestionnaireResponse.authored",
        )


def _longest_us(questionnaire: Json) -> int | None:
    """How long its drafts are taken, where the questionnaire says so."""
    url = guide.url("StructureDefinition", "draft-expiry")
    for each in questionnaire.get("extension", ()):
        duration = each.get("valueDuration") if each.get("url") == url else None
        if isinstance(duration, dict):
            unit, value = ucum.unit(str(duration.get("code", ""))), duration.get("value")
            if unit is not None and unit.base == "s" and isinstance(value, int | Decimal):
                return int(unit.to_base(value) * 1_000_000)
    return None
