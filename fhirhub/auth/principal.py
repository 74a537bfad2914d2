"""Principal: who asks, as the access token tells it. Pure data; what it opens is decided in `policy.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fhirhub.auth.scopes import Scope


@dataclass(frozen=True, slots=True)
class Principal:
    """A person who signed in and let an app act for them, or a backend that asks for itself.

    A backend that acts for a person (RULES R24) is `person`, with `purpose` and without `account`: it has
    that person's access. References are relative, such as `Practitioner/x`.
    """

    kind: Literal["person", "backend"]
    tenant: str
    """The tenant's name."""
    client_id: str
    token_id: str
    """The `jti` of the access token."""
    scopes: tuple[Scope, ...]
    account: str | None = None
    """The id of the account that signed in."""
    fhir_user: str | None = None
    """`Patient/x`, `RelatedPerson/x` or `Practitioner/x`; None for a backend, which is its organisation."""
    organization: str | None = None
    """`Organization/x`: that of the PractitionerRole chosen at sign-in (R22), or the backend's own."""
    role: str | None = None
    """A key of `roles.ROLES`, such as `huisarts`; None for a backend."""
    responsible: str | None = None
    """`Practitioner/x` under whose responsibility the person works (R24)."""
    purpose: str | None = None
    """Why a backend acts for this person (R24)."""
    patient: str | None = None
    """The logical id of the Patient in the launch context: what `patient/` scopes are about."""
    encounter: str | None = None
    """The logical id of the Encounter in the launch context."""
    acr: str | None = None
    """How the person was authenticated: `pwd`, `pwd+totp`, or what the OpenID provider said."""
    expires: int = 0
    """Seconds since 1970 UTC."""
