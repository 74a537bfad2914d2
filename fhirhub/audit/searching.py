"""The search parameters of AuditEvent that the log has as columns (https://hl7.org/fhir/R4/auditevent.html#search)."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from fhirhub import errors
from fhirhub.audit import rendering
from fhirhub.resources import primitives, references
from fhirhub.store.log import Clause, LogRequest, Term

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")


class Asked(NamedTuple):
    """What is asked, and which parameters of the query were used for it."""

    request: LogRequest
    used: list[tuple[str, str]]
    counted: bool
    summary: bool
    """Whether only the number is wanted."""
    cursor: str | None


class Parameter(NamedTuple):
    """A search parameter: its type in R4, and the clauses of one value."""

    kind: str
    clauses: Callable[[str, str | None], list[Clause]]


def parse(
    pairs: Iterable[tuple[str, str]], *, base: str, default: int, most: int, lenient: bool = False
) -> Asked:
    """The request of a query. Raises `invalid` for what the log has no column for."""
    groups: list[list[Clause]] = []
    used: list[tuple[str, str]] = []
    count, ascending, counted, summary, cursor = default, False, False, False, None
    for name, value in pairs:
        if name in ("_format", "_pretty") or value == "":
            continue
        used.append((name, value))
        if name == "_count":
            if not value.isascii() or not value.isdigit() or len(value) > 9:
                raise errors.invalid(f"`_count` expects a whole number; got `{value[:40]}`")
            count = min(int(value), most)
        elif name == "_sort":
            ascending = _ascending(value)
        elif name == "_total":
            if value not in ("none", "estimate", "accurate"):
                raise errors.invalid(f"`_total` expects none, estimate or accurate; got `{value[:40]}`")
            counted = value != "none"
        elif name == "_summary" and value in ("count", "false"):
            summary = value == "count"
        elif name == "_cursor":
            cursor = value
        elif (found := PARAMETERS.get(name.partition(":")[0])) is not None and _fits(name):
            type = name.partition(":")[2] or None
            groups.append(
                [clause for one in value.split(",") for clause in found.clauses(_local(one, base), type)]
            )
        elif not lenient:
            raise _unknown(name)
        else:
            used.pop()
    if summary or count == 0:
        counted, count = True, 0
    return Asked(LogRequest(groups, count, ascending), used, counted, summary, cursor)


def _fits(name: str) -> bool:
    modifier = name.partition(":")[2]
    return not modifier or name.startswith(("agent:", "entity:", "patient:"))


def _unknown(name: str) -> errors.FhirError:
    near = difflib.get_close_matches(name, PARAMETERS, 1)
    also = f"; did you mean `{near[0]}`?" if near else f"; there are {', '.join(PARAMETERS)}"
    return errors.invalid(f"`{name[:80]}` is not a search parameter of AuditEvent here{also}")


def _ascending(value: str) -> bool:
    if value.lstrip("-") not in ("date", "_lastUpdated"):
        raise errors.invalid(f"AuditEvents are sorted by `date` or `-date`; got `{value[:40]}`")
    return value[0] != "-"


def _local(value: str, base: str) -> str:
    """A reference that spells out this server, as a relative one."""
    return value[len(base) + 1 :] if value.startswith(f"{base}/") else value


# --- one value of each ---


def _column(name: str, system: str | None = None) -> Callable[[str, str | None], list[Clause]]:
    """A token whose code is the column; one of another system is none."""

    def clauses(value: str, _: str | None) -> list[Clause]:
        given, bar, code = value.rpartition("|")
        if bar and given and given != system:
            return []
        return [[Term(name, "=", code)]]

    return clauses


def _role(value: str, type: str | None) -> list[Clause]:
    return _column("role", rendering.care_roles())(value, type)


def _id(value: str, _: str | None) -> list[Clause]:
    place = rendering.place_of(value)
    if place is None:
        return []
    return [[Term("chain", "=", place[0], "int"), Term("number", "=", place[1], "bigint")]]


def _date(value: str, _: str | None) -> list[Clause]:
    prefix, text = (value[:2], value[2:]) if value[:2] in PREFIXES else ("eq", value)
    try:
        low, high = primitives.date_range(text.replace(" ", "+"))
    except ValueError as fault:
        raise errors.invalid(f"`date` {fault}") from None
    at = "recorded"
    after, before = Term(at, ">=", low, "bigint"), Term(at, "<", high, "bigint")
    past = Term(at, ">=", high, "bigint")
    earlier = Term(at, "<", low, "bigint")
    by_prefix: Mapping[str, list[Clause]] = {
        "eq": [[after, before]],
        "ne": [[earlier], [past]],
        "gt": [[past]],
        "sa": [[past]],
        "lt": [[earlier]],
        "eb": [[earlier]],
        "ge": [[after]],
        "le": [[before]],
    }
    return by_prefix[prefix]


def _reference(value: str, type: str | None, types: Iterable[str]) -> list[str]:
    """The references that a value means: of this type, or of any of these where it names none."""
    target = references.parse(value)
    if target.is_local and target.type and target.id:
        return [f"{target.type}/{target.id}"] if type in (None, target.type) else []
    return [f"{one}/{value}" for one in ([type] if type else types)]


_AGENTS = ("Practitioner", "Patient", "RelatedPerson", "Organization")


def _agent(value: str, type: str | None) -> list[Clause]:
    found = _reference(value, type, _AGENTS)
    return [[Term(name, "in", found)] for name in ("person", "organization", "responsible")]


def _patient(value: str, type: str | None) -> list[Clause]:
    found = [one.removeprefix("Patient/") for one in _reference(value, type, ("Patient",))]
    return [[Term("patient", "in", found)]]


def _entity(value: str, type: str | None) -> list[Clause]:
    target = references.parse(value)
    if target.is_local and target.type and target.id:
        of_type, id = target.type, target.id
    elif type is not None:
        of_type, id = type, value
    else:
        return [[Term("target", "=", value)], [Term("patient", "=", value)]]
    clauses: list[Clause] = [[Term("type", "=", of_type), Term("target", "=", id)]]
    if of_type == "Patient":
        clauses.append([Term("patient", "=", id)])
    return clauses


def _type(value: str, _: str | None) -> list[Clause]:
    code = value.rpartition("|")[2]
    if code == "rest":
        return [[Term("interaction", "<>", name) for name in rendering.EVENTS]]
    return [
        [Term("interaction", "in", [n for n, event in rendering.EVENTS.items() if event.type[0] == code])]
    ]


def _subtype(value: str, _: str | None) -> list[Clause]:
    code = value.rpartition("|")[2]
    if code == "operation":
        return [[Term("interaction", "like", "$%")]]
    named = [name for name, event in rendering.EVENTS.items() if event.subtype and event.subtype[0] == code]
    also = ["search-compartment"] if code == "search-type" else []
    return [[Term("interaction", "in", [code, *also, *named])]]


def _policy(value: str, _: str | None) -> list[Clause]:
    return [[Term("rule", "=", value.rpartition("#")[2])]]


PARAMETERS: Mapping[str, Parameter] = {
    "_id": Parameter("token", _id),
    "_lastUpdated": Parameter("date", _date),
    "action": Parameter("token", _column("action", "http://hl7.org/fhir/audit-event-action")),
    "agent": Parameter("reference", _agent),
    "agent-role": Parameter("token", _role),
    "date": Parameter("date", _date),
    "entity": Parameter("reference", _entity),
    "outcome": Parameter("token", _column("outcome", "http://hl7.org/fhir/audit-event-outcome")),
    "patient": Parameter("reference", _patient),
    "policy": Parameter("uri", _policy),
    "subtype": Parameter("token", _subtype),
    "type": Parameter("token", _type),
}
"""The search parameters of AuditEvent, as R4 names them."""
