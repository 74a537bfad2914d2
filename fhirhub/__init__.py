"""fhirhub: a FHIR R4 server for shared care plans in Dutch primary care."""

__version__ = "0.1.0"
