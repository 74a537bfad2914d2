"""The command line: `fhirhub serve`, `load`, `demo`, and the care of a database.

Nothing heavy is imported before a command asks for it, so that help comes at once and a start takes less than
a second.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import traceback
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from fhirhub import __version__, settings
from fhirhub.errors import FhirError
from fhirhub.settings import Refusal, Settings

if TYPE_CHECKING:
    from fhirhub.auth.realm import Realm
    from fhirhub.load import Found, Report
    from fhirhub.packages import Added, Listed
    from fhirhub.registry import Place
    from fhirhub.repository import Repository
    from fhirhub.repository import Tenant as Tenant_
    from fhirhub.resources.canonicals import Canonicals
    from fhirhub.resources.packages import Package
    from fhirhub.resources.validation.validator import Validator
    from fhirhub.store.chain import Entry
    from fhirhub.store.erasing import Erased, Erasure, Subject
    from fhirhub.store.erasures import Listed as Erasing
    from fhirhub.tenants import Tenants

T = TypeVar("T")

commands = typer.Typer(
    name="fhirhub",
    help="A FHIR R4 server for shared care plans. Every option is also a variable FHIRHUB_...",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
tenants = typer.Typer(
    help="The tenants: regions or care groups, each at /NAME/fhir.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
commands.add_typer(tenants, name="tenants")
packages = typer.Typer(
    help="Packages of profiles, value sets and their like.", no_args_is_help=True, rich_markup_mode=None
)
commands.add_typer(packages, name="packages")
terminology = typer.Typer(
    help="Large code systems: SNOMED CT, LOINC and others, in the database.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
commands.add_typer(terminology, name="terminology")
clients = typer.Typer(
    help="The apps and backends that may ask for access.", no_args_is_help=True, rich_markup_mode=None
)
commands.add_typer(clients, name="clients")
users = typer.Typer(help="The accounts of people who sign in.", no_args_is_help=True, rich_markup_mode=None)
commands.add_typer(users, name="users")
audit = typer.Typer(help="The log of who did what.", no_args_is_help=True, rich_markup_mode=None)
commands.add_typer(audit, name="audit")
keys = typer.Typer(help="The keys that tokens are signed with.", no_args_is_help=True, rich_markup_mode=None)
commands.add_typer(keys, name="keys")


def main() -> None:
    """The entry of the program `fhirhub`."""
    # What is written here (database, backup, secret) is for its owner's eyes.
    os.umask(0o077)
    try:
        commands()
    except (Refusal, FhirError) as fault:
        sys.stderr.write(f"fhirhub: {fault}\n")
        sys.exit(2)


# -- Options ----------------------------------------------------------------------------------------

_SETTINGS = {setting.name: setting for setting in settings.described()}


def _option(name: str, metavar: str | None = None) -> Any:
    """The option of a setting, with the setting's own text."""
    setting = _SETTINGS[name]
    default = f"default {setting.default}; " if setting.default else ""
    text = f"{setting.text} ({default}{setting.variable})"
    return typer.Option(setting.option, metavar=metavar, help=text, show_default=False)


_OWN = {(one.command, one.name): one for one in settings.COMMAND_OPTIONS}


def _own(command: str, name: str, metavar: str | None = None) -> Any:
    """An option of one command alone."""
    one = _OWN[command, name]
    return typer.Option(
        one.option,
        envvar=one.variable,
        show_envvar=False,
        metavar=metavar,
        help=f"{one.text} ({one.variable})",
        show_default=False,
    )


Database = Annotated[str | None, _option("database", "URL")]
Tenant = Annotated[str | None, _option("tenant", "NAME")]
BaseUrl = Annotated[str | None, _option("base_url", "URL")]
SecretFile = Annotated[Path | None, _option("secret_file", "FILE")]
Patients = Annotated[int | None, _option("patients", "N")]
Registry = Annotated[str | None, _option("package_registry", "URL")]
Cache = Annotated[Path | None, _option("package_cache", "FOLDER")]


def _read(**given: Any) -> Settings:
    for sentence in settings.unknown_variables():
        typer.echo(f"Warning: {sentence}", err=True)
    return settings.read(os.environ, **given)


# -- Serving ----------------------------------------------------------------------------------------


@commands.command()
def serve(
    host: Annotated[str | None, _option("host", "ADDRESS")] = None,
    port: Annotated[int | None, _option("port", "NUMBER")] = None,
    database: Database = None,
    read_database: Annotated[str | None, _option("read_database", "URL")] = None,
    workers: Annotated[int | None, _option("workers", "N")] = None,
    auth: Annotated[str | None, _option("auth", "none|smart")] = None,
    base_url: BaseUrl = None,
    secret_file: SecretFile = None,
    tenant: Tenant = None,
    demo: Annotated[bool | None, _option("demo")] = None,
    patients: Patients = None,
) -> None:
    """Start the hub."""
    chosen = _read(
        host=host,
        port=port,
        database=database,
        read_database=read_database,
        workers=workers,
        auth=auth,
        base_url=base_url,
        secret_file=secret_file,
        tenant=tenant,
        demo=demo,
        patients=patients,
    )
    settings.refuse_to_serve(chosen)
    # What is imported now stays: looking for garbage in it would take a tenth of the start.
    gc.disable()
    from fhirhub import logs, serving

    logs.configure(chosen)
    listening = serving.listen(chosen)
    chosen = settings.with_port(chosen, listening.getsockname()[1])
    try:
        _prepare(chosen)
        also = _run(_open_once(chosen))
    except BaseException:
        listening.close()
        raise
    if chosen.is_open:
        typer.echo(f"Warning: everybody who reaches {chosen.host} may read and change everything.", err=True)
    sys.exit(serving.serve(chosen, listening, lambda: _tell_where(chosen, also)))


def _prepare(chosen: Settings) -> None:
    """Make or update the tables, and the demo region where it is wanted and the database is new, in a process
    of its own: what that takes in memory is gone when the hub serves."""
    stands = _run(_look(chosen))
    lacks_accounts = stands.lacks_accounts and _has_demo_accounts(chosen)
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


