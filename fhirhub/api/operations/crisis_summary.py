"""Patient/$crisis-summary: what the doctor on duty must know, as a document (the guide's OperationDefinition
Patient-crisis-summary, RULES R33)."""

from __future__ import annotations

from fhirhub.api import formats
from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.api.operations import paper, parameters
from fhirhub.careplan import crisis
from fhirhub.careplan.gathering import Gathering, name_of
from fhirhub.resources import document


async def crisis_summary(request: FhirRequest) -> FhirResponse:
    """The summary as it is now, of what the caller may see."""
    parameters.read(request)
    patient = document.decode((await request.repository.read("Patient", request.path[1])).body or b"{}")
    gathering = Gathering(request.repository, request.base)
    language = formats.language(request.headers.get("accept-language", ""))
    found = await crisis.sections(gathering, patient, language)
    title = (
        f"{'Crisissamenvatting van' if language == 'nl' else 'Crisis summary of'} {name_of(patient)}".strip()
    )
    return await paper.answer(
        request, gathering, "crisissamenvatting", "CrisisSummary", patient["id"], title, found
    )
