"""$lastn: all about a patient (https://hl7.org/fhir/R4/patient-operation-lastn.html)."""
from __future__ import annotations
from fhirhub.api.exchange import FhirRequest, FhirResponse
async def lastn(request: FhirRequest) -> FhirResponse:
    """x"""
    raise NotImplementedError
