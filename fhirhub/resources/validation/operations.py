"""SearchParameters, OperationDefinitions and CapabilityStatements against what they describe.

https://hl7.org/fhir/R4/searchparameter.html, https://hl7.org/fhir/R4/operationdefinition.html,
https://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from typing import Any

from fhirhub.resources import definitions
from fhirhub.resources.fhirpath import FhirpathError, Item, names
from fhirhub.resources.fhirpath import compile as compile_expression
from fhirhub.resources.validation import snapshots
from fhirhub.resources.validation.examination import Examination, Scope

Json = dict[str, Any]


def _list(value: Json, name: str) -> list[tuple[int, Json]]:
    found = value.get(name)
    return [
        (n, each) for n, each in enumerate(found if isinstance(found, list) else ()) if isinstance(each, dict)
    ]


def check_search_parameter(examination: Examination, scope: Scope, item: Item) -> None:
    """Its expression is FHIRPath of its bases; a composite has components; what it derives from allows it."""
    value = item.value
    bases = [each for each in value.get("base", ()) if isinstance(each, str)]
    _check_expression(examination, item, value.get("expression"), bases, ".expression")
    components = _list(value, "component")
    if value.get("type") == "composite" and len(components) < 2:
        text = "A composite search parameter has two components or more"
        examination.tell("error", "business-rule", text, item, below=".component")
    derived = value.get("derivedFrom")
    found = examination.canonicals.find("SearchParameter", derived) if isinstance(derived, str) else None
    if found is not None:
        allowed = set(found.get("base", ()))
        for base in bases:
            if base not in allowed and "Resource" not in allowed:
                text = f"{derived}, from which this derives, is not for {base}"
                examination.tell("error", "business-rule", text, item, below=".base")
        if found.get("type") != value.get("type"):
            text = f"{derived}, from which this derives, is of the type {found.get('type')}"
            examination.tell("error", "business-rule", text, item, below=".type")


def _check_expression(
    examination: Examination, item: Item, expression: Any, bases: list[str], at: str
) -> None:
    if not isinstance(expression, str):
        return
    is_known = bool(bases) and all(definitions.is_resource_type(base) for base in bases)
    try:
        compile_expression(expression)
        names.check(expression, bases if is_known else None)
    except FhirpathError as fault:
        text = f"The expression cannot be read: {fault}"
        examination.tell("error", "invalid", text, item, below=at)


def check_operation(examination: Examination, scope: Scope, item: Item) -> None:
    """Its base is not itself; its profiles are of Parameters and ask of each parameter what it asks."""
    value = item.value
    if value.get("base") is not None and value.get("base") == value.get("url"):
        text = "An operation is not based on itself"
        examination.tell("error", "business-rule", text, item, below=".base")
    for use, name in (("in", "inputProfile"), ("out", "outputProfile")):
        url = value.get(name)
        if isinstance(url, str):
            _check_profile(examination, item, use, name, url)


def _check_profile(examination: Examination, item: Item, use: str, name: str, url: str) -> None:
    definition = examination.canonicals.find("StructureDefinition", url)
    if definition is None:
        return
    if definition.get("type") != "Parameters":
        text = f"{url} is a profile of {definition.get('type')}; the {name} is one of Parameters"
        examination.tell("error", "business-rule", text, item, below=f".{name}")
        return
    try:
        rows = snapshots.rows(definition, examination.canonicals)
    except (snapshots.SnapshotError, KeyError, TypeError, AttributeError):
        return
    asked = {
        str(row[key]): parent
        for row in rows
        for key in ("fixedString", "patternString")
        if row.get("path") == "Parameters.parameter.name" and key in row
        for parent in rows
        if parent.get("id") == str(row.get("id")).rpartition(".")[0]
    }
    for position, parameter in _list(item.value, "parameter"):
        row = asked.get(str(parameter.get("name")))
        if parameter.get("use") != use or row is None:
            continue
        for bound in ("min", "max"):
            if bound in row and str(row[bound]) != str(parameter.get(bound)):
                text = f"{bound} is {parameter.get(bound)}; the {name} {url} says {row[bound]}"
                below = f".parameter[{position}].{bound}"
                examination.tell("error", "business-rule", text, item, below=below)


def check_capabilities(examination: Examination, scope: Scope, item: Item) -> None:
    """Search parameters have the types of their definitions."""
    for position, rest in _list(item.value, "rest"):
        for number, resource in _list(rest, "resource"):
            for place, parameter in _list(resource, "searchParam"):
                type = _search_type(examination, parameter.get("definition"))
                if type is not None and type != parameter.get("type"):
                    at = f".rest[{position}].resource[{number}].searchParam[{place}].type"
                    text = f"{parameter['definition']} is of the type {type}; got {parameter.get('type')}"
                    examination.tell_beyond("invalid", text, item, below=at)


def _search_type(examination: Examination, url: Any) -> str | None:
    if not isinstance(url, str):
        return None
    found = examination.canonicals.find("SearchParameter", url)
    if found is not None:
        return str(found.get("type"))
    official = definitions.search_parameter(url.partition("|")[0])
    return official.type if official is not None else None
