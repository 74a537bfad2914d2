"""What FHIR adds to FHIRPath (https://hl7.org/fhir/R4/fhirpath.html#functions)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fhirhub.resources import references
from fhirhub.resources.fhirpath.environment import Environment
from fhirhub.resources.fhirpath.faults import FhirpathError
from fhirhub.resources.fhirpath.item import FALSE, NONE, TRUE, Item, Items, boolean, member, of_resource
from fhirhub.resources.fhirpath.item import has_value as item_has_value
from fhirhub.resources.fhirpath.model import conforms, is_type
from fhirhub.resources.fhirpath.operators import Evaluate
from fhirhub.resources.fhirpath.values import single, string_of
from fhirhub.resources.validation import narrative

_extensions = member("extension")
_CORE = "http://hl7.org/fhir/StructureDefinition/"


def extension(items: Items, env: Environment, url: Evaluate) -> Items:
    """The extensions of that URL."""
    wanted = string_of(url(env.this, env), "`extension()`")
    return [
        item
        for item in _extensions(items)
        if isinstance(item.value, dict) and item.value.get("url") == wanted
    ]


def has_extension(items: Items, env: Environment, url: Evaluate) -> Items:
    return TRUE if extension(items, env, url) else FALSE


def has_value(items: Items, env: Environment) -> Items:
    """Whether it is a single primitive with a value, not extensions alone."""
    return TRUE if len(items) == 1 and item_has_value(items[0]) else FALSE


def get_value(items: Items, env: Environment) -> Items:
    """The System value of a single primitive that has one."""
    if len(items) != 1 or not item_has_value(items[0]):
        return NONE
    return items


def resolve(items: Items, env: Environment) -> Items:
    """The resource that each reference, uri or canonical points to; what cannot be found is left out."""
    found = []
    for item in items:
        env.spend(1)
        text = item.value.get("reference") if isinstance(item.value, dict) else item.value
        target = _resolved(text, item, env) if isinstance(text, str) and text else None
        if target is not None:
            found.append(target)
    return found


_contained = member("contained")
_entries = member("entry")
_resources = member("resource")


def _resolved(text: str, item: Item, env: Environment) -> Item | None:
    if text.startswith("#"):
        return _in_container(text[1:], env)
    bundle = _bundle(item, env)
    if bundle is not None:
        entry = _in_bundle(text, item, bundle)
        if entry is not None:
            return entry
    resource = env.resolve(text) if env.resolve is not None else None
    return None if resource is None else of_resource(resource)


def _in_container(id: str, env: Environment) -> Item | None:
    """`#` is the container itself."""
    for container in (env.root, env.resource):
        if container is None:
            continue
        if not id:
            return container
        for contained in _contained((container,)):
            if contained.value.get("id") == id:
                return contained
    return None


def _bundle(item: Item, env: Environment) -> Item | None:
    at: Item | None = item
    while at is not None:
        if at.type == "Bundle":
            return at
        at = at.parent
    return env.root if env.root is not None and env.root.type == "Bundle" else None


def _in_bundle(text: str, item: Item, bundle: Item) -> Item | None:
    """By `fullUrl`; a relative reference is completed by its own entry's (bundle.html#references)."""
    wanted = references.parse(text)
    own = _entry_of(item)
    base = references.parse(str(own.value.get("fullUrl") or "")).base if own is not None else None
    url = f"{base}/{wanted.url}" if wanted.is_local and base else wanted.url
    for entry in _entries((bundle,)):
        full_url = entry.value.get("fullUrl")
        if full_url == url or (wanted.is_local and full_url is None):
            for resource in _resources((entry,)):
                is_it = (resource.type, resource.value.get("id")) == (wanted.type, wanted.id)
                version = (resource.value.get("meta") or {}).get("versionId")
                if (full_url == url or is_it) and wanted.version in (None, version):
                    return resource
    return None


def _entry_of(item: Item) -> Item | None:
    at: Item | None = item
    while at is not None and at.type != "Bundle.entry":
        at = at.parent
    return at


def _judged(
    name: str, hook: Callable[[Environment], Callable[[Item, str], bool | None] | None]
) -> Callable[[Items, Environment, Evaluate], Items]:
    """A function of an item and a canonical that someone outside answers; empty where unknown."""

    def run(items: Items, env: Environment, canonical: Evaluate) -> Items:
        item, url = single(items, f"`{name}()`"), string_of(canonical(env.this, env), f"`{name}()`")
        if item is None or url is None:
            return NONE
        judge = hook(env)
        return boolean(None if judge is None else judge(item, url))

    return run


member_of = _judged("memberOf", lambda env: env.member_of)
_conforms_to = _judged("conformsTo", lambda env: env.conforms_to)


def conforms_to(items: Items, env: Environment, profile: Evaluate) -> Items:
    """A type of R4 is judged here, any other profile by who asked for the evaluation."""
    url = string_of(profile(env.this, env), "`conformsTo()`") or ""
    name = url.partition("|")[0].removeprefix(_CORE)
    if items and url.startswith(_CORE) and is_type(name):
        item = single(items, "`conformsTo()`")
        return boolean(item is not None and conforms(item.type, name))
    return _conforms_to(items, env, profile)


def subsumes(items: Items, env: Environment, other: Evaluate) -> Items:
    return _subsumed(single(items, "`subsumes()`"), single(other(env.this, env), "`subsumes()`"), env)


def subsumed_by(items: Items, env: Environment, other: Evaluate) -> Items:
    return _subsumed(single(other(env.this, env), "`subsumedBy()`"), single(items, "`subsumedBy()`"), env)


def _subsumed(one: Item | None, other: Item | None, env: Environment) -> Items:
    if one is None or other is None:
        return NONE
    if one.value == other.value:
        return TRUE
    return boolean(None if env.subsumes is None else env.subsumes(one, other))


def html_checks(items: Items, env: Environment) -> Items:
    """Whether the narrative keeps to its rules (txt-1, txt-2)."""
    item = single(items, "`htmlChecks()`")
    if item is None:
        return NONE
    return boolean(isinstance(item.value, str) and not narrative.check(item.value))


def check_modifiers(items: Items, env: Environment, *known: Evaluate) -> Items:
    """The items; FhirpathError where one has a modifier extension that is not among those known."""
    urls = {string_of(url(env.this, env), "`checkModifiers()`") for url in known}
    for item in _modifiers(items):
        url: Any = item.value.get("url")
        if url not in urls:
            raise FhirpathError(f"There is a modifier extension that is not known: `{url}`.")
    return items


_modifiers = member("modifierExtension")


def unsupported(name: str) -> Callable[..., Items]:
    """A function that needs the profile's definition of an element, which is not at hand here."""

    def run(items: Items, env: Environment, *arguments: Evaluate) -> Items:
        raise FhirpathError(f"`{name}()` is not supported here.", "not-supported")

    return run
