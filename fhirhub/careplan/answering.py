"""A Task that asks for a questionnaire is done when it is answered (RULES R28;
https://hl7.org/fhir/R4/questionnaireresponse.html).
"""

from __future__ import annotations

from fhirhub.auth import careteam
from fhirhub.careplan import moves
from fhirhub.careplan.workflow import ANSWERED
from fhirhub.repository import Effect, Repository
from fhirhub.resources import careplan
from fhirhub.resources.careplan import Json

ASKING = "vragenlijst"
"""The code of a Task that asks somebody to fill in a questionnaire, such as the patient before a visit."""


class TakeAnswer:
    """The rule that puts a completed response into the `output` of the sub-task, or the Task of that code, that asked
    for it."""

    types = frozenset({"QuestionnaireResponse"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        actor = unit.asker.actor
        response = moves.content(effect.after)
        if actor is None or response is None or response.get("status") not in ("completed", "amended"):
            return
        base = moves.base_of(unit)
        questionnaire = response.get("questionnaire")
        patient = careplan.patient_of(response, base)
        if not questionnaire or patient is None:
            return
        for task in await moves.found(
            unit, "Task", ("patient", f"Patient/{patient}"), ("status", ",".join(sorted(ANSWERED)))
        ):
            is_asked = task.get("partOf") or ASKING in careplan.task_codes(task)
            if is_asked and _asks(task, questionnaire) and await _by_owner(unit, task, response):
                answer = {
                    "type": careplan.own_code("task-part", "antwoord"),
                    "valueReference": careplan.to(f"QuestionnaireResponse/{response['id']}"),
                }
                output = [*task.get("output", ()), answer]
                await unit.update({**task, "status": "completed", "output": output})

    async def committed(self) -> None:
        """Nothing waits for it."""


def _asks(task: Json, questionnaire: str) -> bool:
    """Whether it asks for this questionnaire: of a version where it names one."""
    for one in task.get("input", ()):
        wanted = one.get("valueCanonical")
        if wanted and (wanted == questionnaire or wanted == questionnaire.partition("|")[0]):
            return True
    return False


async def _by_owner(unit: Repository, task: Json, response: Json) -> bool:
    base = moves.base_of(unit)
    owner = careplan.party(task.get("owner"), base)
    given = [careplan.party(response.get(name), base) for name in ("author", "source")]
    return owner is not None and (owner in given or await careteam.acts_as(unit, owner))
