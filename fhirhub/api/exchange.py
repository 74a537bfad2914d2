"""A request and a response as plain data, so that HTTP and Bundle entries go through one door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from fhirhub.turns import Turns

if TYPE_CHECKING:
    from fhirhub.api.operations import Operation
    from fhirhub.api.operations.parameters import Input
    from fhirhub.api.routes import Route
    from fhirhub.auth.principal import Principal
    from fhirhub.errors import Issue
    from fhirhub.peers.viewing import Peers
    from fhirhub.repository import Repository
    from fhirhub.settings import Settings

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Format:
    """The representation an answer takes. `named` says that the client asked for a FHIR media type by name,
    which for a Binary means: the resource, not its content."""

    kind: Literal["json", "xml"]
    content_type: bytes
    named: bool


JSON = Format("json", b"application/fhir+json; charset=utf-8", named=False)
XML = Format("xml", b"application/fhir+xml; charset=utf-8", named=False)
JSON_NAMED = Format("json", JSON.content_type, named=True)
XML_NAMED = Format("xml", XML.content_type, named=True)


class Headers(Mapping[str, str]):
    """Header fields by lower-case name, decoded only when asked for."""

    __slots__ = ("raw",)

    def __init__(self, raw: dict[bytes, bytes]) -> None:
        self.raw = raw

    def get(self, name: str, default: Any = None) -> Any:
        value = self.raw.get(name.encode())
        return default if value is None else value.decode("latin-1")

    def __getitem__(self, name: str) -> str:
        return self.raw[name.encode()].decode("latin-1")

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.encode() in self.raw

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self.raw)

    def __len__(self) -> int:
        return len(self.raw)


@dataclass(frozen=True, slots=True)
class Context:
    """What all requests of one process share. `now` gives microseconds since 1970 UTC."""

    settings: Settings
    routes: Sequence[Route]
    operations: Sequence[Operation]
    dispatch: Callable[[FhirRequest], Awaitable[FhirResponse]]
    now: Callable[[], int]
    turns: Turns = field(default_factory=Turns)
    peers: Peers | None = None
    """Other hubs where plans live; None where nobody signs in."""


@dataclass(slots=True)
class FhirRequest:
    """One interaction asked for.

    `path` holds the segments behind the base, percent-decoded: `("CarePlan", "1", "_history", "2")`.
    `query` is the raw query string, undecoded. `headers` has lower-case names. `body` is the raw body
    after decompression; `resource` the parsed one where somebody (a Bundle entry) has parsed it already.
    `base` is the public base URL without a slash at the end: `http://127.0.0.1:8000/fhir`.
    """

    method: str
    path: tuple[str, ...]
    query: str
    headers: Mapping[str, str]
    body: bytes
    base: str
    tenant: str
    repository: Repository
    context: Context
    request_id: str = ""
    resource: Json | None = None
    checked: bool = False
    """Whether `resource` was found to be right already."""
    inside: Literal["batch", "transaction"] | None = None
    """The kind of Bundle this is an entry of."""
    new_id: str | None = None
    """The logical id chosen for what an entry of a transaction creates."""
    format: Format = JSON
    pretty: bool = False
    said: Sequence[Issue] = ()
    """What validation found in the resource that does not stand in the way of writing it."""
    principal: Principal | None = None
    """Who asks; None where nobody has to say, so with `--auth none`."""
    interaction: str = ""
    """The interaction's code once the request is matched: `read`, `search-type`, `$everything`."""
    input: Input | None = None
    """What an operation is given, once it was found to be what its definition says."""


@dataclass(slots=True)
class FhirResponse:
    """One answer. `body` is FHIR JSON as bytes (made into XML at the door where asked), or other
    content when `content_type` says so. `location` is relative to the base: `CarePlan/1/_history/1`."""

    status: int
    body: bytes | None = None
    version: int | None = None
    updated: int | None = None
    """Microseconds since 1970 UTC."""
    location: str | None = None
    content_type: str | None = None
    headers: Mapping[str, str] | None = None
    made: bool = False
    """Whether a version was made."""
    outcome: bytes | None = None
    """An OperationOutcome that goes with the answer where a Bundle has a place for both."""


Handler = Callable[[FhirRequest], Awaitable[FhirResponse]]
