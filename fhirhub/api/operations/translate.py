"""ConceptMap `$translate`: codes of one system as codes of another
(https://hl7.org/fhir/R4/conceptmap-operation-translate.html)."""

from __future__ import annotations

from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import codes, parameters
from fhirhub.api.operations.parameters import Input
from fhirhub.errors import error, invalid, required
from fhirhub.resources import document
from fhirhub.terminology.library import Library
from fhirhub.terminology.translation import NO_MATCH, Match, Question, others, scopes, translate

_DEEPEST = 10


async def translated(request: FhirRequest) -> FhirResponse:
    """`result` and every `match`."""
    given = parameters.read(request)
    asked = codes.codings(given, "system", "version")
    if given.text("code") is not None and asked[0].system is None:
        raise required("`code` needs its `system`")
    library = request.repository.tenant.library
    maps, is_named = await _maps(request, given, library)
    reverse = given.flag("reverse") or False
    dependencies = _dependencies(given)
    matches: list[Match] = []
    for coding in asked:
        question = Question(
            coding,
            given.text("source"),
            given.text("target"),
            given.text("targetsystem"),
            reverse,
            dependencies,
        )
        for each in maps:
            # A map that was asked for by name is used whatever it says that it is from and to.
            matches += await _through(library, each, question, ())
    is_translated = any(each.equivalence not in NO_MATCH for each in matches)
    text = None
    if not is_translated:
        shown = ", ".join(str(each) for each in asked)
        where = (
            f"the concept map {given.text('url')}" if is_named and given.text("url") else "what is known here"
        )
        text = f"There is no translation of {shown} in {where}"
    told: list[Json] = [{"name": "result", "valueBoolean": is_translated}]
    if text:
        told.append({"name": "message", "valueString": text})
    told += [{"name": "match", "part": _match(each)} for each in _unique(matches)]
    return FhirResponse(200, document.encode({"resourceType": "Parameters", "parameter": told}))


async def _maps(request: FhirRequest, given: Input, library: Library) -> tuple[list[Json], bool]:
    """The maps to look in, and whether they were named."""
    one = await codes.of_instance(request) or codes.resource_of(given, "conceptMap", "ConceptMap")
    if one is not None:
        return [one], True
    url = given.text("url")
    if url is not None:
        canonical = codes.canonical(url, given.text("conceptMapVersion"))
        found = await library.resource("ConceptMap", canonical)
        if found is None:
            raise error(404, "not-found", f"The concept map {canonical[:300]} is not known here")
        return [found], True
    wanted = {"source": given.text("source"), "target": given.text("target")}
    reverse = given.flag("reverse")
    chosen = []
    for each in await library.concept_maps():
        source, target = scopes(each)
        if reverse:
            source, target = target, source
        if wanted["source"] in (None, source) and wanted["target"] in (None, target):
            chosen.append(each)
    return chosen, False


async def _through(
    library: Library, concept_map: Json, question: Question, seen: tuple[str, ...]
) -> list[Match]:
    """The matches of a map, else of the maps that it names for what it does not map."""
    found = translate(concept_map, question)
    url = str(concept_map.get("url", ""))
    if found or question.reverse or url in seen or len(seen) > _DEEPEST:
        return found
    for other in others(concept_map, question):
        inner = await library.resource("ConceptMap", other)
        if inner is not None:
            found += await _through(library, inner, question, (*seen, url))
    return found


def _dependencies(given: Input) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for each in given.all("dependency"):
        parts = {part.get("name"): part for part in each} if isinstance(each, list) else {}
        element = parts.get("element", {}).get("valueUri")
        concept = parts.get("concept", {}).get("valueCodeableConcept")
        if not isinstance(element, str) or not isinstance(concept, dict):
            raise invalid("`dependency` has the parts `element` (a uri) and `concept` (a CodeableConcept)")
        found.setdefault(element, []).extend(concept.get("coding", ()))
    return found


def _unique(matches: list[Match]) -> list[Match]:
    found: list[Match] = []
    for each in matches:
        if each not in found:
            found.append(each)
    return found


def _match(match: Match) -> list[Json]:
    parts: list[Json] = [{"name": "equivalence", "valueCode": match.equivalence}]
    if match.concept is not None:
        parts.append({"name": "concept", "valueCoding": match.concept})
    for product in match.products:
        inner = []
        if product.get("element"):
            inner.append({"name": "element", "valueUri": product["element"]})
        if product.get("concept"):
            inner.append({"name": "concept", "valueCoding": product["concept"]})
        parts.append({"name": "product", "part": inner})
    if match.map:
        parts.append({"name": "source", "valueUri": match.map})
    return parts
