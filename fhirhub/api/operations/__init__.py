"""OPERATIONS: every $operation, one file for each (https://hl7.org/fhir/R4/operations.html)."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from fhirhub.api import formats
from fhirhub.api.exchange import FhirRequest, FhirResponse, Handler
from fhirhub.api.operations import (
    access_log,
    agenda,
    apply,
    break_glass,
    changes,
    closure,
    code_system_validate_code,
    contract,
    crisis_summary,
    deregister,
    elsewhere,
    evaluate_measure,
    everything,
    expand,
    extract,
    invite,
    lastn,
    lookup,
    merge,
    meta,
    meta_add,
    meta_delete,
    open_contact,
    parameters,
    plan_document,
    plans_elsewhere,
    populate,
    register,
    review,
    seen,
    spider,
    subscription_binding,
    subscription_events,
    subscription_status,
    subsumes,
    task_elsewhere,
    translate,
    validate,
    value_set_validate_code,
    what_stops,
)
from fhirhub.careplan import printing
from fhirhub.errors import FhirError, not_supported
from fhirhub.resources import document, guide


class Operation(NamedTuple):
    """One line of OPERATIONS. `levels` are where it can be called: system, type, instance, version;
    `types` on which resource types, empty for all. One that affects state is called by POST alone. `defined` is the
    URL of its OperationDefinition, or the id of one in the guide. `more` are parameters that it takes besides those
    of its definition (`contract.ANY_SEARCH_PARAMETER` among them)."""

    name: str
    levels: tuple[str, ...]
    types: tuple[str, ...]
    affects_state: bool
    permission: str
    defined: str
    run: Handler
    media_types: tuple[str, ...] = ()
    """What it answers in besides the forms of FHIR."""
    more: tuple[str, ...] = ()

    @property
    def definition(self) -> str:
        """The canonical URL of its OperationDefinition."""
        return self.defined if ":" in self.defined else guide.url("OperationDefinition", self.defined)


_DEFINITIONS = "http://hl7.org/fhir/OperationDefinition/"
OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "$meta",
        ("system", "type", "instance", "version"),
        (),
        False,
        "r",
        _DEFINITIONS + "Resource-meta",
        meta.meta,
    ),
    Operation(
        "$meta-add", ("instance",), (), True, "u", _DEFINITIONS + "Resource-meta-add", meta_add.meta_add
    ),
    Operation(
        "$meta-delete",
        ("instance",),
        (),
        True,
        "u",
        _DEFINITIONS + "Resource-meta-delete",
        meta_delete.meta_delete,
    ),
    Operation(
        "$validate",
        ("type", "instance"),
        (),
        False,
        "r",
        _DEFINITIONS + "Resource-validate",
        validate.validate,
    ),
    Operation(
        "$everything",
        ("type", "instance"),
        ("Patient",),
        False,
        "r",
        _DEFINITIONS + "Patient-everything",
        everything.everything,
    ),
    Operation(
        "$access-log",
        ("instance",),
        ("Patient",),
        False,
        "-",
        "Patient-access-log",
        access_log.access_log,
        more=("_cursor",),
    ),
    Operation("$review", ("type",), ("AuditEvent",), False, "-", "AuditEvent-review", review.review),
    Operation(
        "$lastn",
        ("type",),
        ("Observation",),
        False,
        "s",
        _DEFINITIONS + "Observation-lastn",
        lastn.lastn,
        more=(contract.ANY_SEARCH_PARAMETER,),
    ),
    Operation(
        "$lookup",
        ("type",),
        ("CodeSystem",),
        False,
        "r",
        _DEFINITIONS + "CodeSystem-lookup",
        elsewhere.asking(lookup.lookup),
    ),
    Operation(
        "$subsumes",
        ("type", "instance"),
        ("CodeSystem",),
        False,
        "r",
        _DEFINITIONS + "CodeSystem-subsumes",
        elsewhere.asking(subsumes.subsumes),
    ),
    Operation(
        "$validate-code",
        ("type", "instance"),
        ("CodeSystem",),
        False,
        "r",
        _DEFINITIONS + "CodeSystem-validate-code",
        elsewhere.asking(code_system_validate_code.validate_code),
    ),
    Operation(
        "$validate-code",
        ("type", "instance"),
        ("ValueSet",),
        False,
        "r",
        _DEFINITIONS + "ValueSet-validate-code",
        elsewhere.asking(value_set_validate_code.validate_code),
        more=("inferSystem",),
    ),
    Operation(
        "$expand",
        ("type", "instance"),
        ("ValueSet",),
        False,
        "r",
        _DEFINITIONS + "ValueSet-expand",
        elsewhere.asking(expand.expand),
    ),
    Operation(
        "$translate",
        ("type", "instance"),
        ("ConceptMap",),
        False,
        "r",
        _DEFINITIONS + "ConceptMap-translate",
        elsewhere.asking(translate.translated),
    ),
    Operation(
        "$closure",
        ("system",),
        ("ConceptMap",),
        True,
        "r",
        _DEFINITIONS + "ConceptMap-closure",
        closure.closure,
    ),
    Operation(
        "$populate",
        ("type", "instance"),
        ("Questionnaire",),
        False,
        "r",
        "Questionnaire-populate",
        populate.populate,
    ),
    Operation(
        "$extract",
        ("type", "instance"),
        ("QuestionnaireResponse",),
        False,
        "r",
        "QuestionnaireResponse-extract",
        extract.extract,
    ),
    Operation(
        "$spider",
        ("instance",),
        ("Patient",),
        False,
        "r",
        "Patient-spider",
        spider.spider,
        (spider.SVG,),
    ),
    Operation(
        "$crisis-summary",
        ("instance",),
        ("Patient",),
        False,
        "r",
        "Patient-crisis-summary",
        crisis_summary.crisis_summary,
        (printing.HTML, printing.PDF),
    ),
    Operation(
        "$document",
        ("instance",),
        ("CarePlan",),
        False,
        "r",
        "CarePlan-document",
        plan_document.plan_document,
        (printing.HTML, printing.PDF),
    ),
    Operation(
        "$apply",
        ("type", "instance"),
        ("PlanDefinition",),
        True,
        "r",
        "PlanDefinition-apply",
        apply.apply,
    ),
    Operation(
        "$merge",
        ("type",),
        ("CarePlan",),
        True,
        "u",
        "CarePlan-merge",
        merge.merge,
    ),
    Operation(
        "$agenda",
        ("instance",),
        ("CarePlan",),
        False,
        "r",
        "CarePlan-agenda",
        agenda.agenda,
    ),
    Operation(
        "$changes",
        ("instance",),
        ("CarePlan",),
        False,
        "r",
        "CarePlan-changes",
        changes.changes,
    ),
    Operation(
        "$seen",
        ("instance",),
        ("CarePlan",),
        True,
        "r",
        "CarePlan-seen",
        seen.seen,
    ),
    Operation(
        "$evaluate-measure",
        ("type", "instance"),
        ("Measure",),
        False,
        "r",
        _DEFINITIONS + "Measure-evaluate-measure",
        evaluate_measure.evaluate_measure,
    ),
    Operation(
        "$register",
        ("type",),
        ("Patient",),
        True,
        "u",
        "Patient-register",
        register.register,
    ),
    Operation(
        "$deregister",
        ("instance",),
        ("Patient",),
        True,
        "u",
        "Patient-deregister",
        deregister.deregister,
    ),
    Operation(
        "$open-contact",
        ("type",),
        ("Patient",),
        True,
        "u",
        "Patient-open-contact",
        open_contact.open_contact,
    ),
    Operation(
        "$break-glass",
        (
            "type",
            "instance",
        ),
        ("Patient",),
        True,
        "r",
        "Patient-break-glass",
        break_glass.break_glass,
    ),
    Operation(
        "$invite",
        (
            "type",
            "instance",
        ),
        ("Patient",),
        True,
        "r",
        "Patient-invite",
        invite.invite,
    ),
    Operation(
        "$what-stops",
        ("instance",),
        ("Patient",),
        False,
        "r",
        "Patient-what-stops",
        what_stops.what_stops,
    ),
    Operation(
        "$elsewhere",
        ("type",),
        ("CarePlan",),
        False,
        "r",
        "CarePlan-elsewhere",
        plans_elsewhere.elsewhere,
    ),
    Operation(
        "$answer-elsewhere",
        ("type",),
        ("Task",),
        True,
        "u",
        "Task-answer-elsewhere",
        task_elsewhere.answer,
    ),
    Operation(
        "$status",
        ("type", "instance"),
        ("Subscription",),
        False,
        "r",
        "Subscription-status",
        subscription_status.status,
    ),
    Operation(
        "$events",
        ("instance",),
        ("Subscription",),
        False,
        "r",
        "Subscription-events",
        subscription_events.events,
    ),
    Operation(
        "$get-ws-binding-token",
        ("type", "instance"),
        ("Subscription",),
        False,
        "r",
        "Subscription-get-ws-binding-token",
        subscription_binding.binding_token,
    ),
)
_BY_NAME: dict[str, list[Operation]] = {}
for _operation in OPERATIONS:
    _BY_NAME.setdefault(_operation.name, []).append(_operation)


async def invoke(request: FhirRequest) -> FhirResponse:
    """Run the operation that the path ends in, with an input that keeps to its definition."""
    operation = find(request.path)
    if operation.affects_state and request.method != "POST":
        raise not_supported(
            f"`{operation.name}` changes what is stored, so it is called by POST",
            status=405,
            headers={"Allow": "POST"},
        )
    request.interaction = operation.name
    agreed = contract.of(operation.definition)
    request.input = parameters.parse(request)
    agreed.check(request.input.given, request.input.resource, operation.more)
    response = await operation.run(request)
    if request.context.settings.check_answers and response.status < 300 and response.content_type is None:
        agreed.check_answer(None if response.body is None else document.decode(response.body))
    return response


def find(path: tuple[str, ...]) -> Operation:
    """The operation of a path. Raises not_supported (404), naming the nearest one."""
    name = path[-1]
    named = _BY_NAME.get(name)
    level = _LEVELS[len(path)]
    type = path[0] if len(path) > 1 else None
    if named is None:
        near = difflib.get_close_matches(name, _BY_NAME, 1)
        also = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(_BY_NAME)}"
        raise not_supported(f"There is no operation `{name}`{also}", status=404)
    for operation in named:
        if level in operation.levels and (type is None or not operation.types or type in operation.types):
            return operation
    raise _elsewhere(named, "/".join(path[:-1]) or "the base")


def answers_in(path: tuple[str, ...], accept: str) -> bool:
    """Whether the path ends in an operation that has an answer of a type that is accepted."""
    named = _BY_NAME.get(path[-1], ()) if path else ()
    return any(formats.chosen(accept, operation.media_types) is not None for operation in named)


_LEVELS = {1: "system", 2: "type", 3: "instance", 5: "version"}


def _elsewhere(named: list[Operation], place: str) -> FhirError:
    forms = {
        "system": "{name}",
        "type": "{type}/{name}",
        "instance": "{type}/[id]/{name}",
        "version": "{type}/[id]/_history/[version]/{name}",
    }
    known = [
        forms[level].format(name=operation.name, type=type)
        for operation in named
        for type in operation.types or ("[type]",)
        for level in operation.levels
    ]
    return not_supported(f"`{named[0].name}` is not had on {place}; it is {' or '.join(known)}", status=404)
