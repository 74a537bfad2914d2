"""One examination: what it found so far, what it may look up, and how much it may still do."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from fhirhub.errors import Issue, Severity
from fhirhub.resources.canonicals import Canonicals
from fhirhub.resources.fhirpath import Environment, Item
from fhirhub.resources.validation.bindings import Terminology
from fhirhub.resources.validation.faults import MAX_FAULTS

Json = dict[str, Any]
Resolve = Callable[[str], Json | None]

MOST_STEPS = 2_000_000
MOST_SECONDS = 10.0
DEEPEST = 30
"""How many profiles may lead one to the next, by references or by types."""

_LOOK_AT_CLOCK = 64


class Strictness(NamedTuple):
    """What is refused beyond what FHIR itself does.

    `refused` has any of `unknown-extensions`, `example-urls`, `html-in-strings` and `html-in-markdown`; of the
    extensions that are unknown, those whose URLs begin as one of `extension_domains` are let through.
    """

    refused: frozenset[str] = frozenset()
    extension_domains: tuple[str, ...] = ()

    def refuses_extension(self, url: str) -> bool:
        """Whether an extension that is not known stands in the way; one of an example does not by being unknown."""
        if "unknown-extensions" not in self.refused or is_example(url):
            return False
        return not url.startswith(self.extension_domains)


USUAL = Strictness()

is_example = re.compile(r"https?://(?:[\w-]+\.)*(?:example\.(?:org|com|net)|acme\.com)(?=[:/]|$)").match


class TooCostlyError(Exception):
    """The examination would take more than it may."""


class Scope:
    """A resource with its surroundings, as expressions see them.

    `item` is the resource, `root` the one that contains it or itself; `is_bundled` says that it stands in an entry
    or parameter, where references may lead to others.
    """

    __slots__ = ("_environment", "contained", "is_bundled", "item", "root")

    def __init__(self, item: Item, root: Item | None = None) -> None:
        self.item = item
        self.root = root or item
        self.is_bundled = self.root.parent is not None
        self.contained: dict[str, Item] | None = None
        self._environment: Environment | None = None

    def environment(self, examination: Examination) -> Environment:
        found = self._environment
        if found is None:
            found = self._environment = Environment(
                self.item,
                root=self.root,
                resolve=examination.resolve,
                member_of=examination.is_member,
                conforms_to=examination.conforms_to,
            )
        return found


class Examination:
    """The state of the validation of one resource.

    `issues` grows, `told` counts what was told, listed or not; `depth` and `seen` bound how profiles and references
    lead on; `bundles` has the resources of each Bundle by URL; `quiet` has the codings of which nothing was to be
    told lately; `unknown` has the code systems that were said to be unknown, None where that is not asked;
    `unsettled` counts what the terminology did not know, as far as it has to be asked again (`may_know_later`).
    `is_strict` is False where only what the specification itself makes an error stands in the way of a write;
    `strictness` is what is refused besides. `resolve` finds resources outside; `conforms` is given by `profiles`,
    which stands above this. `pause` is called often: it may stop the examination for the seconds that it returns,
    which do not count.
    """

    __slots__ = (
        "_steps",
        "_until",
        "bundles",
        "canonicals",
        "conforms",
        "depth",
        "is_strict",
        "issues",
        "may_know_later",
        "pause",
        "quiet",
        "resolve",
        "seen",
        "strictness",
        "terminology",
        "told",
        "unknown",
        "unsettled",
    )

    def __init__(
        self,
        canonicals: Canonicals,
        terminology: Terminology,
        resolve: Resolve | None = None,
        seconds: float = MOST_SECONDS,
        pause: Callable[[], float] | None = None,
        quiet: set[Any] | None = None,
        is_strict: bool = True,
        may_know_later: bool = False,
        strictness: Strictness = USUAL,
    ) -> None:
        self.strictness = strictness
        self.is_strict = is_strict
        self.unknown: set[str] | None = set() if is_strict else None
        self.may_know_later = may_know_later
        self.unsettled = 0
        self.quiet: set[Any] = set() if quiet is None else quiet
        self.canonicals = canonicals
        self.terminology = terminology
        self.resolve = resolve
        self.pause = pause
        self.issues: list[Issue] = []
        self.told = 0
        self.bundles: dict[int, dict[str, list[Item]]] = {}
        self.depth = 0
        self.seen: dict[tuple[int, str], bool | None] = {}
        self.conforms: Callable[[Examination, Item, str], bool | None] | None = None
        self._steps = 0
        self._until = time.monotonic() + seconds

    def spend(self) -> None:
        """Count one element looked at; TooCostlyError when it becomes too much."""
        self._steps += 1
        if self._steps % _LOOK_AT_CLOCK == 0:
            if self._steps > MOST_STEPS or time.monotonic() > self._until:
                raise TooCostlyError
            if self.pause is not None:
                self._until += self.pause()

    def tell(
        self,
        severity: Severity,
        code: str,
        text: str,
        item: Item | None,
        *,
        below: str = "",
        key: str | None = None,
        profile: str | None = None,
    ) -> None:
        """Add an issue about an item, or about what is or should be below it.

        Of more than are listed errors stay, so that what only warns never hides one.
        """
        self.told += 1
        number = len(self.issues)
        if number < MAX_FAULTS or (number < 2 * MAX_FAULTS and severity == "error"):
            path = None if item is None else f"{item.path or item.type}{below}"
            self.issues.append(Issue(severity, code, text, path, key, profile))

    def tell_beyond(self, code: str, text: str, item: Item, *, below: str = "") -> None:
        """Add what is hardly ever meant, and an error to HL7's own validator, but that no clause of R4 forbids."""
        self.tell("error" if self.is_strict else "warning", code, text, item, below=below)

    def say_unknown(self, system: str, item: Item, below: str) -> None:
        """Say once of a code system that it is not known here, which is no fault of a code."""
        self.unsettled += self.may_know_later or self.unknown is not None
        if self.unknown is None:
            return
        if system not in self.unknown:
            self.unknown.add(system)
            text = (
                f"The code system {system[:200]} is not known here as a whole, so its codes were not checked"
            )
            self.tell("information", "not-found", text, item, below=below)

    def is_member(self, item: Item, value_set: str) -> bool | None:
        """Whether a code, Coding or CodeableConcept is in the value set; None where that is not known."""
        value = item.value
        if isinstance(value, str):
            return self.terminology.validate(None, value, value_set).is_member
        if not isinstance(value, dict):
            return None
        codings = value.get("coding", ()) if item.type == "CodeableConcept" else (value,)
        result: bool | None = False
        for coding in codings:
            if isinstance(coding, dict) and isinstance(coding.get("code"), str):
                system = coding.get("system", "")
                found = self.terminology.validate(system, coding["code"], value_set).is_member
                if found:
                    return True
                if found is None:
                    result = None
        return result

    def conforms_to(self, item: Item, profile: str) -> bool | None:
        """Whether the item conforms to the profile; None where the profile is unknown."""
        return None if self.conforms is None else self.conforms(self, item, profile)


Strength = Literal["required", "extensible", "preferred", "example"]
