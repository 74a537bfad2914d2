"""Accounts for the demo region: one for each role, and an app, so that everybody can look at it as that role.

They are for trials on one machine: all have one password, which follows from the hub's secret. What is here is what
every start tells of them; `enrolment` makes them once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhirhub.auth.roles import ROLES
from fhirhub.secrets import Secret
from fhirhub.store.sql import Statement

if TYPE_CHECKING:
    from fhirhub.repository import Tenant

Json = dict[str, Any]

CLIENT = "demo-app"
APP: Json = {
    "client_id": CLIENT,
    "client_name": "Demo-app",
    "redirect_uris": ["http://127.0.0.1:3000/", "http://localhost:3000/"],
    "launch_uri": "http://127.0.0.1:3000/launch",
    "token_endpoint_auth_method": "none",
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": "launch launch/patient openid fhirUser profile online_access offline_access patient/*.cruds user/*.cruds",
}


def password(secret: Secret, tenant: str) -> str:
    """The password of all of them."""
    return "demo-" + secret.key("demo accounts", tenant).hex()[:12]


async def names(tenant: Tenant) -> list[str]:
    """The user names of those that are there."""
    rows = await tenant.database.fetch(
        Statement(
            "SELECT username FROM auth_account WHERE tenant = $1 ORDER BY username",
            (tenant.number,),
            ("int",),
        )
    )
    return [str(row[0]) for row in rows if row[0] in ROLES]
