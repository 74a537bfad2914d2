"""QuestionnaireResponse/$extract: what a completed response says, as resources to create and update
(http://hl7.org/fhir/uv/sdc/OperationDefinition/QuestionnaireResponse-extract). Nothing is written: the caller posts
the transaction, with the caller's own rights."""

from __future__ import annotations

from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import codes, parameters
from fhirhub.careplan import questionnaires
from fhirhub.errors import business_rule, invalid, processing, required
from fhirhub.resources import document, extraction

COMPLETED = frozenset({"completed", "amended"})


async def extract(request: FhirRequest) -> FhirResponse:
    """A transaction Bundle; Parameters with it and `issues` where something could not be extracted."""
    given = parameters.read(request)
    response = await codes.of_instance(request)
    if response is None:
        response = codes.resource_of(given, "questionnaire-response", "QuestionnaireResponse")
    if response is None:
        raise required("`questionnaire-response` is the response to extract from")
    if response.get("status") not in COMPLETED:
        raise business_rule(
            f"Only a response that is completed or amended is extracted; this one is {response.get('status')}",
            "QuestionnaireResponse.status",
        )
    questions = await _questionnaire(request, given, response)
    validator = await request.repository.tenant.conformance.validator()
    found = extraction.extract(questions, response, validator.canonicals)
    if not found.faults:
        return FhirResponse(200, document.encode(found.bundle))
    told = [
        {"severity": "warning", "code": "incomplete", "details": {"text": text[:1000]}}
        for text in found.faults
    ]
    issues = {"resourceType": "OperationOutcome", "issue": told}
    made: Json = {
        "resourceType": "Parameters",
        "parameter": [{"name": "return", "resource": found.bundle}, {"name": "issues", "resource": issues}],
    }
    return FhirResponse(200, document.encode(made))


async def _questionnaire(request: FhirRequest, given: parameters.Input, response: Json) -> Json:
    named = given.one("questionnaire")
    if named is not None:
        if not isinstance(named, dict) or named.get("resourceType") != "Questionnaire":
            raise invalid("`questionnaire` expects a Questionnaire")
        return named
    canonical = response.get("questionnaire")
    if not isinstance(canonical, str):
        raise required("The response names no questionnaire", "QuestionnaireResponse.questionnaire")
    found = await questionnaires.find(request.repository, canonical, response)
    if found is None:
        raise processing(
            f"The questionnaire {canonical[:300]} is not known here; send it as `questionnaire`",
            "QuestionnaireResponse.questionnaire",
        )
    return found.questionnaire
