"""Patient/$spider: the scores of the six dimensions as series, one for each response; as data, or as a drawing
(the guide's OperationDefinition Patient-spider, RULES R31)."""

from __future__ import annotations

from fhirhub.api import formats
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import parameters
from fhirhub.careplan import spider as drawing
from fhirhub.resources import dimensions, document, primitives
from fhirhub.resources.dimensions import Series
from fhirhub.store import request as requests

SVG = "image/svg+xml"


async def spider(request: FhirRequest) -> FhirResponse:
    """Parameters with a `series` for each response that gave scores, the newest first; the drawing where an SVG
    is what is accepted most."""
    given = parameters.read(request)
    start, end = given.moment("start"), given.moment("end")
    repository, id = request.repository, request.path[1]
    await repository.read("Patient", id)
    asked = requests.parse(
        "Observation",
        [("subject", f"Patient/{id}"), ("code", f"{dimensions.system()}|"), ("_count", "1000")],
        repository.parameters,
        base=request.base,
    )
    found = dimensions.series(
        [document.decode(each.body) for each in await repository.all_matches(asked) if each.body]
    )
    shown = [each for each in found if _within(each, start, end)]
    accept = request.headers.get("accept")
    if accept is not None and formats.chosen(accept, (SVG,)) == SVG and request.inside is None:
        language = formats.language(request.headers.get("accept-language", ""))
        return FhirResponse(200, drawing.draw(shown, language).encode(), content_type=f"{SVG}; charset=utf-8")
    return FhirResponse(200, document.encode(_parameters(shown)))


def _within(series: Series, start: tuple[int, int] | None, end: tuple[int, int] | None) -> bool:
    try:
        first, last = primitives.date_range(series.date)
    except ValueError:
        return start is None and end is None
    return (start is None or last > start[0]) and (end is None or first < end[1])


def _parameters(found: list[Series]) -> Json:
    made: Json = {"resourceType": "Parameters"}
    if found:
        made["parameter"] = [{"name": "series", "part": _parts(each)} for each in found]
    return made


def _parts(series: Series) -> list[Json]:
    return [
        {"name": "source", "valueCode": series.source},
        {"name": "date", "valueDateTime": series.date},
        {"name": "response", "valueReference": {"reference": series.response}},
        *(
            {
                "name": "point",
                "part": [
                    {"name": "dimension", "valueCode": code},
                    {"name": "value", "valueDecimal": value},
                ],
            }
            for code, value in series.points.items()
        ),
    ]