def _prepare_here(chosen: Settings, stands: _Stands) -> int:
    from fhirhub.store import opening

    if not stands.current:
        opening.migrate(chosen.database)
    status = 0
    if chosen.demo and stands.lacks_demo:
        typer.echo(f"Making a demo region with {chosen.patients} patients; this is done once.")
        # A mark stays where this is broken off, so that the next start goes on.
        _run(_mark_demo(chosen, begun=True))
        status = _fill(chosen)
        _run(_mark_demo(chosen, begun=False))
    if stands.lacks_accounts and _has_demo_accounts(chosen):
        _run(_with_realm(chosen, _add_demo_accounts))
    return status


async def _open_once(chosen: Settings) -> list[tuple[str, str]]:
    """Make the secret of a new hub, and refuse here, not in every worker, where it is not the database's. What
    else is to be told of the hub."""
    from fhirhub import logs
    from fhirhub.tenants import open_tenants
    from fhirhub.web.pages import NO_STANDBY, lacks_standby

    also: list[tuple[str, str]] = []
    async with open_tenants(chosen) as opened:
        await opened.get(chosen.tenant)
        await opened.note_address()
        if _has_demo_accounts(chosen):
            also = await _demo_accounts(chosen, opened)
        if await lacks_standby(opened.database):
            logs.warning(f"PostgreSQL has {NO_STANDBY}")
    return also


def _has_demo_accounts(chosen: Settings) -> bool:
    """Whether there are accounts whose password is printed: they are for this machine alone."""
    return chosen.demo and chosen.auth == "smart" and not chosen.needs_second_factor


async def _add_demo_accounts(realm: Realm) -> None:
    from fhirhub.access import EVERYTHING
    from fhirhub.demo import enrolment
    from fhirhub.repository import Repository

    await enrolment.add(realm, Repository(realm.tenant, EVERYTHING))


async def _demo_accounts(chosen: Settings, opened: Tenants) -> list[tuple[str, str]]:
    """What is told of the demo region's accounts and app."""
    from fhirhub.demo import accounts

    one = await opened.get(chosen.tenant)
    assert opened.secret is not None
    return [
        ("Accounts", ", ".join(await accounts.names(one))),
        ("Password", f"{accounts.password(opened.secret, one.name)} (of the accounts of the demo)"),
        ("App", f"{accounts.CLIENT}, at {accounts.APP['redirect_uris'][0]}"),
    ]


def _tell_where(chosen: Settings, also: list[tuple[str, str]]) -> None:
    lines = [
        ("FHIR R4", f"{chosen.public_url}/fhir"),
        ("Start page", f"{chosen.public_url}/"),
        ("Health", f"{chosen.local_url}/healthz, /readyz, /metrics"),
        ("Database", chosen.database_shown),
        ("Secret", f"{_secret(chosen)} (keep a copy: it is in no backup)"),
    ]
    if chosen.tenant != "default":
        lines.insert(1, ("", f"{chosen.public_url}{_path_of(chosen.tenant)} (the tenant {chosen.tenant})"))
    if chosen.read_database:
        lines.append(("Searches", "also on the replica"))
    if chosen.auth == "none":
        lines.append(("Access", "none is asked for: for development only"))
    lines += also
    lines.append(("Workers", str(chosen.workers)))
    width = max(len(name) for name, _ in lines)
    text = "".join(f"  {name:{width}}  {value}\n" for name, value in lines)
    sys.stdout.write(f"fhirhub {__version__} serves; Ctrl+C ends it.\n{text}")
    sys.stdout.flush()


# -- Data -------------------------------------------------------------------------------------------


