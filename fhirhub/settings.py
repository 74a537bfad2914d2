"""What whoever runs the hub decides: one frozen Settings, read once at the start, a field for each variable.

A field `statement_timeout_ms` is the variable `FHIRHUB_STATEMENT_TIMEOUT_MS` and, where a command has it, the
option `--statement-timeout-ms`; an option wins over the variable. `docs/settings.md` is made from this file
(`python -m fhirhub.settings`).
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import ipaddress
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints
from urllib.parse import urlsplit

PREFIX = "FHIRHUB_"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Refusal(Exception):
    """What whoever runs the hub asked for cannot be; the text is for them and says what would be right."""


class SettingsError(Refusal):
    """A setting that cannot be: names the variable and says what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set, each with its text and, where it helps, an example. The defaults are
    those of a developer's own machine."""

    database: Annotated[
        str,
        "Where everything is stored: `sqlite:///` and an absolute path, or "
        "`postgresql://user@host:port/name` (the password from `PGPASSWORD` or `~/.pgpass`; of several "
        "`host:port,host:port` the one that takes writes).",
        "sqlite:///srv/fhirhub/hub.db",
    ] = dataclasses.field(default_factory=lambda: f"sqlite://{Path.cwd() / 'var' / 'fhirhub.db'}")
    read_database: Annotated[
        str | None, "A streaming replica of the PostgreSQL database, for searches that allow it."
    ] = None
    database_connections: Annotated[int, "Connections each worker holds to PostgreSQL."] = 8
    statement_timeout_ms: Annotated[
        int,
        "Milliseconds a search may take, all its statements together, and any other query; past them the "
        "answer is `too-costly`.",
    ] = 10_000
    tenant: Annotated[str, "The tenant (region or care group) that a command works on."] = "default"
    demo: Annotated[bool, "Fill an empty database with a demo region when the hub starts."] = False
    patients: Annotated[int, "How many patients that region has."] = 50

    host: Annotated[str, "The address to listen on."] = "127.0.0.1"
    port: Annotated[int, "The port to listen on; 0 takes a free one."] = 8000
    workers: Annotated[int, "Worker processes; one for each core is a good number."] = 1
    shutdown_seconds: Annotated[
        int, "Seconds that requests under way have to end after SIGTERM, before they are cut off."
    ] = 20
    base_url: Annotated[
        str | None,
        "The public address of the hub behind a proxy, what links in answers begin with; a `/fhir` at its "
        "end is the same without.",
        "https://hub.example.nl",
    ] = None
    tls_certificate: Annotated[
        Path | None,
        "A file with the hub's certificate and those between it and a root (PEM): the hub then answers by https. "
        "It is read again when the hub starts.",
        "/etc/fhirhub/tls.pem",
    ] = None
    tls_key: Annotated[Path | None, "The file with that certificate's key (PEM).", "/etc/fhirhub/tls.key"] = (
        None
    )
    trusted_proxies: Annotated[
        tuple[Network, ...],
        "Addresses or networks whose `Forwarded` and `X-Forwarded-*` headers are believed.",
        "10.0.0.0/8,192.0.2.7",
    ] = ()
    cors_origins: Annotated[
        tuple[str, ...],
        "Origins of browser apps that may call the hub; `*` for any.",
        "https://app.example.nl",
    ] = ()

    auth: Annotated[
        Literal["none", "smart"],
        "Who may call: `none` lets everybody do everything (for development), `smart` asks everybody for an "
        "access token (SMART on FHIR).",
    ] = "smart"
    audit: Annotated[
        Literal["auto", "on", "off"],
        "Whether it is logged who did what (docs/audit.md): `auto` with sign-in always, without never; `on` without "
        "sign-in too.",
    ] = "auto"
    audit_folder: Annotated[
        Path | None,
        "With PostgreSQL, where reads are logged first: a folder of this host, on a disk that survives a crash. "
        "Reads are then faster, and their records on this host alone for a minute at most (docs/audit.md). "
        "Without, they are in the database before they are answered.",
        "/var/lib/fhirhub/log",
    ] = None
    allow_open: Annotated[
        bool,
        "Let `auth` be `none` on an address that is not loopback. Everybody who reaches it may do all.",
    ] = False
    secret_file: Annotated[
        Path | None,
        "The file with the hub's secret. Beside the SQLite file when not named; to be named on "
        "PostgreSQL, the same content for every process.",
        "/srv/fhirhub/hub.secret",
    ] = None

    access_token_seconds: Annotated[int, "How long an access token lives; 300 for a backend at most."] = 300
    refresh_token_days: Annotated[
        int, "How long an app may go on without its person (`offline_access`), from the day of the consent."
    ] = 90
    session_hours: Annotated[int, "How long a person stays signed in."] = 8
    session_idle_minutes: Annotated[
        int,
        "How long a person stays signed in without using it; an app with `online_access` uses it when it refreshes.",
    ] = 60
    auth_requests_per_minute: Annotated[
        int,
        "Requests that one address may make to the authorization server in a minute, of each worker; 0 for any "
        "number. Sign-ins count tenfold.",
    ] = 1200
    registration: Annotated[bool, "Let apps register themselves at `/auth/register`."] = False
    fetch_allow: Annotated[
        tuple[str, ...],
        "Private hosts (`host` or `host:port`) that may be fetched, as for keys at a `jwks_uri`; without them "
        "only public https addresses are. Tasks, plans, goals, messages and consents may refer to them too.",
        "keys.intern.example.nl,10.0.0.8:8443",
    ] = ()
    openid_providers: Annotated[
        Path | None,
        "The JSON file with the OpenID providers by which people may sign in (docs/smart.md).",
        "/srv/fhirhub/providers.json",
    ] = None

    care_providers: Annotated[
        tuple[str, ...],
        "Types of organisation (http://nictiz.nl/fhir/NamingSystem/organization-type) that are care providers; "
        "any other sees only the Tasks it owns.",
        "Z3,N6,T2,R5",
    ] = ("Z3", "K3", "H1", "N6", "T2", "R5", "M1", "X3", "G5", "J8", "A1", "V4", "V5", "V6", "L1", "P4")
    aftercare_days: Annotated[
        int | None,
        "Days that a treating member reads plan, team and Tasks after the participation ended; `unlimited` for "
        "without end.",
    ] = 30
    break_glass: Annotated[
        Literal["off", "crisis-summary", "plan"],
        "What breaking the glass opens: nothing, the crisis summary, or what a participant reads.",
    ] = "plan"
    consent_check: Annotated[
        str | None,
        "An outside consent check, such as an adapter to Mitz, that must say yes too before an organisation joins a "
        "team or a patient is opened to it; where it cannot be asked the answer is no (docs/access.md).",
        "https://mitz-adapter.example.nl/check",
    ] = None
    directory_clients: Annotated[
        tuple[str, ...],
        "Ids of the backend clients that write organisations, people and services.",
        "zorg-ab",
    ] = ()
    own_id_clients: Annotated[
        tuple[str, ...],
        "Ids of the backend clients that may create by PUT under an id of their own choosing.",
        "his-bron",
    ] = ()

    review_hours: Annotated[
        str, "The hours of a working day, in Dutch time; a look outside of them is an outlier in `$review`."
    ] = "07:00-20:00"
    review_shift_roles: Annotated[
        tuple[str, ...], "Roles that work at all hours: no look of theirs is outside of them."
    ] = ("hap-arts", "wijkverpleegkundige", "verzorgende-ig", "specialist-ouderengeneeskunde")
    review_patients: Annotated[
        int, "Patients whom one person may look at on one day without being an outlier in `$review`."
    ] = 50
    review_refusals: Annotated[int, "Refusals from which on a person is an outlier in `$review`."] = 5

    retention_years: Annotated[
        int, "Years after the last change about a patient from which on `fhirhub retention` lists them."
    ] = 20
    erasures_file: Annotated[
        Path | None,
        "The list of what was erased, which is erased again after a restore; to be kept with the backups.",
    ] = None

    draft_days: Annotated[
        int | None,
        "Days after which a draft of a QuestionnaireResponse is too old to go on with; `unlimited` for never. A "
        "Questionnaire may say so itself.",
    ] = 30
    home_watch: Annotated[
        bool,
        "Hold home measurements against the bands of accepted Tasks and tell who watches (docs/intended-use.md: a "
        "medical-device function). The demo does.",
    ] = False
    home_watch_accept_minutes: Annotated[
        int, "Minutes that an urgent home measurement may wait until somebody accepts to look at it."
    ] = 30

    referential_integrity: Annotated[
        bool, "Refuse a reference to nothing, and the delete of what is referenced."
    ] = True
    validation: Annotated[
        Literal["off", "base", "profiles"],
        "What a resource must keep to before it is written, beyond its structure, which is always checked: "
        "`base` asks for R4's rules, codes and extensions, `profiles` also for the profiles that it claims and "
        "those of FHIRHUB_PROFILES.",
    ] = "base"
    profiles: Annotated[
        tuple[tuple[str, str], ...],
        "Profiles that resources of a type are validated against whether they claim them or not: the type, `=` "
        "and the profile's canonical URL, parted by commas.",
        "CarePlan=https://example.nl/StructureDefinition/plan",
    ] = ()
    validation_refuses: Annotated[
        tuple[str, ...],
        "What is refused beyond what FHIR does, by writes and by `$validate`: `unknown-extensions`, `example-urls` (in "
        "extensions, systems and canonicals), `html-in-strings`, `html-in-markdown` (what looks like a tag), parted "
        "by commas.",
        "unknown-extensions,html-in-strings",
    ] = ()
    extension_domains: Annotated[
        tuple[str, ...],
        "How the URLs begin of extensions that may be unknown, where FHIRHUB_VALIDATION_REFUSES has "
        "`unknown-extensions`.",
        "https://example.nl/fhir/",
    ] = ()
    package_cache: Annotated[
        Path, "The folder in which FHIR tools keep packages, each as `name#version`."
    ] = dataclasses.field(default_factory=lambda: Path.home() / ".fhir" / "packages")
    package_registry: Annotated[
        str | None,
        "The registry from which packages are fetched that are not in that folder.",
        "https://packages.fhir.org",
    ] = None
    conditional_delete: Annotated[
        Literal["single", "multiple"], "Whether a conditional delete may delete more than one match."
    ] = "single"
    max_body_bytes: Annotated[int, "Bytes a request's body may have, as sent."] = 32 * 1024 * 1024
    max_unpacked_bytes: Annotated[int, "Bytes a compressed body may have once it is unpacked."] = (
        128 * 1024 * 1024
    )
    page_count_default: Annotated[int, "Matches on a page when `_count` does not say."] = 50
    page_count_max: Annotated[int, "Matches on a page at most."] = 1000

    smtp_server: Annotated[
        str | None,
        "The mail server, as `host:port`, by which people are told that there is a message; without it nobody is "
        "told by email.",
        "mail.example.nl:587",
    ] = None
    smtp_security: Annotated[
        Literal["starttls", "tls", "none"],
        "How the connection to it is secured; `none` is taken for this machine's own alone.",
    ] = "starttls"
    smtp_user: Annotated[str | None, "The name to sign in with there."] = None
    smtp_password_file: Annotated[
        Path | None, "The file with the password to sign in with there.", "/srv/fhirhub/smtp.password"
    ] = None
    smtp_sender: Annotated[str | None, "The address that such email comes from.", "zorgplan@example.nl"] = (
        None
    )
    notification_days: Annotated[
        int, "Days that events of Subscriptions are kept for who asks for them again (`$events`)."
    ] = 90

    terminology_server: Annotated[
        str | None,
        "A FHIR R4 terminology server that is asked for the code systems and value sets that are not known here. "
        "Only codes and value sets are sent to it.",
        "https://terminology.example.nl/fhir",
    ] = None
    terminology_timeout_ms: Annotated[
        int, "Milliseconds that server has to answer; past them the code could not be checked."
    ] = 5000

    check_answers: Annotated[
        bool,
        "Hold what operations answer to their OperationDefinitions and answer 500 where it is not so, for development.",
    ] = False
    log_level: Annotated[Literal["debug", "info", "warning", "error"], "The least that is logged."] = "info"
    log_format: Annotated[
        Literal["auto", "json", "text"],
        "How it is logged: one JSON object a line, or text; `auto` is text on a terminal.",
    ] = "auto"

    @property
    def is_audited(self) -> bool:
        """Whether it is logged who did what."""
        return self.auth == "smart" or self.audit == "on"

    @property
    def is_sqlite(self) -> bool:
        return self.database.startswith("sqlite:")

    @property
    def sqlite_path(self) -> Path:
        """The file of an SQLite database."""
        return Path(self.database.removeprefix("sqlite://"))

    @property
    def database_shown(self) -> str:
        """The database's address as it may be printed: without a password."""
        parts = urlsplit(self.database)
        return self.database.replace(f":{parts.password}@", "@") if parts.password else self.database

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_open(self) -> bool:
        """Whether others than this machine can call without saying who they are."""
        return self.auth == "none" and not self.is_loopback

    @property
    def local_url(self) -> str:
        """The hub's address as this machine sees it, without `/fhir`."""
        host = self.host if self.host not in ("0.0.0.0", "::", "") else "127.0.0.1"
        scheme = "https" if self.tls_certificate else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def needs_second_factor(self) -> bool:
        """Whether a password is not enough: others than this machine reach the hub."""
        if not self.is_loopback or (self.base_url is None and self.trusted_proxies):
            return True
        return urlsplit(self.base_url or "").hostname not in (None, "localhost", "127.0.0.1", "::1")

    @property
    def public_url(self) -> str:
        """What links begin with when no proxy says otherwise."""
        return self.base_url or self.local_url

    @property
    def is_https_only(self) -> bool:
        """Whether others reach the hub by https alone, so that browsers may be told so."""
        return self.public_url.startswith("https://") and self.needs_second_factor


