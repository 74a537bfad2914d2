"""Expressions in forms: FHIRPath on a response and its surroundings, and its results as JSON
(https://hl7.org/fhir/uv/sdc/STU3/expressions.html)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from fhirhub.resources import fhirpath
from fhirhub.resources.fhirpath import Environment, FhirpathError, Item
from fhirhub.resources.fhirpath.environment import MOST_STEPS
from fhirhub.resources.fhirpath.item import of_resource
from fhirhub.resources.fhirpath.quantity import Amount
from fhirhub.resources.fhirpath.temporal import Temporal

Json = dict[str, Any]

SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
UNIT = "http://hl7.org/fhir/StructureDefinition/questionnaire-unit"
MAP = "http://hl7.org/fhir/StructureDefinition/questionnaire-"
"""What the extension of a StructureMap to fill in by was called before it was SDC's."""
VARIABLE = "http://hl7.org/fhir/StructureDefinition/variable"
FHIRPATH = "text/fhirpath"
QUERY = "application/x-fhir-query"


class Surroundings:
    """What an expression sees: the response (`%resource`), the questionnaire (`%questionnaire`) and variables. `faults`
    has what could not be evaluated."""

    def __init__(
        self, response: Json, questionnaire: Json, variables: Mapping[str, Any] | None = None
    ) -> None:
        self.response = of_resource(response)
        self.variables: dict[str, Any] = {"questionnaire": of_resource(questionnaire), **(variables or {})}
        self.faults: list[str] = []
        self.budget = [MOST_STEPS]
        """Steps that all expressions together may still take."""

    def within(self, **variables: Any) -> Surroundings:
        """The same with these variables besides."""
        made = object.__new__(Surroundings)
        made.response, made.faults, made.budget = self.response, self.faults, self.budget
        made.variables = {**self.variables, **variables}
        return made

    def find(self, expression: str, focus: Item | None = None) -> list[Item]:
        """What the expression finds from the focus, the response where none is given; nothing where it has a fault."""
        environment = Environment(self.response, variables=self.variables, steps=self.budget[0])
        try:
            return fhirpath.compile(expression)(focus or self.response, environment)
        except FhirpathError as fault:
            self.faults.append(f"`{expression[:200]}`: {fault}")
            return []
        finally:
            self.budget[0] = environment.steps

    def text(self, expression: str | None, focus: Item | None = None) -> str | None:
        """The same as one text; None where it finds none."""
        found = self.find(expression, focus) if expression else []
        value = json_of(found[0]) if found else None
        return value if isinstance(value, str) and value else None

    def filled(self, query: str, focus: Item | None = None) -> str | None:
        """A FHIR query with what stands between `{{` and `}}` evaluated; None where one of them finds nothing."""
        done, rest = "", query
        while "{{" in rest:
            before, _, rest = rest.partition("{{")
            expression, closed, rest = rest.partition("}}")
            values = [json_of(each) for each in self.find(expression, focus)] if closed else []
            if not values:
                return None
            done += before + ",".join(quote(str(each), safe="/|:") for each in values)
        return done + rest


def extended(element: Json, url: str) -> list[Json]:
    """The extensions of that URL; one of SDC by the end of its URL."""
    whole = url if "://" in url else SDC + url
    found = element.get("extension")
    return [each for each in found if isinstance(each, dict) and each.get("url") == whole] if found else []


def value_of(extension: Json) -> Any:
    """The value of an extension."""
    return next((value for key, value in extension.items() if key.startswith("value")), None)


def parts(extension: Json) -> dict[str, Any]:
    """The values of a complex extension by their URL."""
    return {str(each.get("url")): value_of(each) for each in extension.get("extension", ())}


def expression_of(value: Any) -> tuple[str, str, str | None] | None:
    """Language, text and name of an Expression, or of FHIRPath as a string; None where it is neither."""
    if isinstance(value, str):
        return FHIRPATH, value, None
    if isinstance(value, dict) and isinstance(value.get("expression"), str):
        return str(value.get("language", FHIRPATH)), value["expression"], value.get("name")
    return None


def json_of(item: Item) -> Any:
    """An item as it stands in JSON."""
    value = item.value
    if isinstance(value, Temporal):
        return str(value)
    if isinstance(value, Amount):
        code = {"system": "http://unitsofmeasure.org", "code": value.code} if value.code else {}
        return {"value": value.value, "unit": value.unit, **code}
    if isinstance(value, Decimal) and item.type == "System.Integer":
        return int(value)
    return value
