"""The change that a write is to the store: its version, its index rows, what it refers to."""

from __future__ import annotations

from typing import Literal

from fhirhub.repository.admission import Admission
from fhirhub.repository.outcomes import Effect, Indexed, Written, new_id, now, stored_of
from fhirhub.repository.refusals import Conflict
from fhirhub.repository.trails import Write
from fhirhub.repository.unit import AHEAD, Json
from fhirhub.resources import document, relations
from fhirhub.store import versions
from fhirhub.store.database import Change, Key, Verdict
from fhirhub.store.index import extract
from fhirhub.store.versions import Stored


class Changes(Admission):
    """Makes changes and hands them to the store, alone or staged in a transaction."""

    __slots__ = ()

    def indexed(self, resource: Json, id: str) -> Indexed:
        """A resource that will be made by `create` under this id inside `together`, and stays as it is until then."""
        type, updated = resource["resourceType"], now()
        document.stamp(resource, id, 1, updated)
        base = next(iter(self.tenant.bases), None)
        rows = extract.rows(resource, self.tenant.parameters, base)
        return Indexed(resource, (type, id), updated, rows)

    async def _change(
        self, resource: Json, type: str, id: str, current: Stored | None, method: str
    ) -> Change:
        version = 1 if current is None else current.version + 1
        base = next(iter(self.tenant.bases), None)
        indexed = (
            None if self._unit is None or current is not None else self._unit.indexed.pop((type, id), None)
        )
        if indexed is not None and indexed.resource is resource:
            updated, rows = indexed.updated, indexed.rows
            document.stamp(resource, id, version, updated)
        else:
            updated = now() if current is None else max(now(), current.updated + 1000)
            document.stamp(resource, id, version, updated)
            rows = extract.rows(resource, self.tenant.parameters, base)
        targets: frozenset[Key] = frozenset()
        if "reference" in rows and (self.tenant.integrity or self.limited):
            local = set()
            versioned = set()
            for _, to, to_id, to_version, _ in rows["reference"]:
                if to and to_id and to != "#":
                    local.add((to, to_id))
                    if to_version is not None:
                        versioned.add((to, to_id, to_version))
            local.discard((type, id))
            targets = frozenset(local)
            if versioned:
                await self._check_versions(resource, versioned)
            if self.limited:
                await self._check_seen(resource, targets, current)
            if not self.tenant.integrity:
                targets = frozenset()
        owners, label = await self._owned(resource, base)
        return Change(
            rid=await self._key() if current is None else current.rid,
            type=type,
            id=id,
            expected=0 if current is None else current.version,
            version=version,
            updated=updated,
            method=method,
            write_id=new_id() if self._unit is None else self._unit.write_id,
            body=document.encode(resource),
            patient=owners,
            label=label,
            rows=rows,
            targets=targets,
        )

    async def _owned(self, resource: Json, base: str | None) -> tuple[str | None, str | None]:
        """Whose a resource is, and its label."""
        if resource["resourceType"] != "Provenance":
            return relations.owners(resource, base), relations.label(resource)
        await self._settle()
        return await versions.followed(self._reader, self.tenant.number, resource, base)

    async def _check_versions(self, resource: Json, versioned: set[tuple[str, str, str]]) -> None:
        """Raises an error that names a reference to a version that never was."""
        await self._settle()
        access = self.access.to("r") if self.limited else self.access
        for target in sorted(versioned):
            number = (
                int(target[2]) if target[2].isascii() and target[2].isdigit() and len(target[2]) < 10 else 0
            )
            found = await self._reader.fetch(
                versions.vread(self.tenant.number, access, target[0], target[1], number, self._reader.dialect)
            )
            if not found:
                raise self._dangling([(resource, target)])

    async def _write(self, change: Change, before: Stored | None) -> Written:
        """Writes what follows `before`."""
        stored = stored_of(change)
        revives = before is not None and before.deleted
        outcome: Literal["created", "updated", "deleted"] = "updated"
        if change.body is None:
            outcome = "deleted"
        elif change.expected == 0 or revives or (change.version > 1 and change.method == "POST"):
            outcome = "created"
        if self._unit is not None:
            key = (change.type, change.id)
            if key in self._unit.staged:
                await self._flush()
            self._unit.staged[key] = change
            self._unit.known[key] = self._unit.known_all[key] = stored
            by_hub = not self._is_own
            if self._is_ruled(change.type):
                self._unit.ruled.append(Effect(stored, before, by_hub))
                if by_hub:
                    self._unit.rewritten.add(key)
            if self.tenant.recorder is not None:
                self._unit.writes.append(Write(change, by_hub, self.trail))
                if self.trail is not None:
                    self.trail.has_written = True
            if self._unit.promised and len(self._unit.staged) % AHEAD == 0:
                await self._go_ahead()
            return Written(stored, outcome)
        verdict = await self.tenant.database.apply(self.tenant.number, change)
        if verdict is Verdict.MISSING:
            await self._check_targets([change])
            verdict = await self.tenant.database.apply(self.tenant.number, change)
        if verdict is not Verdict.DONE:
            raise Conflict(f"{change.type}/{change.id}")
        return Written(stored, outcome)

    def _takes_a_unit(self, type: str) -> bool:
        """Whether a write of this type is more than one change."""
        return self.limited or self.tenant.recorder is not None or self._is_ruled(type)

    def _is_ruled(self, type: str) -> bool:
        return any(type in rule.types for rule in self.tenant.rules)
