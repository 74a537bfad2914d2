"""A database made ready for what a command does: its tables, and the demo region with its accounts."""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from fhirhub.cli.opening import run, tenants_of, with_realm
from fhirhub.cli.options import read
from fhirhub.cli.taking import fill
from fhirhub.errors import FhirError
from fhirhub.settings import Refusal, Settings

if TYPE_CHECKING:
    from fhirhub.auth.realm import Realm


def prepared(**given: Any) -> Settings:
    """The settings of a command that works on data; its tables are there when this returns."""
    from fhirhub import logs

    chosen = read(**given)
    logs.configure(chosen)
    prepare(chosen)
    return chosen


def prepare(chosen: Settings) -> None:
    """Make or update the tables, and the demo region where it is wanted and the database is new, in a process
    of its own: what that takes in memory is gone when the hub serves."""
    stands = run(look(chosen))
    lacks_accounts = stands.lacks_accounts and has_demo_accounts(chosen)
    if stands.current and not (chosen.demo and stands.lacks_demo) and not lacks_accounts:
        return
    process = os.fork()
    if process == 0:
        status = 2
        try:
            status = _prepare_here(chosen, stands)
        except (Refusal, FhirError) as fault:
            sys.stderr.write(f"fhirhub: {fault}\n")
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    if status := os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]):
        sys.exit(status)


def _prepare_here(chosen: Settings, stands: Stands) -> int:
    from fhirhub.store import opening

    if not stands.current:
        opening.migrate(chosen.database)
    status = 0
    if chosen.demo and stands.lacks_demo:
        typer.echo(f"Making a demo region with {chosen.patients} patients; this is done once.")
        # A mark stays where this is broken off, so that the next start goes on.
        run(_mark_demo(chosen, begun=True))
        status = fill(chosen)
        run(_mark_demo(chosen, begun=False))
    if stands.lacks_accounts and has_demo_accounts(chosen):
        run(with_realm(chosen, _add_demo_accounts))
    return status


def has_demo_accounts(chosen: Settings) -> bool:
    """Whether there are accounts whose password is printed: they are for this machine alone."""
    return chosen.demo and chosen.auth == "smart" and not chosen.needs_second_factor


async def _add_demo_accounts(realm: Realm) -> None:
    from fhirhub.access import EVERYTHING
    from fhirhub.demo import enrolment
    from fhirhub.repository import Repository

    await enrolment.add(realm, Repository(realm.tenant, EVERYTHING))


@dataclass(frozen=True, slots=True)
class Stands:
    """How a database stands: whether its tables are those of this version, whether a demo region may be made in
    the tenant, or was begun, and whether the demo's app is still to be made."""

    current: bool
    lacks_demo: bool = True
    lacks_accounts: bool = True


async def look(chosen: Settings) -> Stands:
    """How the database stands, asked without the libraries that make tables. Raises Refusal where it cannot
    be reached."""
    from fhirhub.demo.accounts import CLIENT
    from fhirhub.store.opening import HEAD, open_database
    from fhirhub.store.sql import Statement

    if chosen.is_sqlite and not chosen.sqlite_path.exists():
        return Stands(current=False)
    database = open_database(chosen.database, connections=1)
    try:
        versions = await database.fetch(Statement("SELECT version_num FROM alembic_version"))
        if [row[0] for row in versions] != [HEAD]:
            return Stands(current=False)
        rows = await database.fetch(
            Statement(
                "SELECT EXISTS (SELECT 1 FROM resource r WHERE r.tenant = t.tenant), "
                "EXISTS (SELECT 1 FROM instance i WHERE i.tenant = t.tenant AND i.name = 'demo'), "
                "EXISTS (SELECT 1 FROM auth_client c WHERE c.tenant = t.tenant AND c.id = $2) "
                "FROM tenant t WHERE t.name = $1",
                (chosen.tenant, CLIENT),
                ("text", "text"),
            )
        )
        if not rows:
            return Stands(current=True)
        has_resources, was_broken_off, has_app = rows[0]
        return Stands(
            current=True, lacks_demo=not has_resources or bool(was_broken_off), lacks_accounts=not has_app
        )
    except FhirError as fault:
        raise Refusal(f"{chosen.database_shown} cannot be reached: {fault.__cause__ or fault}") from None
    except Exception as fault:
        # No such table: there is a database, and no hub in it. Each driver has its own word for that.
        if type(fault).__name__ not in ("OperationalError", "UndefinedTableError"):
            raise
        return Stands(current=False)
    finally:
        await database.close()


async def _mark_demo(chosen: Settings, begun: bool) -> None:
    from fhirhub.store.sql import Statement

    change = (
        "INSERT INTO instance (tenant, name, value) VALUES ($1, 'demo', 'begun') ON CONFLICT DO NOTHING"
        if begun
        else "DELETE FROM instance WHERE tenant = $1 AND name = 'demo'"
    )
    async with tenants_of(chosen) as opened:
        number = (await opened.get(chosen.tenant)).number
        await opened.database.execute(Statement(change, (number,), ("int",)))
