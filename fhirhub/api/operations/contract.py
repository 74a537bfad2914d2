"""What an operation may be given and what it answers, by its OperationDefinition
(https://hl7.org/fhir/R4/operationdefinition.html).

`of` compiles a definition once; every call of every line of OPERATIONS is held to it before it runs. In development
and in tests what it answers is held to it as well (`FHIRHUB_CHECK_ANSWERS`).
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fhirhub.api.exchange import Json
from fhirhub.errors import FhirError, Issue
from fhirhub.resources import definitions, primitives, references
from fhirhub.resources.canonicals import OFFICIAL, type_of
from fhirhub.resources.fhirpath.model import is_a
from fhirhub.resources.validation import structure, wording
from fhirhub.resources.validation.bindings import LocalTerminology

ANY_SEARCH_PARAMETER = "*"
"""Among what an operation takes besides its definition: every search parameter of its type."""

_URIS = frozenset({"uri", "url", "canonical"})
_MOMENTS = frozenset({"date", "dateTime", "instant"})
_OPEN = frozenset({"Any", "Element", "Type"})
_NUMBERS = {"integer": r"[+-]?\d{1,10}", "positiveInt": r"[+]?\d{1,10}", "unsignedInt": r"[+]?\d{1,10}"}


class Given(NamedTuple):
    """One parameter of a call. `key` says how its value came: `valueUri`, `resource`, `part`, or '' from the query;
    `place` is where in the body it stands, None for the query."""

    name: str
    key: str
    value: Any
    place: str | None = None


class Parameter(NamedTuple):
    """One parameter of a definition; `most` is None for any number, `type` None where it has parts."""

    name: str
    least: int
    most: int | None
    type: str | None
    value_set: str | None
    targets: tuple[str, ...]
    parts: Mapping[str, Parameter]


class Contract:
    """A definition made ready: its parameters in and out, by name."""

    def __init__(self, definition: Json) -> None:
        self.name = f"${definition['code']}"
        self.url: str = definition["url"]
        rows: list[Json] = definition.get("parameter", [])
        self.takes = _parameters(row for row in rows if row.get("use") == "in")
        self.gives = _parameters(row for row in rows if row.get("use") == "out")
        returned = self.gives.get("return")
        # A Bundle may come in pages.
        self._always = ("_cursor",) if returned is not None and returned.type == "Bundle" else ()
        # A resource that is to be judged may be wrong: the operation tells what.
        self._judges = definition["code"] == "validate"

    def check(self, given: Sequence[Given], body: Json | None = None, more: Sequence[str] = ()) -> None:
        """Refuse (400) a call that does not keep to the definition, with all that is wrong. `body` is a resource
        that came in the place of Parameters; `more` are parameters that are taken besides those defined."""
        if body is not None:
            given = [*given, *self._of_body(body)]
        if ANY_SEARCH_PARAMETER in more:
            given = [each for each in given if each.name in self.takes]
        known = {**self.takes, **dict.fromkeys((*self._always, *more))}
        faults = list(self._faults(given, known, None))
        if faults:
            raise FhirError(400, faults)

    def _of_body(self, body: Json) -> Iterator[Given]:
        """The parameter that a resource in the place of Parameters is."""
        type = str(body.get("resourceType"))
        named = [
            each
            for each in self.takes.values()
            if each.type is not None and _is_resource(each.type) and is_a(type, each.type)
        ]
        if not named:
            wanted = [each.type for each in self.takes.values() if each.type and _is_resource(each.type)]
            also = f" or {wording.listed(map(str, wanted))}" if wanted else ""
            text = f"The body of {self.name} is Parameters{also}; got {_shown(type)}"
            raise FhirError(400, [Issue("error", "invalid", text)])
        yield Given(named[0].name, "resource", body, type)

    def check_answer(self, answer: Json | None) -> None:
        """Raise AssertionError where an answer is not what the definition says."""
        single = self.gives.get("return")
        gives = self.gives
        if single is not None and single.type == "Meta":
            # A Meta of nothing has no form in JSON.
            gives = {"return": single._replace(least=0)}
        if answer is None:
            given = []
        elif answer.get("resourceType") == "Parameters" and not (single and single.type == "Parameters"):
            given = list(parts_of(answer.get("parameter"), "Parameters"))
        else:
            given = [Given("return", "resource", answer, str(answer.get("resourceType")))]
        faults = [f"{each.expression}: {each.text}" for each in self._faults(given, gives, None)]
        if faults:
            raise AssertionError(f"The answer is not what {self.url} says: {'; '.join(faults)}")

    def _faults(
        self, given: Sequence[Given], known: Mapping[str, Parameter | None], outer: Given | None
    ) -> Iterator[Issue]:
        """What is wrong with the parameters, or with the parts of one."""
        of = self.name if outer is None else f"`{outer.name}` of {self.name}"
        counts: dict[str, int] = {}
        for each in given:
            if each.name not in known:
                yield _issue("not-supported" if outer is None else "invalid", _unknown(each, known, of), each)
                continue
            wanted = known[each.name]
            if wanted is None:
                continue
            counts[each.name] = number = counts.get(each.name, 0) + 1
            if wanted.most is not None and number == wanted.most + 1:
                total = sum(other.name == each.name for other in given)
                times = "once" if wanted.most == 1 else f"{wanted.most} times at most"
                yield _issue("invalid", f"`{each.name}` is given {times}; got {total}", each)
            yield from self._of_one(each, wanted)
        for name, wanted in known.items():
            if wanted is not None and counts.get(name, 0) < wanted.least:
                times = "" if wanted.least == 1 else f" {wanted.least} times"
                text = f"`{name}` is required{times} by {of}: {_asked(wanted)}"
                if outer is None and wanted.type is not None and wanted.type[0].islower():
                    text += f"; in an address `{name}={_IN_ADDRESSES.get(wanted.type, '...')}`"
                yield _issue("required", text, outer)

    def _of_one(self, given: Given, wanted: Parameter) -> Iterator[Issue]:
        fault = _misfit(given, wanted)
        if fault is not None:
            yield _issue("invalid", f"`{given.name}` {fault}", given)
        elif given.key == "part":
            inner = list(parts_of(given.value, given.place or "", "part"))
            yield from self._faults(inner, wanted.parts, given)
        elif given.key == "resource" and not self._judges:
            yield from _of_structure(given)
        else:
            fault = _of_content(given, wanted)
            if fault is not None:
                yield _issue("code-invalid", f"`{given.name}` {fault}", given)


@functools.cache
def of(url: str) -> Contract:
    """The contract of the OperationDefinition with that URL. Raises KeyError where there is none."""
    found = OFFICIAL.find("OperationDefinition", url)
    if found is None:
        raise KeyError(f"There is no OperationDefinition {url}, in R4 or in the guide")
    return Contract(found)


def parts_of(listed: Any, place: str, name: str = "parameter") -> Iterator[Given]:
    """Each member of `Parameters.parameter` or of a `part`, whose structure is right."""
    for number, part in enumerate(listed if isinstance(listed, list) else ()):
        at = f"{place}.{name}[{number}]"
        key = next((key for key in part if key.startswith("value") or key in ("resource", "part")), "part")
        yield Given(str(part["name"]), key, part.get(key), at)


def _parameters(rows: Iterable[Json]) -> dict[str, Parameter]:
    return {
        row["name"]: Parameter(
            row["name"],
            row["min"],
            None if row["max"] == "*" else int(row["max"]),
            row.get("type"),
            row["binding"].get("valueSet") if row.get("binding", {}).get("strength") == "required" else None,
            tuple(found for each in row.get("targetProfile", ()) if (found := type_of(each)) is not None),
            _parameters(row.get("part", ())),
        )
        for row in rows
    }


def _is_resource(type: str) -> bool:
    return type in ("Resource", "DomainResource") or definitions.is_resource_type(type)


def _unknown(given: Given, known: Iterable[str], of: str) -> str:
    near = difflib.get_close_matches(given.name, list(known), 1)
    also = f"; did you mean `{near[0]}`?" if near else f"; it has {', '.join(known) or 'none'}"
    return f"`{given.name[:100]}` is not a parameter of {of}{also}"


_IN_ADDRESSES = {"date": "2026-03-31", "boolean": "true"}
"""What a parameter in an address looks like, by type."""


def _asked(wanted: Parameter) -> str:
    """What a parameter should be, in words."""
    if wanted.type is None:
        return f"the parts {wording.listed(wanted.parts)}"
    if _is_resource(wanted.type):
        return f"a resource, {wanted.type}" if wanted.type != "Resource" else "a resource"
    if wanted.type in _OPEN:
        return "a value or a resource" if wanted.type == "Any" else "a value"
    return f"value{wanted.type[0].upper()}{wanted.type[1:]}"


def _misfit(given: Given, wanted: Parameter) -> str | None:
    """Why what was given is not of the type wanted."""
    type = wanted.type
    if given.key == "":
        return _misfit_of_text(given.value, type)
    if type is None:
        return None if given.key == "part" else f"expects {_asked(wanted)}; got {given.key}"
    if _is_resource(type):
        found = given.value.get("resourceType") if given.key == "resource" else None
        if found is None:
            return f"expects {_asked(wanted)}; got {given.key if given.value is not None else 'nothing'}"
        return None if is_a(str(found), type) else f"expects {type}; got {_shown(found)}"
    if type == "Any" and given.key == "resource" and given.value is not None:
        return None
    if not given.key.startswith("value"):
        got = given.key if given.value is not None else "nothing"
        return f"expects {_asked(wanted)}; got {got}"
    if type in _OPEN:
        return None
    name = given.key.removeprefix("value")
    if not _is_complex(name):
        name = name[0].lower() + name[1:]
    if is_a(name, type) or (name in _URIS and type in _URIS):
        return None if name == type or name not in primitives.CHECKS else primitives.check(type, given.value)
    return f"expects {_asked(wanted)}; got {given.key}"


def _is_complex(name: str) -> bool:
    try:
        return bool(definitions.structure(name))
    except KeyError:
        return False


def _misfit_of_text(text: str, type: str | None) -> str | None:
    """The same of a text from the query, in which only simple types can be written, and a Coding as system|code."""
    if type is None or not (type in primitives.CHECKS or type in ("Coding", *_OPEN)):
        what = "has parts" if type is None else f"is a {type}"
        return f"{what}: it goes into Parameters, by POST"
    if type in ("Coding", "string", "markdown", *_OPEN):
        return None
    if type == "boolean":
        return None if text in ("true", "false") else f"expects true or false; got {_shown(text)}"
    if type in _NUMBERS:
        if re.fullmatch(_NUMBERS[type], text, re.ASCII) is None:
            return f"expects a whole number; got {_shown(text)}"
        return primitives.check(type, int(text))
    if type in _MOMENTS:
        try:
            primitives.date_range(text.replace(" ", "+"))
        except ValueError:
            return f"expects a date such as 2026-11-22; got {_shown(text)}"
        return None
    if type == "decimal":
        is_number = re.fullmatch(r"[+-]?\d{1,18}(?:\.\d{1,18})?", text, re.ASCII) is not None
        return None if is_number else f"expects a number; got {_shown(text)}"
    return primitives.check(type, text)


def _of_structure(given: Given) -> Iterator[Issue]:
    """What is wrong with the structure of a resource, seen from the body that it stands in."""
    type = str(given.value.get("resourceType"))
    for issue in structure.validate(given.value):
        inner = (issue.expression or type).removeprefix(type)
        at = given.place if given.place == type else f"{given.place}.resource"
        yield Issue(issue.severity, issue.code, f"`{given.name}`: {issue.text}", f"{at}{inner}")


@functools.cache
def _terminology() -> LocalTerminology:
    return LocalTerminology(OFFICIAL)


def _of_content(given: Given, wanted: Parameter) -> str | None:
    """What a required binding or the targets of a reference say against the value."""
    value = given.value
    if wanted.value_set is not None:
        codings = value.get("coding", ()) if isinstance(value, dict) and "coding" in value else (value,)
        found = [_is_member(each, wanted.value_set) for each in codings]
        if found and not any(each is not False for each in found):
            return f"expects a code from {wanted.value_set}; got {_shown_code(value)}"
    if wanted.targets and isinstance(value, dict):
        text = value.get("reference")
        type = references.parse(text).type if isinstance(text, str) else None
        if type is not None and type not in wanted.targets:
            return f"may refer to {wording.listed(wanted.targets)}; got a reference to {_shown(type)}"
    return None


def _is_member(value: Any, value_set: str) -> bool | None:
    if isinstance(value, dict):
        return _terminology().validate(value.get("system", ""), str(value.get("code")), value_set).is_member
    return _terminology().validate(None, str(value), value_set).is_member


def _shown_code(value: Any) -> str:
    if not isinstance(value, dict):
        return _shown(value)
    codings = value.get("coding") or [value]
    return wording.listed(f"{each.get('system', '')}|{each.get('code', '')}" for each in codings)


def _shown(value: Any) -> str:
    return f"`{str(value)[:100]}`"


def _issue(code: str, text: str, given: Given | None) -> Issue:
    return Issue("error", code, text, None if given is None else given.place)
