"""The whole plan on paper: what matters, goals, who does what, who takes part, the last measurements (the guide's
profile PlanDocument)."""

from __future__ import annotations

from fhirhub.careplan.gathering import Gathering, clock, day, name_of, words
from fhirhub.repository import now
from fhirhub.resources import careplan, dimensions
from fhirhub.resources.careplan import Json
from fhirhub.resources.papers import Language, Line, Section

MOST_RESULTS = 12
_WORDS = {
    "nl": {
        "since": "sinds",
        "until": "tot",
        "target": "streven",
        "own": "eigen woorden",
        "owner": "door",
        "score": "score",
    },
    "en": {
        "since": "since",
        "until": "until",
        "target": "target",
        "own": "own words",
        "owner": "by",
        "score": "score",
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
    },
    "en": {},
}


async def sections(gathering: Gathering, plan: Json, language: Language) -> list[Section]:
    """The sections of a plan's document."""
    made = _Made(gathering, plan, language)
    goals = await made.goals()
    return [
        Section("wensen", [*made.wishes, *made.own_words], gathering.withholds("Goal")),
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

    async def goals(self) -> list[Line]:
        lines = []
        for reference in self.plan.get("goal", ()):
            goal = await self.gathering.one(reference)
            if goal is None:
                continue
            by = await self.gathering.with_name(goal.get("expressedBy"))
            date, about = day(goal.get("statusDate") or goal.get("startDate")), f"Goal/{goal['id']}"
            state = words(goal.get("achievementStatus")) or self._stated(goal.get("lifecycleStatus"))
            targets = [
                f"{self.say['target']}: {_target(one)}" for one in goal.get("target", ()) if _target(one)
            ]
            text = ", ".join(filter(None, (words(goal.get("description")), state, *targets)))
            lines.append(Line(text, date, by, about))
            if (by or {}).get("reference") == f"Patient/{self.patient}":
                self.own_words.append(Line(words(goal.get("description")), date, by, about))
        return lines

    async def activities(self) -> list[Line]:
        lines = []
        for activity in self.plan.get("activity", ()):
            if "reference" in activity:
                found = await self.gathering.one(activity["reference"])
                if found is not None:
                    lines.append(await self._task(found))
            elif detail := activity.get("detail"):
                parts = [
                    str(detail.get("description") or words(detail.get("code"))),
                    self._stated(detail.get("status")),
                    clock(detail.get("scheduledPeriod", {}).get("start"))
                    or str(detail.get("scheduledString") or ""),
                    *[await self.gathering.called(one) for one in detail.get("performer", ())],
                ]
                lines.append(Line(", ".join(filter(None, parts)), None, None, f"CarePlan/{self.plan['id']}"))
        return lines

    async def _task(self, task: Json) -> Line:
        owner = await self.gathering.called(task.get("owner"))
        until = day(task.get("restriction", {}).get("period", {}).get("end"))
        parts = [
            str(task.get("description") or words(task.get("code"))),
            self._stated(task.get("status")),
            f"{self.say['owner']} {owner}" if owner else "",
            f"{self.say['until']} {until}" if until else "",
        ]
        about = f"{task['resourceType']}/{task['id']}"
        return Line(", ".join(filter(None, parts)), day(task.get("authoredOn")), None, about)

    async def team(self) -> list[Line]:
        lines = []
        for reference in self.plan.get("careTeam", ()):
            team = await self.gathering.one(reference)
            for one in careplan.active(team, now()) if team else ():
                name = await self.gathering.called(one.get("member"))
                roles = words(one.get("role"))
                since = day(one.get("period", {}).get("start"))
                text = ", ".join(filter(None, (name, roles, f"{self.say['since']} {since}" if since else "")))
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
                f"{names[code][self.language]} {value}" for code, value in series.points.items()
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
            kind = words(one.get("code"))
            if kind not in kinds and len(kinds) < MOST_RESULTS:
                kinds.add(kind)
                text = f"{kind}: {_value(one)}"
                lines.append(Line(text, day(one.get("effectiveDateTime")), None, f"Observation/{one['id']}"))
        return lines

    def _stated(self, status: object) -> str:
        return self.status.get(str(status), str(status or ""))


def title(patient: Json, language: Language) -> str:
    """What the document is called."""
    return f"{'Zorgplan van' if language == 'nl' else 'Care plan of'} {name_of(patient)}".strip()


def _target(target: Json) -> str:
    value = target.get("detailString") or words(target.get("detailCodeableConcept"))
    if quantity := target.get("detailQuantity"):
        value = _amount(quantity)
    if bounds := target.get("detailRange"):
        value = " - ".join(_amount(bounds[end]) for end in ("low", "high") if end in bounds)
    return ", ".join(filter(None, (words(target.get("measure")), str(value or ""), target.get("dueDate"))))


def _value(observation: Json) -> str:
    parts = [
        f"{words(part.get('code'))} {_amount(part['valueQuantity'])}"
        for part in observation.get("component", ())
        if "valueQuantity" in part
    ]
    if "valueQuantity" in observation:
        parts.insert(0, _amount(observation["valueQuantity"]))
    return ", ".join(parts) or str(
        observation.get("valueString") or words(observation.get("valueCodeableConcept"))
    )


def _amount(quantity: Json) -> str:
    unit = quantity.get("unit") or quantity.get("code") or ""
    return f"{quantity.get('comparator', '')}{quantity.get('value', '')} {unit}".strip()
