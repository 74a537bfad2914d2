"""What a caller may see and do: the terms of each role, met by the scopes of the token (RULES R1-R22).

Pure data from a Principal; the relations that the terms name are looked up inside every SELECT, at its moment
(`store/visible.py`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from fhirhub.access import (
    FOREVER,
    LETTERS,
    NAMING,
    NOTHING,
    Access,
    Actor,
    Caller,
    Condition,
    Held,
    Labelled,
    Matching,
    Nobodys,
    Related,
    Rule,
    Unblocked,
    merged,
)
from fhirhub.auth import matrix, writing
from fhirhub.auth.principal import Principal
from fhirhub.auth.scopes import EVERY_TYPE, Scope
from fhirhub.errors import forbidden
from fhirhub.repository import Tenant
from fhirhub.resources import consents, definitions, guide
from fhirhub.resources.relations import REGISTERING, Hold, Kind, acting
from fhirhub.settings import Settings
from fhirhub.store import request as requests
from fhirhub.store.conditions import All
from fhirhub.store.database import Reader
from fhirhub.store.index.parameters import Parameters
from fhirhub.store.sql import Statement

COVERS = "N6"
"""The organisation type that covers out of hours: a participant entry of theirs is a shift, after which nothing remains
(R8, R11)."""
DAY_US = 86_400 * 1_000_000
STANDING_SECONDS = 1.0
"""How long what the directory says is remembered; relations to patients are asked in every statement."""
REMEMBERED = 10_000

_ALL = frozenset(definitions.RESOURCE_TYPES)
_READING, _WRITING = "rs", "cud"
_EVERY_LABEL = ("R", "RS", "RSV", "RV", "S", "SV", "V")
_GLASS_ROLES = frozenset({"huisarts", "hap-arts", "specialist-ouderengeneeskunde", "wijkverpleegkundige"})
_AFTERCARE_ROLES = frozenset(
    {"huisarts", "poh", "wijkverpleegkundige", "specialist-ouderengeneeskunde", None}
)
_AFTERCARE_TYPES = frozenset({"CarePlan", "CareTeam", "Task"})
_OWN_TYPES = frozenset({"Communication", "Goal", "List", "Task"})
"""What can be about a practice or a professional: a development plan, a reading list, a message."""
_DOCTORS = frozenset(role for role, column in matrix.CLASSES.items() if column == "doctor")


class Policy:
    """The access of principals, each worked out once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._standings: dict[tuple[int, str | None, str], tuple[float, Standing]] = {}
        self._known: dict[tuple[int, str], tuple[Principal, Standing, str, Access]] = {}

    async def access(self, tenant: Tenant, principal: Principal) -> Access:
        """What this principal may see and do in the tenant."""
        standing = ALONE
        if principal.organization is not None:
            standing = await self._standing(tenant, principal.fhir_user, principal.organization)
            if standing.left:
                raise forbidden(f"{principal.fhir_user} works at {principal.organization} no more.")
        key = (tenant.number, principal.token_id)
        generation = tenant.parameters.generation
        known = self._known.get(key)
        if known is not None and known[:3] == (principal, standing, generation):
            return known[3]
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        made = access_of(principal, standing, tenant.parameters, self._settings)
        self._known[key] = (principal, standing, generation, made)
        return made

    async def _standing(self, tenant: Tenant, person: str | None, organization: str) -> Standing:
        key = (tenant.number, person, organization)
        known = self._standings.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        found = await standing_of(tenant.database, tenant.number, person, organization)
        if len(self._standings) >= REMEMBERED:
            self._standings.clear()
        self._standings[key] = (time.monotonic() + STANDING_SECONDS, found)
        return found


@dataclass(frozen=True, slots=True)
class Standing:
    """What the directory says of an organisation and of the person in it."""

    kinds: frozenset[str] = frozenset()
    """The types of the organisation."""
    also: tuple[str, ...] = ()
    """The PractitionerRoles that are the person, and the services of the organisation."""
    people: tuple[str, ...] = ()
    """Where the organisation registers patients: who works there and at no other such one, with their roles."""
    left: bool = False
    """Whether every PractitionerRole of the person there has ended; where there never was one, the account decides."""


