"""What operations that answer with a document have in common: its author, its form, its answer."""

from __future__ import annotations

from fhirhub.api import formats
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.careplan import printing
from fhirhub.careplan.gathering import Gathering
from fhirhub.resources import document, papers
from fhirhub.resources.papers import Paper, Section

_SAFE = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}


async def answer(
    request: FhirRequest,
    gathering: Gathering,
    kind: str,
    profile: str,
    patient: str,
    title: str,
    found: list[Section],
) -> FhirResponse:
    """The document Bundle; a page or a PDF where that is what is accepted most."""
    made = papers.composition(
        Paper(
            kind=kind,
            profile=profile,
            patient=patient,
            title=title,
            author=await _author(request, gathering),
            moment=document.instant(request.context.now()),
            language=formats.language(request.headers.get("accept-language", "")),
            sections=found,
        )
    )
    accept = request.headers.get("accept", "")
    match formats.chosen(accept, (printing.HTML, printing.PDF)) if request.inside is None else None:
        case printing.HTML:
            return FhirResponse(
                200,
                printing.as_html(made),
                content_type=f"{printing.HTML}; charset=utf-8",
                headers=dict(_SAFE),
            )
        case printing.PDF:
            return FhirResponse(200, printing.as_pdf(made), content_type=printing.PDF)
    bodies = await gathering.bodies(papers.named(made))
    return FhirResponse(200, papers.bundle(made, bodies, request.base))


async def _author(request: FhirRequest, gathering: Gathering) -> Json:
    """Who asked for it, made by the hub."""
    actor = request.repository.asker.actor
    party = None if actor is None else actor.person or actor.organization
    found = None if party is None else await gathering.with_name({"reference": party})
    return found or {"display": "fhirhub"}
