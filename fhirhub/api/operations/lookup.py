"""CodeSystem `$lookup`: everything about a code (https://hl7.org/fhir/R4/codesystem-operation-lookup.html)."""

from __future__ import annotations

from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import codes, parameters
from fhirhub.errors import error
from fhirhub.resources import document
from fhirhub.terminology.concepts import Concept, languages_of
from fhirhub.terminology.systems import CodeSystem

_ALWAYS = frozenset({"url", "name", "version", "display"})
_SPECIAL = frozenset({"definition", "designation", "parent", "child", "inactive"})


async def lookup(request: FhirRequest) -> FhirResponse:
    """Parameters with name, display, designations and properties of the code."""
    given = parameters.read(request)
    asked = codes.one_coding(given)
    given.moment("date")
    languages = languages_of(given.text("displayLanguage"))
    library = request.repository.tenant.library
    assert asked.system is not None
    system = await library.system(asked.system, asked.version)
    if system is None:
        raise await library.unknown_system(asked.system, asked.version)
    found = (await system.get([asked.code])).get(asked.code)
    if found is None:
        raise error(404, "not-found", f"The code system {asked.system} has no code `{asked.code[:100]}`")
    wanted = {str(name) for name in given.lists("property")}
    return FhirResponse(200, document.encode(await _told(system, found, languages, wanted)))


async def _told(system: CodeSystem, concept: Concept, languages: tuple[str, ...], wanted: set[str]) -> Json:
    told: list[Json] = [{"name": "name", "valueString": system.name}]
    if system.version:
        told.append({"name": "version", "valueString": system.version})
    display = concept.display_in(languages, system.language) or concept.code
    told.append({"name": "display", "valueString": display})
    told += [
        {"name": "designation", "part": _designation(each)}
        for each in concept.designations
        if "value" in each and _is_wanted(each, wanted)
    ]
    if concept.definition and _has(wanted, "definition"):
        told.append(_property("definition", {"valueString": concept.definition}))
    if _has(wanted, "inactive") and (concept.inactive or "inactive" in wanted):
        told.append(_property("inactive", {"valueBoolean": concept.inactive}))
    others = [
        each
        for each in concept.properties
        if each.get("code") not in _SPECIAL and _has(wanted, str(each.get("code")))
    ]
    named = [str(each["valueCode"]) for each in others if "valueCode" in each]
    known = await system.get([*(concept.parents if _has(wanted, "parent") else ()), *named])
    if _has(wanted, "parent"):
        for code in concept.parents:
            told.append(_property("parent", {"valueCode": code}, _name(known.get(code), languages)))
    if _has(wanted, "child"):
        for child in await system.children(concept.code):
            told.append(_property("child", {"valueCode": child.code}, _name(child, languages)))
    for each in others:
        value = {key: content for key, content in each.items() if key.startswith("value")}
        meant = known.get(str(each.get("valueCode")))
        told.append(_property(str(each.get("code")), value, _name(meant, languages)))
    return {"resourceType": "Parameters", "parameter": told}


def _has(wanted: set[str], name: str) -> bool:
    return not wanted or name in wanted


def _is_wanted(designation: Json, wanted: set[str]) -> bool:
    """Without `property` all; else those asked for as `designation` or by language, as `lang.nl`."""
    language = str(designation.get("language", "")).lower()
    return _has(wanted, "designation") or f"lang.{language}" in {name.lower() for name in wanted}


def _name(concept: Concept | None, languages: tuple[str, ...]) -> str | None:
    return None if concept is None else concept.display_in(languages)


def _designation(given: Json) -> list[Json]:
    parts: list[Json] = []
    if "language" in given:
        parts.append({"name": "language", "valueCode": given["language"]})
    if "use" in given:
        parts.append({"name": "use", "valueCoding": given["use"]})
    return [*parts, {"name": "value", "valueString": given["value"]}]


def _property(code: str, value: Json, description: str | None = None) -> Json:
    parts: list[Json] = [{"name": "code", "valueCode": code}]
    parts += [{"name": "value", key: content} for key, content in value.items()]
    if description:
        parts.append({"name": "description", "valueString": description})
    return {"name": "property", "part": parts}
