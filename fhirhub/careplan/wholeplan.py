"""The whole plan on paper: what matters, what it is about, goals, who does what, who takes part, the last
measurements (the guide's profile PlanDocument)."""

from __future__ import annotations

from fhirhub.careplan.gathering import Gathering, day, name_of, words
from fhirhub.repository import now
from fhirhub.resources import careplan, dimensions, document, measurements, spoken
from fhirhub.resources.careplan import Json
from fhirhub.resources.papers import Language, Line, Section

MOST_RESULTS = 12
_WORDS = {
    "nl": {
        "since": "sinds",
        "until": "vóór",
        "target": "streven",
        "owner": "door",
        "asked": "gevraagd aan",
        "score": "Score",
        "to": "tot",
    },
    "en": {
        "since": "since",
        "until": "before",
        "target": "target",
        "owner": "by",
        "asked": "asked of",
        "score": "Score",
        "to": "to",
    },
}
_BY = {
    "nl": {"self": "zelf", "professional": "zorgverlener", "carer": "mantelzorger"},
    "en": {"self": "self", "professional": "professional", "carer": "carer"},
}
_STATUS: dict[Language, dict[str, str]] = {
    "nl": {
        "requested": "gevraagd",
        "received": "wacht op toestemming",
        "ready": "klaar om op te pakken",
        "accepted": "aangenomen",
        "in-progress": "bezig",
        "on-hold": "staat stil",
        "completed": "klaar",
        "cancelled": "geannuleerd",
        "rejected": "afgewezen",
        "failed": "niet gelukt",
        "not-started": "nog niet begonnen",
        "scheduled": "gepland",
        "stopped": "gestopt",
        "proposed": "voorgesteld",
        "planned": "gepland",
        "active": "loopt",
        "draft": "in voorbereiding",
        "entered-in-error": "foutief ingevoerd",
        "unknown": "onbekend",
    },
    "en": {
        "received": "waits for agreement",
        "ready": "ready to be taken up",
        "in-progress": "in progress",
        "on-hold": "on hold",
        "not-started": "not started",
        "active": "going on",
        "entered-in-error": "entered in error",
    },
}
_ACHIEVED: dict[Language, dict[str, str]] = {
    "nl": {
        "in-progress": "bezig",
        "improving": "gaat vooruit",
        "worsening": "gaat achteruit",
        "no-change": "blijft gelijk",
        "achieved": "bereikt",
        "sustaining": "bereikt, en zo gebleven",
        "not-achieved": "niet bereikt",
        "no-progress": "geen vooruitgang",
        "not-attainable": "niet haalbaar",
    },
    "en": {
        "in-progress": "in progress",
        "improving": "improving",
        "worsening": "worsening",
        "no-change": "no change",
        "achieved": "achieved",
        "sustaining": "sustaining",
        "not-achieved": "not achieved",
        "no-progress": "no progress",
        "not-attainable": "not attainable",
    },
}
_PURSUED = frozenset({"accepted", "active", "completed"})
"""Goals of which it says something how far they came; of the others their own state comes first."""
_NOT_TAKEN = frozenset({"draft", "requested", "received", "cancelled"})
"""Tasks that their owner was asked to do, and did not say yes to or need not do."""


async def sections(gathering: Gathering, plan: Json, language: Language) -> list[Section]:
    """The sections of a plan's document."""
    made = _Made(gathering, plan, language)
    goals = await made.goals()
    return [
        Section("wensen", [*made.wishes, *made.own_words], gathering.withholds("Goal")),
        Section("problemen", await made.problems(), gathering.withholds("Condition")),
        Section("doelen", goals, gathering.withholds("Goal")),
        Section("afspraken", await made.activities(), gathering.withholds("Task")),
        Section("team", await made.team(), gathering.withholds("CareTeam")),
        Section("metingen", await made.results(), gathering.withholds("Observation")),
    ]


