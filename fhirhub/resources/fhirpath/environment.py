"""What an expression sees besides its focus: the resource around, variables, clock, hooks and limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from fhirhub.resources.fhirpath.faults import FhirpathError
from fhirhub.resources.fhirpath.item import NONE, Item, Items, of_resource

Json = dict[str, Any]

MOST_STEPS = 1_000_000
"""Items that one evaluation may look at: about a second."""

LONGEST_STRING = 1_000_000


class Environment:
    """One evaluation's surroundings; may serve several expressions over the same resource, one after another.

    `resource` is the resource that holds the focus (`%resource`), `root` the one that contains that
    (`%rootResource`). `resolve` finds a resource by the text of a reference that neither `contained` nor the
    Bundle has. `member_of` and `conforms_to` judge an item against a value set's or profile's canonical,
    None where that is unknown; `subsumes` judges two codings. `now` is the moment of the evaluation.
    """

    __slots__ = (
        "conforms_to",
        "context",
        "index",
        "member_of",
        "now",
        "resolve",
        "resource",
        "root",
        "steps",
        "subsumes",
        "this",
        "total",
        "variables",
    )

    def __init__(
        self,
        resource: Item | Json | None = None,
        *,
        root: Item | Json | None = None,
        resolve: Callable[[str], Json | None] | None = None,
        member_of: Callable[[Item, str], bool | None] | None = None,
        conforms_to: Callable[[Item, str], bool | None] | None = None,
        subsumes: Callable[[Item, Item], bool | None] | None = None,
        variables: Mapping[str, Any] | None = None,
        now: datetime | None = None,
        steps: int = MOST_STEPS,
    ) -> None:
        self.resource = of_resource(resource) if isinstance(resource, dict) else resource
        self.root = of_resource(root) if isinstance(root, dict) else (root or self.resource)
        self.resolve = resolve
        self.member_of = member_of
        self.conforms_to = conforms_to
        self.subsumes = subsumes
        self.variables = variables or {}
        self.now = now
        self.steps = steps
        self.context: Items = NONE
        self.this: Items = NONE
        self.index = 0
        self.total: Items = NONE

    def clock(self) -> datetime:
        """The same moment throughout an evaluation (https://hl7.org/fhirpath/N1/#current-date-and-time-functions)."""
        if self.now is None:
            self.now = datetime.now(UTC)
        return self.now

    def spend(self, steps: int) -> None:
        """Count work done; FhirpathError when it becomes too much."""
        self.steps -= steps
        if self.steps < 0:
            raise FhirpathError("The expression takes too many steps on this content.", "too-costly")
