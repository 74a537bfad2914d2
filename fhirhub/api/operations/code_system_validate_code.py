"""CodeSystem `$validate-code`: whether a code exists and is named rightly
(https://hl7.org/fhir/R4/codesystem-operation-validate-code.html)."""

from __future__ import annotations

from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.api.operations import codes, parameters
from fhirhub.errors import required
from fhirhub.terminology import membership
from fhirhub.terminology.concepts import languages_of
from fhirhub.terminology.membership import Coding, Judgement
from fhirhub.terminology.systems import CodeSystem


async def validate_code(request: FhirRequest) -> FhirResponse:
    """`result`, with a `message` where it is false and the right `display`."""
    given = parameters.read(request)
    given.moment("date")
    abstract, languages = given.flag("abstract"), languages_of(given.text("displayLanguage"))
    library = request.repository.tenant.library
    resource = await codes.of_instance(request) or codes.resource_of(given, "codeSystem", "CodeSystem")
    url, version = given.text("url"), given.text("version")
    asked = codes.codings(given, "", "version")
    system: CodeSystem | None
    if resource is not None:
        url = str(resource.get("url", ""))
        system = library.of_resource(resource)
    else:
        url = url or next((each.system for each in asked if each.system), None)
        if url is None:
            raise required("`url` says which code system is meant, or the `system` of `coding`")
        system = await library.system(url, version)
    if system is None:
        raise await library.unknown_system(url, version)
    judged = [await _judge(system, url, each, abstract, languages) for each in asked]
    best = next((each for each in judged if each.result), judged[0])
    return codes.answer(
        ("result", "valueBoolean", bool(best.result)),
        ("message", "valueString", best.message),
        ("display", "valueString", best.display),
    )


async def _judge(
    system: CodeSystem, url: str, coding: Coding, abstract: bool | None, languages: tuple[str, ...]
) -> Judgement:
    if coding.system is not None and coding.system != url.partition("|")[0]:
        return Judgement(False, f"{coding} is of another code system than {url}")
    return await membership.in_system(system, coding, abstract=abstract, languages=languages)
