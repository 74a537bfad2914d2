"""`_filter`: an expression over search parameters (https://hl7.org/fhir/R4/search_filter.html)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from fhirhub import errors
from fhirhub.resources import definitions
from fhirhub.store import conditions
from fhirhub.store.conditions import Bound, Chain
from fhirhub.store.criteria import Names, UnknownParameter, is_canonical
from fhirhub.store.index import date, number, quantity, reference, string, token, uri
from fhirhub.store.index.comparison import Comparison
from fhirhub.store.index.parameters import Parameter
from fhirhub.store.sql import Kind

_SYSTEMS = {
    "loinc": "http://loinc.org",
    "snomed": "http://snomed.info/sct",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "ucum": "http://unitsofmeasure.org",
}
"""Names that can stand for their system."""
_TERMINOLOGY = {"in": "in", "ni": "not-in", "ss": "below", "sb": "above"}
"""Operators that a terminology answers, and the modifier that asks the same: what a value subsumes is below it."""
_OPERATORS = frozenset(
    {"eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le", "ap", "sa", "eb", "pr", "po", "re", *_TERMINOLOGY}
)
_ORDERED = frozenset({"gt", "lt", "ge", "le", "ap", "sa", "eb"})

MOST_TERMS = 100


def bind(names: Names, types: tuple[str, ...], text: str) -> Bound:
    """The condition that the expression asks of resources of these types.

    FhirError 400 for what cannot be read; UnknownParameter for a parameter that there is not.
    """
    reader = _Reader(names, text)
    bound = reader.expression(types)
    reader.end()
    return bound


_lexeme = re.compile(
    r"\s*(?:(?P<string>\"(?:[^\"\\]|\\.)*\")|(?P<mark>[()\[\].])|(?P<name>[A-Za-z_][\w\-]*)|(?P<other>\S))"
)
_value = re.compile(r"\s*(?:(?P<string>\"(?:[^\"\\]|\\.)*\")|(?P<token>[^\s)\]\"][^\s)\]]*))")


_in_order = re.compile(r"\"(?:[^\"\\]|\\.)*\"|[^\s()\[\]\"]+")


def of_terminology(text: str) -> set[tuple[str, str]]:
    """Modifiers and values that the expression may ask a terminology for, as `Names.code_sets` has them."""
    words = _in_order.findall(text)
    found: set[tuple[str, str]] = set()
    for operator, value in pairwise(words):
        if operator in _TERMINOLOGY and len(found) < MOST_TERMS:
            modifier = _TERMINOLOGY[operator]
            try:
                found.add((modifier, _looked_up(modifier, json.loads(value) if value[0] == '"' else value)))
            except ValueError:
                # The reader says what is wrong with it.
                continue
    return found


def _looked_up(modifier: str, value: str) -> str:
    """The value as a search parameter with that modifier has it."""
    if modifier in ("in", "not-in"):
        return _escaped(value)
    system, bar, code = value.partition("|")
    return f"{_escaped(_SYSTEMS.get(system, system))}{bar}{_escaped(code)}"


class _Reader:
    """Recursive descent; `and` and `or` have equal rank and are read from left to right."""

    def __init__(self, names: Names, text: str) -> None:
        self.names = names
        self.text = text
        self.at = 0
        self.depth = 0
        self.terms = 0

    def fault(self, expected: str) -> errors.FhirError:
        rest = self.text[self.at :].strip()[:40]
        found = f"`{rest}`" if rest else "its end"
        return errors.invalid(f"Parameter `_filter` expects {expected} at {found}.")

    def peek(self) -> str:
        found = _lexeme.match(self.text, self.at)
        return found.group().strip() if found else ""

    def take(self, word: str) -> bool:
        if self.peek() != word:
            return False
        found = _lexeme.match(self.text, self.at)
        assert found is not None
        self.at = found.end()
        return True

    def end(self) -> None:
        if self.text[self.at :].strip():
            raise self.fault("`and`, `or` or the end")

    def expression(self, types: tuple[str, ...]) -> Bound:
        self.depth += 1
        if self.depth > 20:
            raise errors.too_costly("Parameter `_filter` is nested too deeply.")
        found = self.term(types)
        while (word := self.peek()) in ("and", "or"):
            self.take(word)
            join = conditions.both if word == "and" else conditions.either
            found = join([found, self.term(types)])
        self.depth -= 1
        return found

    def term(self, types: tuple[str, ...]) -> Bound:
        self.terms += 1
        if self.terms > MOST_TERMS:
            raise errors.too_costly(f"Parameter `_filter` has more than {MOST_TERMS} terms.")
        if self.take("("):
            return self.closed(types)
        if self.peek() == "not":
            before = self.at
            self.take("not")
            if self.take("("):
                return conditions.negated(self.closed(types))
            self.at = before
        return self.test(types)

    def closed(self, types: tuple[str, ...]) -> Bound:
        found = self.expression(types)
        if not self.take(")"):
            raise self.fault("`)`")
        return found

    def test(self, types: tuple[str, ...]) -> Bound:
        code = self.name()
        if self.take("["):
            return self.filtered(types, code)
        if self.take("."):
            return self.chain(types, code, None)
        return self.compare(types, code)

    def name(self) -> str:
        found = _lexeme.match(self.text, self.at)
        if found is None or not found["name"]:
            raise self.fault("the name of a search parameter")
        self.at = found.end()
        return found["name"]

    def filtered(self, types: tuple[str, ...], code: str) -> Bound:
        """`name[filter].rest`: both of one and the same resource referred to."""
        parameters = self.names.named(types, code, every=False)
        targets = _targets(parameters)
        if not targets:
            raise errors.not_supported(f"`{code}[...]` in `_filter` needs a reference parameter.")
        before = self.at
        known = self.having(targets)
        self.at = before
        inner = self.expression(known)
        if not self.take("]"):
            raise self.fault("`]`")
        if not self.take("."):
            raise self.fault("`.`")
        return self.chain(types, code, (known, inner))

    def having(self, targets: tuple[str, ...]) -> tuple[str, ...]:
        """Those targets that have the parameter that comes next."""
        code = self.name()
        found = tuple(type for type in targets if code in self.names.parameters.of(type))
        if not found:
            raise UnknownParameter(f"None of the types it may point to has a search parameter `{code}`.")
        return found

    def chain(self, types: tuple[str, ...], code: str, inner: tuple[tuple[str, ...], Bound] | None) -> Bound:
        parameters = self.names.named(types, code, every=len(types) == 1)
        targets = inner[0] if inner else _targets(parameters)
        if not targets:
            raise errors.not_supported(f"`{code}.` in `_filter` needs a reference parameter.")
        before = self.at
        known = self.having(targets)
        self.at = before
        rest = self.test(known)
        bound = conditions.both([inner[1], rest]) if inner else rest
        keys = tuple(key for parameter in parameters for key in parameter.keys)
        only = parameters[0].only_type
        also = f"{{t}}.target_type = '{only}'" if only else ""
        canonical = self.names.canonical(known) if all(map(is_canonical, parameters)) else None
        return Bound(Chain(keys, also, known, bound.node, None, canonical), bound.values, bound.kinds)

    def compare(self, types: tuple[str, ...], code: str) -> Bound:
        operator = self.name()
        if operator not in _OPERATORS:
            raise errors.invalid(
                f"Parameter `_filter`: `{operator}` is no operator; there are {', '.join(sorted(_OPERATORS))}."
            )
        found = _value.match(self.text, self.at)
        if found is None:
            raise self.fault("a value")
        self.at = found.end()
        try:
            value = json.loads(found["string"]) if found["string"] else found["token"]
        except ValueError:
            raise errors.invalid(f"Parameter `_filter`: {found['string']} is no JSON string.") from None
        if operator == "pr":
            if value not in ("true", "false"):
                raise errors.invalid(f"Parameter `_filter`: `pr` takes true or false; got `{value}`.")
            missing = "false" if value == "true" else "true"
            return self.names.bind(types, f"{code}:missing")(missing)
        if code in ("_id", "_lastUpdated", "_list"):
            prefix = operator if code == "_lastUpdated" and operator != "eq" else ""
            if code != "_lastUpdated" and operator not in ("eq", "ne"):
                raise errors.invalid(f"Parameter `_filter`: `{code}` can be compared by `eq` and `ne` only.")
            bound = self.names.bind(types, code)(f"{prefix}{_escaped(value)}")
            return conditions.negated(bound) if operator == "ne" and code != "_lastUpdated" else bound
        parameters = self.names.named(types, code)
        if operator in _TERMINOLOGY and all(map(token.is_coded, parameters)):
            modifier = _TERMINOLOGY[operator]
            return self.names.bind(types, f"{code}:{modifier}")(_looked_up(modifier, value))
        try:
            bounds = [self._one(parameter, operator, value) for parameter in parameters]
        except ValueError as fault:
            raise errors.invalid(f"Parameter `_filter`: `{code}` {fault}.") from None
        return conditions.either(bounds)

    def _one(self, parameter: Parameter, operator: str, value: str) -> Bound:
        compare = _COMPARE.get(parameter.kind)
        found = compare(_Test(parameter, operator, value, self.names.bases)) if compare else None
        if found is None:
            raise errors.not_supported(
                f"`{operator}` in `_filter` is not defined for `{parameter.code}`, a {parameter.kind} parameter."
            )
        also = f"{{t}}.target_type = '{parameter.only_type}'" if parameter.only_type else ""
        return conditions.leaf(parameter.kind, parameter.keys, [found], also, _RANKS.get(parameter.kind, 9))


def _targets(parameters: list[Parameter]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for parameter in parameters:
        if parameter.kind == "reference":
            found.update(dict.fromkeys(parameter.targets or definitions.RESOURCE_TYPES))
    return tuple(found)


_RANKS = {"token": 7, "string": 5, "reference": 2, "uri": 2}


@dataclass(frozen=True, slots=True)
class _Test:
    parameter: Parameter
    operator: str
    value: str
    bases: tuple[str, ...]


def _not(comparison: Comparison) -> Comparison:
    """ne: "an item in the set has an unequal value"."""
    return Comparison(f"NOT ({comparison.sql})", comparison.values, comparison.kinds, 12)


def _string(test: _Test) -> Comparison | None:
    match test.operator:
        case "eq":
            return string.equals(test.value)
        case "ne":
            return _not(
                Comparison("{t}.value = ? OR {t}.exact IS NULL", (string.fold(test.value),), ("text",))
            )
        case "co":
            return _slow(string.contains(test.value))
        case "sw":
            return string.starts(test.value)
        case "ew":
            return _slow(string.ends(test.value))
        case "gt" | "lt" | "ge" | "le":
            sign = {"gt": ">", "lt": "<", "ge": ">=", "le": "<="}[test.operator]
            return Comparison(
                f"{{t}}.value {sign} ? AND {{t}}.exact IS NOT NULL", (string.fold(test.value),), ("text",), 9
            )
    return None


def _slow(comparison: Comparison) -> Comparison:
    return comparison._replace(rank=9)


def _token(test: _Test) -> Comparison | None:
    system, bar, code = test.value.partition("|")
    if bar and system in _SYSTEMS:
        system = _SYSTEMS[system]
    text = f"{_escaped(system)}|{_escaped(code)}" if bar else _escaped(test.value)
    read = token.reader(test.parameter)
    if test.operator == "eq":
        return read(text)
    return _not(read(text)) if test.operator == "ne" else None


def _number(test: _Test) -> Comparison | None:
    if test.operator in ("eq", "ne") or test.operator in _ORDERED:
        return number.read(f"{test.operator}{test.value}")
    return number.read(f"eq{test.value}") if test.operator == "co" else None


def _quantity(test: _Test) -> Comparison | None:
    if test.operator in ("eq", "ne") or test.operator in _ORDERED:
        parts = test.value.split("|")
        if len(parts) == 3 and parts[1] in _SYSTEMS:
            parts[1] = _SYSTEMS[parts[1]]
        return quantity.read(test.operator + "|".join(_escaped(part) for part in parts))
    return None


def _date(test: _Test) -> Comparison | None:
    if test.operator in ("eq", "ne") or test.operator in _ORDERED:
        return date.read(f"{test.operator}{test.value}")
    low, high = date.date_range(test.value)
    if test.operator == "po":
        return date.overlaps(low, high)
    if test.operator == "co":
        # "An item in the set's implicit period includes the stated value."
        return Comparison("{t}.low <= ? AND {t}.high >= ?", (low, high), ("bigint", "bigint"))
    return None


def _reference(test: _Test) -> Comparison | None:
    if test.operator in ("re", "eq"):
        return reference.reader(test.parameter, None, test.bases)(_escaped(test.value))
    if test.operator == "ne":
        return _not(reference.reader(test.parameter, None, test.bases)(_escaped(test.value)))
    return None


def _uri(test: _Test) -> Comparison | None:
    match test.operator:
        case "eq":
            return uri.equals(_escaped(test.value))
        case "ne":
            return _not(uri.equals(_escaped(test.value)))
        case "sw" | "co" | "ew":
            # SQLite's LIKE takes no notice of case.
            sql = _URI_TESTS[test.operator]
            kinds: list[Kind] = ["text"] * sql.count("?")
            return Comparison(sql, (test.value,) * len(kinds), tuple(kinds), 9)
    return None


_URI_TESTS = {
    "sw": "substr({t}.value, 1, length(?)) = ?",
    "co": "replace({t}.value, ?, '') <> {t}.value",
    "ew": "replace({t}.value || '\n', ? || '\n', '') <> {t}.value || '\n'",
}


def _escaped(text: str) -> str:
    return re.sub(r"([\\,$|])", r"\\\1", text)


_COMPARE: Mapping[str, Callable[[_Test], Comparison | None]] = {
    "date": _date,
    "number": _number,
    "quantity": _quantity,
    "reference": _reference,
    "string": _string,
    "token": _token,
    "uri": _uri,
}