ALONE = Standing()


async def standing_of(database: Reader, tenant: int, person: str | None, organization: str) -> Standing:
    """The standing now."""
    now = time.time_ns() // 1000
    role = acting(person, organization) if person is not None else ""
    rows = await database.fetch(
        Statement(
            "SELECT k.kind, k.actor, k.type, k.start <= $4 AND k.until > $4 FROM relation k WHERE k.tenant = $1 "
            f"AND k.subject IN ($2, $3) AND k.kind BETWEEN {int(Kind.WORKS)} AND {int(Kind.TYPE)}",
            (tenant, organization, role, now),
            ("int", "text", "text", "bigint"),
        )
    )
    held = [bool(holds) for kind, _, _, holds in rows if kind == Kind.IS]
    left = bool(held) and not any(held)
    rows = [row[:3] for row in rows if row[3]]
    kinds = frozenset(str(type) for kind, _, type in rows if kind == Kind.TYPE)
    roles = {str(actor) for kind, actor, _ in rows if kind == Kind.BELONGS}
    also = {str(actor) for kind, actor, _ in rows if kind == Kind.IS}
    also |= {one for one in roles if one.startswith("HealthcareService/")}
    if REGISTERING not in kinds:
        return Standing(kinds, tuple(sorted(also)), left=left)
    elsewhere = await database.fetch(
        Statement(
            "SELECT DISTINCT w.actor FROM relation w JOIN relation e ON e.tenant = $1 AND e.actor = w.actor "
            f"AND e.kind = {int(Kind.WORKS)} AND e.subject <> $2 AND e.start <= $3 AND e.until > $3 "
            f"JOIN relation k ON k.tenant = $1 AND k.subject = e.subject AND k.kind = {int(Kind.TYPE)} "
            f"AND k.type = '{REGISTERING}' "
            f"WHERE w.tenant = $1 AND w.subject = $2 AND w.kind = {int(Kind.WORKS)}",
            (tenant, organization, now),
            ("int", "text", "bigint"),
        )
    )
    people = {str(actor) for kind, actor, _ in rows if kind == Kind.WORKS} - {row[0] for row in elsewhere}
    people |= {one for one in roles if one.startswith("PractitionerRole/")}
    return Standing(kinds, tuple(sorted(also)), tuple(sorted(people)), left)


def access_of(principal: Principal, standing: Standing, parameters: Parameters, settings: Settings) -> Access:
    """The access of a principal whose organisation stands so in the directory."""
    kinds = standing.kinds
    provider = bool(kinds & frozenset(settings.care_providers))
    role = None if principal.kind == "backend" else principal.role
    if principal.kind == "person" and (role is None or standing.left):
        return NOTHING
    row = matrix.cells(role, provider=provider)
    directory = principal.kind == "backend" and principal.client_id in settings.directory_clients
    if directory:
        row = {**row, **dict.fromkeys(matrix.DIRECTORY, LETTERS)}
    rules = [*_everybodys(row), *_of_subscriptions(principal, row)]
    rules += _terms(principal, role, row, kinds, settings, provider=provider)
    own = [name for name in (principal.fhir_user, principal.organization) if name]
    firm = (*own[-1:], *standing.people) if REGISTERING in kinds else ()
    caller = Caller((*own, *standing.also), principal.organization, firm, provider)
    terms = Access(merged(rules), caller, _is_without_bsn(role, provider=provider))
    actor = Actor(
        column="backend" if role is None else matrix.CLASSES.get(role, ""),
        role=role,
        person=principal.fhir_user,
        organization=principal.organization,
        is_doctor=role in _DOCTORS,
        provider=provider,
        client=principal.client_id,
        account=principal.account,
        token=principal.token_id,
        responsible=principal.responsible,
        purpose=principal.purpose,
        directory=directory,
        scopes=tuple(map(str, principal.scopes)),
        patient=principal.patient,
        also=standing.also,
    )
    guard = partial(writing.check, actor)
    own_ids = principal.kind == "backend" and principal.client_id in settings.own_id_clients
    scoped = Access(merged(_scoped(principal, parameters)))
    found = terms & scoped
    return Access(found.rules, caller, terms.without_bsn, guard, own_ids, actor)