class _Made:
    """One plan's lines."""

    def __init__(self, gathering: Gathering, plan: Json, language: Language) -> None:
        self.gathering, self.plan, self.language = gathering, plan, language
        self.say, self.status = _WORDS[language], _STATUS[language]
        self.patient = careplan.patient_of(plan, gathering.base)
        self.own_words: list[Line] = []

    @property
    def wishes(self) -> list[Line]:
        """What the plan itself says."""
        about = f"CarePlan/{self.plan['id']}"
        texts = [self.plan.get("description"), *(note.get("text") for note in self.plan.get("note", ()))]
        return [Line(str(text), None, None, about) for text in texts if text]

    async def problems(self) -> list[Line]:
        """What the plan is about."""
        lines = []
        for reference in self.plan.get("addresses", ()):
            condition = await self.gathering.one(reference)
            if condition is not None:
                date = day(condition.get("recordedDate") or condition.get("onsetDateTime"))
                lines.append(Line(words(condition.get("code")), date, None, f"Condition/{condition['id']}"))
        return lines

    async def goals(self) -> list[Line]:
        lines = []
        for reference in self.plan.get("goal", ()):
            goal = await self.gathering.one(reference)
            if goal is None:
                continue
            by = await self.gathering.with_name(goal.get("expressedBy"))
            date, about = day(goal.get("statusDate") or goal.get("startDate")), f"Goal/{goal['id']}"
            lifecycle = goal.get("lifecycleStatus")
            state = self._achieved(goal) if lifecycle in _PURSUED else ""
            state = state or self._stated(lifecycle)
            targets = [
                f"{self.say['target']}: {told}"
                for one in goal.get("target", ())
                if (told := self._target(one))
            ]
            text = _joined(words(goal.get("description")), state[:1].lower() + state[1:], *targets)
            lines.append(Line(text, date, by, about))
            if (by or {}).get("reference") == f"Patient/{self.patient}":
                self.own_words.append(Line(words(goal.get("description")), date, by, about))
        return lines

    async def activities(self) -> list[Line]:
        lines: list[Line] = []
        ended: list[Line] = []
        for activity in self.plan.get("activity", ()):
            if "reference" in activity:
                found = await self.gathering.one(activity["reference"])
                if found is not None:
                    (ended if found.get("status") in _ENDED else lines).append(await self._task(found))
            elif detail := activity.get("detail"):
                text = _joined(
                    str(detail.get("description") or words(detail.get("code"))),
                    self._stated(detail.get("status")),
                    self._when(detail),
                    *[await self.gathering.called(one) for one in detail.get("performer", ())],
                )
                place = ended if detail.get("status") in _ENDED else lines
                place.append(Line(text, None, None, f"CarePlan/{self.plan['id']}"))
        return [*lines, *ended]

    def _when(self, detail: Json) -> str:
        """When an activity is done: the next date of those planned, the period, or in words."""
        dates = sorted(str(one)[:10] for one in detail.get("scheduledTiming", {}).get("event", ()))
        today = document.instant(now())[:10]
        coming = next((one for one in dates if one >= today), None)
        return (
            spoken.moment(detail.get("scheduledPeriod", {}).get("start"), self.language)
            or str(detail.get("scheduledString") or "")
            or spoken.day(coming, self.language)
        )

    async def _task(self, task: Json) -> Line:
        owner = await self.gathering.called(task.get("owner"))
        until = spoken.day(task.get("restriction", {}).get("period", {}).get("end"), self.language)
        text = _joined(
            str(task.get("description") or words(task.get("code"))),
            *self._taken(task.get("status"), owner),
            f"{self.say['until']} {until}" if until else "",
        )
        return Line(text, day(task.get("authoredOn")), None, f"{task['resourceType']}/{task['id']}")

    def _taken(self, status: object, owner: str) -> tuple[str, ...]:
        """How a task stands, and with whom: one that nobody took up is asked of its owner, not done by them."""
        state = self._stated(status)
        if not owner:
            return (state,)
        if status not in _NOT_TAKEN:
            return state, f"{self.say['owner']} {owner}"
        asked = f"{self.say['asked']} {owner}"
        return (asked,) if status == "requested" else (state, asked)

    async def team(self) -> list[Line]:
        lines = []
        for reference in self.plan.get("careTeam", ()):
            team = await self.gathering.one(reference)
            for one in careplan.active(team, now()) if team else ():
                name = await self.gathering.called(one.get("member"))
                roles = words(one.get("role"))
                since = spoken.day(one.get("period", {}).get("start"), self.language)
                text = _joined(name, roles, f"{self.say['since']} {since}" if since else "")
                lines.append(Line(text, None, None, f"CareTeam/{(team or {})['id']}"))
        return lines

    async def results(self) -> list[Line]:
        """The last scores of each side, and the last measurement of each kind."""
        lines = []
        subject = ("subject", f"Patient/{self.patient}")
        of_dimensions = ("code", f"{dimensions.system()}|")
        scores = await self.gathering.of("Observation", subject, of_dimensions, ("_sort", "-date"))
        names, seen = dimensions.names(), set()
        for series in dimensions.series(scores):
            if series.source in seen:
                continue
            seen.add(series.source)
            points = ", ".join(
                f"{names[code][self.language]} {spoken.number(value, self.language)}"
                for code, value in series.points.items()
            )
            by = _BY[self.language][series.source]
            lines.append(
                Line(f"{self.say['score']} ({by}): {points}", day(series.date), None, series.response)
            )
        found = await self.gathering.of(
            "Observation", subject, ("category", "vital-signs"), ("_sort", "-date")
        )
        kinds: set[str] = set()
        for one in found:
            kind = self._called(one.get("code"))
            if kind not in kinds and len(kinds) < MOST_RESULTS:
                kinds.add(kind)
                text = f"{kind[:1].upper()}{kind[1:]}: {self._value(one)}"
                lines.append(Line(text, day(one.get("effectiveDateTime")), None, f"Observation/{one['id']}"))
        return lines

    def _called(self, concept: Json | None) -> str:
        """What was measured: its own words, else what the hub calls that code; in English the other way round,
        as the words of a Dutch record are Dutch."""
        told = words(concept)
        if self.language == "en":
            return measurements.called(concept, "en") or told
        codes = {code for _, code in careplan.codings(concept)}
        return (measurements.called(concept, self.language) or told) if told in codes else told

    def _target(self, target: Json) -> str:
        value = target.get("detailString") or words(target.get("detailCodeableConcept"))
        if quantity := target.get("detailQuantity"):
            value = self._amount(quantity)
        if bounds := target.get("detailRange"):
            value = self._range(bounds)
        due = spoken.day(target.get("dueDate"), self.language)
        measured = " ".join(filter(None, (self._called(target.get("measure")).lower(), str(value or ""))))
        return " ".join(filter(None, (measured, f"{self.say['until']} {due}" if due else "")))

    def _range(self, bounds: Json) -> str:
        low, high = bounds.get("low"), bounds.get("high")
        if low is None or high is None:
            return f"{'≥' if low else '≤'} {self._amount(low or high or {})}"
        same = (low.get("unit"), low.get("code")) == (high.get("unit"), high.get("code"))
        first = spoken.number(low.get("value", ""), self.language) if same else self._amount(low)
        return f"{first} {self.say['to']} {self._amount(high)}"

    def _value(self, observation: Json) -> str:
        parts = [
            f"{self._called(part.get('code'))} {self._amount(part['valueQuantity'])}"
            for part in observation.get("component", ())
            if "valueQuantity" in part
        ]
        if "valueQuantity" in observation:
            parts.insert(0, self._amount(observation["valueQuantity"]))
        return ", ".join(parts) or str(
            observation.get("valueString") or words(observation.get("valueCodeableConcept"))
        )

    def _amount(self, quantity: Json) -> str:
        unit = spoken.unit(quantity.get("unit") or quantity.get("code"))
        value = spoken.number(quantity.get("value", ""), self.language)
        return f"{quantity.get('comparator', '')}{value} {unit}".strip()

    def _achieved(self, goal: Json) -> str:
        """How far a goal came, in the reader's language where it is a code of FHIR."""
        achieved = goal.get("achievementStatus")
        known = (_ACHIEVED[self.language].get(code) for _, code in careplan.codings(achieved))
        return next(filter(None, known), words(achieved))

    def _stated(self, status: object) -> str:
        return self.status.get(str(status), str(status or ""))


def title(patient: Json, language: Language) -> str:
    """What the document is called."""
    return f"{'Zorgplan van' if language == 'nl' else 'Care plan of'} {name_of(patient)}".strip()


_ENDED = frozenset({"completed", "cancelled", "rejected", "failed", "stopped", "entered-in-error"})


def _joined(*parts: str) -> str:
    """The parts in one sentence."""
    return ", ".join(part.rstrip(". ") for part in parts if part)
