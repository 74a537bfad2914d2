"""What may stand in a write, by who writes it (RULES R14, R19-R21): looked at before the write, with the content
before and the content to come. Whether the place is the caller's to write is a condition on what was written.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from fhirhub import errors
from fhirhub.access import Actor
from fhirhub.auth import matrix
from fhirhub.resources import consents, guide, primitives, relations

Json = dict[str, Any]

YEAR_US = 366 * 86_400 * 1_000_000
REVIEW_US = 185 * 86_400 * 1_000_000
"""Six months, and the day itself."""


def check(actor: Actor, letter: str, old: Json | None, new: Json | None) -> None:
    """Raises FhirError where this actor may not write this; puts back into `new` what writes keep."""
    resource = new if new is not None else old
    assert resource is not None
    type = resource["resourceType"]
    if type == "Endpoint":
        _endpoint(actor, old, new)
    if letter == "d":
        if type != "Subscription":
            _delete(actor, resource)
        return
    assert new is not None
    _labels(actor, old, new)
    match type:
        case "Patient":
            _keep(old, new, ("identifier", "generalPractitioner", "link"))
        case "CareTeam":
            _same(old, new, "participant", "who is in a team follows from Tasks, grants, shifts and blocks")
            _same(old, new, "status", "a team ends with its plan")
            _same(old, new, "period", "a team ends with its plan")
        case "CarePlan":
            _care_plan(old, new)
        case "Consent":
            _consent(actor, old, new)
        case "Subscription":
            _subscription(actor, new)
        case "Task":
            _task(actor, letter, old, new)
        case "OrganizationAffiliation":
            _affiliation(actor, old, new)
        case "Provenance":
            _provenance(actor, new)
        case _:
            _own_words(actor, old, new)


def _refuse(text: str, where: str) -> errors.FhirError:
    return errors.business_rule(text, where)


def _keep(old: Json | None, new: Json, names: tuple[str, ...]) -> None:
    for name in names:
        if old is not None and name in old:
            new[name] = old[name]
        else:
            new.pop(name, None)


def _same(old: Json | None, new: Json, name: str, why: str) -> None:
    if (old or {}).get(name) != new.get(name):
        type = new["resourceType"]
        raise _refuse(f"`{name}` of a {type} is not changed directly: {why}.", f"{type}.{name}")


def _care_plan(old: Json | None, new: Json) -> None:
    if old is not None:
        _same(old, new, "author", "who made the plan stays who made it")
    if _teams(old) != _teams(new):
        raise _refuse(
            "The care team in a plan is not written directly: who is in it follows from Tasks.",
            "CarePlan.contained",
        )


def _teams(plan: Json | None) -> list[tuple[Any, Any, Any]]:
    contained = (plan or {}).get("contained", ())
    return [
        (one.get("id"), one.get("status"), one.get("participant"))
        for one in contained
        if one.get("resourceType") == "CareTeam"
    ]


def _affiliation(actor: Actor, old: Json | None, new: Json) -> None:
    """Cover is written by who is covered (R11), any other by an administrator (R21)."""
    if actor.column == "administrator" or actor.directory:
        return
    for one in (new,) if old is None else (old, new):
        covered = _text(one.get("organization"))
        covers = _text(one.get("participatingOrganization"))
        if not relations.is_cover(one) or covered != actor.organization or covers == covered:
            raise errors.forbidden(
                "Of OrganizationAffiliations a practice writes those alone that say who covers for it: code "
                "`waarneming`, `organization` the own one, `participatingOrganization` another."
            )


def _endpoint(actor: Actor, old: Json | None, new: Json | None) -> None:
    """Where an organisation is reached is written by its own administrator (R21)."""
    if actor.directory:
        return
    for one in (old, new):
        if one is not None and _text(one.get("managingOrganization")) != actor.organization:
            raise errors.forbidden(
                "An Endpoint is written by the administrator of the organisation that it is of: "
                f"`managingOrganization` is `{actor.organization}`."
            )


def _task(actor: Actor, letter: str, old: Json | None, new: Json) -> None:
    """A Task is placed in the own name: that of the person, or of a role or organisation of theirs. Whom it is for
    stays as it was told, also where the writer was shown the bare reference."""
    whom = (old or {}).get("for")
    if whom is not None and _text(whom) is not None and _text(whom) == _text(new.get("for")):
        new["for"] = whom
    requester = _text(new.get("requester"))
    if letter == "c" and actor.column in ("patient", "representative", "carer") and requester != actor.person:
        raise _refuse(f"The requester of your Task is you: `{actor.person}`.", "Task.requester")


def _subscription(actor: Actor, new: Json) -> None:
    """It notifies who writes it, and nobody else: the hub says who that is."""
    owner = actor.person or actor.organization
    extensions = [
        one for one in new.get("extension", ()) if not str(one.get("url")).endswith(relations.SUBSCRIBER)
    ]
    url = guide.url("StructureDefinition", "subscriber")
    new["extension"] = [*extensions, {"url": url, "valueReference": {"reference": owner}}]


_AGENT_TYPES = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def _provenance(actor: Actor, new: Json) -> None:
    """Whoever it says did what: who told the hub so stands in it, as its enterer where they are not named."""
    agents = new.get("agent", [])
    named = {_text(agent.get("who")) for agent in agents}
    if actor.person is None:
        own = {actor.organization}
        named |= {_text(agent.get("onBehalfOf")) for agent in agents}
    else:
        own = {actor.person, *(name for name in actor.also if name.startswith("PractitionerRole/"))}
    if named & own:
        return
    entered: Json = {
        "type": {"coding": [{"system": _AGENT_TYPES, "code": "enterer", "display": "Enterer"}]},
        "who": {"reference": actor.person or actor.organization},
    }
    if actor.person is not None and actor.organization is not None:
        entered["onBehalfOf"] = {"reference": actor.organization}
    new["agent"] = [*agents, entered]


_SELF = {
    "Observation": ("performer",),
    "QuestionnaireResponse": ("source", "author"),
    "Communication": ("sender",),
}


def _own_words(actor: Actor, old: Json | None, new: Json) -> None:
    """The patient, representative and carer write what they themselves answer, measure and say."""
    if actor.column not in ("patient", "representative", "carer"):
        return
    for resource in (old, new):
        names = _SELF.get(new["resourceType"])
        if resource is None or names is None:
            continue
        found = [one for name in names for one in _texts(resource.get(name))]
        if not found or set(found) != {actor.person}:
            type, name = new["resourceType"], names[0]
            raise _refuse(f"Your own {type} names you as `{name}`: `{actor.person}`.", f"{type}.{name}")


_OWN = (*relations.AUTHORS, "source", "requester")
"""The elements that say whose own a resource is: who wrote or asked it."""


def _delete(actor: Actor, old: Json) -> None:
    """Treating roles delete their own (R21): what names them as who wrote or asked it."""
    if old["resourceType"] in matrix.DIRECTORY | matrix.DEFINITIONS:
        return
    if not actor.names & {one for name in _OWN for one in _texts(old.get(name))}:
        raise errors.forbidden(
            f"Of type {old['resourceType']} you delete only what you wrote yourself, and what says so: one of "
            f"{', '.join(f'`{name}`' for name in _OWN)} names you."
        )


def _labels(actor: Actor, old: Json | None, new: Json) -> None:
    """A label is lowered, and something hidden from the patient, by a doctor alone (R20)."""
    before = set(relations.label(old) or "") if old is not None else set()
    after = set(relations.label(new) or "")
    if actor.is_doctor:
        if "S" in after - before:
            _reviewed(new)
        return
    if before - after:
        raise _refuse("A label of confidentiality is taken away by a doctor who sees it.", "meta.security")
    if "S" in after - before:
        raise _refuse("What is hidden from the patient is hidden by a doctor.", "meta.security")


def _reviewed(new: Json) -> None:
    """What is hidden from the patient says why, and when that is looked at again, within six months (R20)."""
    hiding = [coding for coding in new["meta"]["security"] if coding.get("code") == "S"]
    for coding in hiding:
        told = {
            part.get("url"): part
            for one in coding.get("extension", ())
            if str(one.get("url", "")).endswith("/StructureDefinition/label-review")
            for part in one.get("extension", ())
        }
        reason = str(told.get("reason", {}).get("valueString", "")).strip()
        review = str(told.get("review", {}).get("valueDate", ""))
        if not reason or len(review) != 10 or not 0 < _from_now(review) <= REVIEW_US:
            raise _refuse(
                "What is hidden from the patient has a reason and a review date within six months: the extension "
                "`label-review` on the label.",
                "meta.security.extension",
            )


def _from_now(day: str) -> int:
    try:
        return primitives.date_range(day)[1] - time.time_ns() // 1000
    except ValueError:
        return 0


def _consent(actor: Actor, old: Json | None, new: Json) -> None:
    """R14: by the patient, the representative, or a professional who heard the patient say it, never by anyone of
    whom it lets in; representation by a huisarts or specialist (R19)."""
    decided = [*_decisions(old), *_decisions(new)]
    if any("/" in one.subject and one.subject != actor.person for one in decided):
        raise errors.forbidden("Who sees a relative's own answers is decided by that relative alone.")
    if any(one.represents for one in decided) or consents.permits_as_representative(new):
        _representation(actor, new)
        return
    if actor.column in ("patient", "representative"):
        return
    performers = _texts(new.get("performer"))
    if actor.column == "carer":
        if performers != [actor.person] or any(one.subject != actor.person for one in decided):
            raise errors.forbidden(
                "A carer decides about the own answers alone: `performer` is you, and `class` is "
                "QuestionnaireResponse."
            )
        return
    if not decided:
        return
    if _text(new.get("patient")) not in performers and not any(
        one.startswith("RelatedPerson/") for one in performers
    ):
        raise _refuse(
            "What you heard the patient say is performed by the patient: `performer`.", "Consent.performer"
        )
    if not any(one.get("verified") is True for one in new.get("verification", ())):
        raise _refuse(
            "What you heard the patient say is verified: `verification` with `verified` and by whom.",
            "Consent.verification",
        )
    if any(not one.actor or one.actor in actor.names for one in opening(old, new)):
        raise lets_in_the_writer()


def opening(old: Json | None, new: Json) -> list[consents.Decision]:
    """By what a write of a Consent opens something: its permissions, and the objections that it ends or narrows."""
    return [one for one in _decisions(new) if one.permits] + [
        one for one in _decisions(old) if not one.permits and not _stands(one, new)
    ]


def lets_in_the_writer() -> errors.FhirError:
    """403 for who would open something to themselves."""
    return errors.forbidden("A Consent is never written by anyone of the organisation or person it lets in.")


def _representation(actor: Actor, new: Json) -> None:
    if actor.role not in ("huisarts", "specialist-ouderengeneeskunde"):
        raise errors.forbidden(
            "Who represents a patient is recorded by a huisarts or a specialist ouderengeneeskunde."
        )
    if new.get("status") == "active":
        _complete(new)


def _complete(new: Json) -> None:
    """R19: a representation that holds says on what ground, by what evidence, about what and until when."""
    lacking: dict[str, str] = {}
    if not new.get("policy") and not new.get("policyRule"):
        lacking["policy"] = "its ground (`policy` or `policyRule`)"
    if not new.get("sourceReference") and not new.get("sourceAttachment") and not new.get("verification"):
        lacking["verification"] = "its evidence (`source[x]` or `verification`)"
    if not consents.covers(new):
        lacking["provision"] = (
            "the decisions that it covers (`provision.class` with types of data, or `provision.action` with `access` "
            "and `correct` for all that the patient may do)"
        )
    start, until = relations.period(new.get("provision", {}).get("period"))
    made = relations.period({"start": new["dateTime"]})[0] if new.get("dateTime") else start
    if until - max(start, made) > YEAR_US:
        lacking["provision.period.end"] = (
            "a date within a year on which it is reviewed (`provision.period.end`)"
        )
    if lacking:
        raise _refuse(
            f"A representation names {', and '.join(lacking.values())}.", f"Consent.{next(iter(lacking))}"
        )
    if void := consents.not_evaluated(new):
        raise _refuse(
            f"A representation with `{void[0]}` in its provision gives nothing; leave that out.",
            f"Consent.provision.{void[0]}",
        )


def _decisions(resource: Json | None) -> Iterator[consents.Decision]:
    return iter(()) if resource is None else consents.decisions(resource)


def _stands(objection: consents.Decision, new: Json) -> bool:
    """Whether the objection is there still, as far-reaching as it was."""
    return any(
        not one.permits
        and (one.subject, one.actor) == (objection.subject, objection.actor)
        and one.type in ("", objection.type)
        and one.start <= objection.start
        and one.until >= objection.until
        and one.reads >= objection.reads
        for one in _decisions(new)
    )


def _text(reference: Json | None) -> str | None:
    text = reference.get("reference") if reference else None
    return text if isinstance(text, str) else None


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    found = [_text(one.get("actor", one)) for one in values if isinstance(one, dict)]
    return [one for one in found if one is not None]
