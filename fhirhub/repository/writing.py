"""The interactions that write, and the transactions in which they do (https://hl7.org/fhir/R4/http.html#create)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar, cast

from fhirhub import errors
from fhirhub.access import EVERYTHING, Access
from fhirhub.repository.changes import Changes
from fhirhub.repository.outcomes import Indexed, Written, new_id, now, same, stored_of
from fhirhub.repository.refusals import Conflict, refuse_part, stale, unknown
from fhirhub.repository.tenant import Rule
from fhirhub.repository.trails import Trail
from fhirhub.repository.unit import Json, Unit
from fhirhub.resources import document, relations
from fhirhub.store import versions
from fhirhub.store.database import Change, Transaction
from fhirhub.store.request import SearchRequest
from fhirhub.store.versions import Stored

T = TypeVar("T")
Check = Callable[[Json, "Repository"], Awaitable[None]]
"""Looks at a resource that is to be written; raises FhirError to refuse it."""

TRIES = 50
"""How often an update without If-Match is tried again when others write the same resource."""


class Repository(Changes):
    """One caller's view of one tenant."""

    __slots__ = ()

    async def create(
        self, resource: Json, *, id: str | None = None, if_none_exist: SearchRequest | None = None
    ) -> Written:
        """Makes a resource with a new id. With `if_none_exist`, returns the one that matches as `unchanged`."""
        if if_none_exist is not None:
            if self._unit is None:
                return await self.together(
                    lambda unit: unit.create(resource, id=id, if_none_exist=if_none_exist),
                    lock_types=if_none_exist.types_involved(),
                )
            match = await self.only_match(if_none_exist)
            if match is not None:
                return Written(match, "unchanged")
        if self._unit is None and self._takes_a_unit(resource["resourceType"]):
            indexed = self.indexed(resource, id or new_id())
            return await self.together(
                lambda unit: unit.create(resource, id=indexed.key[1]), indexed=[indexed]
            )
        if self.limited:
            resource.pop("id", None)
            await self._admit("c", None, resource)
        refuse_part(resource)
        change = await self._change(resource, resource["resourceType"], id or new_id(), None, "POST")
        try:
            return self._told(await self._write(change, None))
        except Conflict:
            raise errors.conflict(f"{change.type}/{change.id} exists already.") from None

    async def update(
        self, resource: Json, *, if_match: int | None = None, if_none_match: bool = False, method: str = "PUT"
    ) -> Written:
        """Makes a new version, or the first one where the id is unused; what was deleted is created again.
        Content that is there already makes none. Raises `conflict` 412 where `if_match` is not the current
        version, or where `if_none_match` asks that there be none."""
        type, id = resource["resourceType"], resource["id"]
        if self._unit is None and self._takes_a_unit(type):
            return await self.together(
                lambda unit: unit.update(
                    resource, if_match=if_match, if_none_match=if_none_match, method=method
                )
            )
        for _ in range(TRIES):
            current = await self._kept(type, id)
            if if_match is not None and (current is None or current.version != if_match):
                raise stale(type, id, if_match, current)
            if self.limited:
                if current is None and not self.access.own_ids:
                    # The same answer for what is unknown and what may not be seen.
                    raise unknown(type, id)
                current, resource = await self._admit("u" if current else "c", current, resource)
            if if_none_match and current is not None and not current.deleted:
                raise errors.conflict(f"{type}/{id} exists, and If-None-Match asked that it should not.", 412)
            refuse_part(resource)
            if current is not None and not current.deleted and same(resource, current):
                return self._told(Written(current, "unchanged"))
            change = await self._change(resource, type, id, current, method)
            try:
                return self._told(await self._write(change, current))
            except Conflict:
                if self._unit is not None:
                    raise  # The whole is tried again: what was staged is lost.
                # Somebody was first: look again, since only If-Match asked to be told.
                await asyncio.sleep(0)
        raise errors.conflict(f"{type}/{id} is being written by many at once; try again.")

    async def update_where(
        self, request: SearchRequest, resource: Json, *, if_match: int | None = None
    ) -> Written:
        """Conditional update (http.html#cond-update): the one match, or a new resource where none matches."""
        if self._unit is None:
            return await self.together(
                lambda unit: unit.update_where(request, resource, if_match=if_match),
                lock_types=request.types_involved(),
            )
        type = resource["resourceType"]
        match = await self.only_match(request)
        if match is None:
            if resource.get("id") is None:
                return await self.create(resource)
            if await self.find(type, resource["id"]) is not None:
                raise errors.conflict(
                    f"Nothing matches, and {type}/{resource['id']} exists already: a conditional update with "
                    "an id makes a new resource only where that id is unused."
                )
            return await self.update(resource)
        if resource.get("id", match.id) != match.id:
            raise errors.invalid(
                f"The match is {type}/{match.id}, but the resource says id `{resource['id']}`. Leave the id "
                "out or give the one of the match.",
                f"{type}.id",
            )
        return await self.update({**resource, "id": match.id}, if_match=if_match)

    async def patch(
        self,
        type: str,
        id: str,
        change: Callable[[Json], Json],
        *,
        if_match: int | None = None,
        check: Check | None = None,
    ) -> Written:
        """Changes the current content; `change` gets a copy of its own and may raise, and so may `check`, which
        looks at what it made. Tried again on what others wrote meanwhile, unless `if_match` names the version
        meant."""
        if self._unit is None and self._takes_a_unit(type):
            return await self.together(
                lambda unit: unit.patch(type, id, change, if_match=if_match, check=check)
            )
        for _ in range(TRIES):
            current = await self.read(type, id)
            if if_match is not None and current.version != if_match:
                raise stale(type, id, if_match, current)
            assert current.body is not None
            resource = change(document.decode(current.body))
            if self.limited:
                kept = await self._kept(type, id)
                assert kept is not None
                admitted, resource = await self._admit("u", kept, resource)
                assert admitted is not None
                current = admitted
            if same(resource, current):
                return self._told(Written(current, "unchanged"))
            if check is not None:
                await check(resource, self)
            try:
                change_made = await self._change(resource, type, id, current, "PATCH")
                return self._told(await self._write(change_made, current))
            except Conflict:
                if self._unit is not None:
                    raise
                await asyncio.sleep(0)
        raise errors.conflict(f"{type}/{id} is being written by many at once; try again.")

    async def patch_where(
        self,
        request: SearchRequest,
        change: Callable[[Json], Json],
        *,
        if_match: int | None = None,
        check: Check | None = None,
    ) -> Written:
        """Conditional patch (http.html#patch)."""
        if self._unit is None:
            return await self.together(
                lambda unit: unit.patch_where(request, change, if_match=if_match, check=check),
                lock_types=request.types_involved(),
            )
        match = await self.only_match(request)
        if match is None:
            raise errors.not_found("Nothing matches the criteria of this patch.")
        return await self.patch(match.type, match.id, change, if_match=if_match, check=check)

    async def delete(self, type: str, id: str, *, if_match: int | None = None) -> Written | None:
        """Deletes; None where there was nothing, or nothing any more. Raises `conflict` where others refer
        to it."""
        if self._unit is None:
            return await self.together(lambda unit: unit.delete(type, id, if_match=if_match))
        if self.tenant.integrity:
            await self._settle()
            await self._unit.transaction.lock_rows(self.tenant.number, [(type, id)])
        current = await self._kept(type, id)
        if if_match is not None and (current is None or current.version != if_match):
            raise stale(type, id, if_match, current)
        if current is None or current.deleted:
            return None
        if self.limited:
            current, _ = await self._admit("d", current, None)
            assert current is not None
        # Who saw it learns that it is gone, and sees its history.
        assert current.body is not None
        resource, base = document.decode(current.body), next(iter(self.tenant.bases), None)
        held = [row for row in relations.rows(resource, base)[1] if row.kind in relations.LASTING]
        owners, label = await self._owned(resource, base)
        change = Change(
            rid=current.rid,
            type=type,
            id=id,
            expected=current.version,
            version=current.version + 1,
            updated=max(now(), current.updated + 1000),
            method="DELETE",
            write_id=self._unit.write_id,
            body=None,
            patient=owners,
            label=label,
            rows={"holding": list(held)} if held else {},
        )
        written = await self._write(change, current)
        self._unit.deleted[type, id] = written.stored
        return written

    async def delete_where(self, request: SearchRequest, *, multiple: bool = False) -> list[Written]:
        """Conditional delete. Raises `multiple-matches` where several match and only one may go."""
        if self._unit is None:
            return await self.together(
                lambda unit: unit.delete_where(request, multiple=multiple),
                lock_types=request.types_involved(),
            )
        if not multiple:
            match = await self.only_match(request)
            matches = [match] if match else []
        else:
            matches = await self.all_matches(request)
        deleted = [await self.delete(match.type, match.id) for match in matches]
        return [written for written in deleted if written is not None]

    async def why_kept(self, stored: Stored, *, by_all: bool = False) -> str | None:
        """Why a resource may not be deleted: who refers to it. None where it may, as far as the caller sees; with
        `by_all`, what they may not see counts too, and is not named."""
        if not self.tenant.integrity:
            return None
        await self._settle()
        key = (stored.rid, stored.type, stored.id)
        found = await versions.referrers(self._reader, self.tenant.number, key, self.access)
        if not found:
            if (
                by_all
                and self.limited
                and await versions.referrers(self._reader, self.tenant.number, key, EVERYTHING)
            ):
                return f"{stored.type}/{stored.id} cannot be deleted: it is referred to."
            return None
        return (
            f"{stored.type}/{stored.id} cannot be deleted: it is referred to by "
            + ", ".join(f"{type}/{id}" for type, id in found)
            + ". Change or delete these first."
        )

    async def why_refused(self, resource: Json, id: str) -> Sequence[errors.Issue]:
        """Why a resource that is right may not be written under this id: what it refers to is not here."""
        copy = document.decode(document.encode(resource))
        try:
            change = await self._change(copy, resource["resourceType"], id, None, "PUT")
            await self._check_targets([change])
        except errors.FhirError as fault:
            return fault.issues
        return ()

    async def amend(self, type: str, id: str, resource: Json) -> Stored:
        """Inside `together`: the same version with other content, for references that could only be resolved
        once the rest was written."""
        unit = self._in_unit()
        await self._settle()
        current = await self.find(type, id)
        assert current is not None
        change = await self._change(resource, type, id, None, current.method)
        change.rid, change.version, change.updated = current.rid, current.version, current.updated
        document.stamp(resource, id, current.version, current.updated)
        change.body = document.encode(resource)
        await unit.transaction.amend(self.tenant.number, change)
        if self.tenant.integrity:
            await self._check_targets([change])
        stored = stored_of(change)
        unit.known[type, id] = unit.known_all[type, id] = stored
        unit.rewritten.add((type, id))
        unit.ruled = [
            effect._replace(after=stored) if effect.after[:4] == stored[:4] else effect
            for effect in unit.ruled
        ]
        return stored

    # Transactions

    async def together(
        self,
        work: Callable[[Repository], Awaitable[T]],
        lock_types: Iterable[str] = (),
        keys: int = 100,
        indexed: Sequence[Indexed] = (),
    ) -> T:
        """Runs `work` on one database transaction: all of it is written, or nothing. It may run again after
        a deadlock, so what must stay the same (ids) is chosen outside. `lock_types` are held against every
        other conditional write of these types; `keys` is about how many resources will be made, and `indexed` are
        those of which the rest is known: a transaction holds up others as long as it runs."""
        if self._unit is not None:
            return await work(self)
        await self.tenant.keys.ensure(keys)
        names = sorted(set(lock_types))
        write_id = new_id()
        looked: set[Rule] = set()

        async def run(transaction: Transaction) -> T:
            if names:
                await transaction.lock_names(self.tenant.number, names)
            known = Unit(transaction, write_id, indexed={one.key: one for one in indexed})
            unit = Repository(self.tenant, self.access, known, trail=self.trail)
            if self.trail is not None:
                self.trail.has_written = False
            result = await work(unit)
            looked.update(await unit._finish())
            await unit._log()
            if isinstance(result, Written) and not result.stored.deleted:
                now_there = await unit.as_it_stands(result.stored.type, result.stored.id)
                if now_there is not None:
                    return cast(T, result._replace(stored=now_there))
            return result

        logging = None if self.tenant.recorder is None else self.tenant.number

        for _ in range(TRIES):
            try:
                result = await self.tenant.database.transaction(run, logging)
                for rule in looked:
                    await rule.committed()
                return result
            except Conflict as conflict:
                # Somebody wrote in between; the work looks at what is there now.
                lost = conflict
        raise errors.conflict(f"{lost} is being written by many at once; try again.")

    async def _finish(self) -> set[Rule]:
        """What is left to do before the commit; the rules that had something to look at."""
        unit = self._in_unit()
        looked: set[Rule] = set()
        await self._settle()
        self._check_unseen()
        denied: errors.FhirError | None = None
        if unit.admitted:
            try:
                await self._check_admitted()
            except errors.FhirError as refusal:
                denied = refusal  # Unless a rule says better what is wrong.
        hub = self.as_hub()
        while unit.ruled:
            effect = unit.ruled.pop(0)
            for rule in self.tenant.rules:
                if effect.after.type in rule.types:
                    looked.add(rule)
                    await rule(hub, effect)
                    await self._settle()
                    now_there = unit.known_all[effect.after.type, effect.after.id]
                    if now_there is not None and now_there.version == effect.after.version:
                        effect = effect._replace(after=now_there)  # A rule may have added to it.
        if denied is not None:
            raise denied
        gone_for_good = [
            stored
            for key, stored in unit.deleted.items()
            if (now_there := unit.known_all[key]) is None or now_there.deleted
        ]
        for stored in gone_for_good:
            fault = await self.why_kept(stored, by_all=True)
            if fault is not None:
                raise errors.conflict(fault)
        for work in unit.at_end:
            await work()
        await self._settle()
        return looked

    async def _log(self) -> None:
        """Adds what was done here to the log."""
        unit, recorder = self._in_unit(), self.tenant.recorder
        if recorder is not None:
            entries = [*unit.entries, *await recorder.of_writes(self, unit.writes)]
            if entries:
                await unit.transaction.log(self.tenant.number, entries)

    def as_hub(self) -> Repository:
        """Inside `together`: the same transaction with the hub's own rights. Who asked is its `asker`, and what it
        writes counts as the hub's (`Effect.by_hub`)."""
        return Repository(self.tenant, EVERYTHING, self._in_unit(), self.asker, self.trail)

    def as_asker(self) -> Repository:
        """Inside `together`: the same transaction as whoever asked for it sees it."""
        return Repository(self.tenant, self.asker, self._in_unit())

    def seen_by(self, access: Access) -> Repository:
        """Inside `together`: what another caller sees, of what was written in here too."""
        other = Repository(self.tenant, access, self._in_unit())
        other._known = {}
        return other

    def begin(self, trail: Trail) -> None:
        """From now on what is seen and written here belongs to this trail."""
        self.trail = trail
        self._watched = trail if trail.watches else None

    def following(self, trail: Trail) -> Repository:
        """The same view, whose reads and writes belong to another trail."""
        asker = None if self._is_own else self.asker
        return Repository(self.tenant, self.access, self._unit, asker, trail)
