"""Figures for measures: of how many patients of each practice something is so at a moment
(https://hl7.org/fhir/R4/measure.html).

Whole sets of index rows, joined by the database; of Goals alone the body is looked into, since no index has who
expressed one. A practice's patients are those registered there (RULES R6) who have not died. What comes out counts
everybody, whoever asks: who tells it hides what is small (R36).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fhirhub.resources import guide
from fhirhub.resources.careplan import SHARED, SNOMED
from fhirhub.resources.relations import ORGANIZATION_TYPE, REGISTERING, Kind
from fhirhub.store.database import Reader
from fhirhub.store.index import FUTURE
from fhirhub.store.index.parameters import key_of, system_of
from fhirhub.store.sql import Binder, Dialect

DAY_US = 86_400 * 1_000_000
_NO_VALUE = "CAST(NULL AS BIGINT)"
BEFORE_VISIT_DAYS = 14
"""So long before a visit an answered questionnaire is one for that visit."""
VISITS_DAYS = 92
"""Visits of so many days before the moment are looked at."""


class Tally(NamedTuple):
    """Of one practice: its patients, those that a measure is about, of how many of these it is so, and the sum of their
    values where it has values."""

    practice: str
    patients: int
    about: int
    met: int
    total: float | None


async def tallies(reader: Reader, tenant: int, measure: str, at: int) -> list[Tally]:
    """A Tally for each practice with patients, by one of MEASURES, at that moment in microseconds."""
    binder = Binder()
    binder.bind(tenant, "int")
    binder.bind(at, "bigint")
    sets = _Sets(reader.dialect)
    about, met = MEASURES[measure]
    known = _needed((about, met), sets.all())
    parts = ", ".join(f"{name} AS MATERIALIZED ({sql})" for name, sql in known)
    rows = await reader.fetch(
        binder.statement(
            f"WITH {parts}, judged AS MATERIALIZED (SELECT practice, patient, CASE WHEN patient IN "
            f"(SELECT patient FROM {about}) THEN patient END AS about FROM registered), "
            # Put together by grouping: a join is done row by row where the database expects few of them.
            "together AS (SELECT patient, max(practice) AS practice, max(about) AS about, max(is_met) AS is_met, "
            "max(value) AS value FROM (SELECT patient, practice, about, 0 AS is_met, "
            f"{_NO_VALUE} AS value FROM judged UNION ALL SELECT patient, NULL, NULL, 1, value FROM {met}) AS either "
            "GROUP BY patient) "
            "SELECT practice, count(*), count(about), sum(CASE WHEN about IS NULL THEN 0 ELSE is_met END), "
            "sum(CASE WHEN about IS NULL THEN NULL ELSE value END) FROM together WHERE practice IS NOT NULL "
            "GROUP BY practice ORDER BY practice"
        )
    )
    return [
        Tally(str(name), int(patients), int(about), int(met), None if total is None else float(total))
        for name, patients, about, met, total in rows
    ]


MEASURES: Mapping[str, tuple[str, str]] = {
    "shared-plan": ("complex", "several"),
    "last-meeting": ("complex", "met_together"),
    "carer-involved": ("complex", "with_carer"),
    "own-goals": ("complex", "own_goals"),
    "adoption": ("everybody", "with_plan"),
    "response-before-visit": ("visited", "prepared"),
}
"""By name: the set of patients that a measure is about, and the set of those of whom it is so."""


async def affiliations(reader: Reader, tenant: int, at: int) -> list[tuple[str, str]]:
    """Care groups and their practices at that moment, by OrganizationAffiliation of code `zorggroep`: ids."""
    binder = Binder()
    binder.bind(tenant, "int")
    binder.bind(at, "bigint")
    type = "OrganizationAffiliation"
    rows = await reader.fetch(
        binder.statement(
            "SELECT DISTINCT a.target_id, b.target_id FROM token k CROSS JOIN reference a CROSS JOIN reference b "
            f"WHERE {_coded(f'{type}:role', guide.url('CodeSystem', 'affiliation'), 'zorggroep')} "
            f"AND {_of('a', f'{type}:primary-organization', 'k')} AND a.target_type = 'Organization' "
            f"AND {_of('b', f'{type}:participating-organization', 'k')} AND b.target_type = 'Organization' "
            f"AND NOT EXISTS (SELECT 1 FROM token x WHERE {_of('x', f'{type}:active', 'k')} AND x.code = 'false') "
            f"AND NOT EXISTS (SELECT 1 FROM date d WHERE {_of('d', f'{type}:date', 'k')} "
            "AND (d.low > $2 OR d.high <= $2)) ORDER BY 1, 2"
        )
    )
    return [(str(group), str(practice)) for group, practice in rows]


def _needed(names: Sequence[str], every: Mapping[str, tuple[str, tuple[str, ...]]]) -> list[tuple[str, str]]:
    """These sets and those that they are made of, each after what it is made of."""
    found: dict[str, str] = {}

    def add(name: str) -> None:
        sql, of = every[name]
        for one in of:
            add(one)
        found.setdefault(name, sql)

    for name in ("registered", *names):
        add(name)
    return list(found.items())


def _of(alias: str, parameter: str, other: str) -> str:
    """An index row of this parameter of the same resource as another row."""
    return f"{alias}.tenant = $1 AND {alias}.rid = {other}.rid AND {alias}.param = {key_of(parameter)}"


def _coded(parameter: str, system: str, code: str) -> str:
    """`k` is the row of a code."""
    return f"k.tenant = $1 AND k.param = {key_of(parameter)} AND k.code = '{code}' AND k.system = {system_of(system)}"


def _during(alias: str) -> str:
    return f"{alias}.start <= $2 AND {alias}.until > $2"


class _Sets:
    """The sets of patients, as SELECTs by name with the names of those they are made of; $1 is the tenant, $2 the
    moment."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def all(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        plain = ("registered",)
        return {
            "practices": (self._practices(), ()),
            "workers": (self._workers(), ("practices",)),
            "firm": (self._firm(), ("workers",)),
            "registered": (self._registered(), ("firm",)),
            "everybody": ("SELECT patient FROM registered", plain),
            "segments": (self._segments(), ()),
            "complex": ("SELECT patient FROM segments WHERE place = 1 AND code = 'complex'", ("segments",)),
            "plans": (self._plans(), ()),
            "teams": (self._teams(), ("plans",)),
            "members": (self._members(), ("teams",)),
            "several": (self._several(), ("members",)),
            "with_plan": (
                f"SELECT patient, {_NO_VALUE} AS value FROM plans GROUP BY patient",
                ("plans",),
            ),
            "with_carer": (self._with_carer(), ("members",)),
            "meetings": (self._meetings(), ()),
            "met_together": (self._met_together(), ("meetings",)),
            "own_goals": (self._own_goals(), ("complex",)),
            "visits": (self._visits(), ()),
            "visited": ("SELECT patient FROM visits", ("visits",)),
            "prepared": (self._prepared(), ("visits",)),
        }

    def _by(self, table: str, alias: str, index: str) -> str:
        """A table by that index, where SQLite would otherwise guess."""
        return f"{table} {alias}" + (f" INDEXED BY {table}_{index}" if self._dialect.name == "sqlite" else "")

    def _row(self, table: str, alias: str) -> str:
        """A table of whose rows those of one resource are looked up."""
        return self._by(table, alias, "b")

    def _practices(self) -> str:
        return (
            f"SELECT 'Organization/' || r.id AS id FROM {self._by('token', 'k', 'a')} CROSS JOIN resource r "
            f"WHERE {_coded('Organization:type', ORGANIZATION_TYPE, REGISTERING)} AND r.tenant = $1 AND r.rid = k.rid"
        )

    def _workers(self) -> str:
        """Who works at a practice, and at which; the practice itself too."""
        return (
            "SELECT id AS actor, id AS practice FROM practices UNION SELECT w.actor, w.subject "
            f"FROM practices p CROSS JOIN {self._by('relation', 'w', 'a')} WHERE w.tenant = $1 AND w.subject = p.id "
            f"AND w.kind IN ({int(Kind.WORKS)}, {int(Kind.BELONGS)}) AND {_during('w')}"
        )

    def _firm(self) -> str:
        """Where one is registered with somebody: who works at one practice alone counts for it (R6)."""
        return "SELECT actor, min(practice) AS practice FROM workers GROUP BY actor HAVING count(*) = 1"

    def _registered(self) -> str:
        return (
            "SELECT g.subject AS patient, min(f.practice) AS practice "
            f"FROM firm f CROSS JOIN {self._by('relation', 'g', 'c')} WHERE g.tenant = $1 AND g.actor = f.actor "
            f"AND g.kind = {int(Kind.PRACTICE)} AND g.rid NOT IN (SELECT x.rid FROM {self._by('token', 'x', 'a')} "
            f"WHERE x.tenant = $1 AND x.param = {key_of('Patient:deceased')} AND x.code = 'true') GROUP BY g.subject"
        )

    def _segments(self) -> str:
        """Each choice of a segment up to the moment; the last one is at place 1."""
        observation = guide.url("CodeSystem", "observation")
        return (
            "SELECT s.target_id AS patient, v.code, "
            "ROW_NUMBER() OVER (PARTITION BY s.target_id ORDER BY d.low DESC, k.rid DESC) AS place "
            f"FROM {self._by('token', 'k', 'a')} CROSS JOIN {self._row('token', 'v')} "
            f"CROSS JOIN {self._row('date', 'd')} CROSS JOIN {self._row('reference', 's')} "
            f"WHERE {_coded('Observation:code', observation, 'segment')} "
            f"AND {_of('v', 'Observation:value-concept', 'k')} "
            f"AND v.system = {system_of(guide.url('CodeSystem', 'plan-segment'))} "
            f"AND {_of('d', 'Observation:date', 'k')} AND d.low <= $2 "
            f"AND {_of('s', 'Observation:subject', 'k')} AND s.target_type = 'Patient' "
            f"AND {self._stands('Observation:status', 'k', 'final', 'amended', 'corrected')}"
        )

    def _stands(self, parameter: str, other: str, *statuses: str) -> str:
        among = ", ".join(f"'{one}'" for one in statuses)
        where = f"{_of('x', parameter, other)} AND x.code IN ({among})"
        return f"EXISTS (SELECT 1 FROM {self._row('token', 'x')} WHERE {where})"

    def _plans(self) -> str:
        """The shared plans of that moment, and whose they are. One that has ended counts for as long as it says."""
        ended = (
            f"{self._stands('CarePlan:status', 'k', 'completed', 'revoked')} "
            f"AND EXISTS (SELECT 1 FROM {self._row('date', 'd')} WHERE {_of('d', 'CarePlan:date', 'k')} "
            f"AND d.high > $2 AND d.high < {FUTURE})"
        )
        return (
            f"SELECT k.rid AS plan, s.target_id AS patient FROM {self._by('token', 'k', 'a')} "
            f"CROSS JOIN {self._row('reference', 's')} WHERE {_coded('CarePlan:category', SNOMED, SHARED)} "
            f"AND {_of('s', 'CarePlan:subject', 'k')} AND s.target_type = 'Patient' "
            f"AND ({self._stands('CarePlan:status', 'k', 'active', 'on-hold')} OR {ended}) "
            f"AND NOT EXISTS (SELECT 1 FROM {self._row('date', 'd')} WHERE {_of('d', 'CarePlan:date', 'k')} "
            "AND (d.low > $2 OR d.high <= $2))"
        )

    def _teams(self) -> str:
        """The resources in which the members of a plan stand: its teams, and the plan where it contains one."""
        return (
            "SELECT p.plan, p.patient, p.plan AS rid FROM plans p UNION ALL SELECT p.plan, p.patient, t.rid "
            f"FROM plans p CROSS JOIN {self._row('reference', 'c')} CROSS JOIN resource t "
            f"WHERE c.tenant = $1 AND c.rid = p.plan AND c.param = {key_of('CarePlan:care-team')} "
            "AND c.target_type = 'CareTeam' AND t.tenant = $1 AND t.type = 'CareTeam' AND t.id = c.target_id"
        )

    def _members(self) -> str:
        return (
            f"SELECT t.plan, t.patient, m.actor FROM teams t CROSS JOIN {self._row('relation', 'm')} "
            f"WHERE m.tenant = $1 AND m.rid = t.rid AND m.kind = {int(Kind.MEMBER)} AND {_during('m')}"
        )

    def _several(self) -> str:
        """Patients with a plan whose members are of two organisations or more."""
        # One kind at a time: an organisation is the actor of very many relations of other kinds.
        places = " UNION ALL ".join(
            f"SELECT b.subject FROM {self._by('relation', 'b', 'c')} WHERE b.tenant = $1 AND b.actor = m.actor "
            f"AND b.kind = {int(kind)}"
            for kind in (Kind.WORKS, Kind.BELONGS)
        )
        organization = f"COALESCE((SELECT min(w.subject) FROM ({places}) AS w), m.actor)"
        return (
            f"SELECT patient, {_NO_VALUE} AS value FROM (SELECT m.patient, m.plan FROM members m "
            f"WHERE m.actor NOT LIKE 'RelatedPerson/%' GROUP BY m.patient, m.plan "
            f"HAVING count(DISTINCT {organization}) >= 2) AS each_plan GROUP BY patient"
        )

    def _with_carer(self) -> str:
        """Patients with a relative in the team of a plan, or who let one read."""
        return (
            f"SELECT patient, {_NO_VALUE} AS value FROM members WHERE actor LIKE 'RelatedPerson/%' UNION "
            f"SELECT g.subject, {_NO_VALUE} FROM registered r CROSS JOIN {self._by('relation', 'g', 'a')} "
            f"WHERE g.tenant = $1 AND g.subject = r.patient AND g.kind = {int(Kind.GRANT)} "
            f"AND g.actor LIKE 'RelatedPerson/%' AND {_during('g')}"
        )

    def _meetings(self) -> str:
        """Meetings that were held, and whose: an Appointment that took place, or minutes."""
        document = guide.url("CodeSystem", "document-type")
        held = (
            ("Appointment", "service-type", "mdo", "actor", ("fulfilled",)),
            ("Composition", "type", "mdo-verslag", "subject", ("final", "amended")),
        )
        return " UNION ALL ".join(
            f"SELECT s.target_id AS patient, d.low AS moment FROM {self._by('token', 'k', 'a')} "
            f"CROSS JOIN {self._row('date', 'd')} CROSS JOIN {self._row('reference', 's')} "
            f"WHERE {_coded(f'{type}:{parameter}', document, code)} "
            f"AND {_of('d', f'{type}:date', 'k')} AND d.low <= $2 "
            f"AND {_of('s', f'{type}:{whose}', 'k')} AND s.target_type = 'Patient' "
            f"AND {self._stands(f'{type}:status', 'k', *statuses)}"
            for type, parameter, code, whose, statuses in held
        )

    def _met_together(self) -> str:
        return f"SELECT patient, ($2 - max(moment)) / {DAY_US} AS value FROM meetings GROUP BY patient"

    def _own_goals(self) -> str:
        sqlite = self._dialect.name == "sqlite"
        text = "CAST(r.body AS TEXT)" if sqlite else "convert_from(r.body, 'UTF8')::json"
        return (
            f"SELECT DISTINCT c.patient, {_NO_VALUE} AS value "
            f"FROM complex c CROSS JOIN {self._by('reference', 's', 'a')} CROSS JOIN resource r "
            "WHERE s.tenant = $1 AND s.target_id = c.patient AND s.target_type = 'Patient' "
            f"AND s.param = {key_of('Goal:subject')} AND r.tenant = $1 AND r.rid = s.rid "
            f"AND ({text} -> 'expressedBy' ->> 'reference') LIKE '%Patient/' || c.patient "
            f"AND NOT EXISTS (SELECT 1 FROM {self._row('token', 'x')} "
            f"WHERE {_of('x', 'Goal:lifecycle-status', 's')} "
            "AND x.code IN ('rejected', 'cancelled', 'entered-in-error')) "
            f"AND NOT EXISTS (SELECT 1 FROM {self._row('date', 'd')} "
            f"WHERE {_of('d', 'Goal:start-date', 's')} AND d.low > $2)"
        )

    def _visits(self) -> str:
        """The last visit of each patient in the last three months, meetings apart."""
        document = guide.url("CodeSystem", "document-type")
        return (
            f"SELECT s.target_id AS patient, max(d.low) AS moment FROM {self._by('date', 'd', 'a')} "
            f"CROSS JOIN {self._row('reference', 's')} WHERE d.tenant = $1 AND d.param = {key_of('Appointment:date')} "
            f"AND d.low <= $2 AND d.low > $2 - {VISITS_DAYS * DAY_US} "
            f"AND {_of('s', 'Appointment:actor', 'd')} AND s.target_type = 'Patient' "
            f"AND {self._stands('Appointment:status', 'd', 'fulfilled')} "
            f"AND NOT EXISTS (SELECT 1 FROM {self._row('token', 'x')} "
            f"WHERE {_of('x', 'Appointment:service-type', 'd')} AND x.code = 'mdo' "
            f"AND x.system = {system_of(document)}) GROUP BY s.target_id"
        )

    def _prepared(self) -> str:
        """Patients who answered a questionnaire shortly before that visit."""
        return (
            f"SELECT DISTINCT v.patient, {_NO_VALUE} AS value "
            f"FROM visits v CROSS JOIN {self._by('reference', 's', 'a')} CROSS JOIN {self._row('date', 'd')} "
            "WHERE s.tenant = $1 AND s.target_id = v.patient AND s.target_type = 'Patient' "
            f"AND s.param = {key_of('QuestionnaireResponse:subject')} "
            f"AND {_of('d', 'QuestionnaireResponse:authored', 's')} AND d.low < v.moment "
            f"AND d.low >= v.moment - {BEFORE_VISIT_DAYS * DAY_US} "
            f"AND {self._stands('QuestionnaireResponse:status', 's', 'completed', 'amended')}"
        )
