"""What a resource is: pure functions over JSON, without database or HTTP (https://hl7.org/fhir/R4/resource.html)."""
