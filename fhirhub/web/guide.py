"""The guide as pages for people, in Dutch and English: a list of what it defines, and a page for each.

https://hl7.org/fhir/R4/implementationguide.html. The pages are made of the compiled guide alone, by templates,
when first asked for; they need no script.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from fhirhub.auth import matrix, roles
from fhirhub.resources import guide
from fhirhub.resources.canonicals import OFFICIAL
from fhirhub.resources.validation import snapshots
from fhirhub.web import start

if TYPE_CHECKING:
    from jinja2 import Environment

Json = dict[str, Any]

ROOT = "/guide"
LANGUAGES = ("nl", "en")
FHIR_JSON = "application/fhir+json; charset=utf-8"
HTML = "text/html; charset=utf-8"

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_R4 = "https://hl7.org/fhir/R4/"
_TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"

# Kinds in the order in which they are listed: its key, its names.
_KINDS = (
    ("profile", "Profielen", "Profiles"),
    ("extension", "Extensies", "Extensions"),
    ("Questionnaire", "Vragenlijsten", "Questionnaires"),
    ("PlanDefinition", "Programma's", "Programmes"),
    ("Measure", "Cijfers", "Measures"),
    ("CodeSystem", "Codestelsels", "Code systems"),
    ("ValueSet", "Waardelijsten", "Value sets"),
    ("ConceptMap", "Vertalingen van codes", "Concept maps"),
    ("OperationDefinition", "Operaties", "Operations"),
    ("SearchParameter", "Zoekparameters", "Search parameters"),
    ("CapabilityStatement", "Wat de hub en apps kunnen", "What hub and apps can do"),
    ("example", "Voorbeelden", "Examples"),
)


@dataclass(frozen=True, slots=True)
class Shown:
    media_type: str
    body: bytes


def show(path: str) -> Shown | None:
    """What stands at that path below the hub's address, None if nothing does.

    `/guide/nl` is Dutch, `/guide/en` English, which `pages` chooses at `/guide`; `/guide/nl/{type}/{id}` is a page, and
    `/guide/{type}/{id}` the resource as JSON. `/guide/nl/access` tells what each role may do.
    """
    parts = path.removeprefix(ROOT).strip("/").split("/")
    if parts == [""]:
        return Shown(HTML, _index("nl"))
    if len(parts) == 1 and parts[0] in LANGUAGES:
        return Shown(HTML, _index(parts[0]))
    if len(parts) == 2 and parts[0] in LANGUAGES and parts[1] == "access":
        return Shown(HTML, _access(parts[0]))
    resource = _by_id().get((parts[-2], parts[-1])) if len(parts) in (2, 3) else None
    if resource is None:
        return None
    if len(parts) == 2:
        return Shown(FHIR_JSON, _json(resource).encode())
    return Shown(HTML, _page(parts[0], parts[1], parts[2])) if parts[0] in LANGUAGES else None


@functools.cache
def _by_id() -> dict[tuple[str, str], Json]:
    return {(each["resourceType"], each["id"]): each for each in (*guide.definitions(), *guide.examples())}


@functools.cache
def _index(language: str) -> bytes:
    found: dict[str, list[Json]] = {}
    for resource in _by_id().values():
        found.setdefault(_kind(resource), []).append(resource)
    groups = [
        (key, nl if language == "nl" else en, [_listed(each, language) for each in found[key]])
        for key, nl, en in _KINDS
        if key in found
    ]
    (about,) = found["ImplementationGuide"]
    return _render("guide-index.html", language, groups=groups, about=about, path="")


@functools.cache
def _page(language: str, type: str, id: str) -> bytes:
    resource = _by_id()[type, id]
    return _render(
        "guide-artifact.html",
        language,
        resource=resource,
        listed=_listed(resource, language),
        kind=_kind(resource),
        elements=list(_elements(resource, language)) if type == "StructureDefinition" else [],
        constraints=_constraints(resource),
        concepts=list(_concepts(resource.get("concept", []), language)) if type == "CodeSystem" else [],
        items=list(_items(resource.get("item", []), language)) if type == "Questionnaire" else [],
        parameters=list(_parameters(resource.get("parameter", []), language)),
        examples=[_listed(each, language) for each in _examples(resource)],
        profiles=[_linked(url, language) for url in resource.get("meta", {}).get("profile", [])],
        source=_json(resource),
        path=f"/{type}/{id}",
    )


@functools.cache
def _access(language: str) -> bytes:
    """The matrix of roles and types; types with the same cells share a row."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for type in sorted({type for cells in matrix.MATRIX.values() for type in cells}):
        rows.setdefault(tuple(cells.get(type, "") for cells in matrix.MATRIX.values()), []).append(type)
    columns = [(column, _roles_of(column, language)) for column in matrix.MATRIX]
    by_size = sorted(rows.items(), key=lambda row: (len(row[1]), row[1]))
    return _render("guide-access.html", language, rows=by_size, columns=columns, path="/access")


