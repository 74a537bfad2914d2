"""What the token endpoint answers for a grant: the tokens, and the launch context beside them
(https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#launch-context-arrives-with-your-access_token)."""

from __future__ import annotations

from fhirhub.auth import permits, tokens
from fhirhub.auth.jose import Json
from fhirhub.auth.permits import Grant
from fhirhub.auth.realm import Issuer
from fhirhub.auth.scopes import Scopes


async def of_grant(issuer: Issuer, grant: Grant, granted: Scopes, *, nonce: str | None = None) -> Json:
    """Tokens of the grant, for what of it is asked."""
    access_token, lifetime = await tokens.for_grant(issuer, grant, granted)
    answer: Json = {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": lifetime,
        "scope": str(granted),
        **context(issuer, grant),
    }
    if grant.lasting is not None:
        answer["refresh_token"] = await permits.new_refresh_token(issuer.realm, grant)
    if "openid" in granted:
        answer["id_token"] = await tokens.identity(issuer, grant, nonce, access_token)
    return answer


def context(issuer: Issuer, grant: Grant) -> Json:
    """The launch context, without what there is none of."""
    told: Json = {}
    if grant.patient is not None:
        told |= {
            "patient": grant.patient,
            "need_patient_banner": grant.need_patient_banner,
            "smart_style_url": issuer.at("style.json"),
            "tenant": issuer.realm.name,
        }
    if grant.encounter is not None:
        told["encounter"] = grant.encounter
    if grant.fhir_context:
        told["fhirContext"] = grant.fhir_context
    if grant.intent is not None:
        told["intent"] = grant.intent
    return told
