"""FHIRPath, compiled to functions and typed by the definitions (https://hl7.org/fhir/R4/fhirpath.html)."""

from fhirhub.resources.fhirpath.faults import FhirpathError
from fhirhub.resources.fhirpath.select import Select, Selected, select

__all__ = ["FhirpathError", "Select", "Selected", "select"]
