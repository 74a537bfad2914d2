"""What happens at the authorization server that somebody may have to account for later: sign-ins, consents, tokens,
refusals and ends. Every one is told here, without a password, code, token, user name or id of a resource."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fhirhub import logs
from fhirhub.auth.exchange import Request

Kind = Literal[
    "signed-in", "sign-in-failed", "signed-out", "password-changed", "granted", "declined", "withdrawn",
    "token", "token-refused", "revoked", "registered", "launch",
]  # fmt: skip
FAILURES: frozenset[Kind] = frozenset({"sign-in-failed", "token-refused"})


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `account` is an account's id; `outcome` the error's code, or how somebody was authenticated."""

    kind: Kind
    client: str | None = None
    account: str | None = None
    role: str | None = None
    outcome: str | None = None


def tell(request: Request, event: Event) -> None:
    """Write the event into the log; of a failure also where it came from."""
    fields = {"tenant": request.realm.name, "client": event.client, "account": event.account}
    fields |= {"role": event.role, "outcome": event.outcome}
    if event.kind in FAILURES:
        fields["source"] = request.source
    write = logs.warning if event.kind in FAILURES else logs.info
    known = {name: value for name, value in fields.items() if value is not None}
    write("Access", kind=event.kind, **known)
