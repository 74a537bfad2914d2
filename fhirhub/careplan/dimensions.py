"""Scores follow from answers: a completed response makes an Observation for each dimension that has a score, in the
same transaction; a correction makes new versions of them (RULES R31)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fhirhub import errors
from fhirhub.careplan import moves, questionnaires
from fhirhub.repository import Effect, Repository
from fhirhub.resources import careplan, dimensions, document
from fhirhub.store import request as requests

Json = dict[str, Any]

ANSWERED = frozenset({"completed", "amended"})


class Score:
    """The rule that keeps the scores of a response."""

    types = frozenset({"QuestionnaireResponse"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        if unit.asker.actor is None:
            return
        response = document.decode(effect.after.body) if effect.after.body is not None else None
        before = None if effect.before is None or effect.before.body is None else effect.before
        wanted: dict[str, Decimal] = {}
        if response is not None and response.get("status") in ANSWERED:
            wanted = await _scores(unit, response)
        kept = await _written(unit, effect.after.id) if before is not None else {}
        if response is None:
            response = document.decode(before.body) if before is not None and before.body else {}
        for dimension, value in wanted.items():
            old = kept.pop(dimension, None)
            if old is None:
                await unit.create(dimensions.observation(response, dimension, value, "final"))
                continue
            new = {**dimensions.observation(response, dimension, value, "corrected"), "id": old["id"]}
            if _content(new) != _content(old) or old["status"] == "entered-in-error":
                await unit.update(new)
            elif new["meta"].get("security") != old["meta"].get("security"):
                await unit.update({**new, "status": old["status"]})
        for old in kept.values():
            if old["status"] != "entered-in-error":
                await unit.update({**old, "status": "entered-in-error"})

    async def committed(self) -> None:
        """Nothing to wait for."""


class KeepScores:
    """The rule that a score is within bounds, and changes only with its answers."""

    types = frozenset({"Observation"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        body, old = effect.after.body, effect.before.body if effect.before is not None else None
        if unit.asker.actor is None or effect.by_hub or _MARK not in (body or b"") + (old or b""):
            return
        after = document.decode(body) if body is not None else {}
        fault = dimensions.value_fault(after) if dimensions.is_score(after) else None
        if fault is not None:
            raise errors.business_rule(fault, "Observation.value")
        before = document.decode(old) if old is not None else {}
        if dimensions.is_score(before) and await _follows(unit, before) and _said(before) != _said(after):
            raise errors.business_rule(
                "A score follows from its answers: correct the QuestionnaireResponse in `derivedFrom`, with status "
                "`amended`, and the score follows.",
                "Observation",
            )
        if not dimensions.is_score(before) and dimensions.is_score(after) and await _follows(unit, after):
            raise errors.business_rule(
                "The hub makes the scores of answers that it knows: complete or correct the QuestionnaireResponse in "
                "`derivedFrom`.",
                "Observation.derivedFrom",
            )

    async def committed(self) -> None:
        """Nothing to wait for."""


_MARK = b"/CodeSystem/positive-health-dimension"


async def _scores(unit: Repository, response: Json) -> dict[str, Decimal]:
    """By dimension, the score of a completed response; empty where its questionnaire asks for none."""
    canonical = response.get("questionnaire")
    if not isinstance(canonical, str) or "Patient/" not in str(
        response.get("subject", {}).get("reference", "")
    ):
        return {}
    found = await questionnaires.find(unit, canonical, response)
    if found is None:
        return {}
    asked = dimensions.asked(found.questionnaire, response)
    wrong = dimensions.out_of_range(asked)
    if wrong:
        raise errors.error(
            422,
            "value",
            f"The answer to {wrong[0].link_id} is a mark from {dimensions.LEAST} to {dimensions.MOST}; got "
            f"{wrong[0].value}",
            f"QuestionnaireResponse.repeat(item).where(linkId = '{wrong[0].link_id}').answer.value",
        )
    return dimensions.scores(asked)


async def _follows(unit: Repository, score: Json) -> bool:
    """Whether it is of answers that the hub itself makes scores of."""
    base = moves.base_of(unit)
    hub = unit.as_hub()
    for party in careplan.parties(score.get("derivedFrom"), base):
        response = await moves.read(hub, party) if party.startswith("QuestionnaireResponse/") else None
        canonical = None if response is None else response.get("questionnaire")
        if not isinstance(canonical, str):
            continue
        found = await questionnaires.find(hub, canonical, response)
        if found is not None and dimensions.asked(found.questionnaire, response or {}):
            return True
    return False


def _said(observation: Json) -> tuple[bytes, Any]:
    return _content(observation), observation.get("status")


async def _written(unit: Repository, response: str) -> dict[str, Json]:
    """By dimension, the scores that there are of a response."""
    asked = requests.parse(
        "Observation",
        [("derived-from", f"QuestionnaireResponse/{response}"), ("code", f"{dimensions.system()}|")],
        unit.parameters,
    )
    found: dict[str, Json] = {}
    for match in await unit.all_matches(asked):
        assert match.body is not None
        observation = document.decode(match.body)
        dimension = dimensions.dimension_of(observation.get("code", {}).get("coding"))
        if dimension is not None:
            found[dimension] = observation
    return found


def _content(observation: Json) -> bytes:
    """All but how it came about."""
    return document.canonical(
        {name: value for name, value in observation.items() if name not in ("id", "meta", "status", "text")}
    )
