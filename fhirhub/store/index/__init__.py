"""The search indexes: one file for each search type (https://hl7.org/fhir/R4/search.html#ptypes).

One table for each search type holds the values of every search parameter of every current, undeleted
resource, normalised so that SQL compares plain columns. Every table begins with `tenant INT` and
`rid BIGINT` (the resource's surrogate key); the columns behind them are TABLES, and `extract.rows` gives
its tuples in that order. Text compares bytewise (COLLATE "C", BINARY).

    param      a search parameter of a type: the signed CRC-32 of `CarePlan:status`; suffixes name kindred
               values: `Condition:code:text`, `Patient:identifier:of-type`, `CarePlan:subject:identifier`;
               `Condition:subject>Patient:family` is a value of a contained Patient that `subject` points
               at; `CarePlan:*reference` are references that no search parameter covers
    system     the first 8 bytes of BLAKE2b of a system's URI with the lowest bit cleared, 0 for none; the
               lowest bit is set where the element is a `code` or `boolean`, whose system is implied
    code ''    a value is there, but not one with a code (keeps `:missing` right)
    at         begin of the resource's main date in microseconds (MAIN_DATES), ABSENT where it has none;
               NULL where the value is no sensible driver of a list by date, which keeps the index small
    value      string: folded, at most KEY_LENGTH characters; `exact` is the text as it is, NULL for a later
               part of a name; `tail` the whole folded text where it is longer than `value`
    canonical  the unit in UCUM base units where it has them, else the code or unit itself
    low, high  date: half-open, microseconds since 1970 UTC, PAST and FUTURE where a period is open;
               number, quantity: closed, both the value itself, or the ends of a Range
    target_*   type, id and version of a local reference; type '' and the URL as id for one elsewhere, a
               canonical or a URI (its business version in target_version); type '' and `#Patient` as id for a
               contained one, `Composition/1` for one that stands in a Bundle's entry, '' for a reference
               without `reference`
    composite  components in the order of the parameter: text and system of a token, string, uri or
               reference; low and high of a number, date or quantity (canonical, its unit in `text`);
               `low`, `high`, `code`, `unit` are a quantity as written; `near` keeps a place as a point of
               the unit sphere in low1, low2, low3
    relation   who may see what is about a patient (`resources/relations.py`): `subject` is the patient's
               logical id, or the organisation or person that something belongs to; from `start` to before
               `until`, in microseconds
    holding    who may see this one resource, named by type and id: the owner and requester of a Task
    content    the words of the narrative (`_text`) or of the whole resource (`_content`), folded, each once
"""

from __future__ import annotations

from dataclasses import dataclass

from fhirhub.store.sql import Kind

PAST, FUTURE = -(1 << 62), 1 << 62
ABSENT = PAST - 1
KEY_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind
    null: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    """An index of these columns; `where` makes it a partial one."""

    name: str
    columns: tuple[str, ...]
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Columns behind tenant and rid. Index `a` finds resources by value, `b` the values of a resource, `c`
    resources by value in the order of their main date."""

    columns: tuple[Column, ...]
    indexes: tuple[Index, ...]


_PARAM = Column("param", "int")
_AT = Column("at", "bigint", null=True)
_B = Index("b", ("tenant", "rid", "param"))


def _slot(n: int) -> tuple[Column, ...]:
    return (
        Column(f"text{n}", "text", null=n > 1),
        Column(f"system{n}", "bigint", null=True),
        Column(f"low{n}", "double", null=True),
        Column(f"high{n}", "double", null=True),
    )


TABLES: dict[str, Table] = {
    "token": Table(
        (_PARAM, Column("code", "text"), Column("system", "bigint"), _AT),
        (
            Index("a", ("tenant", "param", "code", "rid", "system")),
            _B,
            Index("c", ("tenant", "param", "code", "at", "rid", "system"), "at IS NOT NULL"),
        ),
    ),
    "string": Table(
        (
            _PARAM,
            Column("value", "text"),
            Column("exact", "text", null=True),
            Column("tail", "text", null=True),
        ),
        (Index("a", ("tenant", "param", "value", "rid")), _B),
    ),
    "date": Table(
        (_PARAM, Column("low", "bigint"), Column("high", "bigint")),
        (Index("a", ("tenant", "param", "low", "high", "rid")), _B),
    ),
    "number": Table(
        (_PARAM, Column("low", "double"), Column("high", "double")),
        (Index("a", ("tenant", "param", "low", "rid")), _B),
    ),
    "quantity": Table(
        (
            _PARAM,
            Column("low", "double", null=True),
            Column("high", "double", null=True),
            Column("code", "text"),
            Column("system", "bigint"),
            Column("unit", "text"),
            Column("canonical", "text"),
            Column("canonical_low", "double", null=True),
            Column("canonical_high", "double", null=True),
        ),
        (Index("a", ("tenant", "param", "canonical", "canonical_low", "rid")), _B),
    ),
    "uri": Table(
        (_PARAM, Column("value", "text")),
        (Index("a", ("tenant", "param", "value", "rid")), _B),
    ),
    "reference": Table(
        (
            _PARAM,
            Column("target_type", "text"),
            Column("target_id", "text"),
            Column("target_version", "text", null=True),
            _AT,
        ),
        (
            Index("a", ("tenant", "target_id", "param", "rid", "target_type")),
            _B,
            Index("c", ("tenant", "target_id", "param", "at", "rid", "target_type"), "at IS NOT NULL"),
        ),
    ),
    "composite": Table(
        (
            _PARAM,
            *_slot(1),
            *_slot(2),
            *_slot(3),
            Column("low", "double", null=True),
            Column("high", "double", null=True),
            Column("code", "text", null=True),
            Column("unit", "text", null=True),
        ),
        (Index("a", ("tenant", "param", "text1", "rid")), _B),
    ),
    "relation": Table(
        (
            Column("subject", "text"),
            Column("actor", "text"),
            Column("kind", "int"),
            Column("type", "text"),
            Column("start", "bigint"),
            Column("until", "bigint"),
            Column("weight", "int"),
        ),
        (
            Index("a", ("tenant", "subject", "kind", "actor", "start", "until", "type", "weight")),
            Index("b", ("tenant", "rid")),
            Index("c", ("tenant", "actor", "kind", "subject", "start", "until")),
        ),
    ),
    "holding": Table(
        (
            Column("target_type", "text"),
            Column("target_id", "text"),
            Column("actor", "text"),
            Column("kind", "int"),
        ),
        (
            Index("a", ("tenant", "target_id", "target_type", "kind", "actor")),
            Index("b", ("tenant", "rid")),
            Index("c", ("tenant", "actor", "kind", "target_type", "target_id")),
        ),
    ),
    "content": Table(
        (_PARAM, Column("value", "text")),
        (Index("a", ("tenant", "param", "rid")), _B),
    ),
}