def _roles_of(column: str, language: str) -> list[str]:
    """The names of the roles of a column of the matrix; a backend is none."""
    found = [roles.ROLES[role] for role, named in matrix.CLASSES.items() if named == column]
    backend = ["systeem van een organisatie" if language == "nl" else "system of an organisation"]
    return [role.dutch if language == "nl" else role.english for role in found] or backend


def _render(template: str, language: str, **given: Any) -> bytes:
    environment = _environment()
    content = environment.get_template(template).render(
        language=language,
        other="en" if language == "nl" else "nl",
        say=lambda nl, en: nl if language == "nl" else en,
        text=lambda resource, name: _said(resource, name, language),
        link=lambda url: _linked(url, language),
        root=ROOT,
        **given,
    )
    named = "Gids voor gezamenlijke zorgplannen" if language == "nl" else "Guide to shared care plans"
    title = f"{given['listed']['name']} - {named}" if "listed" in given else named
    return start.document(title, content, language=language, wide=True).encode()


@functools.cache
def _environment() -> Environment:
    import jinja2  # a start has no use for it

    return jinja2.Environment(
        loader=jinja2.PackageLoader("fhirhub.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _kind(resource: Json) -> str:
    type: str = resource["resourceType"]
    if "url" not in resource:
        return "example"
    if type == "StructureDefinition":
        return "extension" if resource["type"] == "Extension" else "profile"
    return type


def _said(resource: Json, name: str, language: str) -> str:
    """What it says under that name, in that language where it does."""
    if language == "en":
        for extension in resource.get(f"_{name}", {}).get("extension", []):
            parts = {part["url"]: part for part in extension.get("extension", [])}
            if extension["url"] == _TRANSLATION and parts["lang"]["valueCode"] == language:
                return str(parts["content"]["valueString"])
    return str(resource.get(name, ""))


def _listed(resource: Json, language: str) -> Json:
    """Its name, what it is, and where its page is."""
    type, id = resource["resourceType"], resource["id"]
    told = _told_of_example(resource, language) if "url" not in resource else None
    named = _said(resource, "title", language) or resource.get("name")
    return {
        "href": f"{ROOT}/{language}/{type}/{id}",
        "name": told[0] if told else named,
        "text": told[1] if told else _said(resource, "description", language),
        "type": type,
        "id": id,
        "status": resource.get("status"),
    }


def _told_of_example(resource: Json, language: str) -> tuple[str, str]:
    """Its title and description, which the guide says of it: a sentence in Dutch, then one in English."""
    wanted = f"{resource['resourceType']}/{resource['id']}"
    about = next(each for each in guide.definitions() if each["resourceType"] == "ImplementationGuide")
    for entry in about["definition"]["resource"]:
        if entry["reference"]["reference"] == wanted:
            dutch, _, english = entry.get("description", "").partition(". ")
            return entry.get("name", resource["id"]), english if language == "en" else f"{dutch.rstrip('.')}."
    return resource["id"], ""


def _linked(url: str, language: str) -> Json:
    """What a canonical is called, and where it is shown, here or in R4."""
    bare = str(url).partition("|")[0]
    for resource in guide.definitions():
        if resource["url"] == bare:
            return _listed(resource, language)
    tail = bare.rpartition("/")[2]
    href = None
    if bare.startswith(_CORE):
        href = f"{_R4}{tail.lower()}.html" if tail[:1].isupper() else f"{_R4}extension-{tail.lower()}.html"
    elif bare.startswith("http://hl7.org/fhir/ValueSet/"):
        href = f"{_R4}valueset-{tail}.html"
    return {"href": href, "name": tail if href else bare, "text": "", "type": "", "id": tail}


def _elements(definition: Json, language: str) -> Iterator[Json]:
    """What the profile says of elements, each as its snapshot has it."""
    whole = {row["id"]: row for row in snapshots.rows(definition, OFFICIAL)}
    for said in definition["differential"]["element"]:
        row = whole.get(said["id"], said)
        names = said["id"].split(".")
        yield {
            "depth": len(names) - 1,
            "name": names[-1],
            "id": said["id"],
            "cardinality": f"{row['min']}..{row['max']}" if "min" in row and "max" in row else "",
            "must_support": said.get("mustSupport", False),
            "types": [_type(each, language) for each in row.get("type", [])],
            "short": _said(said, "short", language),
            "binding": (
                {"strength": said["binding"]["strength"], **_linked(said["binding"]["valueSet"], language)}
                if "valueSet" in said.get("binding", {})
                else None
            ),
            "value": next(
                (_brief(value) for key, value in said.items() if key.startswith(("fixed", "pattern"))), None
            ),
        }


def _type(type: Json, language: str) -> Json:
    targets = [_linked(url, language) for url in type.get("targetProfile", [])]
    profiles = [_linked(url, language) for url in type.get("profile", [])]
    code = type["code"].rpartition("/")[2].removeprefix("System.")
    return {"code": code, "targets": targets, "profiles": profiles}


def _constraints(resource: Json) -> list[Json]:
    elements = resource.get("differential", {}).get("element", [])
    return [each for element in elements for each in element.get("constraint", [])]


def _brief(value: Any) -> str:
    """A fixed or pattern value in a line."""
    if isinstance(value, dict):
        codings: Sequence[Json] = value.get("coding") or ([value] if "code" in value else [])
        if codings:
            return ", ".join(f"{each.get('system', '')}#{each.get('code', '')}" for each in codings)
        return msgspec.json.encode(value).decode()
    return str(value)


def _concepts(concepts: Sequence[Json], language: str, depth: int = 0) -> Iterator[Json]:
    for concept in concepts:
        named = {each["language"]: each["value"] for each in concept.get("designation", [])}
        display = named.get(language, concept["display"])
        yield {**concept, "depth": depth, "display": display}
        yield from _concepts(concept.get("concept", []), language, depth + 1)


def _items(items: Sequence[Json], language: str, depth: int = 0) -> Iterator[Json]:
    for item in items:
        yield {**item, "depth": depth, "text": _said(item, "text", language)}
        yield from _items(item.get("item", []), language, depth + 1)


def _parameters(parameters: Sequence[Json], language: str, depth: int = 0) -> Iterator[Json]:
    for each in parameters:
        yield {**each, "depth": depth, "text": _said(each, "documentation", language)}
        yield from _parameters(each.get("part", []), language, depth + 1)


def _examples(resource: Json) -> list[Json]:
    """What of the guide says it keeps to this profile."""
    return [
        each
        for each in _by_id().values()
        if resource.get("url") in each.get("meta", {}).get("profile", []) and each is not resource
    ]


def _json(resource: Json) -> str:
    return msgspec.json.format(_ENCODER.encode(resource), indent=2).decode()


_ENCODER = msgspec.json.Encoder(decimal_format="number")
