"""What a Consent decides about access: its provisions, flattened (RULES R13-R19;
https://hl7.org/fhir/R4/consent.html).

Only an active Consent of scope `patient-privacy` decides. Evaluated are `class`, `action`, `period`, `actor` and
nested provisions; anything else in a provision makes a permit void and a deny total.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from fhirhub.resources import definitions, primitives, references

Json = dict[str, Any]

SCOPES = "http://terminology.hl7.org/CodeSystem/consentscope"
TYPES = "http://hl7.org/fhir/resource-types"
ACTIONS = "http://terminology.hl7.org/CodeSystem/consentaction"
REPRESENTATIVE = "310391000146105"

_READING = frozenset({"access", "use", "disclose"})
_WRITING = frozenset({"collect", "correct"})
_EVALUATED = frozenset({"type", "class", "action", "period", "actor", "provision", "id"})
_NEVER = (1 << 62, -(1 << 62))
_ALWAYS = (-(1 << 62), 1 << 62)
_YEAR_US = 366 * 86_400 * 1_000_000


class Decision(NamedTuple):
    """One permission or objection: for one actor ('' for all), one resource type ('' for all), in a period."""

    subject: str
    """The patient's id, or `RelatedPerson/x` for a carer's own answers."""
    actor: str
    permits: bool
    type: str
    start: int
    until: int
    reads: bool
    collects: bool
    represents: bool

    @property
    def specificity(self) -> int:
        """Person before organisation before none, with class before without (R13)."""
        if not self.actor:
            of = 0
        elif self.actor.startswith(("Organization/", "HealthcareService/")):
            of = 2
        else:
            of = 4
        return of + (1 if self.type else 0)


def is_privacy(resource: Json) -> bool:
    """Whether it is an active Consent that can decide access at all."""
    codings = resource.get("scope", {}).get("coding", ())
    return resource.get("status") == "active" and any(
        coding.get("code") == "patient-privacy" and coding.get("system") == SCOPES for coding in codings
    )


def is_treatment_limit(resource: Json) -> bool:
    """Whether it tells what treatment the patient wants or does not want: no label hides that."""
    if resource.get("resourceType") != "Consent":
        return False
    codings = resource.get("scope", {}).get("coding", ())
    return any(coding.get("code") in ("treatment", "adr") for coding in codings)


def decisions(resource: Json, base: str | None = None) -> Iterator[Decision]:
    """What the Consent decides, each provision with what it takes over from those around it."""
    if not is_privacy(resource) or "provision" not in resource:
        return
    patient = _local(resource.get("patient"), base)
    if patient is None or not patient.startswith("Patient/"):
        return
    outer = _Around((), (), None, None, _ALWAYS, "modifierExtension" not in resource)
    for one in _flattened(resource["provision"], outer, base):
        yield from _decided(resource, patient.partition("/")[2], one, base)


def permits_as_representative(resource: Json) -> bool:
    """Whether it is there to let somebody represent the patient, whether or not it is so written that it can."""
    return is_privacy(resource) and any(
        _is_representative(actor)
        for provision in _provisions(resource.get("provision"))
        if provision.get("type", "permit") == "permit"
        for actor in provision.get("actor", ())
    )


def covers(resource: Json) -> bool:
    """Whether each provision that names a representative says about what they decide: the types in `class`, or all
    that the patient may do, which is `access` and `correct` in `action`."""
    return all(
        provision.get("class")
        or {"access", "correct"} <= {_action(one) for one in provision.get("action", ())}
        for provision in _provisions(resource.get("provision"))
        if any(map(_is_representative, provision.get("actor", ())))
    )


def not_evaluated(resource: Json) -> list[str]:
    """The elements of its provisions that make a permit void (R13)."""
    return sorted(
        {name for one in _provisions(resource.get("provision")) for name in one.keys() - _EVALUATED}
    )


def _provisions(provision: Json | None) -> Iterator[Json]:
    if provision is not None:
        yield provision
        for nested in provision.get("provision", ()):
            yield from _provisions(nested)


def of_own_answers(resource: Json, base: str | None = None) -> str | None:
    """The relative who decides in this Consent about the own answers and nothing else, whether it stands or not."""
    subjects = {one.subject for one in decisions({**resource, "status": "active"}, base)}
    own = next(iter(subjects), "") if len(subjects) == 1 else ""
    return own if own.startswith("RelatedPerson/") else None


class _Around(NamedTuple):
    """A provision with what stands around it."""

    actors: tuple[tuple[str, bool], ...]
    """Each with whether it is there as representative; none at all is everybody."""
    types: tuple[str, ...]
    actions: frozenset[str] | None
    permits: bool | None
    period: tuple[int, int]
    understood: bool


def _flattened(provision: Json, around: _Around, base: str | None) -> Iterator[_Around]:
    understood = around.understood and provision.keys() <= _EVALUATED
    actors = around.actors
    if provision.get("actor"):
        actors = tuple(
            (_actor(actor.get("reference"), base) or "", _is_representative(actor))
            for actor in provision["actor"]
        )
    types = around.types
    if provision.get("class"):
        codings = provision["class"]
        types = tuple(coding.get("code", "") for coding in codings if _is_type(coding))
        understood = understood and len(types) == len(codings)
    actions = around.actions
    if provision.get("action"):
        found = [_action(concept) for concept in provision["action"]]
        actions = frozenset(action for action in found if action is not None)
        understood = understood and None not in found
    permits = {"permit": True, "deny": False}.get(provision.get("type", ""))
    period = _meet(around.period, _period(provision.get("period")))
    own = _Around(actors, types, actions, permits, period, understood)
    if permits is not None:
        yield own
    for nested in provision.get("provision", ()):
        yield from _flattened(nested, own, base)


def _decided(resource: Json, patient: str, one: _Around, base: str | None) -> Iterator[Decision]:
    start, until = one.period
    if one.permits and (not one.understood or start >= until):
        return
    actors = one.actors or (("", False),)
    types, actions = one.types or ("",), one.actions
    if not one.understood:
        # A deny that is not understood is total: whom it names sees nothing and adds nothing.
        types, actions = ("",), None
    reads = actions is None or bool(actions & _READING)
    collects = "collect" in actions if actions is not None else False
    subject = _subject(resource, patient, types, base)
    for actor, represents in actors:
        if one.permits and not actor and one.actors:
            continue  # An actor that is nobody here is permitted nothing ...
        if represents and one.permits:
            end = min(until, _dated(resource) + _YEAR_US)
            for type in types:
                yield Decision(subject, actor, True, type, start, end, True, True, True)
            continue
        for type in types:  # ... and an objection to it is one to everybody.
            yield Decision(subject, actor, bool(one.permits), type, start, until, reads, collects, False)


def _subject(resource: Json, patient: str, types: tuple[str, ...], base: str | None) -> str:
    """Whose data it is about: the patient's, or a carer's own answers where the carer alone performs it."""
    performers = [_local(performer, base) or "" for performer in resource.get("performer", ())]
    if len(performers) == 1 and performers[0].startswith("RelatedPerson/") and types == (STRAIN,):
        return performers[0]
    return patient


STRAIN = "QuestionnaireResponse"
"""The type of a carer's own answers (R18)."""