def _is_without_bsn(role: str | None, *, provider: bool) -> bool:
    """BSN exist for care providers, the patient and the representative alone (R3)."""
    column = "backend" if role is None else matrix.CLASSES.get(role)
    return column not in ("patient", "representative") and not (
        provider and column in ("doctor", "treating", "backend")
    )


# --- the terms of each role ---


def _everybodys(row: dict[str, str]) -> Iterator[Rule]:
    """Directory and definitions, and what else is about nobody and in the role's row."""
    types = matrix.DIRECTORY | matrix.DEFINITIONS | {"MeasureReport"}
    yield from _by_cells(row, _each(Nobodys()), types, LETTERS)
    # Of Basic what is about nobody describes what one can subscribe to.
    yield from _by_cells(row, _each(Nobodys()), frozenset({"Basic"}), _READING)


def _of_subscriptions(principal: Principal, row: dict[str, str]) -> Iterator[Rule]:
    """Whom it notifies has a Subscription, with its channel and the secrets in it, alone."""
    owner = principal.fhir_user or principal.organization
    if owner is not None:
        yield from _by_cells(
            row, frozenset(), frozenset({"Subscription"}), LETTERS, patients=frozenset({owner})
        )


def _terms(
    principal: Principal,
    role: str | None,
    row: dict[str, str],
    kinds: frozenset[str],
    settings: Settings,
    *,
    provider: bool,
) -> Iterator[Rule]:
    column = "backend" if role is None else matrix.CLASSES.get(role, "")
    user = principal.fhir_user or ""
    if provider or column in ("patient", "representative"):
        # What a relative answered about themselves, where they opened it to this party (R18).
        opened = _each(Related((Kind.GRANT,), typed=True), Unblocked(), Labelled(_labels_of(role, column)))
        yield from _by_cells(row, opened, frozenset({consents.STRAIN}), _READING)
    if column == "patient":
        yield from _of_patient(user.removeprefix("Patient/"), row)
    elif column == "representative":
        yield from _of_representative(user, row)
    elif column == "carer":
        yield from _of_carer(user, row)
    elif column in ("doctor", "treating", "backend", "welfare"):
        labels = _labels_of(role, column)
        yield from _of_tasks(row, labels, contact=column == "welfare")
        if provider and column != "welfare":
            yield from _of_treating(role, row, kinds, labels, settings)
            # A rule for each name: statements that bind no lists can be answered together.
            for name in (principal.fhir_user, principal.organization):
                if name is not None:
                    own = frozenset({name})
                    yield from _by_cells(row, _each(Labelled(labels)), _OWN_TYPES, LETTERS, patients=own)
    if column in _LOOKED_AT_BY:
        for code in _LOOKED_AT_BY[column]:
            yield from _of_looks(code, row)
        if column == "officer" and principal.organization is not None:
            # The log of the own organisation's users (R24).
            own_log = frozenset({principal.organization})
            yield from _by_cells(row, frozenset(), frozenset({"AuditEvent"}), _READING, patients=own_log)


_LOOKED_AT_BY = {
    "officer": ("inzage-beoordelen",),
    "administrator": ("identiteit-controleren", "gegevens-vernietigen"),
}
"""The codes of the Tasks by which rules ask something of somebody who sees no patients."""


def _of_looks(code: str, row: dict[str, str]) -> Iterator[Rule]:
    """Own Tasks of one code, with the bare reference to the patient (R5, R12, R35)."""
    asked = requests.parse("Task", [("code", f"{guide.url('CodeSystem', 'task')}|{code}")], Parameters())
    of_code = Matching(asked.nodes[0], asked.values, asked.kinds)
    mine = Held((Hold.BARE, Hold.OWNED))
    yield from _by_cells(row, _each(mine, of_code, Labelled()), frozenset({"Task"}), "rus", masked=True)


