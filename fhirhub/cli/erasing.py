"""`fhirhub erase` and `retention`: what is destroyed, and what is due to be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fhirhub.cli.opening import run, tenants_of
from fhirhub.cli.options import Database, Tenant, own
from fhirhub.cli.preparing import prepare, prepared
from fhirhub.secrets import SecretError, secret_path
from fhirhub.settings import Refusal, Settings

if TYPE_CHECKING:
    from fhirhub.repository import Tenant as TenantOpened
    from fhirhub.store.chain import Entry
    from fhirhub.store.erasing import Erased, Erasure, Subject
    from fhirhub.store.erasures import Listed as Erasing


commands = typer.Typer(rich_markup_mode=None)
_MOST_LEFT = 50


@commands.command()
def erase(
    patient: Annotated[str | None, own("erase", "patient", "ID")] = None,
    organization: Annotated[str | None, own("erase", "organization", "ID")] = None,
    resource: Annotated[str | None, own("erase", "resource", "TYPE/ID")] = None,
    again: Annotated[bool, own("erase", "again")] = False,
    ground: Annotated[str, own("erase", "ground", "TEXT")] = "request of the patient",
    decider: Annotated[str, own("erase", "decider", "TEXT")] = "the administrator",
    yes: Annotated[bool, own("erase", "yes")] = False,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Erase a patient, an organisation or one resource: every version and index row, for ever. What is about
    others too is named and left. The log keeps that it was done, on which ground and by whose decision."""
    from fhirhub.repository import now
    from fhirhub.store import erasing

    chosen = prepared(database=database, tenant=tenant)
    named = {"patient": patient, "organization": organization, "resource": resource}
    given = [(kind, id) for kind, id in named.items() if id is not None]
    if len(given) + again != 1:
        raise Refusal("erase expects one of --patient, --organization, --resource and --again")
    if again:
        typer.echo(f"Erased {erased_again(chosen)} again.")
        return
    asked = erasing.decided(*_subject(*given[0]), ground, decider, now())
    also = "" if resource else " and all that is about them" if patient else " and all that is its own"
    nothing = f"there is nothing about {asked.subject}" if patient else f"there is no {asked.subject}"
    if not yes:
        if not run(_concerns_any(chosen, asked)):
            raise Refusal(nothing)
        typer.confirm(f"Erase {asked.subject}{also}? This cannot be undone", abort=True)
    erased = run(_erase(chosen, asked))
    if erased.resources == 0:
        raise Refusal(nothing)
    for name in erased.left[:_MOST_LEFT]:
        typer.echo(f"left     {name} refers to {asked.subject} and is about others too", err=True)
    if len(erased.left) > _MOST_LEFT:
        typer.echo(f"left     {len(erased.left) - _MOST_LEFT} more", err=True)
    typer.echo(f"Erased {erased.resources} resources with all their versions. The record holds no content.")
    _sweep(chosen)


def _subject(kind: str, id: str) -> tuple[Subject, str]:
    """What is to be erased, as `Type/id`. Raises Refusal."""
    if kind == "patient":
        return "patient", f"Patient/{id.removeprefix('Patient/')}"
    if kind == "organization":
        return "organization", f"Organization/{id.removeprefix('Organization/')}"
    type, slash, rest = id.partition("/")
    if not slash or not rest or "/" in rest:
        raise Refusal(f"--resource expects a type and an id such as Observation/1; got {id}")
    if type == "Patient":
        raise Refusal(f"a Patient is erased with all that is about them: --patient {rest}")
    return "resource", id


async def _concerns_any(chosen: Settings, asked: Erasure) -> bool:
    from fhirhub.store import erasing

    async with tenants_of(chosen) as opened:
        one = await opened.get(chosen.tenant)
        await opened.database.spread(one.number)
        return await erasing.concerns_any(opened.database, one.number, asked)


async def _erase(chosen: Settings, asked: Erasure) -> Erased:
    """Erase, and put it on the list."""
    from fhirhub.store import erasing, erasures
    from fhirhub.store.erasures import Listed

    async with tenants_of(chosen, logs=True) as opened:
        one = await opened.get(chosen.tenant)
        done = await erasing.erase(opened.database, one.number, asked, _erasure(one, asked))
        known = await erasing.recorded(opened.database, one.number)
    path = _erasures(chosen)
    if path is not None:
        erasures.add(path, [Listed(chosen.tenant, each) for each in known])
    return done