def _is_type(coding: Json) -> bool:
    return coding.get("system") == TYPES and definitions.is_resource_type(coding.get("code", ""))


def _action(concept: Json) -> str | None:
    for coding in concept.get("coding", ()):
        code = coding.get("code")
        if coding.get("system") == ACTIONS and (code in _READING or code in _WRITING):
            return str(code)
    return None


def _is_representative(actor: Json) -> bool:
    codings = actor.get("role", {}).get("coding", ())
    return any(coding.get("code") == REPRESENTATIVE for coding in codings)


def _actor(reference: Json | None, base: str | None) -> str | None:
    """Whom a provision is about: a party, or the queue that stands in the guide's extension `consent-queue`, since R4
    has no HealthcareService among the actors."""
    found = _local(reference, base)
    if found is None and reference is not None:
        for extension in reference.get("extension", ()):
            if str(extension.get("url", "")).endswith("/StructureDefinition/consent-queue"):
                return _local(extension.get("valueReference"), base)
    return found


def _local(reference: Json | None, base: str | None) -> str | None:
    text = reference.get("reference") if reference else None
    if not isinstance(text, str):
        return None
    target = references.parse(text, base)
    return f"{target.type}/{target.id}" if target.is_local else None


def _meet(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return max(one[0], other[0]), min(one[1], other[1])


def _period(value: Json | None) -> tuple[int, int]:
    start, until = _ALWAYS
    if value:
        try:
            if value.get("start"):
                start = primitives.date_range(value["start"])[0]
            if value.get("end"):
                until = primitives.date_range(value["end"])[1]
        except (ValueError, TypeError):
            return _NEVER
    return start, until


def _dated(resource: Json) -> int:
    """When it was made; a representation without a date holds never."""
    try:
        return primitives.date_range(resource.get("dateTime", ""))[0]
    except ValueError:
        return _ALWAYS[0]