def read(environ: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """The settings of these options, then of the environment, then the defaults.

    An option that is None was not given. Raises SettingsError with every fault in it.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    faults: list[str] = []
    for setting in described():
        option = given.pop(setting.name, None)
        text = environ.get(setting.variable, "").strip()
        if option is None and text == "":
            continue
        try:
            values[setting.name] = _parsed(setting, text if option is None else option)
        except ValueError as fault:
            named = setting.variable if option is None else setting.option
            faults.append(f"{named} {fault}; got `{text if option is None else option}`")
    if given:
        raise TypeError(f"no such settings: {', '.join(given)}")
    if not faults:
        settings = Settings(**values)
        faults.extend(_contradictions(settings))
    if faults:
        raise SettingsError("\n".join(faults))
    return settings


def with_port(settings: Settings, port: int) -> Settings:
    """The same settings on the port that was had."""
    return dataclasses.replace(settings, port=port)


def unknown_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """A sentence for each `FHIRHUB_` variable that is no setting, with the nearest one."""
    known = {setting.variable for setting in described()} | {one.variable for one in COMMAND_OPTIONS}
    sentences = []
    for name in sorted(os.environ if environ is None else environ):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            sentences.append(f"{name} is not a setting" + (f"; did you mean {near[0]}?" if near else ""))
    return sentences


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, as the documents and the command line tell it."""

    name: str
    type: Any
    default: str
    text: str
    example: str

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    @property
    def option(self) -> str:
        return "--" + self.name.replace("_", "-")


@dataclass(frozen=True, slots=True)
class CommandOption:
    """An option of one command alone, which is no setting of the hub."""

    command: str
    name: str
    text: str

    @property
    def variable(self) -> str:
        return PREFIX + f"{self.command} {self.name}".upper().replace(" ", "_").replace("-", "_")

    @property
    def option(self) -> str:
        return "--" + self.name


COMMAND_OPTIONS = (
    CommandOption("erase", "patient", "The logical id of a Patient: with all that is about them alone."),
    CommandOption(
        "erase",
        "organization",
        "The logical id of an Organization: with its entries in the directory, accounts and backends.",
    ),
    CommandOption("erase", "resource", "One resource, such as Observation/1, with its versions."),
    CommandOption(
        "erase", "again", "Erase again what is on the list of erasures and came back with a restored backup."
    ),
    CommandOption("erase", "ground", "Why, for the record of the erasure."),
    CommandOption("erase", "decider", "Who decided it, for the record of the erasure."),
    CommandOption("erase", "yes", "Do not ask."),
    CommandOption(
        "audit verify",
        "heads",
        "A file, kept elsewhere, that remembers where each chain of the log ended: what it knows must still be there. "
        "It is made where it is lacking, and moved on where the log is sound.",
    ),
    CommandOption("restore", "overwrite", "Replace what the database holds now."),
    CommandOption("terminology load", "url", "The code system, where the file does not say it."),
    CommandOption("terminology load", "version", "Its version, where the files do not say it."),
    CommandOption("terminology load", "language", "The language of the displays, such as nl."),
    CommandOption("capability", "mode", "full, normative or terminology."),
    CommandOption(
        "validate", "profile", "A profile to validate against, besides those claimed; may be repeated."
    ),
    CommandOption(
        "validate",
        "package",
        "Where profiles come from: a .tgz, a folder or name@version; may be repeated.",
    ),
    CommandOption("validate", "json", "Print an OperationOutcome, a Bundle of them for several resources."),
    CommandOption("keys rotate", "at-once", "The old keys leaked: take nothing that they signed."),
    CommandOption("launch", "client", "The app's client_id."),
    CommandOption("launch", "user", "The user name of who will sign in."),
    CommandOption("launch", "patient", "The logical id of the Patient."),
    CommandOption("launch", "encounter", "The logical id of the Encounter."),
    CommandOption("token", "user", "The user name of whose token it is."),
    CommandOption("token", "client", "The app's client_id; the demo's app when not named."),
    CommandOption("token", "role", "As what the person acts, where the account has several roles."),
    CommandOption("token", "scope", "The scopes; all of the app's when not named."),
    CommandOption("token", "patient", "The logical id of the Patient in context."),
)


@functools.cache
def described() -> tuple[Setting, ...]:
    """Every setting in the order of the class."""
    return tuple(_described())


def _described() -> Iterator[Setting]:
    hints = get_type_hints(Settings, include_extras=True)
    for field in dataclasses.fields(Settings):
        kind, text, *example = get_args(hints[field.name])
        default = "" if field.default is dataclasses.MISSING else _shown(field.default)
        yield Setting(field.name, kind, default, text, example[0] if example else "")


def _shown(value: Any) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _parsed(setting: Setting, value: Any) -> Any:
    """The value as the field's type has it. Raises ValueError: a clause that follows the setting's name."""
    expected = setting.type
    if setting.name in ("database", "read_database"):
        return _database(str(value))
    if expected is bool:
        return value if isinstance(value, bool) else _switch(value)
    if expected is int:
        return _number(value)
    if setting.name in ("aftercare_days", "draft_days"):
        return None if value == "unlimited" else _number(value)
    if setting.name in _LISTS:
        return tuple(_parts(value))
    if setting.name == "review_hours":
        return _hours(str(value))
    if expected is Path:
        return Path(value).expanduser().absolute()
    if choices := get_args(expected):
        if all(isinstance(choice, str) for choice in choices):
            if value not in choices:
                raise ValueError(f"expects one of {', '.join(choices)}")
            return value
        if Path in choices:
            return Path(value).expanduser().absolute()
    if setting.name == "trusted_proxies":
        return tuple(_network(part) for part in _parts(value))
    if setting.name == "profiles":
        return tuple(_profile(part) for part in _parts(value))
    if setting.name == "validation_refuses":
        return tuple(_refusable(part) for part in _parts(value))
    if setting.name == "cors_origins":
        return tuple(_origin(part) for part in _parts(value))
    if setting.name == "fetch_allow":
        return tuple(_host(part) for part in _parts(value))
    if setting.name == "package_registry":
        return _web_address(str(value).rstrip("/"))
    if setting.name in ("terminology_server", "consent_check"):
        return _web_address(str(value).rstrip("/"))
    if setting.name == "base_url":
        return _web_address(str(value).rstrip("/").removesuffix("/fhir"))
    return str(value)


_LISTS = frozenset(
    {"care_providers", "directory_clients", "own_id_clients", "extension_domains", "review_shift_roles"}
)


def _hours(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d", text) or text[:5] >= text[6:]:
        raise ValueError("expects hours of a day such as 07:00-20:00")
    return text


def _parts(value: Any) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else list(value)
    return [part.strip() for part in parts if part.strip()]


def _switch(text: str) -> bool:
    if text.lower() in ("yes", "on", "true", "1"):
        return True
    if text.lower() in ("no", "off", "false", "0"):
        return False
    raise ValueError("expects yes or no (on or off)")


def _number(value: Any) -> int:
    try:
        number = int(value)
    except ValueError:
        number = -1
    if number < 0:
        raise ValueError("expects a whole number, not below 0")
    return number


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError("expects addresses or networks such as 10.0.0.0/8, parted by commas") from None


_PROFILE = re.compile(r"([A-Z][A-Za-z]+)=([A-Za-z][A-Za-z0-9+.-]*:\S+)")


def _profile(text: str) -> tuple[str, str]:
    found = _PROFILE.fullmatch(text)
    if found is None:
        raise ValueError("expects types and canonical URLs such as CarePlan=https://example.nl/plan")
    return found[1], found[2]


_REFUSABLE = ("unknown-extensions", "example-urls", "html-in-strings", "html-in-markdown")


def _refusable(text: str) -> str:
    if text not in _REFUSABLE:
        raise ValueError(f"expects any of {', '.join(_REFUSABLE)}, parted by commas")
    return text


def _origin(text: str) -> str:
    if text != "*":
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/"):
            raise ValueError("expects origins such as https://app.example.nl, parted by commas, or *")
    return text.rstrip("/")


def _host(text: str) -> str:
    if not text or not _HOST.fullmatch(text):
        raise ValueError("expects hosts such as keys.intern.example.nl or 10.0.0.8:8443, parted by commas")
    return text.lower()


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("expects an address such as https://hub.example.nl")
    return text


_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:,]*)(?::[0-9]{1,5})?")


