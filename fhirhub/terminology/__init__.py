"""Code systems, value sets and concept maps: what codes mean (https://hl7.org/fhir/R4/terminology-module.html)."""
