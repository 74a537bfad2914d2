"""The clock, and looking over an expression's shoulder (https://hl7.org/fhirpath/N1/#utility-functions)."""

from __future__ import annotations

from decimal import Decimal

from fhirhub.resources.fhirpath.environment import Environment
from fhirhub.resources.fhirpath.item import Item, Items
from fhirhub.resources.fhirpath.operators import Evaluate
from fhirhub.resources.fhirpath.temporal import Temporal


def trace(items: Items, env: Environment, name: Evaluate, projection: Evaluate | None = None) -> Items:
    """The items themselves. Nothing is printed: what passes here may be a patient's."""
    return items


def now(items: Items, env: Environment) -> Items:
    moment = env.clock()
    offset = moment.utcoffset()
    zone = 0 if offset is None else int(offset.total_seconds() // 60)
    fields = (moment.year, moment.month, moment.day, moment.hour, moment.minute, _seconds(env))
    return (Item(Temporal("datetime", fields, zone), "System.DateTime"),)


def today(items: Items, env: Environment) -> Items:
    moment = env.clock()
    return (Item(Temporal("date", (moment.year, moment.month, moment.day)), "System.Date"),)


def time_of_day(items: Items, env: Environment) -> Items:
    moment = env.clock()
    return (Item(Temporal("time", (moment.hour, moment.minute, _seconds(env))), "System.Time"),)


def _seconds(env: Environment) -> Decimal:
    moment = env.clock()
    return Decimal(f"{moment.second}.{moment.microsecond // 1000:03}")
