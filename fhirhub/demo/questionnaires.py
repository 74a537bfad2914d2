"""The region's questionnaires in the hub's own wording, and the scores that follow from answers.

A tool for conversation; its questions are our own and not validated. Scores: one per dimension, the mean
of the answered items to one decimal, absent below four answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from fhir.resources.R4B.questionnaire import Questionnaire

from fhirhub.demo.typed import CANONICAL, TAG, typed
from fhirhub.demo.words import DIMENSIONS

Json = dict[str, Any]

HEALTH = f"{CANONICAL}/Questionnaire/positieve-gezondheid"
HEALTH_SHORT = f"{CANONICAL}/Questionnaire/positieve-gezondheid-kort"
CARER_STRAIN = f"{CANONICAL}/Questionnaire/belasting-mantelzorger"
DIMENSION_SYSTEM = f"{CANONICAL}/CodeSystem/positive-health-dimension"

ITEMS: Mapping[str, tuple[str, ...]] = {
    "lichaamsfuncties": (
        "Hoe gezond vindt u zichzelf de laatste weken?",
        "Hoe is het met uw conditie?",
        "Hoe weinig last heeft u van klachten of pijn?",
        "Hoe goed slaapt u?",
        "Hoe goed lukt het om te eten zoals goed voor u is?",
        "Hoe lang houdt u iets vol wat inspanning kost?",
        "Hoe makkelijk beweegt u: lopen, traplopen, bukken?",
    ),
    "mentaal-welbevinden": (
        "Hoe goed onthoudt u dingen?",
        "Hoe goed houdt u uw aandacht ergens bij?",
        "Hoe goed lukt het om te zeggen wat u bedoelt?",
        "Hoe vaak bent u opgewekt?",
        "Hoe tevreden bent u met wie u bent?",
        "Hoe goed gaat u om met veranderingen?",
        "Hoeveel grip ervaart u op uw dagen?",
    ),
    "zingeving": (
        "Hoe zinvol vindt u wat u doet?",
        "Hoeveel zin heeft u 's ochtends in de dag?",
        "In welke mate jaagt u na wat u belangrijk vindt?",
        "Hoeveel vertrouwen heeft u in wat komt?",
        "Hoe goed kunt u aanvaarden wat niet meer gaat?",
        "Hoe vaak bent u dankbaar voor iets?",
        "Hoeveel leert u nog bij?",
    ),
    "kwaliteit-van-leven": (
        "Hoeveel geniet u van kleine dingen?",
        "Hoe gelukkig voelt u zich?",
        "Hoe vaak heeft u een goede dag?",
        "Hoe goed zijn rust en drukte in balans?",
        "Hoe veilig voelt u zich, thuis en buiten?",
        "Hoe goed past uw huis bij u?",
        "Hoe goed komt u rond met uw geld?",
    ),
    "meedoen": (
        "Hoe tevreden bent u over uw contacten met anderen?",
        "Hoe serieus nemen anderen u?",
        "Hoe vaak doet u iets leuks samen met iemand?",
        "Hoeveel steun krijgt u als het nodig is?",
        "In welke mate hoort u ergens bij?",
        "Hoeveel doet u wat er voor u toe doet?",
        "Hoe betrokken bent u bij wat er in de wereld gebeurt?",
    ),
    "dagelijks-functioneren": (
        "Hoe goed zorgt u voor uzelf: wassen, aankleden, koken?",
        "Hoe goed kent u uw grenzen?",
        "Hoe goed weet u wat uw gezondheid vraagt?",
        "Hoe goed lukt het om uw dag in te delen?",
        "Hoe goed regelt u uw geldzaken?",
        "Hoe goed lukt het om te werken of vrijwilligerswerk te doen?",
        "Hoe makkelijk vraagt u hulp?",
    ),
}
WISHES = (
    ("goed", "Wat gaat er goed?"),
    ("werken", "Waar wilt u aan werken?"),
    ("wens", "Wat is uw grootste wens?"),
)
STRAIN = (
    "Slaapt u slechter door de zorg die u geeft?",
    "Blijft er te weinig tijd over voor uzelf?",
    "Is de zorg lichamelijk zwaar voor u?",
    "Zijn uw plannen veranderd door de zorg?",
    "Geeft de zorg onenigheid met anderen?",
    "Wordt het u soms te veel?",
)
_MIN_VALUE = "http://hl7.org/fhir/StructureDefinition/minValue"
_MAX_VALUE = "http://hl7.org/fhir/StructureDefinition/maxValue"
_FROM_0_TO_10 = [{"url": _MIN_VALUE, "valueInteger": 0}, {"url": _MAX_VALUE, "valueInteger": 10}]


def build() -> list[Json]:
    """The definitions that answers refer to."""
    return [_health(), _health_short(), _strain()]


def answered(items: Mapping[str, list[int | None]], wishes: Mapping[str, str]) -> list[Json]:
    """The items of a response to the long questionnaire; None is an item left open."""
    groups: list[Json] = []
    for dimension, text in DIMENSIONS:
        groups.append(
            {
                "linkId": dimension,
                "text": text,
                "item": [
                    {"linkId": f"{dimension}.{number}", "text": question, "answer": [{"valueInteger": mark}]}
                    for number, (question, mark) in enumerate(
                        zip(ITEMS[dimension], items[dimension], strict=True), 1
                    )
                    if mark is not None
                ],
            }
        )
    groups.append(
        {
            "linkId": "gesprek",
            "text": "Voor het gesprek",
            "item": [
                {"linkId": f"gesprek.{link}", "text": question, "answer": [{"valueString": wishes[link]}]}
                for link, question in WISHES
            ],
        }
    )
    return groups


def answered_strain(answers: list[bool]) -> list[Json]:
    """The items of a carer's response."""
    return [
        {"linkId": f"belasting.{number}", "text": question, "answer": [{"valueBoolean": answer}]}
        for number, (question, answer) in enumerate(zip(STRAIN, answers, strict=True), 1)
    ]


