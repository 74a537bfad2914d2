"""The tables: resources and their versions, the search indexes, and what the hub keeps of itself.

Every key begins with the tenant, so that one tenant's rows lie together and PostgreSQL can be sharded by it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, Table, Text, text
from sqlalchemy.schema import PrimaryKeyConstraint
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, SQLModel

from fhirhub.store import chain, index

# Text compares bytewise on both databases, so that ranges and cursors mean the same.
EXACT_TEXT: TypeEngine[str] = Text().with_variant(Text(collation="C"), "postgresql")

_KINDS: dict[str, TypeEngine[Any]] = {
    "int": Integer(),
    "bigint": BigInteger(),
    "double": Double(),
    "text": EXACT_TEXT,
    "bool": Boolean(),
    "bytea": LargeBinary(),
}


class Region(SQLModel, table=True):
    """A tenant: a region or care group, named in the path (`/name/fhir`)."""

    __tablename__ = "tenant"
    tenant: int = Field(primary_key=True)
    name: str = Field(sa_column=Column(EXACT_TEXT, nullable=False))
    created: int = Field(sa_column=Column(BigInteger, nullable=False))
    """Microseconds since 1970 UTC."""


class Instance(SQLModel, table=True):
    """What this database knows of its hub, such as the check value of its secret; tenant 0 is the hub."""

    __tablename__ = "instance"
    tenant: int = Field(primary_key=True)
    name: str = Field(sa_column=Column(EXACT_TEXT, primary_key=True))
    value: str = Field(sa_column=Column(EXACT_TEXT, nullable=False))


class RowKey(SQLModel, table=True):
    """The next row key (`rid`) of a tenant that nobody has taken."""

    __tablename__ = "row_key"
    tenant: int = Field(primary_key=True)
    next: int = Field(sa_column=Column(BigInteger, nullable=False))


class Job(SQLModel, table=True):
    """Work to be done after a commit, once, whoever comes to it first."""

    __tablename__ = "job"
    __table_args__ = (Index("job_due", "tenant", "due"),)
    tenant: int = Field(primary_key=True)
    id: str = Field(sa_column=Column(EXACT_TEXT, primary_key=True))
    kind: str = Field(sa_column=Column(EXACT_TEXT, nullable=False))
    content: str = Field(sa_column=Column(EXACT_TEXT, nullable=False))
    """JSON."""
    due: int = Field(sa_column=Column(BigInteger, nullable=False))
    """Not before this moment, in microseconds; a claim moves it into the future."""
    tries: int = Field(default=0)
    fault: str | None = Field(default=None, sa_column=Column(EXACT_TEXT))


class CustomParameter(SQLModel, table=True):
    """A SearchParameter resource of a tenant and whether searches by it are ready."""

    __tablename__ = "custom_parameter"
    tenant: int = Field(primary_key=True)
    id: str = Field(sa_column=Column(EXACT_TEXT, primary_key=True))
    state: str = Field(sa_column=Column(EXACT_TEXT, nullable=False))
    """`waiting`, `ready` or `gone`."""
    body: str = Field(sa_column=Column(EXACT_TEXT, nullable=False))


class ConformanceMark(SQLModel, table=True):
    """How often a tenant's profiles, value sets and their like changed: what every process looks at."""

    __tablename__ = "conformance_mark"
    tenant: int = Field(primary_key=True)
    generation: int = Field(sa_column=Column(BigInteger, nullable=False))


class Package(SQLModel, table=True):
    """A FHIR package that was added to a tenant."""

    __tablename__ = "package"
    tenant: int = Field(primary_key=True)
    name: str = Field(sa_column=Column(EXACT_TEXT, primary_key=True))
    version: str = Field(sa_column=Column(EXACT_TEXT, primary_key=True))
    added: int = Field(sa_column=Column(BigInteger, nullable=False))
    """Microseconds since 1970 UTC."""
    whole: bool = Field(sa_column=Column(Boolean, nullable=False))
    """Whether all of it is there; not while it is being added or removed."""
    dependencies: str = Field(sa_column=Column(EXACT_TEXT, nullable=False))
    """JSON: versions by name."""


class PackageResource(SQLModel, table=True):
    """A resource that is there because a package has it; several packages may have the same."""

    __tablename__ = "package_resource"
    tenant: int = Field(primary_key=True)
    type: str = Field(sa_column=Column(EXACT_TEXT, primary_key=True))
    id: str = Field(sa_column=Column(EXACT_TEXT, primary_key=True))
    name: str = Field(sa_column=Column(EXACT_TEXT, primary_key=True))
    version: str = Field(sa_column=Column(EXACT_TEXT, primary_key=True))