def _of_patient(patient: str, row: dict[str, str]) -> Iterator[Rule]:
    """The own compartment (R1), without what is hidden from the patient (R20)."""
    where: frozenset[Condition] = _each(Labelled(_without("S")))
    yield from _by_cells(row, where, _ALL, LETTERS, patients=frozenset({patient}))


def _of_representative(person: str, row: dict[str, str]) -> Iterator[Rule]:
    """There, what the patient may do, in their own name (R19)."""
    related = Related((Kind.REPRESENTATIVE,), typed=True)
    labelled = Labelled(_without("S"))
    yield from _by_cells(row, _each(related, Unblocked(), labelled), _ALL, _READING)
    yield from _by_cells(row, _each(related, Unblocked(True), labelled), _ALL, _WRITING)
    yield from _own_person(person)


def _of_carer(person: str, row: dict[str, str]) -> Iterator[Rule]:
    """What the patient granted, the own Tasks, answers and messages (R1, R18)."""
    granted = _each(Related((Kind.GRANT,), typed=True), Unblocked(), Labelled())
    yield from _by_cells(row, granted, _ALL, _READING)
    collected = _each(Related((Kind.COLLECT,), typed=True), Unblocked(True), Labelled())
    yield from _by_cells(row, collected, frozenset({"Observation", "QuestionnaireResponse"}), "cu")
    # Whoever adds a value names the patient, also where no grant shows them.
    yield Rule(frozenset({"Patient"}), where=_each(Related((Kind.COLLECT,)), Unblocked()), letters=NAMING)
    own = frozenset({person})
    yield from _by_cells(row, frozenset(), frozenset({"QuestionnaireResponse"}), LETTERS, patients=own)
    # They decide who else sees those answers.
    yield from _by_cells(row, _each(Held((Hold.DECIDED,))), frozenset({"Consent"}), "crus")
    yield Rule(frozenset({"Patient"}), where=_each(Held((Hold.NAMED,))), letters=NAMING)
    yield from _of_tasks(row, (), contact=True)
    message = frozenset({"Communication"})
    yield from _by_cells(row, _each(Held((Hold.ADDRESSED,)), Unblocked(), Labelled()), message, _READING)
    yield from _own_person(person)


def _own_person(person: str) -> Iterator[Rule]:
    type, _, id = person.partition("/")
    yield Rule(frozenset({type}), ids=frozenset({id}), letters=_READING)


def _of_treating(
    role: str | None,
    row: dict[str, str],
    kinds: frozenset[str],
    labels: tuple[str, ...],
    settings: Settings,
) -> Iterator[Rule]:
    """What active participation (R1, R6, R7) and cover (R11) open, breaking the glass (R12), and what remains (R8);
    whom the organisation registered it may name (R5)."""
    practice = (int(Kind.PRACTICE),) if REGISTERING in kinds else ()
    relations = (*practice, int(Kind.MEMBER), int(Kind.COVER))
    active = Related(relations)
    reading = active
    if role in _GLASS_ROLES and settings.break_glass == "plan":
        through_glass = _without("V", labels)
        if through_glass == labels:
            reading = Related((*relations, int(Kind.GLASS)))
        else:
            glass = _each(Related((Kind.GLASS,)), Unblocked(), Labelled(through_glass))
            yield from _by_cells(row, glass, _ALL, _READING)
    yield from _by_cells(row, _each(reading, Unblocked(), Labelled(labels)), _ALL, _READING)
    yield from _by_cells(row, _each(active, Unblocked(True), Labelled(labels)), _ALL, _WRITING)
    if len(labels) < len(_EVERY_LABEL):
        yield from _by_cells(row, _each(active, Unblocked(), Held((Hold.AUTHOR,))), _ALL, _READING)
    yield Rule(frozenset({"Patient"}), where=_each(Related((Kind.KNOWS,)), Unblocked()), letters=NAMING)
    if role in _AFTERCARE_ROLES and COVERS not in kinds:
        days = settings.aftercare_days
        ended = Related((Kind.MEMBER,), ended=FOREVER if days is None else days * DAY_US)
        past = _each(ended, Unblocked(), Labelled(labels))
        yield from _by_cells(row, past, _AFTERCARE_TYPES, _READING)


