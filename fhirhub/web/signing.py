"""The way of a person from an app's request to its answer: sign in, say as whom, choose the patient, consent
(https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html).

STEPS are asked in their order at every form that comes in: the first that lacks something shows its page, and when
none does, the app has its answer.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace

from fhirhub.auth import authorization
from fhirhub.auth.authorization import Refused, Unproven
from fhirhub.auth.exchange import Request, Response, pairs, single
from fhirhub.auth.faults import OAuthError
from fhirhub.errors import FhirError
from fhirhub.web import consenting, granted, launching, sign_in
from fhirhub.web import visit as visiting
from fhirhub.web.flow import Answer, Flow, Step, Ways
from fhirhub.web.visit import StalePage

STEPS: tuple[Step, ...] = (sign_in.step, launching.standing, launching.patient, consenting.step)


async def authorize(request: Request, ways: Ways) -> Response:
    """`/auth/authorize`, by GET or POST."""
    raw = request.query if request.method == "GET" else request.body.decode("latin-1")
    visit = visiting.of(request)
    try:
        asked = await authorization.read(request.issuer, raw)
        visit = visiting.of(request, asked.given.get("ui_locales", ""))
        flow = Flow(visit, ways, visit.begin(raw), asked, await visit.session())
        return await go_on(flow)
    except Unproven as fault:
        return visit.stopped("unproven", str(fault))
    except Refused as refused:
        return visit.redirect(refused.address)
    except FhirError:
        return visit.stopped("no_standing", status=403)


async def alone(request: Request, ways: Ways) -> Response:
    """`/auth/granted`: a person came by themselves, and no app asked."""
    visit = visiting.of(request)
    return await go_on(Flow(visit, ways, visit.begin(""), None, await visit.session()))


def form(answer: Answer) -> Callable[[Request, Ways], Awaitable[Response]]:
    """What answers a form of these pages: it is this browser's, and its request still stands."""

    async def answered(request: Request, ways: Ways) -> Response:
        visit = visiting.of(request)
        try:
            _check_origin(request)
            fields, chosen = _fields(request)
            progress = visit.progress(fields.get("progress", ""))
            asked = None
            if progress.request:
                asked = await authorization.read(request.issuer, progress.request)
            flow = Flow(visit, ways, progress, asked, await visit.session())
            return await answer(flow, fields, chosen) or await go_on(flow)
        except (StalePage, Unproven):
            return visit.stopped("stale")
        except Refused as refused:
            return visit.redirect(refused.address)
        except FhirError:
            return visit.stopped("no_standing", status=403)

    return answered


async def go_on(flow: Flow) -> Response:
    """The page of the first step that lacks something, or the answer."""
    if flow.asked is None:
        return await _alone(flow)
    for step in STEPS:
        response = await step(flow)
        if response is not None:
            return response
    raise AssertionError("the last step always answers")


async def _alone(flow: Flow) -> Response:
    """The page that somebody came for by themselves."""
    page = flow.progress.page
    response = None if page == "invitation" and flow.session is None else await sign_in.step(flow)
    if response is not None:
        return response
    return await granted.page(flow) if page == "granted" else flow.visit.redirect(flow.visit.issuer.at(page))


def _check_origin(request: Request) -> None:
    """A form comes from a page of this hub (its own proof is in `progress`; this is the browser's)."""
    origin = request.headers.get("origin")
    scheme, _, rest = request.issuer.root.partition("://")
    own = f"{scheme}://{rest.partition('/')[0]}"
    if origin not in (None, "null", own):
        raise StalePage
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise StalePage


def _fields(request: Request) -> tuple[dict[str, str], list[str]]:
    """The fields of a form, and of the one that may stand often, `scope`, all values."""
    try:
        found = pairs(request.body)
        rest = "&".join(
            part for part in request.body.decode("ascii").split("&") if not part.startswith("scope=")
        )
        return single(rest), [value for name, value in found if name == "scope"]
    except (OAuthError, UnicodeDecodeError):
        raise StalePage from None


async def from_provider(request: Request, ways: Ways) -> Response:
    """`/auth/callback`: back from the OpenID provider."""
    visit = visiting.of(request)
    try:
        progress = visit.progress(visit.cookies.get("away", ""))
        fields = single(request.query)
        away = progress.away
        if away is None or not hmac.compare_digest(fields.get("state", "").encode(), away["state"].encode()):
            raise StalePage
        asked = None
        if progress.request:
            asked = await authorization.read(request.issuer, progress.request)
        visit.keep("away", "")
        progress = replace(progress, away=None)
        flow = Flow(visit, ways, progress, asked, await visit.session())
        return await sign_in.take_provider(flow, away, fields) or await go_on(flow)
    except (StalePage, Unproven, OAuthError):
        return visit.stopped("stale")
    except Refused as refused:
        return visit.redirect(refused.address)
    except FhirError:
        return visit.stopped("no_standing", status=403)


async def take_language(flow: Flow, fields: dict[str, str], chosen: list[str]) -> None:
    """The pages speak the other language from now on."""
    language = "en" if fields.get("language") == "en" else "nl"
    flow.visit.keep("language", language, visiting.YEAR_SECONDS)
    flow.visit.language = "en" if language == "en" else "nl"
