"""capabilities: the CapabilityStatement, computed from ROUTES, OPERATIONS and the definitions
(https://hl7.org/fhir/R4/http.html#capabilities)."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

from fhirhub import __version__, conformance
from fhirhub.api import audit_log, formats, read
from fhirhub.api.exchange import Context, FhirRequest, FhirResponse, Json
from fhirhub.audit import searching
from fhirhub.auth import security
from fhirhub.errors import invalid
from fhirhub.resources import definitions, document, guide
from fhirhub.settings import Settings
from fhirhub.store.index.parameters import Parameters
from fhirhub.subscriptions import managed, topics
from fhirhub.subscriptions.channels import websocket
from fhirhub.terminology import expansion
from fhirhub.terminology.systems import CodeSystem

if TYPE_CHECKING:
    from fhirhub.api.operations import Operation

MODES = ("full", "normative", "terminology")
NORMATIVE = (
    "Binary",
    "Bundle",
    "CapabilityStatement",
    "CodeSystem",
    "Observation",
    "OperationDefinition",
    "OperationOutcome",
    "Patient",
    "StructureDefinition",
    "ValueSet",
)
"""The stored types of R4 that are normative (https://hl7.org/fhir/R4/resourcelist.html)."""
_TYPE_INTERACTIONS = (
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
)
_SYSTEM_INTERACTIONS = ("transaction", "batch", "search-system", "history-system")

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_KEPT = 32
_known: dict[tuple[Hashable, ...], bytes] = {}
_terminologies: dict[str, tuple[str, bytes]] = {}
"""By base: since when, and what is told."""


async def capabilities(request: FhirRequest) -> FhirResponse:
    """What this server can do, in the form that `mode` asks."""
    mode = "full"
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        if name == "mode":
            mode = value
    if mode not in MODES:
        raise invalid(f"`mode` expects one of {', '.join(MODES)}; got `{mode}`")
    context, parameters = request.context, request.repository.parameters
    validator = await request.repository.tenant.conformance.validator(conformance.LOOK_SECONDS)
    key = (request.base, mode, parameters.generation, context.settings, tuple(validator.supported.items()))
    body = _known.get(key)
    if body is None:
        if len(_known) >= _KEPT:
            _known.clear()
        moment = document.instant(context.now())
        if mode == "terminology":
            body = _told(request.base, moment, await request.repository.tenant.library.known())
        else:
            stated = statement(context, request.base, moment, mode, parameters, validator.supported)
            body = _known[key] = document.encode(stated)
    if request.query:
        body = read.part(request, body, ("mode",))
    tag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    if tag in request.headers.get("if-none-match", ""):
        return FhirResponse(304, headers={"ETag": tag})
    return FhirResponse(200, body, headers={"ETag": tag})


def _told(base: str, moment: str, known: Mapping[str, Sequence[CodeSystem | Json]]) -> bytes:
    """The TerminologyCapabilities, whose `date` is when they last changed."""
    before = _terminologies.get(base)
    body = document.encode(terminology(base, before[0] if before else moment, known))
    if before is None or body != before[1]:
        if len(_terminologies) >= _KEPT:
            _terminologies.clear()
        body = document.encode(terminology(base, moment, known))
        _terminologies[base] = (moment, body)
    return body


def statement(
    context: Context,
    base: str,
    moment: str,
    mode: str,
    parameters: Parameters,
    profiles: Mapping[str, Sequence[str]],
) -> Json:
    """The CapabilityStatement of the server at this base, which knows these profiles by type."""
    types = NORMATIVE if mode == "normative" else definitions.STORED_TYPES
    included_by = _included_by(parameters)
    offered = {route.interaction for route in context.routes}
    if "batch" in offered:
        offered.add("transaction")
    return {
        "resourceType": "CapabilityStatement",
        **_head("CapabilityStatement", base, moment),
        "fhirVersion": "4.0.1",
        "format": ["json", "xml", formats.FHIR_JSON, formats.FHIR_XML],
        "patchFormat": [formats.JSON_PATCH, formats.FHIR_JSON, formats.FHIR_XML],
        "instantiates": [managed.SERVER],
        "rest": [
            {
                "extension": [{"url": _WEBSOCKET, "valueUri": websocket.address(base)}],
                "mode": "server",
                "documentation": "The RESTful API of FHIR R4, whole, for every resource type but Parameters, which is "
                "not persisted.",
                "security": _security(context.settings, base),
                "resource": [
                    _resource(
                        context, offered, type, parameters, included_by.get(type, ()), profiles.get(type, ())
                    )
                    for type in types
                ],
                "interaction": _coded(_SYSTEM_INTERACTIONS, offered),
                "searchParam": [
                    *(
                        _search_parameter(listed)
                        for listed in _listed(parameters, "Basic")
                        if listed.code.startswith("_")
                    ),
                    *_EVERYWHERE,
                ],
                "operation": _operations(context.operations, "system", None),
                "compartment": [
                    f"http://hl7.org/fhir/CompartmentDefinition/{name.lower()}"
                    for name in definitions.COMPARTMENTS
                ],
            }
        ],
    }


def terminology(
    base: str, moment: str, known: Mapping[str, Sequence[CodeSystem | Json]] | None = None
) -> Json:
    """The TerminologyCapabilities of the server at this base, which knows these code systems by URL."""
    stated: Json = {
        "resourceType": "TerminologyCapabilities",
        **_head("TerminologyCapabilities", base, moment),
        "lockedDate": False,
    }
    if known:
        stated["codeSystem"] = [_code_system(url, known[url]) for url in sorted(known)]
    return {
        **stated,
        "expansion": {
            "hierarchical": True,
            "paging": True,
            "incomplete": False,
            "parameter": [{"name": name} for name in sorted(expansion.PARAMETERS)],
            "textFilter": "Each word begins a word of a name, whatever case and accents; the shortest displays first.",
        },
        "codeSearch": "explicit",
        "validateCode": {"translations": False},
        "translation": {"needsMap": False},
        "closure": {"translation": False},
    }


def _code_system(url: str, known: Sequence[CodeSystem | Json]) -> Json:
    versions: list[Json] = []
    for each in known:
        description = each if isinstance(each, dict) else each.description
        version: Json = {"isDefault": each is known[0]}
        if description.get("version"):
            version["code"] = description["version"]
        if description.get("language"):
            version["language"] = [description["language"]]
        if version not in versions:
            versions.append(version)
    return {"uri": url, "version": versions, "subsumption": True}


def _head(name: str, base: str, moment: str) -> Json:
    return {
        "url": f"{base}/metadata",
        "version": __version__,
        "name": f"Fhirhub{name}",
        "title": "fhirhub",
        "status": "active",
        "date": moment,
        "publisher": "fhirhub",
        "description": "A hub for shared care plans in primary care.",
        "kind": "instance",
        "software": {"name": "fhirhub", "version": __version__},
        "implementation": {"description": "fhirhub", "url": base},
    }


def _security(settings: Settings, base: str) -> Json:
    if settings.auth == "smart":
        return security.described(base)
    return {"cors": bool(settings.cors_origins), "description": "No sign-in: for development only."}


def _coded(codes: Iterable[str], offered: set[str]) -> list[Json]:
    return [{"code": code} for code in codes if code in offered]


def _resource(
    context: Context,
    offered: set[str],
    type: str,
    parameters: Parameters,
    included_by: Sequence[str],
    profiles: Sequence[str],
) -> Json:
    settings = context.settings
    if type == audit_log.TYPE and settings.auth == "smart":
        return _log(context, profiles)
    conditional = {route.method for route in context.routes if route.path == "/{type}"}
    of_type = list(_listed(parameters, type))
    includes = [f"{type}:{listed.code}" for listed in of_type if listed.kind == "reference"]
    content: Json = {
        "type": type,
        "profile": _CORE + type,
        **({"supportedProfile": list(profiles)} if profiles else {}),
        **(_of_subscriptions(profiles) if type == "Subscription" else {}),
        "interaction": _coded(_TYPE_INTERACTIONS, offered),
        "versioning": "versioned-update",
        "readHistory": "vread" in offered,
        "updateCreate": True,
        "conditionalCreate": "POST" in conditional,
        "conditionalRead": "full-support",
        "conditionalUpdate": "PUT" in conditional,
        "conditionalDelete": settings.conditional_delete if "DELETE" in conditional else "not-supported",
        "referencePolicy": ["literal", "logical", *(["enforced"] if settings.referential_integrity else [])],
        "searchInclude": ["*", *includes],
    }
    if included_by:
        content["searchRevInclude"] = list(included_by)
    content["searchParam"] = [_search_parameter(listed) for listed in of_type]
    operations = _operations(context.operations, "type", type)
    if operations:
        content["operation"] = operations
    return content


def _log(context: Context, profiles: Sequence[str]) -> Json:
    """AuditEvent where people sign in: the hub's own log."""
    content: Json = {
        "type": audit_log.TYPE,
        "profile": _CORE + audit_log.TYPE,
        **({"supportedProfile": list(profiles)} if profiles else {}),
        "documentation": "Made by the hub for everything that happens here, and never changed. It is read by the "
        "patient, the representative and the privacy officer of the organisation whose user acted.",
        "interaction": _coded(_TYPE_INTERACTIONS, set(audit_log.INTERACTIONS)),
        "versioning": "versioned",
        "readHistory": False,
        "updateCreate": False,
        "searchParam": [
            {"name": code, "type": parameter.kind, "documentation": _OF_LOG.get(parameter.kind, "The code.")}
            for code, parameter in searching.PARAMETERS.items()
        ],
    }
    operations = _operations(context.operations, "type", audit_log.TYPE)
    return {**content, "operation": operations} if operations else content


_OF_LOG = {
    "date": "Prefixes eq, ne, gt, lt, ge, le, sa, eb. Sorted by `date` or `-date`.",
    "reference": "Modifier `:[type]`.",
    "uri": "The rule that let it, or its code.",
}


_WEBSOCKET = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket"


def _of_subscriptions(profiles: Sequence[str]) -> Json:
    """The topics that there are, and the profile that asks for them."""
    named = [{"url": topics.LISTED, "valueCanonical": topics.url(topic.id)} for topic in topics.TOPICS]
    return {"extension": named, "supportedProfile": [*dict.fromkeys([*profiles, managed.PROFILE])]}


def _operations(operations: Sequence[Operation], level: str, type: str | None) -> list[Json]:
    """The operations on the system, or on a type and its instances."""
    return [
        {"name": operation.name.removeprefix("$"), "definition": _base(operation.definition)}
        for operation in operations
        if (level in operation.levels or (level == "type" and "instance" in operation.levels))
        and (type is None or not operation.types or type in operation.types)
    ]


def _base(definition: str) -> str:
    """The definition of others that one of ours keeps to, whole; itself where it is our own."""
    found = guide.find("OperationDefinition", definition)
    return definition if found is None else str(found.get("base", definition))


class _Listed(NamedTuple):
    """A search parameter as the statement tells it."""

    code: str
    kind: str
    url: str
    targets: tuple[str, ...]


def _listed(parameters: Parameters, type: str) -> Iterator[_Listed]:
    """The search parameters of a type. Where a tenant has none of its own, R4's definitions tell them as
    they are; compiling all of them would take most of a second."""
    if parameters.generation != _PLAIN.generation:
        for code, parameter in parameters.of(type).items():
            yield _Listed(code, parameter.kind, parameter.url, parameter.targets)
        return
    for code, definition in definitions.search_parameters(type).items():
        if code not in _ELSEWHERE and definition.url not in _UNUSABLE:
            yield _Listed(code, definition.type, definition.url, definition.targets)


_PLAIN = Parameters()
_ELSEWHERE = ("_query", "_filter")
"""R4 lists them with every type: the one is not supported, the other told once for the system."""
_UNUSABLE = frozenset(
    "http://hl7.org/fhir/SearchParameter/" + name
    for name in (
        "example-extension",
        "patient-extensions-Patient-age",
        "patient-extensions-Patient-birthOrderBoolean",
    )
)
"""R4 defines them without an expression that finds anything."""
_EVERYWHERE: tuple[Json, ...] = (
    {
        "name": "_filter",
        "definition": "http://hl7.org/fhir/SearchParameter/filter",
        "type": "special",
        "documentation": 'An expression such as `name co "jan" and birthdate ge 1950`.',
    },
    {
        "name": "_has",
        "type": "special",
        "documentation": "What refers here: `_has:Task:focus:status=accepted`.",
    },
    {"name": "_list", "type": "special", "documentation": "The members of the List of that id."},
    {"name": "_type", "type": "special", "documentation": "The resource types that are searched."},
    {"name": "_include", "type": "special", "documentation": "`Type:parameter`, `:iterate`, `*`."},
    {"name": "_revinclude", "type": "special", "documentation": "`Type:parameter`, `:iterate`, `Type:*`."},
    {"name": "_sort", "type": "special", "documentation": "Parameters, `-` before those that descend."},
    {"name": "_count", "type": "number", "documentation": "Matches on a page; 0 gives the total alone."},
    {"name": "_total", "type": "special", "documentation": "none, estimate or accurate."},
    {"name": "_summary", "type": "special", "documentation": "true, text, data, count or false."},
    {"name": "_elements", "type": "special", "documentation": "The elements that are returned."},
)
_DOCUMENTATION: Mapping[str, str] = {
    "number": "Prefixes eq, ne, gt, lt, ge, le, sa, eb, ap. Modifier `:missing`.",
    "date": "Prefixes eq, ne, gt, lt, ge, le, sa, eb, ap. Modifier `:missing`.",
    "quantity": "Prefixes eq, ne, gt, lt, ge, le, sa, eb, ap; units of UCUM are converted. Modifier `:missing`.",
    "string": "Modifiers `:missing`, `:exact`, `:contains`.",
    "token": "Modifiers `:missing`, `:not`, `:text` (concepts and identifiers), `:of-type` (identifiers); "
    "of codes `:in`, `:not-in`, `:below`, `:above`.",
    "reference": "Modifiers `:missing`, `:identifier`, `:[type]`; chains.",
    "uri": "Modifiers `:missing`, `:below`, `:above`.",
    "composite": "Parts are joined by `$`.",
}
"""By kind, what can be asked of a parameter."""


def _search_parameter(listed: _Listed) -> Json:
    content: Json = {"name": listed.code}
    if listed.url:
        content["definition"] = listed.url
    content["type"] = listed.kind
    documentation = _DOCUMENTATION.get(listed.kind)
    if documentation is not None:
        content["documentation"] = documentation
    return content


def _included_by(parameters: Parameters) -> dict[str, list[str]]:
    """By type, the parameters of all types that may refer to it, as `_revinclude` names them."""
    found: dict[str, list[str]] = {type: [] for type in definitions.RESOURCE_TYPES}
    for source in definitions.RESOURCE_TYPES:
        for listed in _listed(parameters, source):
            if listed.kind == "reference":
                for target in listed.targets or definitions.RESOURCE_TYPES:
                    if target in found:
                        found[target].append(f"{source}:{listed.code}")
    return found
