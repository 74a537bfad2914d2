"""What a caller with limits may write, and refer to (RULES R21)."""

from __future__ import annotations

from fhirhub import errors
from fhirhub.access import EVERYTHING, NAMING
from fhirhub.repository.outcomes import Written
from fhirhub.repository.reading import Reading
from fhirhub.repository.refusals import Conflict, forbidden
from fhirhub.repository.unit import Json, Target
from fhirhub.resources import document, masking, relations
from fhirhub.store import versions
from fhirhub.store.database import Key
from fhirhub.store.index import extract
from fhirhub.store.versions import Stored


class Admission(Reading):
    """Looks at writes before they are made, and at what they made before the commit."""

    __slots__ = ()

    async def _admit(
        self, letter: str, current: Stored | None, resource: Json | None
    ) -> tuple[Stored | None, Json]:
        """Before a write: the current version whole, and what is to be written with what the caller does not
        see of it. Raises `forbidden` where the caller may not write this. That the result is theirs to write too
        is looked at before the commit."""
        unit = self._in_unit()
        type = resource["resourceType"] if resource is not None else current.type if current else ""
        if letter not in self.access.letters_of(type):
            raise forbidden(letter, type)
        if type == "Task" and letter == "c" and resource is not None:
            named = [await self._name_own(resource.get(party)) for party in ("requester", "for")]
            if any(named):
                # What it was found by before is not all any more.
                unit.indexed = {key: one for key, one in unit.indexed.items() if one.resource is not resource}
        old: Json | None = None
        if current is not None:
            await self._settle()
            found = await versions.read_many(
                self._reader, self.tenant.number, self.access.to(letter), [(current.type, current.id)]
            )
            if not found:
                now_there = await versions.read_many(
                    self._reader, self.tenant.number, EVERYTHING, [(current.type, current.id)]
                )
                if [one.version for one in now_there] != [current.version]:
                    # Somebody wrote since it was read: what is there now decides, and `If-Match` comes first.
                    raise Conflict(f"{current.type}/{current.id}")
                raise forbidden(letter, type)
            if current.body is not None:
                shown = self._shown(current)
                whole = current.body.removeprefix(masking.MASKED_BYTE)
                if shown is not current and resource is not None and shown.body is not None:
                    resource = masking.restored(document.decode(whole), document.decode(shown.body), resource)
                current = current._replace(body=whole)
                old = document.decode(whole)
        if self.access.guard is not None:
            self.access.guard(letter, old, resource)
        if resource is None:
            return current, {}
        if old is not None:
            base = next(iter(self.tenant.bases), None)
            if relations.owners(old, base) != relations.owners(resource, base):
                raise errors.business_rule(
                    f"Whom a {type} is about cannot change: write another for another patient.", type
                )
        unit.admitted[type, current.id if current else ""] = letter
        return current, resource

    async def _name_own(self, party: Json | None) -> bool:
        """Gives a party that is named by an identifier alone (URA, BIG, BSN) its reference, where it is the caller or
        their organisation: rights on a Task go by references. Whether it did."""
        if not isinstance(party, dict) or party.get("reference") or "identifier" not in party:
            return False
        meant = {name: party["identifier"].get(name) for name in ("system", "value")}
        for name in dict.fromkeys((self.access.caller.organization, *self.access.caller.names)):
            type, _, id = (name or "").partition("/")
            if not id:
                continue
            found = await versions.read_many(self._reader, self.tenant.number, EVERYTHING, [(type, id)])
            known = document.decode(found[0].body).get("identifier", ()) if found and found[0].body else ()
            if any({part: one.get(part) for part in meant} == meant for one in known):
                party["reference"] = name
                return True
        return False

    def _told(self, written: Written) -> Written:
        """The outcome as the caller sees it."""
        if not self.limited:
            return written
        unit = self._in_unit()
        stored = written.stored
        letter = unit.admitted.pop((stored.type, ""), None)
        if letter is not None:
            unit.admitted[stored.type, stored.id] = letter
        return written._replace(stored=self._shown(stored))

    async def _check_admitted(self) -> None:
        """Raises `forbidden` where what was written is not the caller's to write: a write moves nothing out of or
        into sight."""
        unit = self._in_unit()
        by_letter: dict[str, list[Key]] = {}
        for key, letter in unit.admitted.items():
            known = unit.known_all.get(key)
            if known is not None and not known.deleted:
                by_letter.setdefault(letter, []).append(key)
        unit.admitted.clear()
        for letter, keys in by_letter.items():
            for asked in (letter, "r") if letter == "u" else (letter,):
                access = self.access.to(asked)
                found = await versions.read_many(self._reader, self.tenant.number, access, keys)
                lacking = set(keys) - {(one.type, one.id) for one in found}
                if lacking:
                    raise forbidden(letter, min(lacking)[0])

    async def _may_name(self, key: Key) -> bool:
        """Whether the caller may refer to what they do not see."""
        access = self.access.to(NAMING)
        found = await versions.read_many(self._reader, self.tenant.number, access, [key])
        return bool(found) and not found[0].deleted

    async def _check_seen(self, resource: Json, targets: frozenset[Key], current: Stored | None) -> None:
        """Notes what the caller refers to without seeing it, unless that was there already: the error of a reference to
        nothing, unless this transaction makes it."""
        fresh = targets
        if current is not None and current.body is not None:
            base = next(iter(self.tenant.bases), None)
            old = extract.rows(document.decode(current.body), self.tenant.parameters, base)
            fresh = targets - {(row[1], row[2]) for row in old.get("reference", ())}
        elif resource.get("partOf") and resource["resourceType"] == "Task":
            # Who may see a Task in part passes on, in a part of it, what they were shown.
            for key in sorted(key for key in targets if key[0] == "Task"):
                whole = await self.find(*key)
                if whole is not None and whole.body is not None:
                    rows = extract.rows(document.decode(whole.body), self.tenant.parameters, None)
                    fresh = fresh - {(row[1], row[2]) for row in rows.get("reference", ())}
        lacking: list[tuple[Json, Key]] = []
        for key in sorted(fresh):
            found = await self._kept(*key)
            if (found is None or found.deleted) and not await self._may_name(key):
                lacking.append((resource, key))
        if self._unit is not None:
            self._unit.unseen += lacking
        elif lacking:
            raise self._dangling([(holder, (*key, None)) for holder, key in lacking])

    def _check_unseen(self) -> None:
        """Raises the error of a reference to nothing for what the caller does not see, nor made since."""
        unit = self._in_unit()
        lacking: list[tuple[Json, Target]] = []
        for resource, key in unit.unseen:
            known = unit.known.get(key)
            if known is None or known.deleted:
                lacking.append((resource, (*key, None)))
        unit.unseen.clear()
        if lacking:
            raise self._dangling(lacking)
