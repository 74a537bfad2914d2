"""CarePlan/$document: the whole plan as a document, readable in plain Dutch (the guide's OperationDefinition
CarePlan-document)."""

from __future__ import annotations

from fhirhub.api import formats
from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.api.operations import paper, parameters
from fhirhub.careplan import wholeplan
from fhirhub.careplan.gathering import Gathering
from fhirhub.errors import business_rule
from fhirhub.resources import careplan, document


async def plan_document(request: FhirRequest) -> FhirResponse:
    """The plan as it is now, of what the caller may see."""
    parameters.read(request)
    plan = document.decode((await request.repository.read("CarePlan", request.path[1])).body or b"{}")
    patient = careplan.patient_of(plan, request.base)
    if patient is None:
        raise business_rule("A plan that becomes a document is about a Patient here.", "CarePlan.subject")
    gathering = Gathering(request.repository, request.base)
    language = formats.language(request.headers.get("accept-language", ""))
    found = await wholeplan.sections(gathering, plan, language)
    person = await gathering.one(plan["subject"])
    title = wholeplan.title(person or {}, language)
    return await paper.answer(request, gathering, "zorgplan", "PlanDocument", patient, title, found)
