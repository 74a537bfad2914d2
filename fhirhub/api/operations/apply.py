"""PlanDefinition/[id]/$apply: a programme into a plan, or as a proposal
(https://hl7.org/fhir/R4/plandefinition-operation-apply.html)."""

from __future__ import annotations

from datetime import date

from fhirhub import errors
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import parameters
from fhirhub.careplan import programmes
from fhirhub.repository import Repository, new_id
from fhirhub.resources import careplan, definitions, document, guide, references
from fhirhub.store import request as requests

_OPEN = frozenset({"draft", "active", "on-hold", "unknown"})


async def apply(request: FhirRequest) -> FhirResponse:
    """The CarePlan: that of `plan` as it now is, or a proposal that is not kept."""
    given = parameters.read(request)
    programme = await _programme(request, given)
    start = _start(given.text("start"), request.context.now())
    performer = _named(request, given, "practitioner") or _named(request, given, "organization")
    subject = _named(request, given, "subject", "Patient")
    plan = _named(request, given, "plan", "CarePlan")
    if plan is not None:
        return await _into(request, plan.removeprefix("CarePlan/"), programme, start, performer, subject)
    if subject is None:
        raise errors.required("`subject` names the patient, or `plan` the plan that takes the activities")
    id = subject.removeprefix("Patient/")
    await request.repository.read("Patient", id)
    proposal: Json = {
        "resourceType": "CarePlan",
        "status": "draft",
        "intent": "proposal",
        "title": programme.get("title"),
        "subject": {"reference": subject},
    }
    made = programmes.applied({k: v for k, v in proposal.items() if v}, programme, start, performer)
    proposed = programmes.goals(programme, id)
    if proposed:
        made["contained"] = [{**goal, "id": f"doel-{number}"} for number, goal in enumerate(proposed)]
        made["goal"] = [{"reference": f"#{goal['id']}"} for goal in made["contained"]]
    return FhirResponse(200, document.encode(made))


async def _into(
    request: FhirRequest, id: str, programme: Json, start: date, performer: str | None, subject: str | None
) -> FhirResponse:
    ids = [new_id() for _ in programme.get("goal", ())]

    async def work(unit: Repository) -> FhirResponse:
        plan = document.decode((await unit.read("CarePlan", id)).body or b"")
        patient = careplan.patient_of(plan, request.base)
        if subject is not None and subject != f"Patient/{patient}":
            raise errors.business_rule(
                f"CarePlan/{id} is about another patient than `subject` says.", "CarePlan.subject"
            )
        if patient is None or plan.get("status") not in _OPEN:
            raise errors.business_rule(
                f"A programme goes into a plan of a patient that is {', '.join(sorted(_OPEN))}; CarePlan/{id} is "
                f"{plan.get('status')}.",
                "CarePlan.status",
            )
        made = programmes.applied(plan, programme, start, performer)
        if made.get("instantiatesCanonical") != plan.get("instantiatesCanonical"):
            await _aim(unit, made, programmes.goals(programme, patient), ids)
        written = await unit.update(made, if_match=plan_version(plan))
        return FhirResponse(
            200, written.stored.body, version=written.stored.version, updated=written.stored.updated
        )

    return await request.repository.together(work)


def plan_version(plan: Json) -> int:
    return int(plan["meta"]["versionId"])


async def _aim(unit: Repository, plan: Json, wanted: list[Json], ids: list[str]) -> None:
    """Proposes the programme's goals, but those that the plan has; what contradicts one is left to people."""
    there = []
    for party in careplan.parties(plan.get("goal")):
        found = await unit.find("Goal", party.removeprefix("Goal/"))
        if found is not None and found.body is not None:
            there.append(document.decode(found.body))
    for goal, id in zip(wanted, ids, strict=True):
        meeting = [(one, programmes.contradicts(one, goal)) for one in there]
        against = [one for one, found in meeting if found]
        if against:
            programmes.to_decide(
                plan,
                f"Doel '{programmes.words(goal)}' naast '{programmes.words(against[0])}': welk van de twee geldt?",
            )
        elif not any(found is False for _, found in meeting):
            await unit.create(goal, id=id)
            plan.setdefault("goal", []).append({"reference": f"Goal/{id}"})


async def _programme(request: FhirRequest, given: parameters.Input) -> Json:
    """The programme that is meant: of the store, or of the guide."""
    named = [name for name in ("planDefinition", "canonical") if given.one(name) is not None]
    if len(request.path) == 3:
        if named:
            raise errors.invalid(f"`{named[0]}` is not given where the address names the programme")
        found = await request.repository.find("PlanDefinition", request.path[1])
        if found is not None and found.body is not None:
            return document.decode(found.body)
        own = programmes.find(request.path[1])
        if own is None:
            raise errors.not_found(f"There is no PlanDefinition/{request.path[1]}.")
        return own
    if len(named) != 1:
        raise errors.required("Either `planDefinition` or `canonical` says which programme is applied")
    if named == ["planDefinition"]:
        resource = given.one("planDefinition")
        if not isinstance(resource, dict) or resource.get("resourceType") != "PlanDefinition":
            raise errors.invalid("`planDefinition` expects a PlanDefinition")
        return resource
    url = str(given.one("canonical"))
    asked = requests.parse(
        "PlanDefinition", [("url", url.partition("|")[0])], request.repository.parameters, base=request.base
    )
    matches = (await request.repository.search(asked)).matches
    if matches:
        return document.decode(matches[0].body)
    own = guide.find("PlanDefinition", url.partition("|")[0])
    if own is None:
        raise errors.not_found(f"There is no PlanDefinition with the canonical {url}.")
    return own


def _start(text: str | None, now: int) -> date:
    try:
        return (
            date.fromisoformat(text) if text is not None else date.fromisoformat(document.instant(now)[:10])
        )
    except ValueError:
        raise errors.invalid(f"`start` expects a date such as 2026-11-22; got `{text}`") from None


def _named(request: FhirRequest, given: parameters.Input, name: str, type: str | None = None) -> str | None:
    """The resource of this server that a parameter names."""
    value = given.one(name)
    if value is None:
        return None
    text = value.get("reference") if isinstance(value, dict) else value
    if type is not None and isinstance(text, str) and "/" not in text:
        text = f"{type}/{text}"
    target = references.parse(str(text), request.base)
    if not target.is_local or (type is not None and target.type != type):
        kind = (
            type
            if type is not None
            else next(one for one in definitions.RESOURCE_TYPES if one.lower() == name)
        )
        raise errors.invalid(f"`{name}` expects a reference such as {kind}/1; got `{text}`")
    return f"{target.type}/{target.id}"
