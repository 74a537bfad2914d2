"""Papers: a Composition in fixed sections, as a document Bundle (https://hl7.org/fhir/R4/documents.html).

Pure functions over JSON. What a section says stands in its narrative, with date and author of each line.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from fhirhub.resources import document, guide, references, spoken

Json = dict[str, Any]
Language = spoken.Language

_EMPTY = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
_WORDS = {
    "nl": {"unrecorded": "Niet vastgelegd.", "withheld": "Niet opgevraagd: uw toegang omvat dit niet."},
    "en": {"unrecorded": "Not recorded.", "withheld": "Not asked for: your access does not include this."},
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a section says, with when and by whom it was stated, and the resource that says it."""

    text: str
    date: str | None = None
    author: Json | None = None
    """A Reference."""
    about: str | None = None
    """`Type/id`."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section by its code of the guide's `document-section`. `withheld`: the caller's access does not include what
    it is made of, which is not the same as that nothing is recorded."""

    code: str
    lines: Sequence[Line] = ()
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Paper:
    """What a document is of: kind (a code of `document-type`) and profile, the patient's id, its title, who made it and
    when (an instant)."""

    kind: str
    profile: str
    patient: str
    title: str
    author: Json
    moment: str
    language: Language
    sections: Sequence[Section] = field(default=())


def composition(paper: Paper) -> Json:
    """The Composition of a paper."""
    return {
        "resourceType": "Composition",
        "id": str(uuid.uuid4()),
        "meta": {"profile": [guide.url("StructureDefinition", paper.profile)]},
        "language": paper.language,
        "status": "final",
        "type": {"coding": [_coding("document-type", paper.kind, paper.language)]},
        "subject": {"reference": f"Patient/{paper.patient}"},
        "date": paper.moment,
        "author": [paper.author],
        "title": paper.title,
        "section": [_section(one, paper.language) for one in paper.sections],
    }


def bundle(made: Json, named: Mapping[str, bytes], base: str) -> bytes:
    """The document: the Composition, then every resource that `named` has under `Type/id`, as stored."""
    id = f"urn:uuid:{uuid.uuid4()}"
    head = {
        "resourceType": "Bundle",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": id},
        "type": "document",
        "timestamp": made["date"],
    }
    # Its address is of the hub, so that references in it, which are relative, lead to the entries
    # (https://hl7.org/fhir/R4/bundle.html#references).
    every = {f"Composition/{made['id']}": document.encode(made), **named}
    parts = []
    for name, body in every.items():
        parts.append(f'{{"fullUrl":"{base}/{name}","resource":'.encode() + body + b"}")
    return document.encode(head)[:-1] + b',"entry":[' + b",".join(parts) + b"]}"


def named(made: Json) -> list[str]:
    """`Type/id` of every resource that a Composition refers to, in order, each once."""
    found: dict[str, None] = {}
    for text in references.walk(made):
        target = references.parse(text.holder[text.key], None) if text.kind == "reference" else None
        if target is not None and target.is_local and target.type and target.id:
            found[f"{target.type}/{target.id}"] = None
    return list(found)


def _section(section: Section, language: Language) -> Json:
    coding = _coding("document-section", section.code, language)
    made: Json = {"title": coding["display"], "code": {"coding": [coding]}}
    dates = sorted(line.date for line in section.lines if line.date)
    if dates:
        made = {
            "extension": [
                {"url": guide.url("StructureDefinition", "section-date"), "valueDateTime": dates[-1]}
            ],
            **made,
        }
    authors = {
        str(line.author.get("reference") or line.author): line.author for line in section.lines if line.author
    }
    if authors:
        made["author"] = list(authors.values())
    made["text"] = {"status": "generated", "div": _narrative(section, language)}
    about = dict.fromkeys(line.about for line in section.lines if line.about)
    if about:
        made["entry"] = [{"reference": one} for one in about]
    if not section.lines:
        made["emptyReason"] = {
            "coding": [{"system": _EMPTY, "code": "withheld" if section.withheld else "unavailable"}],
            "text": _empty(section, language),
        }
    return made


def _narrative(section: Section, language: Language) -> str:
    head = f'<div xmlns="http://www.w3.org/1999/xhtml" lang="{language}" xml:lang="{language}">'
    if not section.lines:
        return f"{head}<p>{_empty(section, language)}</p></div>"
    lines = (told(line, language) for line in section.lines)
    return head + "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul></div>"


def told(line: Line, language: Language) -> str:
    """A line with its date, written out, and author."""
    by = (line.author or {}).get("display")
    date = spoken.day(line.date, language)
    beside = ", ".join(part for part in (date, by) if part)
    return f"{line.text} ({beside})" if beside else line.text


def _empty(section: Section, language: Language) -> str:
    return _WORDS[language]["withheld" if section.withheld else "unrecorded"]


def _coding(system: str, code: str, language: Language) -> Json:
    return {
        "system": guide.url("CodeSystem", system),
        "code": code,
        "display": _names(system)[code][language],
    }


def called(coding: Json, language: Language) -> str:
    """What the guide calls a code of its own; empty of another's."""
    system, slash, name = str(coding.get("system") or "").partition(f"{guide.canonical()}/CodeSystem/")
    found = _names(name).get(str(coding.get("code"))) if slash and not system else None
    return found[language] if found else ""


@functools.cache
def _names(system: str) -> Mapping[str, Mapping[str, str]]:
    found = guide.find("CodeSystem", guide.url("CodeSystem", system)) or {}
    return {
        each["code"]: {
            "nl": each["display"],
            "en": each["display"],
            **{word["language"]: word["value"] for word in each.get("designation", ())},
        }
        for each in found.get("concept", ())
    }
