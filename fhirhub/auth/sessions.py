"""Sessions: that a person signed in with this browser, how and when. Its cookie is stored as a hash."""

from __future__ import annotations

from dataclasses import dataclass

from fhirhub.auth import accounts
from fhirhub.auth.accounts import Account, Standing
from fhirhub.auth.realm import Realm
from fhirhub.auth.unguessable import hashed, new_token


@dataclass(frozen=True, slots=True)
class Session:
    """`id` is the hash of the cookie's value; `standing` what the person chose to act as."""

    id: str
    account: Account
    standing: Standing | None
    acr: str
    signed_in: int
    expires: int


async def begin(realm: Realm, account: Account, acr: str) -> str:
    """A new session; gives the cookie's value."""
    value = new_token()
    await realm.change(
        "INSERT INTO auth_session (tenant, id, account, role, acr, signed_in, expires) "
        "VALUES ($1, $2, $3, NULL, $4, $5, $6)",
        hashed(value),
        account.id,
        acr,
        realm.now,
        _until(realm, realm.now),
    )
    return value


async def find(realm: Realm, value: str | None) -> Session | None:
    """The session of this cookie, where it stands."""
    if not value:
        return None
    rows = await realm.rows(
        "SELECT account, id, role, acr, signed_in, expires FROM auth_session "
        "WHERE tenant = $1 AND id = $2 AND expires > $3",
        hashed(value),
        realm.now,
    )
    if not rows:
        return None
    account = await accounts.by_id(realm, str(rows[0][0]))
    if account is None or account.disabled:
        return None
    found = _session(account, *rows[0][1:])
    await _keep(realm, found.id, found.signed_in, found.expires)
    return found


async def of_account(realm: Realm, account: Account) -> list[Session]:
    """Where the person is signed in, the latest first."""
    rows = await realm.rows(
        "SELECT id, role, acr, signed_in, expires FROM auth_session "
        "WHERE tenant = $1 AND account = $2 AND expires > $3 ORDER BY signed_in DESC, id",
        account.id,
        realm.now,
    )
    return [_session(account, *row) for row in rows]


def _session(account: Account, id: str, role: str | None, acr: str, signed_in: int, expires: int) -> Session:
    """Who is one person alone chose that by signing in."""
    only = account.standings[0] if len(account.standings) == 1 else account.standing(role)
    return Session(str(id), account, only, str(acr), int(signed_in), int(expires))


async def stands(realm: Realm, id: str | None) -> bool:
    """Whether the session of that id goes on."""
    if id is None:
        return False
    sql = "SELECT signed_in, expires FROM auth_session WHERE tenant = $1 AND id = $2 AND expires > $3"
    rows = await realm.rows(sql, id, realm.now)
    if rows:
        await _keep(realm, id, int(rows[0][0]), int(rows[0][1]))
    return bool(rows)


def _until(realm: Realm, signed_in: int) -> int:
    """Until when a session that is used now goes on."""
    return min(last(realm, signed_in), realm.now + realm.settings.session_idle_minutes * 60)


def last(realm: Realm, signed_in: int) -> int:
    """When a session of then ends, however much it is used."""
    return signed_in + realm.settings.session_hours * 3600


async def _keep(realm: Realm, id: str, signed_in: int, expires: int) -> None:
    """Take note that the session is used; at most once a minute."""
    until = _until(realm, signed_in)
    if until >= expires + 60:
        sql = "UPDATE auth_session SET expires = $3 WHERE tenant = $1 AND id = $2"
        await realm.change(sql, id, until)


async def choose(realm: Realm, session: Session, standing: Standing) -> None:
    """Act as this from now on."""
    sql = "UPDATE auth_session SET role = $3 WHERE tenant = $1 AND id = $2"
    await realm.change(sql, session.id, standing.id)


async def end(realm: Realm, session: Session) -> None:
    """Sign out."""
    await realm.change("DELETE FROM auth_session WHERE tenant = $1 AND id = $2", session.id)


async def end_others(realm: Realm, session: Session) -> None:
    """Sign out everywhere but in this session."""
    sql = "DELETE FROM auth_session WHERE tenant = $1 AND account = $2 AND id <> $3"
    await realm.change(sql, session.account.id, session.id)
