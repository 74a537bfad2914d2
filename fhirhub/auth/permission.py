"""What a token's scopes let through: one letter of `cruds` for each interaction; what of the data is then seen is
decided by its Access (https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html)."""

from __future__ import annotations

from fhirhub.auth.principal import Principal
from fhirhub.errors import FhirError, error, login

REALM = 'Bearer realm="fhirhub"'


def require(principal: Principal, letter: str, type: str | None) -> None:
    """Raises `forbidden` 403, saying which scope is missing, where no scope lets this through; `type` None
    asks for any type."""
    for scope in principal.scopes:
        if letter in scope.letters and (type is None or scope.type == type or scope.type == "*"):
            return
    raise _insufficient(principal, letter, type)


def _insufficient(principal: Principal, letter: str, type: str | None) -> FhirError:
    level = "system" if principal.kind == "backend" else "patient" if principal.patient else "user"
    scope = f"{level}/{type or '*'}.{letter}"
    return error(
        403,
        "forbidden",
        f"This takes the scope {scope}; the token has {' '.join(map(str, principal.scopes)) or 'none'}.",
        headers={"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{scope}"'},
    )


def no_token() -> FhirError:
    """401 for a request without an access token; without an error code (RFC 6750, 3.1)."""
    return login("An access token is needed: Authorization: Bearer ...", REALM)


def bad_token(why: str) -> FhirError:
    """401 for a token that is not, or no longer, taken."""
    return login(
        f"The access token is not taken: {why}.", f'{REALM}, error="invalid_token", error_description="{why}"'
    )