def erased_again(chosen: Settings, also: Sequence[Erasing] = ()) -> int:
    """Erase what is on the list, or known besides, and this database does not know of; how many that were."""
    from fhirhub.store import erasures

    path = _erasures(chosen)
    if path is not None:
        erasures.add(path, also)
    listed = list(dict.fromkeys([*(erasures.read(path) if path is not None else ()), *also]))
    if not listed:
        return 0
    prepare(chosen)
    done = run(_erase_again(chosen, listed))
    _sweep(chosen)
    return done


async def _erase_again(chosen: Settings, listed: Sequence[Erasing]) -> int:
    from fhirhub.store import erasing

    done = 0
    async with tenants_of(chosen, logs=True) as opened:
        for name in sorted({each.tenant for each in listed}):
            one = await opened.named(name)
            if one is None:
                typer.echo(f"left     the tenant {name} is not here, and what was erased of it", err=True)
                continue
            known = {each.id for each in await erasing.recorded(opened.database, one.number)}
            for asked in (each.erasure for each in listed if each.tenant == name):
                if asked.id not in known:
                    entries = _erasure(one, asked, again="yes")
                    await erasing.erase(opened.database, one.number, asked, entries, again=True)
                    done += 1
    return done


def _erasures(chosen: Settings) -> Path | None:
    """The file of the list of erasures; None, and that is said, where it has to be named."""
    from fhirhub.store.erasures import SUFFIX

    if chosen.erasures_file is not None:
        return chosen.erasures_file
    try:
        return secret_path(chosen).with_suffix(SUFFIX)
    except SecretError:
        typer.echo(
            "Warning: no list of erasures is kept: name its file in FHIRHUB_ERASURES_FILE, so that they are "
            "done again after a restore",
            err=True,
        )
        return None


def _sweep(chosen: Settings) -> None:
    """Leave nothing in an SQLite file of what was erased."""
    from fhirhub.store.erasing import sweep

    if chosen.is_sqlite and not sweep(chosen.sqlite_path):
        typer.echo(
            f"left     the files beside {chosen.sqlite_path} are in use and may hold traces until the hub has ended",
            err=True,
        )


def _erasure(tenant: TenantOpened, asked: Erasure, **also: str) -> list[Entry]:
    """The record of an erasure, where a log is kept."""
    from fhirhub.audit import recording
    from fhirhub.repository import Agent

    if tenant.recorder is None:
        return []
    administrator = Agent(role="beheerder", client="fhirhub erase")
    entry = recording.event(
        "erase", "0", administrator, action="D", ground=asked.ground, decider=asked.decider, **also
    )
    type, _, id = asked.subject.partition("/")
    patient = id if asked.kind == "patient" else None
    return [entry._replace(patient=patient, type=type, target=id, rule="administrator")]


@commands.command()
def retention(database: Database = None, tenant: Tenant = None) -> None:
    """List the patients about whom nothing changed for FHIRHUB_RETENTION_YEARS, to be destroyed."""
    from datetime import UTC, datetime

    from fhirhub.store import retention as keeping

    chosen = prepared(database=database, tenant=tenant)
    today = datetime.now(UTC)
    # The 29th of February ends a day earlier in other years.
    day = min(today.day, 28) if today.month == 2 else today.day
    before = today.replace(year=today.year - chosen.retention_years, day=day)

    async def work() -> list[keeping.Due]:
        async with tenants_of(chosen) as opened:
            one = await opened.get(chosen.tenant)
            return await keeping.due(opened.database, one.number, int(before.timestamp() * 1_000_000))

    found = run(work())
    for one in found:
        changed = datetime.fromtimestamp(one.changed / 1_000_000, UTC)
        typer.echo(f"Patient/{one.patient}  last change {changed:%Y-%m-%d}  {one.resources} resources")
    many = f"{len(found)} patients" if len(found) != 1 else "1 patient"
    typer.echo(
        f"{many} unchanged for {chosen.retention_years} years. What is to go is erased with "
        "`fhirhub erase --patient ID --ground 'end of retention' --decider NAME`.",
        err=True,
    )
