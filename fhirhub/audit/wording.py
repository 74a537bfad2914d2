"""A line of the log in plain words, Dutch and English: who, of which organisation, in which role, did what, and why
they could."""

from __future__ import annotations

import datetime
import functools
import zoneinfo
from collections.abc import Mapping
from html import escape
from typing import Any, Literal, NamedTuple

from fhirhub.audit import recording
from fhirhub.audit.rendering import View
from fhirhub.store.chain import Entry
from fhirhub.store.log import Line

Json = dict[str, Any]
Language = Literal["nl", "en"]

REASONS: Mapping[str, tuple[str, str]] = {
    "self": ("het zijn uw eigen gegevens", "these are your own data"),
    "representative": ("als wettelijk vertegenwoordiger", "as legal representative"),
    "grant": ("u gaf deze naaste toestemming", "you let this relative"),
    "practice": ("u bent bij deze praktijk ingeschreven", "you are registered with this practice"),
    "participation": ("lid van uw zorgteam", "a member of your care team"),
    "cover": ("nam waar voor uw praktijk", "covered for your practice"),
    "aftercare": ("was lid van uw zorgteam", "was a member of your care team"),
    "own-task": ("het hoort bij een taak van hen", "it belongs to a task of theirs"),
    "break-glass": ("opende uw gegevens in nood", "opened your data in an emergency"),
    "own-answers": ("het gaat over henzelf", "it is about themselves"),
    "public": ("het gaat over niemand in het bijzonder", "it is about nobody in particular"),
    "officer": ("controleert wie waarom keek", "reviews who looked and why"),
    "analyst": ("telt, en ziet geen personen", "counts, and sees no persons"),
    "administrator": ("beheert de gegevens", "administers the data"),
    "hub": ("een regel van het plan", "a rule of the plan"),
    "account": ("met het eigen account", "with their own account"),
    "open": ("de hub vroeg niemand wie hij was", "the hub asked nobody who they were"),
}
"""By rule, why it could be, as told to the patient."""
_TO_OTHERS: Mapping[str, tuple[str, str]] = {
    "self": ("het zijn de eigen gegevens van de patiënt", "these are the patient's own data"),
    "grant": ("de patiënt gaf deze naaste toestemming", "the patient let this relative"),
    "practice": (
        "de patiënt is bij deze praktijk ingeschreven",
        "the patient is registered with this practice",
    ),
    "participation": ("lid van het zorgteam", "a member of the care team"),
    "cover": ("nam waar voor de praktijk", "covered for the practice"),
    "aftercare": ("was lid van het zorgteam", "was a member of the care team"),
    "break-glass": ("opende de gegevens in nood", "opened the data in an emergency"),
}
"""The same as told to who reads the log for the patient, where that differs."""

_DEEDS: Mapping[str, tuple[str, str]] = {
    "R": ("bekeek", "looked at"),
    "C": ("voegde toe:", "added"),
    "U": ("wijzigde", "changed"),
    "D": ("verwijderde", "removed"),
    "E": ("vroeg op:", "asked for"),
}
_TRIED: Mapping[str, tuple[str, str]] = {
    "R": ("probeerde {what} te bekijken", "tried to look at {what}"),
    "C": ("probeerde {what} toe te voegen", "tried to add {what}"),
    "U": ("probeerde {what} te wijzigen", "tried to change {what}"),
    "D": ("probeerde {what} te verwijderen", "tried to remove {what}"),
    "E": ("probeerde {what} op te vragen", "tried to ask for {what}"),
}
_IN_VAIN: Mapping[str | None, tuple[str, str]] = {
    "refused": ("dat is geweigerd", "that was refused"),
    "failed": ("dat is niet gelukt", "that did not work"),
}
_NOTIFIED = ("kreeg bericht over", "was notified of")
_THINGS: Mapping[str, tuple[str, str]] = {
    "Patient": ("uw persoonsgegevens", "your personal details"),
    "CarePlan": ("uw zorgplan", "your care plan"),
    "CareTeam": ("uw zorgteam", "your care team"),
    "Goal": ("een doel", "a goal"),
    "Task": ("een taak", "a task"),
    "Consent": ("een toestemming", "a consent"),
    "Condition": ("een aandoening", "a condition"),
    "Observation": ("een meting", "a measurement"),
    "QuestionnaireResponse": ("antwoorden op een vragenlijst", "answers to a questionnaire"),
    "Communication": ("een bericht", "a message"),
    "MedicationStatement": ("medicatie", "medication"),
    "MedicationRequest": ("medicatie", "medication"),
    "AllergyIntolerance": ("een allergie", "an allergy"),
    "DocumentReference": ("een document", "a document"),
    "Composition": ("een document", "a document"),
    "RelatedPerson": ("een naaste", "a relative"),
    "Appointment": ("een afspraak", "an appointment"),
    "Binary": ("een bestand", "a file"),
    "DiagnosticReport": ("een uitslag", "a result"),
    "Encounter": ("een contact met een zorgverlener", "a contact with a care provider"),
    "Flag": ("een waarschuwing", "a warning"),
    "Immunization": ("een vaccinatie", "a vaccination"),
    "List": ("een lijst", "a list"),
    "Procedure": ("een behandeling", "a treatment"),
    "ServiceRequest": ("een verwijzing of aanvraag", "a referral or request"),
    "Provenance": ("een aantekening van wie iets veranderde", "a note of who changed something"),
    "AuditEvent": ("dit logboek", "this log"),
}
_OPERATIONS: Mapping[str, tuple[str, str]] = {
    "$everything": ("alle gegevens", "everything"),
    "$review": ("een steekproef uit het logboek", "a sample of the log"),
    "$access-log": ("dit logboek", "this log"),
    "$crisis-summary": ("de crisissamenvatting", "the crisis summary"),
    "$what-stops": (
        "uw hulp, voor zover die stopt als iemand niet meer meedoet",
        "your help, as far as it stops when somebody takes part no more",
    ),
    "$spider": ("het web van uw antwoorden", "the web of your answers"),
    "$break-glass": ("uw gegevens, in nood", "your data, in an emergency"),
    "$open-contact": ("uw gegevens, tijdens de dienst", "your data, on duty"),
}
_HIDDEN = ("gegevens die hier niet getoond worden", "data that are not shown here")
_ROLES: Mapping[str, tuple[str, str]] = {
    "backend": ("systeem van een organisatie (automatisch)", "system of an organisation (automatic)"),
    "hub": ("de hub (automatisch)", "the hub (automatic)"),
}
_SYSTEM = ("een systeem", "a system")
_SOMEBODY = ("iemand", "somebody")