def score(marks: list[int | None]) -> Decimal | None:
    """The mean of the answered items, rounded half up to one decimal; None below four answers."""
    given = [mark for mark in marks if mark is not None]
    if len(given) < 4:
        return None
    return (Decimal(sum(given)) / len(given)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def _questionnaire(url: str, title: str, description: str, subject: str, items: list[Json]) -> Json:
    name = "".join(part.capitalize() for part in url.rsplit("/", 1)[1].split("-"))
    return typed(
        Questionnaire,
        id=url.rsplit("/", 1)[1],
        meta={"tag": [TAG]},
        language="nl",
        url=url,
        version="1.0",
        name=name,
        title=title,
        status="active",
        experimental=True,
        subjectType=[subject],
        date="2026-01-05",
        publisher="Demoregio",
        description=description,
        item=items,
    )


def _health() -> Json:
    groups: list[Json] = [
        {
            "linkId": dimension,
            "code": [{"system": DIMENSION_SYSTEM, "code": dimension, "display": text}],
            "text": text,
            "type": "group",
            "item": [
                {
                    "linkId": f"{dimension}.{number}",
                    "text": question,
                    "type": "integer",
                    "extension": _FROM_0_TO_10,
                }
                for number, question in enumerate(ITEMS[dimension], 1)
            ],
        }
        for dimension, text in DIMENSIONS
    ]
    groups.append(
        {
            "linkId": "gesprek",
            "text": "Voor het gesprek",
            "type": "group",
            "item": [{"linkId": f"gesprek.{link}", "text": text, "type": "text"} for link, text in WISHES],
        }
    )
    return _questionnaire(
        HEALTH,
        "Mijn gezondheid in zes dimensies",
        "Gespreksinstrument met eigen vragen, niet gevalideerd. Geef bij elke vraag een cijfer van 0 tot 10.",
        "Patient",
        groups,
    )


def _health_short() -> Json:
    items = [
        {
            "linkId": dimension,
            "code": [{"system": DIMENSION_SYSTEM, "code": dimension, "display": text}],
            "text": f"Welk cijfer geeft u aan: {text.lower()}?",
            "type": "integer",
            "extension": _FROM_0_TO_10,
        }
        for dimension, text in DIMENSIONS
    ]
    return _questionnaire(
        HEALTH_SHORT,
        "Mijn gezondheid in zes cijfers",
        "Korte vorm van het gespreksinstrument: een cijfer per dimensie. Eigen vragen, niet gevalideerd.",
        "Patient",
        items,
    )


def _strain() -> Json:
    items = [
        {"linkId": f"belasting.{number}", "text": text, "type": "boolean"}
        for number, text in enumerate(STRAIN, 1)
    ]
    return _questionnaire(
        CARER_STRAIN,
        "Hoe zwaar is de zorg voor u?",
        "Zes eigen vragen aan de mantelzorger, niet gevalideerd. De antwoorden zijn van de mantelzorger.",
        "RelatedPerson",
        items,
    )
