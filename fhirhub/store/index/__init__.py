"""The search indexes: one file for each search type (https://hl7.org/fhir/R4/search.html#ptypes)."""
