"""The crisis summary: what the doctor on duty must know within seconds, in fixed sections (RULES R33; the guide's
profile CrisisSummary).

Treatment limits stand word for word: where a directive says "otherwise", its text is shown and no yes or no is
derived. What no resource of its own tells (the agreed policy, how to get in) is taken from the latest summary that a
professional wrote as a Composition of that kind.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

from fhirhub.careplan.gathering import Gathering, day, name_of, phones, words
from fhirhub.repository import now
from fhirhub.resources import careplan, consents, guide, papers, relations, spoken
from fhirhub.resources.careplan import Json
from fhirhub.resources.papers import Language, Line, Section

OTHERWISE = "ext-TreatmentDirective2.SpecificationOther"
"""The nl-core modifierExtension with the words of a limit that is neither yes nor no; known without its package."""
DAYS_AHEAD = 14
_TREATMENT_DIRECTIVE = "11291000146105"
_WORDS = {
    "nl": {
        "yes": "wel uitvoeren",
        "no": "niet uitvoeren",
        "unknown": "bevat een aanvulling die dit systeem niet kent; lees de aanwijzing zelf",
        "representative": "vertegenwoordiger",
        "contact": "contactpersoon",
        "no-phone": "geen telefoonnummer vastgelegd",
        "directive": "wilsverklaring",
        "source": "bron",
        "high": "hoog risico",
        "held-until": "VERLOPEN, gold tot",
    },
    "en": {
        "yes": "to be carried out",
        "no": "not to be carried out",
        "unknown": "has an addition that this system does not know; read the directive itself",
        "representative": "representative",
        "contact": "contact",
        "no-phone": "no phone number recorded",
        "directive": "advance directive",
        "source": "source",
        "high": "high risk",
        "held-until": "EXPIRED, held until",
    },
}


async def sections(gathering: Gathering, patient: Json, language: Language) -> list[Section]:
    """The sections, in their fixed order; each is there, also when nothing is recorded."""
    made = _Made(gathering, patient, language)
    await made.read()
    return [
        Section("behandelgrenzen", made.limits, gathering.withholds("Consent")),
        Section("wilsverklaringen", made.directives, gathering.withholds("Consent")),
        Section("contact", await made.contacts(), gathering.withholds("RelatedPerson")),
        Section("problemen", await made.problems(), gathering.withholds("Condition")),
        Section("allergieen", await made.allergies(), gathering.withholds("AllergyIntolerance")),
        Section("medicatie", await made.medication(), gathering.withholds("MedicationStatement")),
        Section("crisisbeleid", await made.written("crisisbeleid"), gathering.withholds("Composition")),
        Section("wie-komt", await made.visits(), gathering.withholds("Appointment")),
        Section("toegang", await made.written("toegang"), gathering.withholds("Composition")),
        Section("coordinator", await made.coordinator(), gathering.withholds("CareTeam")),
    ]


class _Made:
    """One patient's lines."""

    def __init__(self, gathering: Gathering, patient: Json, language: Language) -> None:
        self.gathering, self.patient = gathering, patient
        self.language, self.say = language, _WORDS[language]
        self.id = patient["id"]
        self.limits: list[Line] = []
        self.directives: list[Line] = []
        self.representatives: set[str] = set()
        self.composition: Json | None = None

    async def read(self) -> None:
        """What several sections are made of."""
        moment = now()
        for consent in await self.gathering.of("Consent", ("patient", self.id), ("status", "active")):
            if consents.is_treatment_limit(consent):
                await self._directive(consent)
            for decision in consents.decisions(consent, self.gathering.base):
                if decision.represents and decision.start <= moment < decision.until:
                    self.representatives.add(decision.actor)
        kind = f"{guide.url('CodeSystem', 'document-type')}|crisissamenvatting"
        written = await self.gathering.of(
            "Composition", ("patient", self.id), ("type", kind), ("status", "final,amended,preliminary")
        )
        self.composition = max(written, key=lambda one: str(one.get("date")), default=None)

    async def _directive(self, consent: Json) -> None:
        author = await self.gathering.with_name(next(iter(consent.get("performer", ())), None))
        date, about = consent.get("dateTime"), f"Consent/{consent['id']}"
        provision = consent.get("provision", {})
        treatment = words(provision.get("code"))
        modifiers = [*consent.get("modifierExtension", ()), *provision.get("modifierExtension", ())]
        told = [str(one["valueString"]) for one in modifiers if _is_otherwise(one) and "valueString" in one]
        codes = {code for _, code in careplan.codings(consent.get("category"))}
        if not treatment and not told and _TREATMENT_DIRECTIVE not in codes:
            attachment = consent.get("sourceAttachment", {}).get("title")
            text = ": ".join(
                filter(None, (words(consent.get("category")) or self.say["directive"], attachment))
            )
            self.directives.append(Line(text, date, author, about))
            return
        if told:
            decision = "; ".join(f'"{text}"' for text in told)
        elif modifiers:
            decision = self.say["unknown"]
        else:
            decision = self.say["yes" if provision.get("type") == "permit" else "no"]
        until = provision.get("period", {}).get("end")
        if until and relations.period({"end": until})[1] <= now():
            # Who reads it decides: what has run out may still be what the patient wants.
            decision = f"{decision}, {self.say['held-until']} {spoken.day(until, self.language)}"
        self.limits.append(
            Line(f"{treatment or words(consent.get('category'))}: {decision}", date, author, about)
        )

    async def contacts(self) -> list[Line]:
        """The representative first, then the others in their rank."""
        found = []
        for person in await self.gathering.of("RelatedPerson", ("patient", self.id)):
            if person.get("active") is False:
                continue
            codes = {code for _, code in careplan.codings(person.get("relationship"))}
            represents = (
                f"RelatedPerson/{person['id']}" in self.representatives or consents.REPRESENTATIVE in codes
            )
            found.append((not represents, self._contact(person, represents, f"RelatedPerson/{person['id']}")))
        if not self.gathering.withholds("RelatedPerson"):
            about = f"Patient/{self.id}"
            found += [(True, self._contact(one, False, about)) for one in self.patient.get("contact", ())]
        return [line for _, line in sorted(found, key=lambda one: one[0])]

    def _contact(self, person: Json, represents: bool, about: str) -> Line:
        relation = words(person.get("relationship"))
        kind = self.say["representative"] if represents else relation or self.say["contact"]
        phone = ", ".join(phones(person)) or self.say["no-phone"]
        return Line(
            f"{name_of(person)} ({kind}): {phone}",
            day(person.get("meta", {}).get("lastUpdated")),
            None,
            about,
        )

    async def problems(self) -> list[Line]:
        active = ("clinical-status", "active,recurrence,relapse")
        found = await self.gathering.of("Condition", ("patient", self.id), active)
        return [
            Line(
                words(one.get("code")),
                day(one.get("recordedDate") or one.get("onsetDateTime")),
                await self.gathering.with_name(one.get("recorder") or one.get("asserter")),
                f"Condition/{one['id']}",
            )
            for one in found
            if not {"refuted", "entered-in-error"} & _codes(one.get("verificationStatus"))
        ]

    async def allergies(self) -> list[Line]:
        found = await self.gathering.of("AllergyIntolerance", ("patient", self.id))
        lines = []
        for one in found:
            if {"refuted", "entered-in-error"} & _codes(one.get("verificationStatus")):
                continue
            if {"inactive", "resolved"} & _codes(one.get("clinicalStatus")):
                continue
            reactions = ", ".join(
                filter(None, (words(reaction.get("manifestation")) for reaction in one.get("reaction", ())))
            )
            beside = ", ".join(
                filter(None, (reactions, self.say["high"] if one.get("criticality") == "high" else ""))
            )
            text = words(one.get("code")) + (f": {beside}" if beside else "")
            author = await self.gathering.with_name(one.get("recorder") or one.get("asserter"))
            lines.append(Line(text, day(one.get("recordedDate")), author, f"AllergyIntolerance/{one['id']}"))
        return lines

    async def medication(self) -> list[Line]:
        lines = []
        for type in ("MedicationStatement", "MedicationRequest"):
            for one in await self.gathering.of(type, ("patient", self.id), ("status", "active")):
                dosages = one.get("dosage") or one.get("dosageInstruction") or ()
                dose = ", ".join(dosage["text"] for dosage in dosages if dosage.get("text"))
                name = words(one.get("medicationCodeableConcept")) or await self.gathering.called(
                    one.get("medicationReference")
                )
                source = await self.gathering.with_name(one.get("informationSource") or one.get("requester"))
                told = (source or {}).get("display")
                text = ", ".join(filter(None, (name, dose, f"{self.say['source']}: {told}" if told else "")))
                date = day(one.get("dateAsserted") or one.get("authoredOn") or one.get("effectiveDateTime"))
                lines.append(Line(text, date, None, f"{type}/{one['id']}"))
        return lines

    async def visits(self) -> list[Line]:
        """Visits of the coming days, and what the written summary says of who comes when."""
        today = datetime.now(UTC)
        until = today + timedelta(days=DAYS_AHEAD)
        booked = await self.gathering.of(
            "Appointment",
            ("patient", self.id),
            ("status", "booked,pending"),
            ("date", f"ge{today:%Y-%m-%d}"),
            ("date", f"le{until:%Y-%m-%d}"),
            ("_sort", "date"),
        )
        lines = await self.written("wie-komt")
        for one in booked:
            who = [
                await self.gathering.called(each.get("actor"))
                for each in one.get("participant", ())
                if not str((each.get("actor") or {}).get("reference", "")).endswith(f"Patient/{self.id}")
            ]
            when = spoken.moment(one.get("start"), self.language)
            text = ", ".join(filter(None, (when, self._kind(one))))
            if named := ", ".join(filter(None, who)):
                text = f"{text}: {named}"
            lines.append(Line(text, None, None, f"Appointment/{one['id']}"))
        return lines

    def _kind(self, appointment: Json) -> str:
        """What is going to happen, so that who takes part in a meeting is not taken for a visitor."""
        kinds = []
        for concept in [*appointment.get("serviceType", ()), appointment.get("appointmentType")]:
            own = (papers.called(one, self.language) for one in (concept or {}).get("coding", ()))
            kinds.append(next(filter(None, own), words(concept)))
        told = [next(filter(None, kinds), ""), str(appointment.get("description") or "")]
        return ", ".join(dict.fromkeys(filter(None, told)))

    async def written(self, code: str) -> list[Line]:
        """What the latest written summary says in a section."""
        if self.composition is None:
            return []
        about = f"Composition/{self.composition['id']}"
        for section in self.composition.get("section", ()):
            text = _plain(str(section.get("text", {}).get("div", "")))
            if not careplan.has_own_code(section.get("code"), "document-section", code) or not text:
                continue
            if section.get("emptyReason"):
                continue
            dated = guide.url("StructureDefinition", "section-date")
            dates = [
                each.get("valueDateTime") for each in section.get("extension", ()) if each.get("url") == dated
            ]
            authors = section.get("author") or self.composition.get("author") or [None]
            author = await self.gathering.with_name(authors[0])
            return [Line(text, day(next(iter(dates), self.composition.get("date"))), author, about)]
        return []

    async def coordinator(self) -> list[Line]:
        """Who coordinates the plans that go on: each once, with the plans where more than one does."""
        lines: dict[str, Line] = {}
        of: dict[str, list[str]] = {}
        for plan in await self.gathering.of("CarePlan", ("patient", self.id), ("status", "active,on-hold")):
            for reference in plan.get("careTeam", ()):
                team = await self.gathering.one(reference)
                holder = (
                    careplan.holder(team, careplan.COORDINATOR, now(), self.gathering.base) if team else None
                )
                if team is None or holder is None:
                    continue
                line = await self._coordinates(team, careplan.to(holder))
                known = lines.get(line.text, line)
                lines[line.text] = max(line, known, key=lambda each: each.date or "")
                of.setdefault(line.text, []).append(str(plan.get("title") or words(plan.get("category"))))
        if len(lines) < 2:
            return list(lines.values())
        return [
            replace(line, text=f"{text} ({'; '.join(plans)})")
            if (plans := [one for one in dict.fromkeys(of[text]) if one])
            else line
            for text, line in lines.items()
        ]

    async def _coordinates(self, team: Json, holder: Json) -> Line:
        found = await self.gathering.one(holder) or {}
        numbers = phones(found)
        if not numbers and found.get("resourceType") == "PractitionerRole":
            numbers = phones(await self.gathering.one(found.get("organization")) or {})
        name = await self.gathering.called(holder)
        text = f"{name}: {', '.join(numbers)}" if numbers else f"{name} ({self.say['no-phone']})"
        return Line(text, day(team.get("meta", {}).get("lastUpdated")), None, f"CareTeam/{team['id']}")


def _codes(concept: object) -> set[str]:
    return {code for _, code in careplan.codings(concept)}


def _is_otherwise(extension: Json) -> bool:
    return str(extension.get("url", "")).rsplit("/", 1)[-1] == OTHERWISE


def _plain(div: str) -> str:
    """The text of a narrative, its paragraphs and items one after the other."""
    spaced = re.sub(r"</(?:p|li|td|tr|div|h\d)>|<br\s*/?>", " ", div)
    return " ".join(unescape(re.sub(r"<[^>]*>", "", spaced)).split())
