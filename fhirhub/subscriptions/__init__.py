"""Notifications nobody misses: topics, who listens, what goes out, in which order
(https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/)."""
