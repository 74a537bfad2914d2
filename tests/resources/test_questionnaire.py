"""Responses against their questionnaires."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fhirhub.resources.canonicals import CORE, OFFICIAL, Canonicals
from fhirhub.resources.validation.validator import Validator

Json = dict[str, Any]
URL = "http://acme.example/fhir/Questionnaire/q"


def faults(items: list[Json], answers: list[Json], status: str = "completed") -> list[str | None]:
    """The places of the errors of a response with these items to a questionnaire with those."""
    questionnaire = {"resourceType": "Questionnaire", "url": URL, "status": "active", "item": items}
    response = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": URL,
        "status": status,
        "item": answers,
    }
    validator = Validator(Canonicals([questionnaire], OFFICIAL))
    assert [each for each in validator.validate(questionnaire) if each.severity == "error"] == []
    found = validator.validate({key: value for key, value in response.items() if value != []})
    return [each.expression for each in found if each.severity == "error"]


def item(id: str, type: str, **more: Any) -> Json:
    return {"linkId": id, "type": type, **more}


def answer(id: str, *values: Json) -> Json:
    return {"linkId": id, "answer": list(values)}


@pytest.mark.parametrize(
    ("type", "right", "wrong"),
    [
        ("integer", {"valueInteger": 7}, {"valueString": "7"}),
        ("text", {"valueString": "x"}, {"valueBoolean": True}),
        ("open-choice", {"valueString": "x"}, {"valueInteger": 1}),
        ("quantity", {"valueQuantity": {"value": 1}}, {"valueDecimal": 1}),
    ],
)
def test_answers_have_the_type_of_the_question(type: str, right: Json, wrong: Json) -> None:
    assert faults([item("1", type)], [answer("1", right)]) == []
    assert faults([item("1", type)], [answer("1", wrong)]) == [
        "QuestionnaireResponse.item[0].answer[0].value"
    ]


def test_required_questions_are_answered_when_finished() -> None:
    questions = [item("g", "group", item=[item("1", "string", required=True)])]
    assert faults(questions, [{"linkId": "g"}]) == ["QuestionnaireResponse.item[0].item"]
    assert faults(questions, [{"linkId": "g"}], status="in-progress") == []
    group = [item("g", "group", required=True, item=[item("1", "string")])]
    assert faults(group, [{"linkId": "g"}]) == ["QuestionnaireResponse.item"]
    assert faults(group, [{"linkId": "g", "item": [answer("1", {"valueString": "x"})]}]) == []


def test_what_was_asked_is_what_the_questionnaire_asks_in_one_of_its_languages() -> None:
    parts = [{"url": "lang", "valueCode": "en"}, {"url": "content", "valueString": "How are you?"}]
    question = item(
        "1",
        "string",
        text="Hoe gaat het?",
        _text={"extension": [{"url": CORE + "translation", "extension": parts}]},
    )
    for text in ("Hoe gaat het?", "How are you?"):
        assert faults([question], [{"linkId": "1", "text": text}]) == []
    assert faults([question], [{"linkId": "1", "text": "Wie bent u?"}]) == [
        "QuestionnaireResponse.item[0].text"
    ]


def test_items_are_known_and_stand_where_they_belong() -> None:
    questions = [item("g", "group", item=[item("1", "string")])]
    assert faults(questions, [answer("2", {"valueString": "x"})]) == ["QuestionnaireResponse.item[0]"]
    assert faults(questions, [answer("1", {"valueString": "x"})]) == ["QuestionnaireResponse.item[0]"]


def test_one_answer_unless_the_question_repeats() -> None:
    two = [answer("1", {"valueString": "x"}, {"valueString": "y"})]
    assert faults([item("1", "string")], two) == ["QuestionnaireResponse.item[0].answer[1]"]
    assert faults([item("1", "string", repeats=True)], two) == []


def test_a_choice_is_one_of_its_options() -> None:
    option = {"valueCoding": {"system": "urn:x", "code": "a"}}
    questions = [item("1", "choice", answerOption=[option])]
    shown = {"valueCoding": {"system": "urn:x", "code": "a", "display": "A"}}
    assert faults(questions, [answer("1", shown)]) == []
    other = {"valueCoding": {"system": "urn:x", "code": "b"}}
    assert faults(questions, [answer("1", other)]) == ["QuestionnaireResponse.item[0].answer[0].value"]


def test_numbers_keep_to_their_bounds() -> None:
    most = {"url": "http://hl7.org/fhir/StructureDefinition/maxValue", "valueInteger": 10}
    questions = [item("1", "integer", extension=[most])]
    assert faults(questions, [answer("1", {"valueInteger": 10})]) == []
    assert faults(questions, [answer("1", {"valueInteger": 11})]) != []


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "is_enabled"),
    [
        ("=", {"answerBoolean": True}, {"valueBoolean": True}, True),
        ("=", {"answerBoolean": True}, {"valueBoolean": False}, False),
        ("!=", {"answerBoolean": True}, {"valueBoolean": False}, True),
        ("exists", {"answerBoolean": True}, {"valueBoolean": False}, True),
        ("exists", {"answerBoolean": False}, {"valueBoolean": False}, False),
    ],
)
def test_only_enabled_questions_are_answered(
    operator: str, wanted: Json, given: Json, is_enabled: bool
) -> None:
    condition = {"question": "1", "operator": operator, **wanted}
    questions = [item("1", "boolean"), item("2", "string", required=True, enableWhen=[condition])]
    both = faults(questions, [answer("1", given), answer("2", {"valueString": "x"})])
    assert both == ([] if is_enabled else ["QuestionnaireResponse.item[1]"])
    one = faults(questions, [answer("1", given)])
    assert one == (["QuestionnaireResponse.item"] if is_enabled else [])


def test_questions_below_answers_and_their_conditions() -> None:
    condition = {"question": "1", "operator": ">", "answerInteger": 5}
    inner = item("1.1", "string", enableWhen=[condition])
    questions = [item("1", "integer", item=[inner])]

    def given(number: int) -> list[Json]:
        return [answer("1", {"valueInteger": number, "item": [answer("1.1", {"valueString": "x"})]})]

    assert faults(questions, given(6)) == []
    assert faults(questions, given(5)) == ["QuestionnaireResponse.item[0].answer[0].item[0]"]


def test_an_unknown_questionnaire_is_said_to_be_unknown() -> None:
    response = {"resourceType": "QuestionnaireResponse", "questionnaire": URL, "status": "completed"}
    found = [each for each in Validator().validate(response) if each.code == "not-found"]
    assert [each.severity for each in found] == ["warning"]


VITALS = "http://hl7.org/fhir/ValueSet/ucum-vitals-common"
AT_MOST = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-maxQuantity"


def kilograms(value: str) -> Json:
    return {"value": Decimal(value), "system": "http://unitsofmeasure.org", "code": "kg"}


def extended(url: str, **value: Any) -> Json:
    return {"extension": [{"url": CORE + url, **value}]}


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        (
            item("1", "string", **extended("regex", valueString="[0-9]{4}[A-Z]{2}")),
            {"valueString": "3511AB"},
            {"valueString": "Utrecht"},
        ),
        (
            item("1", "attachment", **extended("mimeType", valueCode="image/png")),
            {"valueAttachment": {"contentType": "image/png", "url": "http://acme.example/1"}},
            {"valueAttachment": {"contentType": "image/gif", "url": "http://acme.example/1"}},
        ),
        (
            item("1", "reference", **extended("questionnaire-referenceResource", valueCode="Patient")),
            {"valueReference": {"reference": "Patient/1"}},
            {"valueReference": {"reference": "Group/1"}},
        ),
        (
            item(
                "1",
                "quantity",
                **extended(
                    "questionnaire-unitOption",
                    valueCoding={"system": "http://unitsofmeasure.org", "code": "kg"},
                ),
            ),
            {"valueQuantity": {"value": 70, "system": "http://unitsofmeasure.org", "code": "kg"}},
            {"valueQuantity": {"value": 70, "system": "http://unitsofmeasure.org", "code": "g"}},
        ),
        (
            item("1", "quantity", **extended("questionnaire-unitValueSet", valueCanonical=VITALS)),
            {"valueQuantity": {"value": 70, "system": "http://unitsofmeasure.org", "code": "kg"}},
            {"valueQuantity": {"value": 70, "system": "http://unitsofmeasure.org", "code": "mol"}},
        ),
        (
            item("1", "quantity", extension=[{"url": AT_MOST, "valueQuantity": kilograms("200")}]),
            {"valueQuantity": kilograms("200.0")},
            {"valueQuantity": {**kilograms("200001"), "code": "g"}},
        ),
    ],
)
def test_answers_keep_to_the_extensions_of_their_question(question: Json, right: Json, wrong: Json) -> None:
    assert faults([question], [answer("1", right)]) == []
    assert faults([question], [answer("1", wrong)]) == ["QuestionnaireResponse.item[0].answer[0].value"]


def test_an_answer_that_excludes_others_stands_alone() -> None:
    exclusive = extended("questionnaire-optionExclusive", valueBoolean=True)
    options = [{"valueString": "a"}, {"valueString": "b"}, {"valueString": "none", **exclusive}]
    questions = [item("1", "choice", repeats=True, answerOption=options)]
    assert faults(questions, [answer("1", options[0], options[1])]) == []
    assert faults(questions, [answer("1", options[0], {"valueString": "none"})]) == [
        "QuestionnaireResponse.item[0].answer"
    ]


def test_as_many_answers_as_the_question_takes() -> None:
    questions = [item("1", "string", repeats=True, **extended("questionnaire-maxOccurs", valueInteger=2))]
    given = [{"valueString": text} for text in "abc"]
    assert faults(questions, [answer("1", *given[:2])]) == []
    assert faults(questions, [answer("1", *given)]) == ["QuestionnaireResponse.item[0]"]


def test_a_group_is_there_as_often_as_it_may_be() -> None:
    bounds = [
        {"url": f"{CORE}questionnaire-{name}", "valueInteger": number}
        for name, number in (("minOccurs", 2), ("maxOccurs", 3))
    ]
    group = item("1", "group", repeats=True, extension=bounds, item=[item("2", "string")])

    def times(number: int, status: str = "completed") -> list[str | None]:
        return faults(
            [group], [{"linkId": "1", "item": [answer("2", {"valueString": "x"})]}] * number, status
        )

    assert [times(number) == [] for number in (0, 1, 2, 3, 4)] == [True, False, True, True, False]
    assert times(1, "in-progress") == []


@pytest.mark.parametrize(
    ("question", "where"),
    [
        (item("1", "string", initial=[{"valueString": "x"}]), None),
        (item("1", "string", initial=[{"valueInteger": 1}]), ".initial[0].value"),
        (item("1", "choice", answerOption=[{"valueInteger": 1}]), None),
        (item("1", "choice", answerValueSet="#answers"), ".answerValueSet"),
        (item("1", "choice", answerValueSet="http://hl7.org/fhir/ValueSet/yesnodontknow"), None),
        (
            item("1", "string", enableWhen=[{"question": "1", "operator": "exists", "answerBoolean": True}]),
            ".enableWhen[0].question",
        ),
        (
            item("1", "string", enableWhen=[{"question": "9", "operator": "exists", "answerBoolean": True}]),
            ".enableWhen[0].question",
        ),
    ],
)
def test_a_questionnaire_can_be_answered(question: Json, where: str | None) -> None:
    made = {"resourceType": "Questionnaire", "url": URL, "status": "active", "item": [question]}
    found = [each.expression for each in Validator().validate(made) if each.severity == "error"]
    assert found == ([] if where is None else [f"Questionnaire.item[0]{where}"])
