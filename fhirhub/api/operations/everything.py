"""$everything: all about a patient (https://hl7.org/fhir/R4/patient-operation-everything.html)."""
from __future__ import annotations
from fhirhub.api.exchange import FhirRequest, FhirResponse
async def everything(request: FhirRequest) -> FhirResponse:
    """x"""
    raise NotImplementedError
