"""What goes into an operation and comes out: Parameters (https://hl7.org/fhir/R4/parameters.html)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from fhirhub.api import formats, write
from fhirhub.api.exchange import FhirRequest, Json
from fhirhub.api.operations import contract
from fhirhub.api.operations.contract import Given
from fhirhub.errors import Issue, invalid
from fhirhub.resources import primitives
from fhirhub.resources.validation import structure

_RESULT = ("_format", "_pretty")


class Input:
    """The in-parameters of a call, from the query of either method and from the body of a POST."""

    def __init__(
        self, given: Sequence[Given], resource: Json | None = None, faults: Sequence[Issue] = ()
    ) -> None:
        self.given = given
        self.values: list[tuple[str, Any]] = [(each.name, each.value) for each in given]
        self.resource = resource
        """The body where it is a resource other than Parameters."""
        self.faults = faults
        """What is wrong in the XML of the resource that is given."""
        place = next((each.place for each in given if each.name == "resource" and each.place), None)
        self.at = None if place is None else f"{place}.resource"
        """Where in the body the parameter `resource` stands, as FHIRPath; None where there is none."""

    def all(self, name: str) -> list[Any]:
        return [value for key, value in self.values if key == name]

    def one(self, name: str) -> Any:
        """The value of this parameter, None where it is absent. Raises invalid where there are several."""
        found = self.all(name)
        if len(found) > 1:
            raise invalid(f"`{name}` is given once; got {len(found)}")
        return found[0] if found else None

    def text(self, name: str) -> str | None:
        value = self.one(name)
        if value is not None and not isinstance(value, str):
            raise invalid(f"`{name}` expects a text; got {type(value).__name__}")
        return value

    def flag(self, name: str) -> bool | None:
        """True or false; None where it is absent."""
        value = self.one(name)
        if value in (None, True, False):
            found: bool | None = value
            return found
        if value not in ("true", "false"):
            raise invalid(f"`{name}` expects true or false; got `{value}`")
        return bool(value == "true")

    def number(self, name: str, at_least: int, at_most: int) -> int | None:
        """A whole number from these bounds; one above `at_most` counts as `at_most`."""
        value = self.one(name)
        if value is None:
            return None
        text = str(value)
        if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < at_least:
            raise invalid(f"`{name}` expects a whole number, at least {at_least}; got `{text}`")
        return min(int(text), at_most)

    def moment(self, name: str) -> tuple[int, int] | None:
        """A date, dateTime or instant as a half-open range in microseconds since 1970 UTC."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return primitives.date_range(text.replace(" ", "+"))
        except ValueError:
            raise invalid(f"`{name}` expects a date such as 2026-11-22; got `{text}`") from None

    def lists(self, name: str) -> list[str]:
        """The members of all comma-separated values."""
        return [part.strip() for value in self.all(name) for part in str(value).split(",") if part.strip()]


def read(request: FhirRequest, faults: list[Issue] | None = None) -> Input:
    """The input of a call, as `invoke` found it. With `faults`, what is wrong in the XML of a resource is added
    there and not raised."""
    given = request.input if request.input is not None else parse(request)
    if faults is None:
        write.refuse_faults(given.faults)
    else:
        faults += given.faults
    return given


def parse(request: FhirRequest) -> Input:
    """The input of a call; what is wrong in the XML of a resource in it is kept beside it. Raises for all else
    that cannot be read."""
    asked = [
        Given(name, "", value)
        for name, value in parse_qsl(request.query, keep_blank_values=True)
        if name not in _RESULT
    ]
    resource = request.resource
    faults: list[Issue] = []
    if resource is None and request.body:
        kind = formats.body_kind(request.headers.get("content-type"))
        resource, faults = write.parse_with_faults(request.body, kind)
        if not all(_is_of_resource(resource, issue) for issue in faults):
            write.refuse_faults(faults)
    if resource is None:
        return Input(asked)
    if resource.get("resourceType") != "Parameters":
        return Input(asked, resource, faults)
    given = resource.get("parameter")
    carried = [
        {key: value for key, value in part.items() if key != "resource" or not isinstance(value, dict)}
        if isinstance(part, dict)
        else part
        for part in (given if isinstance(given, list) else ())
    ]
    write.refuse_faults(structure.validate({**resource, "parameter": carried} if carried else resource))
    return Input([*asked, *contract.parts_of(given, "Parameters")], None, faults)


_INSIDE = re.compile(r"Parameters\.parameter\[\d+\]\.resource\b")


def _is_of_resource(body: Json, issue: Issue) -> bool:
    """Whether a fault is one of the resource that is given, not of the Parameters around it."""
    return body.get("resourceType") != "Parameters" or _INSIDE.match(issue.expression or "") is not None


def within_resource(issue: Issue, type: str) -> Issue:
    """The issue with its place seen from the resource given, not from the Parameters around it."""
    return replace(issue, expression=_INSIDE.sub(type, issue.expression or type, count=1))


def result(name: str, key: str, value: Any) -> Json:
    """Parameters of one out-parameter, such as `return` with `valueMeta`."""
    return {"resourceType": "Parameters", "parameter": [{"name": name, key: value}]}
