"""What is not known here, asked of the outside terminology server (https://hl7.org/fhir/R4/terminology-service.html)."""

from __future__ import annotations

from dataclasses import replace

from fhirhub.api.exchange import FhirRequest, FhirResponse, Handler, Json
from fhirhub.api.operations import parameters
from fhirhub.errors import FhirError
from fhirhub.resources import document
from fhirhub.terminology.outside import Outside

_CODES = {
    "code": "valueCode",
    "displayLanguage": "valueCode",
    "property": "valueCode",
    "filter": "valueString",
}
_BOOLEANS = frozenset(
    {
        *("abstract", "activeOnly", "excludeNested", "excludeNotForUI", "excludePostCoordinated"),
        *("includeDefinition", "includeDesignations", "reverse", "inferSystem"),
    }
)
_NUMBERS = frozenset({"count", "offset"})
_TEXTS = frozenset(
    {"display", "version", "systemVersion", "valueSetVersion", "designation", "conceptMapVersion"}
)


def asking(handler: Handler) -> Handler:
    """The handler, whose `not-found` about a code system, value set or map is asked of the outside server, where
    there is one."""

    async def run(request: FhirRequest) -> FhirResponse:
        try:
            return await handler(request)
        except FhirError as fault:
            outside = request.repository.tenant.library.outside
            if outside is None or len(request.path) != 2 or not _is_unknown(fault):
                raise
            return await forward(request, outside, fault)

    return run


def _is_unknown(fault: FhirError) -> bool:
    return all(issue.code == "not-found" and "not known here" in issue.text for issue in fault.issues)


async def forward(request: FhirRequest, outside: Outside, fault: FhirError | None = None) -> FhirResponse:
    """The outside server's answer to the same call. Raises `fault`, with its say added, where it does not know
    either."""
    given = parameters.read(request)
    type, operation = request.path
    told = [_parameter(name, value) for name, value in given.values]
    if given.resource is not None:
        told.append({"name": type[0].lower() + type[1:], "resource": given.resource})
    url = given.text("url")
    if type == "ValueSet" and url is not None:
        # One that lies here and needs what does not goes with the question.
        here = await request.repository.tenant.library.value_set(url)
        if here is not None:
            told = [each for each in told if each["name"] != "url"]
            told.append({"name": "valueSet", "resource": here})
    answer = await outside.ask(f"{type}/{operation}", {"resourceType": "Parameters", "parameter": told})
    if answer.status == 200 or fault is None:
        return FhirResponse(200 if answer.status == 200 else 422, document.encode(answer.resource))
    issue = fault.issues[0]
    raise FhirError(
        fault.status,
        [replace(issue, text=f"{issue.text}, nor at the terminology server {outside.base}")],
    )


def _parameter(name: str, value: object) -> Json:
    if isinstance(value, dict):
        if "resourceType" in value:
            return {"name": name, "resource": value}
        return {"name": name, "valueCodeableConcept" if name == "codeableConcept" else "valueCoding": value}
    if isinstance(value, list):
        return {"name": name, "part": value}
    text = str(value)
    if name in _BOOLEANS:
        return {"name": name, "valueBoolean": value is True or text == "true"}
    if name in _NUMBERS:
        return {"name": name, "valueInteger": int(text)}
    if name in _TEXTS:
        return {"name": name, "valueString": text}
    if name == "date":
        return {"name": name, "valueDateTime": text}
    return {"name": name, _CODES.get(name, "valueUri"): text}
