"""ValueSet `$expand`: the codes of a value set (https://hl7.org/fhir/R4/valueset-operation-expand.html)."""

from __future__ import annotations

from typing import Any

from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import codes, parameters
from fhirhub.api.operations.parameters import Input
from fhirhub.errors import invalid, not_found, not_supported, required
from fhirhub.resources import document
from fhirhub.terminology import expansion
from fhirhub.terminology.composition import Versions
from fhirhub.terminology.concepts import languages_of
from fhirhub.terminology.library import unknown_value_set

_RECORDED = (
    ("filter", "valueString"),
    ("date", "valueDateTime"),
    ("offset", "valueInteger"),
    ("count", "valueInteger"),
    ("includeDesignations", "valueBoolean"),
    ("designation", "valueString"),
    ("includeDefinition", "valueBoolean"),
    ("activeOnly", "valueBoolean"),
    ("excludeNested", "valueBoolean"),
    ("excludeNotForUI", "valueBoolean"),
    ("excludePostCoordinated", "valueBoolean"),
    ("displayLanguage", "valueCode"),
    ("exclude-system", "valueUri"),
    ("system-version", "valueUri"),
    ("check-system-version", "valueUri"),
    ("force-system-version", "valueUri"),
)
_DESCRIPTIVE = (
    *("resourceType", "id", "meta", "implicitRules", "language", "url", "identifier", "version", "name"),
    *("title", "status", "experimental", "date", "publisher", "copyright", "immutable", "useContext"),
    *("jurisdiction",),
)
_LARGEST = 100_000_000


async def expand(request: FhirRequest) -> FhirResponse:
    """The value set with its expansion."""
    given = parameters.read(request)
    given.moment("date")
    asked = expansion.Request(
        filter=given.text("filter"),
        offset=given.number("offset", 0, _LARGEST) or 0,
        count=given.number("count", 0, _LARGEST),
        include_designations=given.flag("includeDesignations") or False,
        designation=tuple(given.all("designation")),
        active_only=given.flag("activeOnly") or False,
        exclude_nested=given.flag("excludeNested") or False,
        exclude_not_for_ui=given.flag("excludeNotForUI") or False,
        languages=languages_of(given.text("displayLanguage")),
        exclude_system=tuple(map(str, given.all("exclude-system"))),
        versions=Versions(
            _versions(given, "system-version"),
            _versions(given, "check-system-version"),
            _versions(given, "force-system-version"),
        ),
    )
    value_set = await asked_value_set(request, given)
    library = request.repository.tenant.library
    moment = document.instant(request.context.now())
    found = await expansion.expand(library, value_set, asked, moment)
    found["parameter"] = [*_recorded(given), *found.get("parameter", ())]
    made = {key: value_set[key] for key in _DESCRIPTIVE if key in value_set}
    made.setdefault("status", "active")
    if given.flag("includeDefinition"):
        made |= {key: value for key, value in value_set.items() if key not in ("expansion", "text")}
    # The expansion comes last, and is filled last.
    parameter, contains = found.pop("parameter"), found.pop("contains", None)
    made["expansion"] = found
    if parameter:
        found["parameter"] = parameter
    if contains:
        found["contains"] = contains
    return FhirResponse(200, document.encode(made))


async def asked_value_set(request: FhirRequest, given: Input) -> Json:
    """The value set that a call means: its instance, `valueSet`, `url` or `context`. Raises not_found."""
    instance = await codes.of_instance(request)
    if instance is not None:
        return instance
    sent = codes.resource_of(given, "valueSet", "ValueSet")
    if sent is not None:
        return sent
    library = request.repository.tenant.library
    url = given.text("url")
    if url is None:
        context = given.text("context")
        if context is None:
            raise required("`url` or `valueSet` says which value set is meant, or a `context`")
        url = await _bound(request, context)
    canonical = codes.canonical(url, given.text("valueSetVersion"))
    found = await library.value_set(canonical)
    if found is None:
        raise unknown_value_set(canonical)
    return found


async def _bound(request: FhirRequest, context: str) -> str:
    """The value set that an element is bound to: `[StructureDefinition]#[path]`."""
    canonical, _, path = context.partition("#")
    definition = await request.repository.tenant.library.resource("StructureDefinition", canonical)
    if definition is None:
        raise not_found(
            f"The `context` {canonical[:300]} is not known here; it is a StructureDefinition#path"
        )
    rows: list[Json] = (definition.get("snapshot") or definition.get("differential") or {}).get("element", [])
    for row in rows:
        if path in (row.get("path"), row.get("id"), str(row.get("path", "")).removesuffix("[x]")):
            bound: Any = (row.get("binding") or {}).get("valueSet")
            if isinstance(bound, str):
                return bound
    raise not_found(f"The `context` {context[:300]} is bound to no value set")


def _versions(given: Input, name: str) -> dict[str, str]:
    found = {}
    for each in given.all(name):
        system, bar, version = str(each).partition("|")
        if not bar or not system or not version:
            raise invalid(f"`{name}` expects system|version; got `{each}`")
        found[system] = version
    return found


def _recorded(given: Input) -> list[Json]:
    """The parameters that decided what is in the expansion."""
    recorded: list[Json] = []
    for name, key in _RECORDED:
        for value in given.all(name):
            if key == "valueBoolean":
                value = given.flag(name)
            elif key == "valueInteger":
                value = int(str(value))
            elif not isinstance(value, str):
                raise not_supported(f"`{name}` expects a text; got {type(value).__name__}")
            recorded.append({"name": name, key: value})
    return recorded
