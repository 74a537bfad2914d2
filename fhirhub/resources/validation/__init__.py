"""Whether a resource is right: pure checks that return issues (https://hl7.org/fhir/R4/validation.html)."""