@commands.command()
def load(
    paths: Annotated[
        list[Path], typer.Argument(help="Files (JSON, XML, NDJSON, also .gz) or folders of them.")
    ],
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Take resources and Bundles from files, under their own ids, as the administrator."""
    from fhirhub import load as loading

    chosen = _prepared(database=database, tenant=tenant)
    try:
        files = loading.files(paths)
    except FileNotFoundError as missing:
        raise Refusal(f"there is no {missing}") from None
    report = loading.Report()
    total = sum(path.stat().st_size for path in files)
    with _progress("Loading", total, "bytes") as advance:

        def found() -> Iterator[Found]:
            for path in files:
                yield from loading.read(path, report, advance)

        _run(_take(chosen, found(), report))
    sys.exit(_tell(report))


@commands.command()
def demo(
    patients: Patients = None,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Make a demo region of invented organisations, professionals, patients and shared care plans."""
    sys.exit(_fill(_prepared(database=database, tenant=tenant, patients=patients)))


def _fill(chosen: Settings) -> int:
    from fhirhub import demo as region
    from fhirhub import load as loading

    report = loading.Report()
    with _progress("Demo region", chosen.patients, "patients") as advance:

        def found() -> Iterator[Found]:
            for one in loading.ndjson(region.build(chosen.patients), "demo"):
                if one.resource["resourceType"] == "Patient":
                    advance(1)
                yield one

        _run(_take(chosen, found(), report))
    return _tell(report)


async def _take(chosen: Settings, found: Iterable[Found], report: Report) -> None:
    from fhirhub import load as loading

    async with _repository(chosen, integrity=False) as repository:
        loader = loading.Loader(repository, report)
        for one in found:
            await loader.take(one)
        await loader.finish()


def _tell(report: Report) -> int:
    """Print what was taken and a line for each refusal; the exit status."""
    for line in report.refusals:
        typer.echo(f"refused  {line}", err=True)
    if report.refused > len(report.refusals):
        typer.echo(f"refused  {report.refused - len(report.refusals)} more", err=True)
    for line in report.dangling:
        typer.echo(f"dangling {line}, which is not here", err=True)
    if report.dangling_count > len(report.dangling):
        typer.echo(f"dangling {report.dangling_count - len(report.dangling)} more", err=True)
    typer.echo(
        f"Taken {report.taken}: {report.created} new, {report.updated} changed, "
        f"{report.unchanged} unchanged. "
        f"Refused {report.refused}. Dangling references {report.dangling_count}."
    )
    return 1 if report.refused else 0


@commands.command()
def erase(
    patient: Annotated[str | None, _own("erase", "patient", "ID")] = None,
    organization: Annotated[str | None, _own("erase", "organization", "ID")] = None,
    resource: Annotated[str | None, _own("erase", "resource", "TYPE/ID")] = None,
    again: Annotated[bool, _own("erase", "again")] = False,
    ground: Annotated[str, _own("erase", "ground", "TEXT")] = "request of the patient",
    decider: Annotated[str, _own("erase", "decider", "TEXT")] = "the administrator",
    yes: Annotated[bool, _own("erase", "yes")] = False,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Erase a patient, an organisation or one resource: every version and index row, for ever. What is about
    others too is named and left. The log keeps that it was done, on which ground and by whose decision."""
    from fhirhub.repository import now
    from fhirhub.store import erasing

    chosen = _prepared(database=database, tenant=tenant)
    named = {"patient": patient, "organization": organization, "resource": resource}
    given = [(kind, id) for kind, id in named.items() if id is not None]
    if len(given) + again != 1:
        raise Refusal("erase expects one of --patient, --organization, --resource and --again")
    if again:
        typer.echo(f"Erased {_erased_again(chosen)} again.")
        return
    asked = erasing.decided(*_subject(*given[0]), ground, decider, now())
    also = "" if resource else " and all that is about them" if patient else " and all that is its own"
    if not yes:
        typer.confirm(f"Erase {asked.subject}{also}? This cannot be undone", abort=True)
    erased = _run(_erase(chosen, asked))
    if erased.resources == 0:
        raise Refusal(
            f"there is nothing about {asked.subject}" if patient else f"there is no {asked.subject}"
        )
    for name in erased.left[:_MOST_LEFT]:
        typer.echo(f"left     {name} refers to {asked.subject} and is about others too", err=True)
    if len(erased.left) > _MOST_LEFT:
        typer.echo(f"left     {len(erased.left) - _MOST_LEFT} more", err=True)
    typer.echo(f"Erased {erased.resources} resources with all their versions. The record holds no content.")
    _sweep(chosen)


_MOST_LEFT = 50


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


async def _erase(chosen: Settings, asked: Erasure) -> Erased:
    """Erase, and put it on the list."""
    from fhirhub.store import erasing, erasures
    from fhirhub.store.erasures import Listed

    async with _tenants(chosen, logs=True) as opened:
        one = await opened.get(chosen.tenant)
        done = await erasing.erase(opened.database, one.number, asked, _erasure(one, asked))
        known = await erasing.recorded(opened.database, one.number)
    path = _erasures(chosen)
    if path is not None:
        erasures.add(path, [Listed(chosen.tenant, each) for each in known])
    return done


def _erased_again(chosen: Settings, also: Sequence[Erasing] = ()) -> int:
    """Erase what is on the list, or known besides, and this database does not know of; how many that were."""
    from fhirhub.store import erasures

    path = _erasures(chosen)
    if path is not None:
        erasures.add(path, also)
    listed = list(dict.fromkeys([*(erasures.read(path) if path is not None else ()), *also]))
    if not listed:
        return 0
    _prepare(chosen)
    done = _run(_erase_again(chosen, listed))
    _sweep(chosen)
    return done


async def _erase_again(chosen: Settings, listed: Sequence[Erasing]) -> int:
    from fhirhub.store import erasing

    done = 0
    async with _tenants(chosen, logs=True) as opened:
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
    from fhirhub.secrets import SecretError, secret_path
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
            f"left     {chosen.sqlite_path}-wal is being read and may hold traces until the hub has ended",
            err=True,
        )


def _erasure(tenant: Tenant_, asked: Erasure, **also: str) -> list[Entry]:
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

    chosen = _prepared(database=database, tenant=tenant)
    today = datetime.now(UTC)
    # The 29th of February ends a day earlier in other years.
    day = min(today.day, 28) if today.month == 2 else today.day
    before = today.replace(year=today.year - chosen.retention_years, day=day)

    async def work() -> list[keeping.Due]:
        async with _tenants(chosen) as opened:
            one = await opened.get(chosen.tenant)
            return await keeping.due(opened.database, one.number, int(before.timestamp() * 1_000_000))

    found = _run(work())
    for one in found:
        changed = datetime.fromtimestamp(one.changed / 1_000_000, UTC)
        typer.echo(f"Patient/{one.patient}  last change {changed:%Y-%m-%d}  {one.resources} resources")
    many = f"{len(found)} patients" if len(found) != 1 else "1 patient"
    typer.echo(
        f"{many} unchanged for {chosen.retention_years} years. What is to go is erased with "
        "`fhirhub erase --patient ID --ground 'end of retention' --decider NAME`.",
        err=True,
    )


# -- The log ----------------------------------------------------------------------------------------


@audit.command("verify")
def verify_audit(
    heads: Annotated[Path | None, _own("audit verify", "heads", "FILE")] = None,
    database: Database = None,
    tenant: Tenant = None,
    secret_file: SecretFile = None,
) -> None:
    """Find records of the log that were changed, removed or put in, the last ones too, while the hub may be serving.
    The exit status is 1 where there are."""
    from fhirhub.store import chain
    from fhirhub.tenants import open_tenants

    chosen = _prepared(database=database, tenant=tenant, secret_file=secret_file)

    async def work() -> chain.Verdict:
        async with open_tenants(chosen) as opened:
            number = (await opened.get(chosen.tenant)).number
            with _progress("Verifying", await chain.count(opened.database, number), "records") as advance:
                found = await chain.verify(opened.database, number, opened.database.sealer, advance)
            if heads is not None and heads.exists():
                known = {int(name): (last, bytes.fromhex(mac)) for name, (last, mac) in _json(heads).items()}
                found.faults += await chain.compare(opened.database, number, known)
            return found

    found = _run(work())
    for fault in found.faults:
        typer.echo(f"fault    {fault.place}: {fault.text}", err=True)
    erased = f" Of {found.queries_erased} the query was erased." if found.queries_erased else ""
    if found.faults:
        typer.echo(f"The log is not sound: {len(found.faults)} faults in {found.chains} chains.")
        sys.exit(1)
    if heads is not None:
        told = {str(number): [last, mac.hex()] for number, (last, mac) in found.heads.items()}
        heads.write_text(json.dumps(told))
    typer.echo(f"The log is sound: {found.records} records in {found.chains} chains.{erased}")


# -- The database -----------------------------------------------------------------------------------


@commands.command()
def migrate(database: Database = None, tenant: Tenant = None) -> None:
    """Make the tables, or bring those of an earlier version up to date, for all tenants; --tenant is made
    where it is lacking."""
    from fhirhub.store import opening

    chosen = _read(database=database, tenant=tenant)
    opening.migrate(chosen.database)

    async def work() -> bool:
        async with _tenants(chosen) as opened:
            lacking = chosen.tenant not in await opened.names()
            if lacking:
                await opened.add(chosen.tenant)
            return lacking

    if _run(work()):
        typer.echo(f"The tenant {chosen.tenant} is new: {_base_of(chosen, chosen.tenant)}")
    typer.echo(f"{chosen.database_shown} is up to date.")


@commands.command()
def reindex(database: Database = None, tenant: Tenant = None) -> None:
    """Make the search index anew, while the hub may be serving."""
    chosen = _prepared(database=database, tenant=tenant)

    async def work() -> int:
        from fhirhub.store import reindex as indexing

        async with _tenants(chosen) as opened:
            one = await opened.get(chosen.tenant)
            with _progress("Indexing", None, "resources") as advance:
                return await indexing.reindex(
                    one.database, one.number, one.parameters, progress=advance, base=one.bases[0]
                )

    typer.echo(f"Indexed {_run(work())} resources.")


@commands.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Copy an SQLite database into a file, while the hub may be serving: every tenant, and --tenant must be
    among them."""
    from fhirhub.store import copying

    chosen = _read(database=database, tenant=tenant)
    if not chosen.is_sqlite:
        raise Refusal(_POSTGRESQL_BACKUP)
    copying.backup(chosen.sqlite_path, file, chosen.tenant)
    typer.echo(
        f"{file} holds the database of this moment. The secret is not in it: keep {_secret(chosen)} too."
    )


@commands.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `fhirhub backup` wrote.")],
    overwrite: Annotated[bool, _own("restore", "overwrite")] = False,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Bring back what a backup holds, every tenant of it; --tenant must be among them. The hub must not be
    serving."""
    from fhirhub.store import copying, erasures

    chosen = _read(database=database, tenant=tenant)
    if not chosen.is_sqlite:
        raise Refusal(_POSTGRESQL_BACKUP)
    known = erasures.of_file(chosen.sqlite_path)
    copying.restore(file, chosen.sqlite_path, chosen.tenant, overwrite=overwrite)
    again = _erased_again(chosen, known)
    typer.echo(f"{chosen.database_shown} is as it was. It needs the secret of then: {_secret(chosen)}.")
    if again:
        typer.echo(f"Erased {again} again: they were erased after this backup was made.")


_POSTGRESQL_BACKUP = (
    "PostgreSQL has its own tools, which copy while the hub serves: `pg_dump --format=custom --file=FILE "
    "DATABASE` and `pg_restore --clean --if-exists --dbname=DATABASE FILE`, or pg_basebackup with WAL "
    "archiving for any moment in time (docs/backup.md)"
)


def _secret(chosen: Settings) -> Path:
    from fhirhub.secrets import secret_path

    return secret_path(chosen)


# -- Profiles ---------------------------------------------------------------------------------------


@commands.command()
def validate(
    files: Annotated[
        list[Path], typer.Argument(help="Resources in JSON, XML or NDJSON; - for the standard input.")
    ],
    profile: Annotated[list[str] | None, _own("validate", "profile", "URL")] = None,
    package: Annotated[list[str] | None, _own("validate", "package", "PACKAGE")] = None,
    as_json: Annotated[bool, _own("validate", "json")] = False,
    package_cache: Cache = None,
    package_registry: Registry = None,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Validate resources without a server. The exit status is 1 where one has an error.

    Where a database is named, what its tenant defines counts too.
    """
    from fhirhub import offline, registry
    from fhirhub.resources.canonicals import OFFICIAL
    from fhirhub.resources.packages import together
    from fhirhub.resources.validation.examination import Strictness
    from fhirhub.resources.validation.validator import Validator

    given = {"package_cache": package_cache, "package_registry": package_registry}
    if database is None and not os.environ.get("FHIRHUB_DATABASE"):
        chosen, behind = _read(tenant=tenant, **given), OFFICIAL
    else:
        chosen = _prepared(database=database, tenant=tenant, **given)
        behind = _run(_definitions(chosen))
    found, missing = registry.gather(package or (), _place(chosen))
    _tell_missing(missing)
    asked = Strictness(frozenset(chosen.validation_refuses), chosen.extension_domains)
    validator = Validator(together(found, behind), asked=asked)

    def profiles(type: str) -> list[str]:
        return [*(profile or ()), *(url for name, url in chosen.profiles if name == type)]

    checked = []
    for file in files:
        try:
            content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        except OSError as fault:
            raise Refusal(f"{file} cannot be read: {fault.strerror}") from None
        for one in offline.check(str(file), content, validator, profiles):
            checked.append(one)
            for line in () if as_json else offline.as_text(one):
                typer.echo(line)
    if as_json:
        _tell_json(offline.as_outcome(checked))
    else:
        typer.echo(offline.summary(checked))
    sys.exit(0 if all(one.is_right for one in checked) else 1)


async def _definitions(chosen: Settings) -> Canonicals:
    """What the tenant defines, in front of R4's own."""
    async with _tenants(chosen) as opened:
        return (await (await opened.get(chosen.tenant)).conformance.validator()).canonicals


@packages.command("add")
def add_packages(
    sources: Annotated[
        list[str], typer.Argument(help="A .tgz, a folder or name@version, each with what it needs.")
    ],
    database: Database = None,
    tenant: Tenant = None,
    package_cache: Cache = None,
    package_registry: Registry = None,
) -> None:
    """Take what packages define into a tenant; it counts at once in every worker."""
    from fhirhub import registry

    chosen = _prepared(
        database=database, tenant=tenant, package_cache=package_cache, package_registry=package_registry
    )
    here = [(one.name, one.version) for one in _run(_listed(chosen))]
    found, missing = registry.gather(
        sources, _place(chosen), here, lambda text: typer.echo(f"reading  {text}", err=True)
    )
    _tell_missing(missing)
    added = _run(_add(chosen, found))
    for one in added:
        for name, reason in one.left.items():
            typer.echo(f"left     {name}: {reason}", err=True)
        also = f", {one.kept} were there already" if one.kept else ""
        also += f", {len(one.left)} left out" if one.left else ""
        typer.echo(f"{one.name} {one.version}: {one.taken} resources{also}.")
    sys.exit(1 if any(one.left for one in added) else 0)


async def _add(chosen: Settings, found: Sequence[Package]) -> list[Added]:
    from fhirhub.packages import add

    async with _repository(chosen, integrity=False) as repository:
        with _progress("Adding", sum(len(one.definitions) for one in found), "resources") as advance:
            return [await add(repository, one, advance) for one in found]


@packages.command("list")
def list_packages(database: Database = None, tenant: Tenant = None) -> None:
    """List the packages of a tenant."""
    listed = _run(_listed(_prepared(database=database, tenant=tenant)))
    names = {one.name for one in listed}
    for one in listed:
        lacks = [f"{name} {version}" for name, version in one.dependencies.items() if name not in names]
        also = f"; lacks {', '.join(lacks)}" if lacks else ""
        also += "" if one.whole else "; broken off: add or remove it again"
        typer.echo(f"{one.name} {one.version}: {one.resources} resources{also}")


@packages.command("remove")
def remove_packages(
    names: Annotated[list[str], typer.Argument(help="A package's name, or name@version.")],
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Take packages out of a tenant, with all that only they define."""
    chosen = _prepared(database=database, tenant=tenant)
    listed = _run(_listed(chosen))
    meant = [one for one in listed if {one.name, f"{one.name}@{one.version}"} & set(names)]
    known = {name for one in listed for name in (one.name, f"{one.name}@{one.version}")}
    for name in names:
        if name not in known:
            there = ", ".join(f"{one.name}@{one.version}" for one in listed) or "none"
            raise Refusal(f"there is no package `{name}`; there are {there}")
    for one, count in zip(meant, _run(_remove(chosen, meant)), strict=True):
        typer.echo(f"{one.name} {one.version} is gone, with {count} resources.")
    for left in listed:
        lost = {one.name for one in meant} & left.dependencies.keys()
        if left not in meant and lost - {one.name for one in listed if one not in meant}:
            typer.echo(f"{left.name} {left.version} needs {', '.join(sorted(lost))}.", err=True)


async def _remove(chosen: Settings, meant: Sequence[Listed]) -> list[int]:
    from fhirhub.packages import remove

    async with _repository(chosen) as repository:
        with _progress("Removing", sum(one.resources for one in meant), "resources") as advance:
            return [await remove(repository, one, advance) for one in meant]


async def _listed(chosen: Settings) -> list[Listed]:
    from fhirhub.packages import listed

    async with _tenants(chosen) as opened:
        return await listed(opened.database, (await opened.get(chosen.tenant)).number)


def _place(chosen: Settings) -> Place:
    from fhirhub.registry import Place

    return Place(chosen.package_cache, chosen.package_registry)


def _tell_missing(missing: Mapping[str, str]) -> None:
    for name, reason in missing.items():
        typer.echo(f"Warning: {name} is needed and not here: {reason}", err=True)


# -- Tenants ----------------------------------------------------------------------------------------


@tenants.command("add")
def add_tenant(
    name: Annotated[str, typer.Argument(help="Small letters, digits and `-`; the first word of its paths.")],
    database: Database = None,
    tenant: Tenant = None,
    base_url: BaseUrl = None,
) -> None:
    """Make a tenant, served at /NAME/fhir at once. The tenant is the NAME; --tenant can say the same only."""
    if tenant not in (None, "default", name):
        raise Refusal(f"the tenant to make is {name}, and --tenant says {tenant}; leave --tenant out")
    chosen = _prepared(database=database, base_url=base_url)

    async def work() -> None:
        async with _tenants(chosen) as opened:
            await opened.add(name)

    _run(work())
    typer.echo(_base_of(chosen, name))


def _base_of(chosen: Settings, name: str) -> str:
    """The base URL of a tenant, as far as a command beside the hub knows: the hub may serve elsewhere."""
    return f"{chosen.base_url or '<address of the hub>'}{_path_of(name)}"


def _path_of(name: str) -> str:
    return "/fhir" if name == "default" else f"/{name}/fhir"


@tenants.command("list")
def list_tenants(database: Database = None, tenant: Tenant = None) -> None:
    """List the tenants; with --tenant that one, if it is there."""
    chosen = _prepared(database=database)

    async def work() -> list[str]:
        async with _tenants(chosen) as opened:
            return await opened.names() if tenant is None else [(await opened.get(tenant)).name]

    for name in _run(work()):
        typer.echo(name)


# -- Terminology ------------------------------------------------------------------------------------


@terminology.command("load")
def load_terminology(
    path: Annotated[
        Path,
        typer.Argument(
            help="A release of SNOMED CT (RF2) or LOINC as folder or zip, a CodeSystem in JSON, or a CSV."
        ),
    ],
    url: Annotated[str | None, _own("terminology load", "url", "URL")] = None,
    version: Annotated[str | None, _own("terminology load", "version", "VERSION")] = None,
    language: Annotated[str | None, _own("terminology load", "language", "TAG")] = None,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Load a large code system for a tenant. What another tenant has loaded already is shared."""
    from fhirhub.repository import now
    from fhirhub.terminology.loading import choosing, writing

    chosen = _prepared(database=database, tenant=tenant)
    source = choosing.source(path, url, version, language)

    async def work() -> tuple[writing.Listed, bool]:
        async with _tenants(chosen) as opened:
            number = (await opened.get(chosen.tenant)).number
            with _progress("Loading", source.size, "concepts") as advance:
                return await writing.load(opened.database, number, source, now(), advance)

    listed, is_new = _run(work())
    how = "Loaded" if is_new else "It was there; it is now this tenant's too:"
    typer.echo(f"{how} {listed.url} {listed.version}, {listed.concepts:,} concepts.")


@terminology.command("list")
def list_terminology(database: Database = None, tenant: Tenant = None) -> None:
    """List the code systems that a tenant has loaded."""
    from fhirhub.terminology.loading import writing

    chosen = _prepared(database=database, tenant=tenant)

    async def work() -> list[writing.Listed]:
        async with _tenants(chosen) as opened:
            return await writing.listed(opened.database, (await opened.get(chosen.tenant)).number)

    for each in _run(work()):
        typer.echo(f"{each.url}|{each.version}  {each.concepts:,} concepts")


@terminology.command("remove")
def remove_terminology(
    canonical: Annotated[str, typer.Argument(help="The code system, with |VERSION where there are several.")],
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Take a code system from a tenant; when no other has it, its concepts go."""
    from fhirhub.terminology.loading import writing

    chosen = _prepared(database=database, tenant=tenant)
    wanted, bar, version = canonical.partition("|")

    async def work() -> tuple[writing.Listed, bool]:
        async with _tenants(chosen) as opened:
            number = (await opened.get(chosen.tenant)).number
            known = await writing.listed(opened.database, number)
            found = [each for each in known if each.url == wanted and (not bar or each.version == version)]
            if len(found) != 1:
                there = ", ".join(f"{each.url}|{each.version}" for each in found or known) or "none"
                raise Refusal(f"`{canonical}` should name one code system that is loaded; there are {there}")
            with _progress("Removing", None, "rows") as advance:
                return found[0], await writing.remove(opened.database, number, found[0].edition, advance)

    removed, is_gone = _run(work())
    rest = "" if is_gone else " Other tenants have it, so its concepts stay."
    typer.echo(f"Removed {removed.url} {removed.version}.{rest}")


@commands.command()
def capability(
    mode: Annotated[str, _own("capability", "mode", "MODE")] = "full",
    database: Database = None,
    tenant: Tenant = None,
    base_url: BaseUrl = None,
) -> None:
    """Print the CapabilityStatement: what a tenant of this hub can do."""
    from fhirhub import conformance
    from fhirhub.api import capability as stating
    from fhirhub.api.dispatch import dispatch
    from fhirhub.api.exchange import Context
    from fhirhub.api.operations import OPERATIONS
    from fhirhub.api.routes import ROUTES
    from fhirhub.repository import now
    from fhirhub.resources import document
    from fhirhub.store.index.parameters import Parameters

    chosen = _read(database=database, tenant=tenant, base_url=base_url)
    if mode not in stating.MODES:
        raise Refusal(f"--mode expects one of {', '.join(stating.MODES)}; got `{mode}`")

    async def known() -> tuple[Parameters, str, Mapping[str, Sequence[Any]], Validator]:
        """The tenant's search parameters, base, code systems and definitions; R4's own where there is no database
        yet."""
        if not (await _look(chosen)).current:
            return Parameters(), f"{chosen.public_url}/fhir", {}, conformance.official()
        async with _tenants(chosen) as opened:
            one = await opened.get(chosen.tenant)
            systems = await one.library.known() if mode == "terminology" else {}
            return one.parameters, one.bases[0], systems, await one.conformance.validator()

    parameters, base, systems, validator = _run(known())
    moment = document.instant(now())
    if mode == "terminology":
        statement = stating.terminology(base, moment, systems)
    else:
        context = Context(chosen, ROUTES, OPERATIONS, dispatch, now)
        statement = stating.statement(context, base, moment, mode, parameters, validator.supported)
    sys.stdout.buffer.write(document.pretty(document.encode(statement)) + b"\n")


# -- Who may come in --------------------------------------------------------------------------------

JsonFile = Annotated[Path, typer.Argument(help="A file with a JSON object, or - for the standard input.")]


@clients.command("add")
def add_client(
    file: JsonFile, database: Database = None, tenant: Tenant = None, secret_file: SecretFile = None
) -> None:
    """Register an app or backend from its metadata (RFC 7591); prints it with its secret, which is shown once."""
    from fhirhub.auth import clients as registry

    asked = _json(file)
    chosen = _prepared(database=database, tenant=tenant, secret_file=secret_file)
    _tell_json(_run(_with_realm(chosen, lambda realm: registry.register(realm, asked))))


@clients.command("list")
def list_clients(database: Database = None, tenant: Tenant = None, secret_file: SecretFile = None) -> None:
    """List the apps and backends, as JSON, one on a line."""
    from fhirhub.auth import clients as registry

    chosen = _prepared(database=database, tenant=tenant, secret_file=secret_file)
    for client in _run(_with_realm(chosen, registry.every)):
        typer.echo(json.dumps(client.metadata, ensure_ascii=False))


@clients.command("remove")
def remove_client(
    client_id: Annotated[str, typer.Argument(help="The client_id.")],
    database: Database = None,
    tenant: Tenant = None,
    secret_file: SecretFile = None,
) -> None:
    """Remove an app or backend and end what it was granted."""
    from fhirhub.auth import clients as registry

    chosen = _prepared(database=database, tenant=tenant, secret_file=secret_file)
    if not _run(_with_realm(chosen, lambda realm: registry.remove(realm, client_id))):
        raise Refusal(f"there is no client `{client_id}`; `fhirhub clients list` lists them")
    typer.echo(f"{client_id} is removed, and its tokens are no longer taken.")


@users.command("add")
def add_user(
    file: JsonFile, database: Database = None, tenant: Tenant = None, secret_file: SecretFile = None
) -> None:
    """Make an account, or add a role to one: username, password, fhirUser, organization, role, responsible."""
    from fhirhub.auth import accounts

    asked = _json(file)
    chosen = _prepared(database=database, tenant=tenant, secret_file=secret_file)
    wanted = accounts.wanted(asked, for_others=chosen.needs_second_factor)
    if wanted.password is not None and len(wanted.password) < accounts.SHORTEST_PASSWORD:
        typer.echo(
            f"Warning: a password under {accounts.SHORTEST_PASSWORD} characters is for trials", err=True
        )
    _tell_json(accounts.shown(_run(_with_realm(chosen, lambda realm: accounts.add(realm, wanted)))))


@users.command("list")
def list_users(database: Database = None, tenant: Tenant = None, secret_file: SecretFile = None) -> None:
    """List the accounts, as JSON, one on a line."""
    from fhirhub.auth import accounts

    chosen = _prepared(database=database, tenant=tenant, secret_file=secret_file)
    for account in _run(_with_realm(chosen, accounts.every)):
        typer.echo(json.dumps(accounts.shown(account), ensure_ascii=False))


Username = Annotated[str, typer.Argument(help="The user name.")]


def _change_account(chosen: Settings, username: str, change: Callable[[Realm, str], Awaitable[bool]]) -> None:
    if not _run(_with_realm(chosen, lambda realm: change(realm, username))):
        raise Refusal(f"there is no account `{username}`; `fhirhub users list` lists them")


@users.command("disable")
def disable_user(
    username: Username, database: Database = None, tenant: Tenant = None, secret_file: SecretFile = None
) -> None:
    """Let nobody sign in by an account any more, and end what it granted."""
    from fhirhub.auth import accounts

    chosen = _prepared(database=database, tenant=tenant, secret_file=secret_file)
    _change_account(chosen, username, accounts.disable)
    typer.echo(f"{username} cannot sign in any more, and what they granted has ended.")


@users.command("enable")
def enable_user(
    username: Username, database: Database = None, tenant: Tenant = None, secret_file: SecretFile = None
) -> None:
    """Let somebody sign in again; what their apps were granted before stays ended."""
    from fhirhub.auth import accounts

    chosen = _prepared(database=database, tenant=tenant, secret_file=secret_file)
    _change_account(chosen, username, accounts.enable)
    typer.echo(f"{username} can sign in again.")


@users.command("forget-second-factor")
def forget_second_factor(
    username: Username, database: Database = None, tenant: Tenant = None, secret_file: SecretFile = None
) -> None:
    """Let a person who lost their telephone set up a new one at the next sign-in."""
    from fhirhub.auth import accounts

    chosen = _prepared(database=database, tenant=tenant, secret_file=secret_file)
    _change_account(chosen, username, accounts.forget_second_factor)
    typer.echo(f"{username} sets up a second factor at the next sign-in.")


@keys.command("rotate")
def rotate_keys(
    at_once: Annotated[bool, _own("keys rotate", "at-once")] = False,
    database: Database = None,
    tenant: Tenant = None,
    secret_file: SecretFile = None,
) -> None:
    """Make new keys for tokens, while the hub may be serving; the old ones stay published for a day."""
    chosen = _prepared(database=database, tenant=tenant, secret_file=secret_file)
    _run(_with_realm(chosen, lambda realm: realm.keys.rotate(at_once)))
    typer.echo("The old keys are gone." if at_once else "The new keys sign from a minute on.")


@commands.command()
def launch(
    client: Annotated[str, _own("launch", "client", "ID")],
    user: Annotated[str, _own("launch", "user", "NAME")],
    patient: Annotated[str | None, _own("launch", "patient", "ID")] = None,
    encounter: Annotated[str | None, _own("launch", "encounter", "ID")] = None,
    database: Database = None,
    tenant: Tenant = None,
    base_url: BaseUrl = None,
    secret_file: SecretFile = None,
) -> None:
    """Print the address by which an EHR would start an app for this person and patient; it works once, for
    five minutes."""
    from fhirhub.auth import launch as launching
    from fhirhub.auth.realm import Issuer

    chosen = _prepared(database=database, tenant=tenant, base_url=base_url, secret_file=secret_file)
    asked = {"client_id": client, "user": user, "patient": patient, "encounter": encounter}

    async def work(realm: Realm) -> str:
        app, value = await launching.prepare(realm, asked)
        return launching.address(Issuer(realm, realm.tenant.bases[0]), app, value)

    typer.echo(_run(_with_realm(chosen, work)))


@commands.command()
def token(
    user: Annotated[str, _own("token", "user", "NAME")],
    client: Annotated[str, _own("token", "client", "ID")] = "demo-app",
    role: Annotated[str | None, _own("token", "role", "ROLE")] = None,
    scope: Annotated[str | None, _own("token", "scope", "SCOPE")] = None,
    patient: Annotated[str | None, _own("token", "patient", "ID")] = None,
    database: Database = None,
    tenant: Tenant = None,
    base_url: BaseUrl = None,
    secret_file: SecretFile = None,
) -> None:
    """Print an access token as if this person had signed in with the app, to try the hub with curl. Only where
    the hub serves this machine alone."""
    from fhirhub.auth import trial
    from fhirhub.auth.realm import Issuer

    chosen = _prepared(database=database, tenant=tenant, base_url=base_url, secret_file=secret_file)
    if chosen.needs_second_factor:
        raise Refusal("A token without signing in is for a hub that serves this machine alone")

    async def work(realm: Realm) -> str:
        return await trial.token(
            Issuer(realm, realm.tenant.bases[0]),
            client=client, user=user, role=role, scope=scope, patient=patient,
        )  # fmt: skip

    typer.echo(_run(_with_realm(chosen, work)))


def _json(file: Path) -> Any:
    try:
        return json.loads(sys.stdin.read() if str(file) == "-" else file.read_text())
    except (OSError, ValueError) as fault:
        raise Refusal(f"{file} expects a JSON object: {fault}") from None


def _tell_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


async def _with_realm(chosen: Settings, work: Callable[[Realm], Awaitable[T]]) -> T:
    """What the work gives that is done on the tenant's authorization server."""
    import time

    from fhirhub.auth.faults import OAuthError
    from fhirhub.auth.realm import Realm
    from fhirhub.auth.revocation import Mark
    from fhirhub.tenants import open_tenants

    async with open_tenants(chosen) as opened:
        await opened.find_address()
        one = await opened.get(chosen.tenant)
        assert opened.secret is not None
        realm = Realm(one, opened.secret, chosen, Mark(), time.time)
        try:
            return await work(realm)
        except OAuthError as fault:
            raise Refusal(str(fault)) from None


# -- Inside -----------------------------------------------------------------------------------------


def _prepared(**given: Any) -> Settings:
    """The settings of a command that works on data; its tables are there when this returns."""
    from fhirhub import logs

    chosen = _read(**given)
    logs.configure(chosen)
    _prepare(chosen)
    return chosen


@dataclass(frozen=True, slots=True)
class _Stands:
    """How a database stands: whether its tables are those of this version, whether a demo region may be made in
    the tenant, or was begun, and whether the demo's app is still to be made."""

    current: bool
    lacks_demo: bool = True
    lacks_accounts: bool = True


async def _look(chosen: Settings) -> _Stands:
    """How the database stands, asked without the libraries that make tables. Raises Refusal where it cannot
    be reached."""
    from fhirhub.store.opening import HEAD, open_database
    from fhirhub.store.sql import Statement

    if chosen.is_sqlite and not chosen.sqlite_path.exists():
        return _Stands(current=False)
    database = open_database(chosen.database, connections=1)
    try:
        versions = await database.fetch(Statement("SELECT version_num FROM alembic_version"))
        if [row[0] for row in versions] != [HEAD]:
            return _Stands(current=False)
        rows = await database.fetch(
            Statement(
                "SELECT EXISTS (SELECT 1 FROM resource r WHERE r.tenant = t.tenant), "
                "EXISTS (SELECT 1 FROM instance i WHERE i.tenant = t.tenant AND i.name = 'demo'), "
                "EXISTS (SELECT 1 FROM auth_client c WHERE c.tenant = t.tenant AND c.id = 'demo-app') "
                "FROM tenant t WHERE t.name = $1",
                (chosen.tenant,),
                ("text",),
            )
        )
        if not rows:
            return _Stands(current=True)
        has_resources, was_broken_off, has_app = rows[0]
        return _Stands(
            current=True, lacks_demo=not has_resources or bool(was_broken_off), lacks_accounts=not has_app
        )
    except FhirError as fault:
        raise Refusal(f"{chosen.database_shown} cannot be reached: {fault.__cause__ or fault}") from None
    except Exception as fault:
        # No such table: there is a database, and no hub in it. Each driver has its own word for that.
        if type(fault).__name__ not in ("OperationalError", "UndefinedTableError"):
            raise
        return _Stands(current=False)
    finally:
        await database.close()


async def _mark_demo(chosen: Settings, begun: bool) -> None:
    from fhirhub.store.sql import Statement

    change = (
        "INSERT INTO instance (tenant, name, value) VALUES ($1, 'demo', 'begun') ON CONFLICT DO NOTHING"
        if begun
        else "DELETE FROM instance WHERE tenant = $1 AND name = 'demo'"
    )
    async with _tenants(chosen) as opened:
        number = (await opened.get(chosen.tenant)).number
        await opened.database.execute(Statement(change, (number,), ("int",)))


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@asynccontextmanager
async def _tenants(chosen: Settings, *, logs: bool = False) -> AsyncIterator[Tenants]:
    """The tenants of these settings. `logs`: what is done is logged, where the log and its secret are to be had."""
    from fhirhub.audit.recording import Recorder
    from fhirhub.careplan.identity import OnePatientForEachBsn
    from fhirhub.conformance import MoveMark
    from fhirhub.searchparameters import TakeNote
    from fhirhub.tenants import open_tenants

    rules = (TakeNote(), MoveMark(), OnePatientForEachBsn())
    recorder = Recorder() if logs and chosen.is_audited and _has_secret(chosen) else None
    opening = open_tenants(chosen, with_secret=recorder is not None, rules=rules, recorder=recorder)
    async with opening as opened:
        yield opened


def _has_secret(chosen: Settings) -> bool:
    """Whether the secret that seals the log is to be had; without one it is said that nothing is logged."""
    from fhirhub.secrets import SecretError

    try:
        _secret(chosen)
    except SecretError as fault:
        typer.echo(f"Warning: this is not logged: {fault}", err=True)
        return False
    return True


@asynccontextmanager
async def _repository(chosen: Settings, integrity: bool = True) -> AsyncIterator[Repository]:
    """The chosen tenant as the administrator sees it: whole."""
    from fhirhub.access import EVERYTHING
    from fhirhub.repository import Agent, Repository, Trail

    async with _tenants(chosen, logs=True) as opened:
        one = await opened.get(chosen.tenant)
        one.integrity = integrity and one.integrity
        administrator = Agent(role="beheerder", client="fhirhub load")
        yield Repository(one, EVERYTHING, trail=Trail("load", agent=administrator, watches=False))


@contextmanager
def _progress(text: str, total: int | None, unit: str) -> Iterator[Any]:
    """A progress bar where somebody looks; gives what tells it of progress."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    counts = TextColumn("{task.percentage:>3.0f}%") if unit == "bytes" else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), counts, TextColumn(unit), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(text, total=total)
        yield lambda count: progress.advance(task, count)
