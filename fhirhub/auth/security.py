"""What the CapabilityStatement says of sign-in
(https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html#declare-support-in-the-capabilitystatement)."""

from __future__ import annotations

from typing import Any


def described(base: str) -> dict[str, Any]:
    """`CapabilityStatement.rest.security` of the server at this base."""
    url = base.removesuffix("/fhir") + "/auth"
    endpoints = {"authorize": "authorize", "token": "token", "introspect": "introspect", "revoke": "revoke",
                 "manage": "granted"}  # fmt: skip
    return {
        "extension": [
            {
                "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                "extension": [{"url": name, "valueUri": f"{url}/{path}"} for name, path in endpoints.items()],
            }
        ],
        "cors": True,
        "service": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                        "code": "SMART-on-FHIR",
                        "display": "SMART-on-FHIR",
                    }
                ],
                "text": "OAuth2 using SMART-on-FHIR profile (see http://docs.smarthealthit.org)",
            }
        ],
        "description": "Every request needs an access token of this hub's authorization server.",
    }
