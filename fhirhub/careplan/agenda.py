"""The agenda of the next conversation: one ordered List on which patient and professionals put subjects
(https://hl7.org/fhir/R4/list.html; the guide's profile ConversationAgenda).

Who put a subject there is written by the hub, and takes it off. The order of the patient's subjects is the patient's.
Question cards that were chosen, and subjects filled in beforehand, come onto it when the response is completed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from fhirhub import errors
from fhirhub.access import Actor
from fhirhub.careplan import moves
from fhirhub.careplan.dimensions import ANSWERED
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan, dimensions, document, guide, questionnaire
from fhirhub.resources.careplan import Json

_OF_PATIENT = ("patient", "representative")


class KeepAgenda:
    """The rule of who puts what on an agenda, takes it off and orders it."""

    types = frozenset({"List"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        actor, agenda = unit.asker.actor, moves.content(effect.after)
        before = moves.content(effect.before) or {}
        if actor is None or actor.column == "hub" or effect.by_hub or agenda is None:
            return
        if not _is_agenda(agenda):
            if _is_agenda(before):
                raise errors.business_rule(
                    "An agenda stays one, with what others put on it; one that is done is `retired`.",
                    "List.code",
                )
            return
        base = moves.base_of(unit)
        patient = careplan.party(agenda.get("subject"), base)
        own = {one for one in (*actor.names, patient if actor.column in _OF_PATIENT else None) if one}
        known = {_subject(entry): entry for entry in before.get("entry", ())}
        entries = [_stamped(entry, known.get(_subject(entry)), actor) for entry in agenda.get("entry", ())]
        kept = {_subject(entry) for entry in entries}
        for subject, entry in known.items():
            if subject not in kept and _added_by(entry, base) not in own:
                raise errors.business_rule(
                    f"`{_shown(entry)}` was put on the agenda by {_added_by(entry, base)}, who takes it off.",
                    "List.entry",
                )
        if actor.column not in _OF_PATIENT:
            _check_order(before.get("entry", []), entries, patient, base)
        if entries != agenda.get("entry", []):
            await unit.amend("List", effect.after.id, {**agenda, "entry": entries})

    async def committed(self) -> None:
        """Nothing waits for it."""


class TakeSubjects:
    """The rule that puts chosen question cards, and subjects filled in beforehand, on the patient's agenda."""

    types = frozenset({"QuestionnaireResponse"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        response = moves.content(effect.after)
        if unit.asker.actor is None or response is None or response.get("status") not in ANSWERED:
            return
        url = str(response.get("questionnaire", "")).partition("|")[0]
        read = _READERS.get(url.removeprefix(guide.canonical() + "/Questionnaire/"))
        base = moves.base_of(unit)
        patient = careplan.party(response.get("subject"), base)
        questions = guide.find("Questionnaire", url)
        if read is None or questions is None or patient is None or not patient.startswith("Patient/"):
            return
        who = (
            careplan.party(response.get("source"), base)
            or careplan.party(response.get("author"), base)
            or patient
        )
        entries = [_entry(subject, who) for subject in read(questions, response)]
        if entries:
            await _add(unit, patient, who, entries)

    async def committed(self) -> None:
        """Nothing waits for it."""


class Subject(NamedTuple):
    """What somebody wants to talk about."""

    text: str
    dimension: str | None


def _cards(questions: Json, response: Json) -> Iterator[Subject]:
    given = questionnaire.answers(response)
    for group in questions.get("item", ()):
        dimension = dimensions.dimension_of(group.get("code"))
        for item in group.get("item", ()):
            for answer in given.get(item["linkId"], ()):
                if answer.get("valueBoolean") is True:
                    yield Subject(item["text"], dimension)
                elif answer.get("valueString"):
                    yield Subject(answer["valueString"], dimension)


def _subjects(questions: Json, response: Json) -> Iterator[Subject]:
    """Those of the agenda's own questionnaire, in the order in which they were given."""
    asked = questions["item"][0]
    what, where = (asked["item"][number]["linkId"] for number in (0, 1))
    for item in questionnaire.response_items(response):
        if item.get("linkId") == asked["linkId"]:
            given = questionnaire.answers({"item": item.get("item", [])})
            chosen = [one.get("valueCoding") for one in given.get(where, ())]
            for answer in given.get(what, ()):
                yield Subject(answer["valueString"], dimensions.dimension_of(chosen))


_READERS = {"vraagkaarten": _cards, "gespreksagenda": _subjects}


async def _add(unit: Repository, patient: str, who: str, entries: list[Json]) -> None:
    """Puts the entries at the end of the patient's current agenda; those that are there already stay as they are."""
    await unit.transaction.lock_names(unit.tenant.number, [f"agenda {patient}"])
    code = f"{guide.url('CodeSystem', 'document-type')}|agenda"
    found = await moves.found(unit, "List", ("subject", patient), ("code", code), ("status", "current"))
    if not found:
        await unit.create(_new(patient, who, entries))
        return
    agenda = max(found, key=lambda one: str(one.get("date", "")))
    known = {_subject(entry) for entry in agenda.get("entry", ())}
    fresh = [entry for entry in entries if _subject(entry) not in known]
    if fresh:
        await unit.update({**agenda, "entry": [*agenda.get("entry", ()), *fresh]})


def _new(patient: str, who: str, entries: list[Json]) -> Json:
    ordered = {"system": "http://terminology.hl7.org/CodeSystem/list-order", "code": "user"}
    return {
        "resourceType": "List",
        "meta": {"profile": [guide.url("StructureDefinition", "ConversationAgenda")]},
        "status": "current",
        "mode": "working",
        "title": "Agenda voor het volgende gesprek",
        "code": careplan.own_code("document-type", "agenda"),
        "subject": careplan.to(patient),
        "date": document.instant(now()),
        "source": careplan.to(who),
        "orderedBy": {"coding": [ordered]},
        "entry": entries,
    }


def _is_agenda(resource: Json) -> bool:
    return careplan.has_own_code(resource.get("code"), "document-type", "agenda")


def _url() -> str:
    return guide.url("StructureDefinition", "added-by")


def _entry(subject: Subject, who: str) -> Json:
    extensions: list[Json] = []
    if subject.dimension is not None:
        coding = {
            "system": dimensions.system(),
            "code": subject.dimension,
            "display": dimensions.names()[subject.dimension]["nl"],
        }
        url = guide.url("StructureDefinition", "dimension")
        extensions.append({"url": url, "valueCodeableConcept": {"coding": [coding]}})
    extensions.append({"url": _url(), "valueReference": careplan.to(who)})
    return {"extension": extensions, "date": document.instant(now()), "item": {"display": subject.text}}


def _subject(entry: Json) -> bytes:
    """What an entry is about."""
    item = entry.get("item", {})
    return document.canonical({"reference": item["reference"]} if "reference" in item else item)


def _stamped(entry: Json, known: Json | None, actor: Actor) -> Json:
    """The entry with who put it there: who did before, else who writes."""
    url = _url()
    kept = [each for each in entry.get("extension", ()) if each.get("url") != url]
    said = [each for each in (known or {}).get("extension", ()) if each.get("url") == url]
    if not said:
        said = [{"url": url, "valueReference": careplan.to(actor.person or actor.organization or "")}]
    return {
        "extension": [*kept, *said],
        **{name: value for name, value in entry.items() if name != "extension"},
    }


def _added_by(entry: Json, base: str | None) -> str | None:
    for each in entry.get("extension", ()):
        if each.get("url") == _url():
            return careplan.party(each.get("valueReference"), base)
    return None


def _shown(entry: Json) -> Any:
    item = entry.get("item", {})
    return item.get("display") or item.get("reference")


def _check_order(before: list[Json], after: list[Json], patient: str | None, base: str | None) -> None:
    """The patient's subjects stay in the patient's order."""
    old = [_subject(entry) for entry in before if _added_by(entry, base) == patient]
    there = set(old)
    if [one for entry in after if (one := _subject(entry)) in there] != old:
        raise errors.business_rule(
            "The order of the subjects that the patient put on the agenda is the patient's.", "List.entry"
        )