def _database(text: str) -> str:
    if text.startswith("sqlite:///"):
        path = text.removeprefix("sqlite://")
        if not path.endswith("/"):
            return "sqlite:///" + path.lstrip("/")
    elif text.startswith(("postgresql://", "postgres://")):
        parts = urlsplit(text)
        hosts = parts.netloc.rpartition("@")[2].split(",")
        if parts.path not in ("", "/") and all(_HOST.fullmatch(host) for host in hosts):
            return "postgresql" + text[text.index(":") :]
    raise ValueError("expects sqlite:///absolute/path.db or postgresql://user@host:port/name")


def _contradictions(settings: Settings) -> Iterator[str]:
    if settings.read_database and (settings.is_sqlite or settings.read_database.startswith("sqlite:")):
        yield "--read-database names a replica of a PostgreSQL database; SQLite has none"
    if settings.audit_folder is not None and settings.is_sqlite:
        yield "FHIRHUB_AUDIT_FOLDER is for PostgreSQL: beside an SQLite database reads are logged in files as they are"
    if settings.audit_folder is not None and not settings.audit_folder.is_dir():
        yield f"FHIRHUB_AUDIT_FOLDER expects a folder that is there; got {settings.audit_folder}"
    if settings.statement_timeout_ms < 1:
        yield "FHIRHUB_STATEMENT_TIMEOUT_MS expects at least 1"
    if (settings.tls_certificate is None) is not (settings.tls_key is None):
        yield "FHIRHUB_TLS_CERTIFICATE and FHIRHUB_TLS_KEY are given both or neither"
    if settings.auth == "smart" and settings.audit == "off":
        yield "FHIRHUB_AUDIT is `off` with `--auth none` alone: with sign-in it is always logged who did what"
    if settings.patients < 1:
        yield "--patients expects at least 1"
    if settings.workers < 1:
        yield "--workers expects at least 1"
    if not 10 <= settings.access_token_seconds <= 3600:
        yield "FHIRHUB_ACCESS_TOKEN_SECONDS expects a number from 10 to 3600"
    if settings.port > 65535:
        yield "--port expects at most 65535"
    if settings.smtp_server:
        yield from _mail_faults(settings)
    if not 1 <= settings.page_count_default <= settings.page_count_max:
        yield "FHIRHUB_PAGE_COUNT_DEFAULT expects a number from 1 to FHIRHUB_PAGE_COUNT_MAX"