def _of_tasks(row: dict[str, str], labels: tuple[str, ...], *, contact: bool) -> Iterator[Rule]:
    """Own Tasks and what they name (R4, R22, R27-R29)."""
    rest: frozenset[Condition] = _each(Unblocked(), Labelled(labels))
    task = frozenset({"Task"})
    mine = Held((Hold.OWNED, Hold.REQUESTED))
    yield from _by_cells(row, rest | {mine}, task, "rus")
    yield from _by_cells(row, rest | {Held((Hold.REQUESTED,))}, task, "c")
    yield from _by_cells(row, rest | {Held((Hold.BARE,))}, task, "rus", masked=True)
    yield from _by_cells(row, rest | {Held((Hold.INPUT, Hold.OUTPUT))}, _ALL, _READING)
    if not contact:
        return
    patient = frozenset({"Patient"})
    yield from _by_cells(row, rest | {Held((Hold.CONTACT,))}, patient, _READING, masked=True)


def _each(*conditions: Condition) -> frozenset[Condition]:
    return frozenset(conditions)


def _by_cells(
    row: dict[str, str],
    where: frozenset[Condition],
    types: frozenset[str],
    letters: str,
    *,
    patients: frozenset[str] | None = None,
    masked: bool = False,
) -> Iterator[Rule]:
    """A term bounded by the role's row: a rule for each letter."""
    for letter in letters:
        allowed = matrix.types_with(row, letter) & types
        if allowed:
            yield Rule(allowed, patients, None, where, letter, masked)


def _labels_of(role: str | None, column: str) -> tuple[str, ...]:
    """R for doctors, V for the huisarts; S hides from the patient's side only (R20)."""
    if role == "huisarts":
        return _without("")
    return _without("V") if column == "doctor" else _without("RV")


def _without(hidden: str, among: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Every set of labels that has none of these."""
    every = _EVERY_LABEL if among is None else among
    return tuple(one for one in every if not set(one) & set(hidden))


# --- scopes ---


def _scoped(principal: Principal, parameters: Parameters) -> Iterator[Rule]:
    for scope in principal.scopes:
        types = _ALL if scope.type == EVERY_TYPE else frozenset({scope.type})
        where = _criteria(scope, parameters)
        for letter in scope.letters:
            if scope.level != "patient":
                if letter == "c":
                    yield Rule(frozenset({"Patient"}), letters=NAMING)
                yield Rule(frozenset() if scope.type == EVERY_TYPE else types, None, None, where, letter)
                continue
            if principal.patient is not None:
                patients = frozenset({principal.patient})
                yield Rule(types, patients, None, where, letter)
                if letter == "c":
                    yield Rule(frozenset({"Patient"}), patients, letters=NAMING)
            yield Rule(types, None, None, where | {Nobodys()}, letter)
            if principal.fhir_user is not None and scope.type in (EVERY_TYPE, "Subscription"):
                # Own Subscriptions are not about the patient, and the app's all the same.
                own = frozenset({principal.fhir_user})
                yield Rule(frozenset({"Subscription"}), own, None, where, letter)


def _criteria(scope: Scope, parameters: Parameters) -> frozenset[Condition]:
    """What a granular scope asks of a resource."""
    if not scope.query:
        return frozenset()
    asked = requests.parse(scope.type, list(scope.query), parameters)
    node = asked.nodes[0] if len(asked.nodes) == 1 else All(asked.nodes)
    return frozenset({Matching(node, asked.values, asked.kinds)})


def readable(access: Access) -> Iterable[str]:
    """The types of which something may be seen."""
    return [type for type in definitions.RESOURCE_TYPES if set(access.letters_of(type)) & set(_READING)]