class Erasure(SQLModel, table=True):
    """The record that something was erased: what, when, on which ground; never its content."""

    __tablename__ = "erasure"
    tenant: int = Field(primary_key=True)
    id: str = Field(sa_column=Column(EXACT_TEXT, primary_key=True))
    kind: str = Field(sa_column=Column(EXACT_TEXT, nullable=False, server_default="patient"))
    subject: str = Field(sa_column=Column(EXACT_TEXT, nullable=False))
    ground: str = Field(sa_column=Column(EXACT_TEXT, nullable=False))
    decider: str = Field(sa_column=Column(EXACT_TEXT, nullable=False, server_default=""))
    erased: int = Field(sa_column=Column(BigInteger, nullable=False))
    resources: int = Field(sa_column=Column(BigInteger, nullable=False))


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, EXACT_TEXT, nullable=null)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


RESOURCE = Table(
    "resource",
    SQLModel.metadata,
    Column("tenant", Integer, nullable=False),
    _number("rid"),
    _text("type"),
    _text("id"),
    Column("version", Integer, nullable=False),
    _number("updated"),
    Column("deleted", Boolean, nullable=False),
    _text("method"),
    _text("patient", null=True),
    _text("write_id"),
    Column("body", LargeBinary, nullable=True),
    _text("label", null=True),
    PrimaryKeyConstraint("tenant", "rid"),
    Index("resource_id", "tenant", "type", "id", unique=True),
    Index("resource_updated", "tenant", "type", "updated", "rid"),
)

VERSION = Table(
    "version",
    SQLModel.metadata,
    Column("tenant", Integer, nullable=False),
    _number("rid"),
    _text("type"),
    _text("id"),
    Column("version", Integer, nullable=False),
    _number("updated"),
    _number("until"),
    Column("deleted", Boolean, nullable=False),
    _text("method"),
    _text("patient", null=True),
    _text("write_id"),
    Column("body", LargeBinary, nullable=True),
    _text("label", null=True),
    PrimaryKeyConstraint("tenant", "rid", "version"),
    Index("version_updated", "tenant", "type", "updated", "rid", "version"),
)


def _key(name: str, *columns: Column[Any], indexes: tuple[Index, ...] = (), key: tuple[str, ...]) -> Table:
    """A table of a tenant whose rows are found by `key`."""
    tenant = Column("tenant", Integer, nullable=False)
    return Table(name, SQLModel.metadata, tenant, *columns, PrimaryKeyConstraint("tenant", *key), *indexes)


# Who may come in. Moments are seconds since 1970 UTC; secrets are hashed, keys sealed under the hub's secret.
AUTH = (
    _key("auth_key", _text("kid"), _text("algorithm"), _number("created"), _number("active"),
         Column("retired", BigInteger), Column("sealed", LargeBinary, nullable=False), key=("kid",)),
    _key("auth_client", _text("id"), _text("metadata"), _text("secret", null=True), _number("created"),
         key=("id",)),
    _key("auth_account", _text("id"), _text("username"), _text("password", null=True),
         Column("totp", LargeBinary), Column("totp_step", BigInteger, nullable=False, server_default="0"),
         Column("disabled", Boolean, nullable=False), _number("created"), key=("id",),
         indexes=(Index("auth_account_username", "tenant", "username", unique=True),)),
    _key("auth_role", _text("account"), _text("id"), _text("fhir_user"), _text("organization", null=True),
         _text("role"), _text("responsible", null=True), key=("account", "id"),
         indexes=(Index("auth_role_person", "tenant", "fhir_user"),)),
    _key("auth_invitation", _text("id"), _text("person"), _text("patient"), _number("created"),
         _number("expires"), Column("used", BigInteger), key=("id",),
         indexes=(Index("auth_invitation_patient", "tenant", "patient"),)),
    _key("auth_session", _text("id"), _text("account"), _text("role", null=True), _text("acr"),
         _number("signed_in"), _number("expires"), key=("id",),
         indexes=(Index("auth_session_account", "tenant", "account"),)),
    _key("auth_grant", _text("id"), _text("client"), _text("account"), _text("content"), _number("created"),
         _number("expires"), Column("revoked", BigInteger), key=("id",),
         indexes=(Index("auth_grant_account", "tenant", "account"),)),
    _key("auth_code", _text("id"), _text("family"), _text("content"), _number("expires"),
         Column("used", BigInteger), key=("id",)),
    _key("auth_refresh", _text("id"), _text("family"), _number("created"), _number("expires"),
         Column("used", BigInteger), key=("id",)),
    _key("auth_launch", _text("id"), _text("content"), _number("expires"), Column("used", BigInteger),
         key=("id",)),
    _key("auth_assertion", _text("client"), _text("jti"), _number("expires"), key=("client", "jti")),
    _key("auth_revoked", _text("what"), _number("expires"), key=("what",)),
    _key("auth_attempt", _text("what"), Column("failures", Integer, nullable=False), _number("until"),
         key=("what",)),
)  # fmt: skip


