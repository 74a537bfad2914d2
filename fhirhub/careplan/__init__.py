"""Shared care planning: the rules that make one plan of many organisations' work.

RULES run inside the transaction of a write (`repository.Rule`), JOBS when they fall due. They are about who acts:
where nobody signs in, and in `load`, they do nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fhirhub.careplan import (
    agenda,
    agreement,
    answering,
    applying,
    coordination,
    development,
    dimensions,
    directives,
    discretion,
    drafts,
    dying,
    goals,
    hearing,
    hiding,
    identity,
    inviting,
    meetings,
    membership,
    messages,
    opened,
    outcomes,
    outside,
    plans,
    registering,
    representing,
    rights,
    segments,
    starting,
    watching,
    workflow,
)
from fhirhub.repository import Repository, Rule

Handler = Callable[[Repository, dict[str, Any]], Awaitable[None]]
"""Does timed work as the hub, from what was put into the queue (`jobs.enqueue`); it may be called again."""

RULES: tuple[Rule, ...] = (
    identity.OnePatientForEachBsn(),
    starting.NamePatient(),
    rights.AskAuthor(),
    workflow.CheckMove(),
    outside.ReferHere(),
    opened.KeepToContact(),
    hearing.HeardByAnother(),
    hiding.HideProvenance(),
    starting.StartPlan(),
    discretion.NameNobody(),
    coordination.CheckHandOver(),
    agreement.AskPatient(),
    membership.KeepTeam(),
    agreement.TakeNote(),
    plans.KeepPlan(),
    development.KeepApart(),
    answering.TakeAnswer(),
    outcomes.TakeOutcome(),
    rights.TellDecision(),
    rights.CarryOut(),
    directives.TakeDirectives(),
    drafts.KeepDrafts(),
    dimensions.Score(),
    dimensions.KeepScores(),
    watching.KeepBands(),
    watching.Watch(),
    goals.KeepWords(),
    agenda.KeepAgenda(),
    agenda.TakeSubjects(),
    applying.Apply(),
    segments.CheckSegment(),
    messages.CheckMessage(),
    meetings.CheckDecision(),
    registering.TakeOver(),
    inviting.TakeBack(),
    representing.EndWithAge(),
    representing.TakeObjection(),
    dying.EndWithDeath(),
)
"""In the order in which they run."""

JOBS: Mapping[str, Handler] = {agreement.JOB: agreement.look_again, watching.JOB: watching.look_again}
"""By kind of job."""
