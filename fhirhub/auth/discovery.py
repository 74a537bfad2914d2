"""What this authorization server can do, as apps look it up
(https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html#using-well-known;
https://openid.net/specs/openid-connect-discovery-1_0.html; RFC 8414)."""

from __future__ import annotations

from fhirhub.auth.clients import METHODS
from fhirhub.auth.grants import GRANTS
from fhirhub.auth.jose import CLIENT_ALGORITHMS, Json
from fhirhub.auth.keys import IDENTITY
from fhirhub.auth.realm import Issuer
from fhirhub.auth.scopes import WORDS

CAPABILITIES = (
    "launch-ehr", "launch-standalone", "authorize-post", "client-public", "client-confidential-symmetric",
    "client-confidential-asymmetric", "sso-openid-connect", "context-banner", "context-style",
    "context-ehr-patient", "context-ehr-encounter", "context-standalone-patient",
    "permission-offline", "permission-online", "permission-patient", "permission-user", "permission-v1",
    "permission-v2",
)  # fmt: skip
"""Exactly those that are there."""
SCOPES = (
    *sorted(WORDS),
    "patient/*.cruds",
    "user/*.cruds",
    "system/*.cruds",
    "patient/*.rs",
    "user/*.rs",
    "system/*.rs",
)


def smart_configuration(issuer: Issuer) -> Json:
    """`/.well-known/smart-configuration` under the FHIR base."""
    return {
        **_endpoints(issuer),
        "grant_types_supported": list(GRANTS),
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": list(METHODS),
        "token_endpoint_auth_signing_alg_values_supported": sorted(CLIENT_ALGORITHMS),
        "capabilities": list(CAPABILITIES),
        "authorization_response_iss_parameter_supported": True,
        "management_endpoint": issuer.at("granted"),
    }


def openid_configuration(issuer: Issuer) -> Json:
    """`/.well-known/openid-configuration` of the issuer."""
    return {
        **_endpoints(issuer),
        "userinfo_endpoint": issuer.at("userinfo"),
        "end_session_endpoint": issuer.at("sign-out"),
        "grant_types_supported": list(GRANTS),
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [IDENTITY],
        "token_endpoint_auth_methods_supported": list(METHODS),
        "token_endpoint_auth_signing_alg_values_supported": sorted(CLIENT_ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": [
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "acr",
            "nonce",
            "fhirUser",
            "profile",
        ],
        "prompt_values_supported": ["none", "login", "consent"],
        "ui_locales_supported": ["nl", "en"],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
    }


def _endpoints(issuer: Issuer) -> Json:
    """The addresses that both documents name."""
    told = {
        "issuer": issuer.url,
        "jwks_uri": issuer.at("jwks"),
        "authorization_endpoint": issuer.at("authorize"),
        "token_endpoint": issuer.at("token"),
        "introspection_endpoint": issuer.at("introspect"),
        "revocation_endpoint": issuer.at("revoke"),
    }
    if issuer.realm.settings.registration:
        told["registration_endpoint"] = issuer.at("register")
    return told