class Words(NamedTuple):
    """What is needed to tell a line: how people and organisations are called, and roles in both languages."""

    names: Mapping[str, str]
    roles: Mapping[str, tuple[str, str]]
    language: Language
    to_patient: bool
    """Whether the patient reads it, and not somebody for them."""


def told(line: Line, words: Words, view: View) -> str:
    """The line as sentences."""
    names, language = words.names, words.language
    entry, n = line.record.entry, 0 if language == "nl" else 1
    hidden = view.veiled and line.hidden
    who = _who(entry, words, n)
    by_hub = entry.rule == "hub" and entry.role != "hub"
    what = _HIDDEN[n] if hidden else _what(entry, n)
    reasons = REASONS if words.to_patient else {**REASONS, **_TO_OTHERS}
    reason = reasons.get(entry.rule or "", ("", ""))[n]
    if entry.patient is not None and not words.to_patient:
        reference = f"Patient/{entry.patient}"
        what = _of(what, names.get(reference, reference), n)
    also = ""
    if entry.responsible is not None:
        under = ("onder verantwoordelijkheid van", "under the responsibility of")[n]
        also = f", {under} {names.get(entry.responsible, entry.responsible)}"
    detail = recording.details(entry.detail)
    if "purpose" in detail:
        also += f" ({detail['purpose']})"
    moment, subject = _moment(entry.recorded), _closed(who)
    if entry.outcome != "0":
        end = _IN_VAIN.get(entry.rule, _IN_VAIN["failed"])[n]
        return f"{moment} {subject} {_TRIED[entry.action][n].format(what=what)}{also}; {end}."
    deed = _NOTIFIED[n] if entry.interaction == recording.NOTIFIED else _DEEDS[entry.action][n]
    if by_hub:
        after = (f"na wat {subject} deed", f"after what {subject} did")[n]
        return f"{moment} {_ROLES['hub'][n]} {deed} {what}. {_because(f'{reason}, {after}{also}', n)}"
    return f"{moment} {subject} {deed} {what}{also}. {_because(reason, n)}"


def _closed(who: str) -> str:
    """Who it was, with the comma that ends what is said of them."""
    return f"{who}," if ", " in who else who


def _because(reason: str, n: int) -> str:
    return f"{('Reden', 'Reason')[n]}: {reason}." if reason else ""


def _who(entry: Entry, words: Words, n: int) -> str:
    names, role = words.names, entry.role or ""
    called = words.roles.get(role, _ROLES.get(role, ("", "")))[n]
    person = names.get(entry.person or "") or called
    parts = [person or (_SYSTEM if entry.client else _SOMEBODY)[n]]
    if called and called != person:
        parts.append(called)
    if entry.organization is not None:
        parts.append(names.get(entry.organization, entry.organization))
    return ", ".join(parts)


def _what(entry: Entry, n: int) -> str:
    if entry.interaction in _OPERATIONS:
        return _OPERATIONS[entry.interaction][n]
    if entry.type is None:
        return ("gegevens over u", "data about you")[n]
    thing = _THINGS.get(entry.type)
    return entry.type if thing is None else thing[n]


def _of(what: str, whose: str, n: int) -> str:
    """What is the patient's, told to another: the patient is named."""
    for yours, theirs in _THEIRS[n]:
        what = what.replace(yours, theirs)
    if what.endswith((" over", " about")):
        return f"{what} {whose}"
    thing, comma, rest = what.partition(",")
    return f"{thing} {('van', 'of')[n]} {whose}{comma}{rest}"


_THEIRS = (
    (("uw zorg", "het zorg"), ("uw ", "de "), ("over u", "over")),
    (("your ", "the "), ("about you", "about")),
)


def _moment(recorded: int) -> str:
    zone = _zone()
    moment = datetime.datetime.fromtimestamp(recorded // 1_000_000, zone or datetime.UTC)
    return f"{moment:%d-%m-%Y %H:%M}" + ("" if zone else " UTC")


@functools.cache
def _zone() -> datetime.tzinfo | None:
    """Dutch time; None on a machine that does not know it."""
    try:
        return zoneinfo.ZoneInfo("Europe/Amsterdam")
    except zoneinfo.ZoneInfoNotFoundError:
        return None


def narrative(text: str, language: Language) -> Json:
    """The text of a resource that says this."""
    div = f'<div xmlns="http://www.w3.org/1999/xhtml" lang="{language}" xml:lang="{language}">{escape(text)}</div>'
    return {"status": "generated", "div": div}
