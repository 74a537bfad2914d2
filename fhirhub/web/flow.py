"""One person on the way through the pages: what has been asked, who they are, and how far they have come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fhirhub.auth import events, people
from fhirhub.auth.accounts import Account
from fhirhub.auth.authorization import Asked
from fhirhub.auth.events import Event
from fhirhub.auth.exchange import Response
from fhirhub.auth.faults import OAuthError
from fhirhub.auth.people import Opens
from fhirhub.auth.providers import Provider
from fhirhub.auth.sessions import Session
from fhirhub.repository import Repository
from fhirhub.web import wording
from fhirhub.web.visit import Progress, Visit


@dataclass(slots=True)
class Ways:
    """What the pages of a process share: what a person may see, and by whom they may sign in."""

    opens: Opens
    providers: tuple[Provider, ...] = ()


@dataclass(slots=True)
class Flow:
    """One person on the way. `asked` is None on the way to the page of what was granted."""

    visit: Visit
    ways: Ways
    progress: Progress
    asked: Asked | None
    session: Session | None
    fault: str = ""
    find: str = ""

    def say(self, key: str, **told: object) -> str:
        return wording.text(self.visit.language, key, **told)

    def page(self, template: str, status: int = 200, **told: Any) -> Response:
        leads_to = self.asked.redirect_uri if self.asked else ""
        return self.visit.page(
            template, progress=self.progress, status=status, leads_to=leads_to, fault=self.fault, **told
        )

    def interact(self, code: str, show: Callable[[], Response]) -> Response:
        """The page, or an error where the app asked that the person be left alone."""
        if self.asked is not None and "none" in self.asked.prompt:
            raise self.asked.refusal(
                OAuthError(code, "the person would have to be asked, and prompt is none")
            )
        return show()

    @property
    def app(self) -> str:
        return self.asked.client.name if self.asked else ""

    async def seen(self) -> Repository:
        """The store as the person sees it."""
        assert self.session is not None
        assert self.session.standing is not None
        return await people.as_seen_by(
            self.visit.request.realm,
            self.ways.opens,
            self.session.account.id,
            self.session.standing,
            self.session.acr,
            ("Patient", "CarePlan", "Encounter"),
            self.progress.patient,
        )

    def tell(self, kind: events.Kind, client: str | None = None, outcome: str | None = None) -> None:
        """Keep in the log what the person who is signed in did."""
        assert self.session is not None
        role = self.session.standing.role if self.session.standing else None
        event = Event(kind, client=client, account=self.session.account.id, role=role, outcome=outcome)
        events.tell(self.visit.request, event)

    def tell_failure(self, account: Account | None, outcome: str) -> None:
        """Keep in the log that a sign-in failed; `outcome` says at what."""
        event = Event("sign-in-failed", account=account.id if account else None, outcome=outcome)
        events.tell(self.visit.request, event)


Step = Callable[[Flow], Awaitable[Response | None]]
"""The page that is shown where something lacks; None where the person goes on."""
Answer = Callable[[Flow, dict[str, str], list[str]], Awaitable[Response | None]]
"""What takes a form: its fields, and the values of `scope`. None where the person goes on."""