def _mail_faults(settings: Settings) -> Iterator[str]:
    host, _, port = (settings.smtp_server or "").rpartition(":")
    if not host or not port.isdigit():
        yield "FHIRHUB_SMTP_SERVER expects a host and a port such as mail.example.nl:587"
    if not settings.smtp_sender:
        yield "FHIRHUB_SMTP_SERVER is set, so FHIRHUB_SMTP_SENDER must say what address email comes from"
    if settings.smtp_security == "none" and host not in ("localhost", "127.0.0.1", "[::1]"):
        yield "FHIRHUB_SMTP_SECURITY is none for a mail server on this machine alone; use starttls or tls"
    if (settings.smtp_user is None) != (settings.smtp_password_file is None):
        yield "FHIRHUB_SMTP_USER and FHIRHUB_SMTP_PASSWORD_FILE are set together or not at all"


def refuse_to_serve(settings: Settings) -> None:
    """Raise SettingsError where serving with these settings would open what must not be open."""
    is_secured = settings.base_url is not None and settings.base_url.startswith("https://")
    if settings.auth == "smart" and not settings.is_loopback and not is_secured:
        raise SettingsError(
            f"--auth smart on {settings.host} expects the hub's public https address in FHIRHUB_BASE_URL: "
            "tokens name it, and passwords and tokens are not to cross a network in the open"
        )
    if settings.is_open and not settings.allow_open:
        raise SettingsError(
            "--auth none lets everybody do everything, so it listens on loopback (127.0.0.1) only, not on "
            f"{settings.host}; set FHIRHUB_ALLOW_OPEN=yes where all who reach that address may read and "
            "change everything"
        )