# Who is notified, of what, and how far that is. Moments are microseconds since 1970 UTC.
SUBSCRIPTIONS = (
    _key("subscription", _text("id"), _text("status"), _text("organization", null=True), _text("receiver", null=True),
         Column("confirmed", Boolean, nullable=False), _number("numbered"), _number("delivered"), _number("due"),
         Column("tries", Integer, nullable=False), _number("sent"), _text("fault", null=True), _number("lease"),
         _text("holder"), _number("created"), key=("id",),
         indexes=(Index("subscription_due", "tenant", "due"),
                  Index("subscription_organization", "tenant", "organization"))),
    _key("subscription_event", _text("subscription"), _text("key"), Column("number", BigInteger), _text("type"),
         _text("id"), Column("version", Integer, nullable=False), _text("method"), _text("topic", null=True),
         Column("bare", Boolean, nullable=False), _number("moment"), key=("subscription", "key"),
         indexes=(Index("subscription_event_number", "tenant", "subscription", "number"),
                  Index("subscription_event_waiting", "tenant", "subscription",
                        sqlite_where=text("number IS NULL"), postgresql_where=text("number IS NULL")),
                  Index("subscription_event_focus", "tenant", "type", "id"),
                  Index("subscription_event_moment", "tenant", "moment"))),
    _key("subscription_mark", _number("generation"), key=()),
)  # fmt: skip
PEERS = (
    _key("peer", _text("name"), _text("base"), _text("client"), _text("organization"), _text("place", null=True),
         _text("mark"), _number("seen"), _number("filled"), _number("looked"), Column("failed", BigInteger),
         _text("fault", null=True), key=("name",)),
    _key("peer_view", _text("peer"), _text("type"), _text("id"), Column("body", LargeBinary, nullable=False),
         key=("peer", "type", "id")),
)  # fmt: skip
"""Other hubs where plans live, and what they showed of these."""

AUDIT = Table(
    "audit",
    SQLModel.metadata,
    Column("tenant", Integer, nullable=False),
    Column("chain", Integer, nullable=False),
    _number("number"),
    *(
        Column(name, _KINDS[chain.KINDS.get(name, "text")], nullable=name not in chain.REQUIRED)
        for name in chain.COLUMNS
    ),
    PrimaryKeyConstraint("tenant", "chain", "number"),
    Index("audit_patient", "tenant", "patient", "recorded"),
    Index("audit_organization", "tenant", "organization", "recorded"),
    sqlite_with_rowid=False,
)
"""The log (`store/chain.py`): a row for each record."""

