"""What a tenant's codes can be looked up in: its own resources, those of packages among them, R4's own, and loaded
code systems.

What a tenant stores is asked of the database each time, so that it counts at once in every worker;
what was read is kept by its version.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property
from typing import Any

from fhirhub import errors
from fhirhub.errors import FhirError
from fhirhub.resources import canonicals, document
from fhirhub.resources.canonicals import OFFICIAL
from fhirhub.resources.validation.bindings import Verdict
from fhirhub.sharing import Shared
from fhirhub.store.database import Database
from fhirhub.store.index.parameters import Parameters
from fhirhub.store.index.token import shortened
from fhirhub.store.sql import Row, Statement
from fhirhub.terminology import grammars, loinc, snomed
from fhirhub.terminology.outside import Outside
from fhirhub.terminology.stored import StoredSystem
from fhirhub.terminology.supplemented import SupplementedSystem
from fhirhub.terminology.systems import CodeSystem, ListedSystem

Json = dict[str, Any]

TYPES = ("CodeSystem", "ValueSet", "ConceptMap", "StructureDefinition")
LISTING = frozenset({"complete", "fragment", "example"})
"""The `content` of a CodeSystem that lists concepts."""
LOOK_SECONDS = 1.0
"""How old the list of loaded code systems may be."""
_KEPT = 1000


class Library:
    """The terminology of one tenant."""

    def __init__(self, database: Database, tenant: int, parameters: Parameters) -> None:
        self.database = database
        self.tenant = tenant
        self.outside: Outside | None = None
        """The terminology server that is asked for what is not known here."""
        self._parameters = parameters
        self._parsed: dict[tuple[int, int], Json] = {}
        self._listed: dict[tuple[int, ...], tuple[Json, ListedSystem]] = {}
        self._loaded: list[StoredSystem] = []
        self._looked = -LOOK_SECONDS
        self._looking = Shared(self._look)

    @cached_property
    def _keys(self) -> dict[str, tuple[int, ...]]:
        """By type, the keys of the rows that say a resource's `url`."""
        return {type: self._parameters.of(type)["url"].keys for type in TYPES}

    @cached_property
    def _modes(self) -> tuple[int, ...]:
        """The keys of the rows that say a CodeSystem's `content`."""
        return self._parameters.of("CodeSystem")["content-mode"].keys

    # --- resources ---

    async def value_set(self, canonical: str) -> Json | None:
        """The value set of that canonical, which may say a version, or may be implied by a code system.
        Raises FhirError for an implicit one that cannot be had."""
        found = snomed.implicit(canonical) or loinc.implicit(canonical)
        if found is None:
            found = await self.resource("ValueSet", canonical)
        if found is None and canonical.endswith("?fhir_vs"):
            system = await self.system(canonical.removesuffix("?fhir_vs"))
            found = None if system is None else _of_all_codes(canonical, system.url)
        if found is None:
            named = [each for each in await self._code_systems() if each.get("valueSet") == canonical]
            found = _of_all_codes(canonical, str(newest(named).get("url"))) if named else None
        return found

    async def resource(self, type: str, canonical: str) -> Json | None:
        """The resource of that type and canonical: one of the tenant's own before one of a package. Without a
        version the newest."""
        url, _, version = canonical.partition("|")
        own = [each for each in await self._own(type, url) if is_version(each.get("version"), version)]
        if own:
            return newest(own)
        found = OFFICIAL.find(type, canonical)
        return found if found is not None and is_version(found.get("version"), version) else None

    async def stored(self, type: str, id: str) -> Json | None:
        """The tenant's own resource of that id."""
        rows = await self.database.fetch(
            Statement(
                "SELECT r.rid, r.version, r.body FROM resource r WHERE r.tenant = $1 AND r.type = $2 "
                "AND r.id = $3 AND NOT r.deleted",
                (self.tenant, type, id),
                ("int", "text", "text"),
                together=True,
            )
        )
        return self._read(rows[0]) if rows else None

    async def concept_maps(self) -> Iterator[Json]:
        """Every concept map that is known."""
        rows = await self.database.fetch(
            Statement(
                "SELECT r.rid, r.version, r.body FROM resource r WHERE r.tenant = $1 "
                "AND r.type = 'ConceptMap' AND NOT r.deleted ORDER BY r.id LIMIT 1000",
                (self.tenant,),
                ("int",),
            )
        )
        own = [self._read(row) for row in rows]
        return iter([*own, *canonicals.official("ConceptMap")])

    async def _own(self, type: str, url: str) -> list[Json]:
        names = ", ".join(map(str, self._keys[type]))
        rows = await self.database.fetch(
            Statement(
                "SELECT r.rid, r.version, r.body FROM uri u CROSS JOIN resource r WHERE u.tenant = $1 "
                f"AND u.param IN ({names}) AND u.value = $2 AND r.tenant = $1 AND r.rid = u.rid "
                "AND NOT r.deleted",
                (self.tenant, shortened(url)),
                ("int", "text"),
                together=True,
            )
        )
        return [self._read(row) for row in rows]

    def _read(self, row: Row) -> Json:
        # A row that was read together with those of others has its place among them behind it.
        rid, version, body = row[:3]
        key = (rid, version)
        found = self._parsed.get(key)
        if found is None:
            if len(self._parsed) >= _KEPT:
                self._parsed.clear()
                self._listed.clear()
            found = self._parsed[key] = document.decode(body)
        return found

    # --- code systems ---

    async def system(self, url: str, version: str | None = None) -> CodeSystem | None:
        """The code system whose concepts are known, of that version where one is given. None where it is not
        known, or only that it exists."""
        url, _, stated = url.partition("|")
        version = version or stated or None
        own = await self._own("CodeSystem", url)
        listing = [
            each
            for each in own
            if each.get("content") in LISTING and is_version(each.get("version"), version)
        ]
        whole = [each for each in listing if each["content"] == "complete"]
        if whole:
            return self._system_of(newest(whole), await self._supplements(url))
        loaded = [
            each for each in await self.loaded() if each.url == url and is_version(each.version, version)
        ]
        if loaded:
            newest_one = max(loaded, key=lambda each: canonicals.version_order(each.version or ""))
            supplements = await self._supplements(url)
            return SupplementedSystem(newest_one, supplements) if supplements else newest_one
        if listing:
            return self._system_of(newest(listing), await self._supplements(url))
        if url in grammars.SYSTEMS and not version:
            return grammars.SYSTEMS[url]
        found = OFFICIAL.find("CodeSystem", f"{url}|{version}" if version else url)
        if found is None or found.get("content") not in LISTING:
            return None
        if not is_version(found.get("version"), version):
            return None
        return self._system_of(found, await self._supplements(url))

    async def loaded(self) -> list[StoredSystem]:
        """The large code systems that the tenant has loaded."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            await self._looking.begun_within(LOOK_SECONDS)
        return self._loaded

    async def _look(self) -> None:
        now = time.monotonic()
        rows = await self.database.fetch(
            Statement(
                "SELECT s.edition, s.concepts, s.description FROM code_system_use u "
                "CROSS JOIN code_system s WHERE u.tenant = $1 AND s.tenant = 0 "
                "AND s.edition = u.edition AND s.state = 'ready'",
                (self.tenant,),
                ("int",),
            )
        )
        known = {each.edition: each for each in self._loaded}
        self._loaded = [
            known.get(int(row[0]))
            or StoredSystem(self.database, int(row[0]), int(row[1]), document.decode(row[2].encode()))
            for row in rows
        ]
        self._looked = now

    @property
    def besides(self) -> Hashable:
        """What is known beside definitions, as far as that was looked at lately: the loaded code systems and the
        outside server; None where there are none."""
        if self.outside is None and not self._loaded:
            return None
        editions = frozenset(each.edition for each in self._loaded)
        return (id(self.database), None if self.outside is None else self.outside.base, editions)

    def may_know(self, system: str) -> bool:
        """Whether a code system that the definitions do not list may be known: it is loaded, as far as that was
        looked at lately, or the outside server can be asked."""
        return self.outside is not None or any(each.url == system for each in self._loaded)

    async def outside_verdict(self, system: str, code: str, value_set: str | None) -> Verdict:
        """What the outside server says of a code. Raises FhirError where it does not answer."""
        if self.outside is None:
            return Verdict()
        told: list[Json] = [{"name": "code", "valueCode": code}]
        if value_set is None:
            operation = "CodeSystem/$validate-code"
            told.append({"name": "url", "valueUri": system})
        else:
            operation = "ValueSet/$validate-code"
            told.append({"name": "system", "valueUri": system})
            here = await self.value_set(value_set)
            if here is None:
                told.append({"name": "url", "valueUri": value_set})
            else:
                told.append({"name": "valueSet", "resource": here})
        answer = await self.outside.ask(operation, {"resourceType": "Parameters", "parameter": told})
        if answer.status != 200:
            return Verdict()
        found = {each.get("name"): each for each in answer.resource.get("parameter", ())}
        result = found.get("result", {}).get("valueBoolean")
        if not isinstance(result, bool):
            return Verdict()
        display = found.get("display", {}).get("valueString")
        displays = (display,) if isinstance(display, str) and result else ()
        if value_set is None:
            return Verdict(None, result, displays)
        return Verdict(result, True if result else None, displays)

    def of_resource(self, resource: Json) -> ListedSystem | None:
        """The code system that a CodeSystem resource lists."""
        return ListedSystem(resource) if resource.get("content") in LISTING else None

    def _system_of(self, resource: Json, supplements: Sequence[Json]) -> ListedSystem:
        key = (id(resource), *(id(each) for each in supplements))
        found = self._listed.get(key)
        if found is None:
            if len(self._listed) >= _KEPT:
                self._listed.clear()
            # The resources are kept with it: their ids must not come to mean others.
            found = self._listed[key] = (
                {"of": [resource, *supplements]},
                ListedSystem(resource, supplements),
            )
        return found[1]

    async def _supplements(self, url: str) -> list[Json]:
        """The tenant's supplements of that code system."""
        names = ", ".join(map(str, self._modes))
        rows = await self.database.fetch(
            Statement(
                "SELECT r.rid, r.version, r.body FROM token t CROSS JOIN resource r WHERE t.tenant = $1 "
                f"AND t.param IN ({names}) AND t.code = $2 AND r.tenant = $1 AND r.rid = t.rid "
                "AND NOT r.deleted",
                (self.tenant, "supplement"),
                ("int", "text"),
                together=True,
            )
        )
        known = [self._read(row) for row in rows]
        return [each for each in known if str(each.get("supplements", "")).partition("|")[0] == url]

    async def known(self) -> dict[str, list[CodeSystem | Json]]:
        """By URL, every code system whose concepts are known: those in the database, and the resources of the
        tenant's own and of R4."""
        found: dict[str, list[CodeSystem | Json]] = {}
        for each in await self.loaded():
            found.setdefault(each.url, []).append(each)
        for resource in (*await self._code_systems(), *canonicals.official("CodeSystem")):
            if resource.get("content") in LISTING and isinstance(resource.get("url"), str):
                found.setdefault(resource["url"], []).append(resource)
        return found

    async def _code_systems(self) -> list[Json]:
        """The CodeSystem resources of the tenant's own."""
        rows = await self.database.fetch(
            Statement(
                "SELECT r.rid, r.version, r.body FROM resource r WHERE r.tenant = $1 "
                "AND r.type = 'CodeSystem' AND NOT r.deleted ORDER BY r.id LIMIT 2000",
                (self.tenant,),
                ("int",),
            )
        )
        return [self._read(row) for row in rows]

    async def known_versions(self, url: str) -> list[str]:
        """The versions of that code system that are known."""
        own = [str(each["version"]) for each in await self._own("CodeSystem", url) if "version" in each]
        own += [each.version for each in await self.loaded() if each.url == url and each.version]
        found = OFFICIAL.find("CodeSystem", url)
        if found is not None and "version" in found and found.get("content") in LISTING:
            own.append(str(found["version"]))
        return list(dict.fromkeys(own))

    async def unknown_system(self, url: str, version: str | None = None, status: int = 404) -> FhirError:
        """The error for a code system whose concepts are not known."""
        if version:
            known = await self.known_versions(url)
            if known:
                return errors.error(
                    status,
                    "not-found",
                    f"The code system {url} is not known here in version {version[:100]}; known is "
                    f"{', '.join(known)}",
                )
        text = f"The code system {url[:300]} is not known here"
        is_named = OFFICIAL.find("CodeSystem", url) is not None
        also = ": only that it exists, not its concepts" if is_named else ""
        return errors.error(status, "not-found", text + also)


def _of_all_codes(canonical: str, system: str) -> Json:
    """The value set of a whole code system, which nobody has written (`CodeSystem.valueSet`, `?fhir_vs`)."""
    include = {"include": [{"system": system}]}
    return {"resourceType": "ValueSet", "url": canonical, "status": "active", "compose": include}


def unknown_value_set(canonical: str, status: int = 404) -> FhirError:
    """The error for a value set that is not known."""
    return errors.error(status, "not-found", f"The value set {canonical[:300]} is not known here")


def is_version(version: object, wanted: str | None) -> bool:
    """Whether a version is the one that is wanted, which may be its beginning: `4.0`, a SNOMED CT edition."""
    if not wanted:
        return True
    text = str(version or "")
    return text == wanted or text.startswith((wanted + ".", wanted + "/"))


def newest(resources: Sequence[Json]) -> Json:
    """That with the highest version; of those without, the one in use and changed last."""

    def order(resource: Json) -> tuple[Any, ...]:
        meta = resource.get("meta") or {}
        return (
            canonicals.version_order(str(resource.get("version", ""))),
            resource.get("status") == "active",
            str(meta.get("lastUpdated", "")),
        )

    return max(resources, key=order)