def as_markdown() -> str:
    """The document of all settings, `docs/settings.md`."""
    lines = [
        "# Settings",
        "",
        "Every setting is a variable; the options of a command win over the variables",
        "(`fhirhub serve --help`). A switch takes `yes` or `no`; a list has its parts between commas; a",
        "variable that is empty is as none. A variable `FHIRHUB_...` that is no setting is named at the",
        "start, with the nearest one.",
        "",
        "This page is made from `fhirhub/settings.py` by `make docs`, and a test proves that the two agree.",
        "",
        "| variable | what it decides | default | example |",
        "|---|---|---|---|",
    ]
    for setting in described():
        choices = get_args(setting.type)
        is_choice = bool(choices) and all(isinstance(choice, str) for choice in choices)
        allowed = f" One of {', '.join(f'`{choice}`' for choice in choices)}." if is_choice else ""
        default = f"`{setting.default}`" if setting.default else _UNSAID_DEFAULTS.get(setting.name, "none")
        example = f"`{setting.example}`" if setting.example else ""
        lines.append(f"| `{setting.variable}` | {setting.text}{allowed} | {default} | {example} |")
    lines += [
        "",
        "## Options of one command",
        "",
        "What only one command asks has a variable too, named after the command.",
        "",
        "| variable | command and option | what it decides |",
        "|---|---|---|",
    ]
    for one in COMMAND_OPTIONS:
        lines.append(f"| `{one.variable}` | `fhirhub {one.command} {one.option}` | {one.text} |")
    return "\n".join(lines) + "\n"


_UNSAID_DEFAULTS = {
    "database": "`var/fhirhub.db` in the working directory",
    "erasures_file": "the secret file's name with `.erasures`",
    "package_cache": "`.fhir/packages` in the home directory",
    "secret_file": "the SQLite file's name with `.secret`",
}

if __name__ == "__main__":
    print(as_markdown(), end="")