AUDIT_CHAIN = Table(
    "audit_chain",
    SQLModel.metadata,
    Column("tenant", Integer, nullable=False),
    Column("chain", Integer, nullable=False),
    _number("opened"),
    Column("birth", LargeBinary, nullable=False),
    _number("number"),
    Column("mac", LargeBinary, nullable=False),
    Column("seal", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant", "chain"),
)
"""The heads of the log's chains; of chain 0 the number of the others."""

AUDIT_JOURNAL = _key(
    "audit_journal", Column("chain", Integer, nullable=False), _number("number"),
    Column("records", Integer, nullable=False), Column("content", LargeBinary, nullable=False),
    key=("chain", "number"),
)  # fmt: skip
"""Records of the log that have no row of their own yet (`store/journal.py`)."""

SEEN = _key(
    "seen", _number("rid"), _text("person"), _number("last_updated"), _number("last_rid"), _number("last_version"),
    _number("moment"), key=("rid", "person"),
)  # fmt: skip
"""How far each person has seen the timeline of a plan (`rid`): the last version shown, and when they said so."""

PUBLISHED = _key(
    "published",
    _text("figure"),
    _number("at"),
    _text("digest"),
    _text("content"),
    key=("figure", "at", "digest"),
)
"""What figures of measures were told (`store/published.py`)."""

CLOSURE = _key(
    "closure", _text("owner"), _text("name"), _number("version"), _number("started"), key=("owner", "name")
)
"""The closure tables of clients."""

CLOSURE_STEP = _key(
    "closure_step", _text("owner"), _text("name"), _number("version"), _text("system"), _text("edition"),
    _text("content"), key=("owner", "name", "version", "system"),
)  # fmt: skip
"""What each version of a closure table added of a code system; `content` is JSON."""


def _index_table(name: str, table: index.Table) -> Table:
    columns = [Column(c.name, _KINDS[c.kind], nullable=c.null) for c in table.columns]
    indexes = []
    for one in table.indexes:
        built = Index(f"{name}_{one.name}", *one.columns)
        if one.where is not None:
            built.dialect_options["sqlite"]["where"] = text(one.where)
            built.dialect_options["postgresql"]["where"] = text(one.where)
        indexes.append(built)
    return Table(
        name,
        SQLModel.metadata,
        Column("tenant", Integer, nullable=False),
        _number("rid"),
        *columns,
        *indexes,
    )


CODE_SYSTEM = Table(
    "code_system",
    SQLModel.metadata,
    Column("tenant", Integer, nullable=False),
    Column("edition", Integer, nullable=False),
    _text("url"),
    _text("version"),
    _text("state"),
    _number("loaded"),
    Column("concepts", Integer, nullable=False),
    _text("description"),
    PrimaryKeyConstraint("tenant", "edition"),
)
"""Code systems too large for memory. They lie here once, under tenant 0; `code_system_use` says whose they are."""

CODE_SYSTEM_USE = Table(
    "code_system_use",
    SQLModel.metadata,
    Column("tenant", Integer, nullable=False),
    Column("edition", Integer, nullable=False),
    PrimaryKeyConstraint("tenant", "edition"),
)


def _of_edition(
    name: str, *columns: Column[Any], key: tuple[str, ...], indexes: tuple[Index, ...] = ()
) -> Table:
    """A table of concepts; on SQLite it lies in the order of its key."""
    return Table(
        name,
        SQLModel.metadata,
        Column("tenant", Integer, nullable=False),
        Column("edition", Integer, nullable=False),
        *columns,
        PrimaryKeyConstraint("tenant", "edition", *key),
        *indexes,
        sqlite_with_rowid=False,
    )


def _int(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


CONCEPT = _of_edition(
    "concept",
    _int("n"),
    _text("code"),
    _text("display", null=True),
    Column("active", Boolean, nullable=False),
    Column("abstract", Boolean, nullable=False),
    _text("words"),
    _text("detail"),
    key=("n",),
    indexes=(Index("concept_code", "tenant", "edition", "code", unique=True),),
)
"""`n` counts the concepts so that what one subsumes lies in few intervals; `words` has the folded words of all
its names, a space before each; `detail` is JSON."""

CONCEPT_EDGE = _of_edition(
    "concept_edge",
    _int("parent"),
    _int("child"),
    key=("parent", "child"),
    indexes=(Index("concept_edge_up", "tenant", "edition", "child", "parent"),),
)

CONCEPT_INTERVAL = _of_edition("concept_interval", _int("n"), _int("low"), _int("high"), key=("n", "low"))
"""What concept `n` subsumes, itself too: all from `low` to `high`."""

CONCEPT_PROPERTY = _of_edition(
    "concept_property", _text("property"), _text("value"), _int("n"), key=("property", "value", "n")
)

CONCEPT_WORD = _of_edition(
    "concept_word",
    _text("start"),
    _int("length"),
    _int("n"),
    _text("word"),
    key=("start", "length", "n", "word"),
)
"""The folded words of names; `start` is their first three letters, `length` that of the display."""

INDEXES = {name: _index_table(name, table) for name, table in index.TABLES.items()}

COMMON = (
    "tenant", "instance", "code_system", "concept", "concept_edge", "concept_interval", "concept_property",
    "concept_word",
)  # fmt: skip
"""Tables that every node of a sharded database has whole."""

OF_TENANT = (
    "resource", "version", "row_key", "job", "custom_parameter", "conformance_mark", "package",
    "package_resource", "erasure", "code_system_use", "audit", "audit_chain",
    "audit_journal", "seen", "published", "closure", "closure_step", *INDEXES,
    *(table.name for table in AUTH), *(table.name for table in SUBSCRIPTIONS),
    *(table.name for table in PEERS),
)  # fmt: skip
"""Tables whose rows lie with their tenant."""
