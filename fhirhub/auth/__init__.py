"""SMART on FHIR: who asks, with which scopes, and what that opens (https://hl7.org/fhir/smart-app-launch/STU2.2)."""
