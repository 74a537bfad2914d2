"""The whole validation of a resource: structure, invariants, bindings, extensions, profiles.

https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Literal

from fhirhub.errors import Issue
from fhirhub.resources import definitions, fhirpath, guide
from fhirhub.resources.canonicals import CORE, OFFICIAL, Canonicals, type_of
from fhirhub.resources.fhirpath import Item
from fhirhub.resources.fhirpath.item import of_resource
from fhirhub.resources.validation import (
    bundles,
    codelists,
    elements,
    extensions,
    measures,
    operations,
    positions,
    questionnaires,
    strictness,
    structure,
    structuredefinitions,
    wording,
)
from fhirhub.resources.validation.bindings import LocalTerminology, Terminology
from fhirhub.resources.validation.conforming import Check
from fhirhub.resources.validation.examination import (
    MOST_SECONDS,
    USUAL,
    Examination,
    Resolve,
    Scope,
    Strictness,
    TooCostlyError,
)
from fhirhub.resources.validation.faults import MAX_FAULTS
from fhirhub.resources.validation.profiles import Profile, Profiles

Json = dict[str, Any]
Level = Literal["structure", "base", "profiles"]
"""How much is asked: the structure alone; with R4's invariants, codes and extensions; with profiles too."""
InnerProfiles = Callable[[str], tuple[str, ...]]

OWN_RULES: dict[str, Callable[[Examination, Scope, Item], None]] = {
    "Bundle": bundles.check,
    "CapabilityStatement": operations.check_capabilities,
    "CodeSystem": codelists.check_code_system,
    "ConceptMap": codelists.check_concept_map,
    "Measure": measures.check_measure,
    "MeasureReport": measures.check_report,
    "OperationDefinition": operations.check_operation,
    "Questionnaire": questionnaires.check_questionnaire,
    "QuestionnaireResponse": questionnaires.check_response,
    "SearchParameter": operations.check_search_parameter,
    "StructureDefinition": structuredefinitions.check,
    "ValueSet": codelists.check_value_set,
}
"""What only resources of a type ask, beyond their invariants."""

_QUIET_SECONDS = 30.0
_MOST_QUIET = 20_000

_ORDER = {"fatal": 0, "error": 1, "warning": 2, "information": 3}


class Validator:
    """What validates against a set of definitions; made once for a set and used for every resource.

    `canonicals` are the definitions, those of packages in front of R4's own; `terminology` judges codes,
    by default as far as the definitions list them; `asked` is what is refused beyond what FHIR does. Compiled
    profiles are kept; it is safe to share between tasks of one event loop.
    """

    def __init__(
        self,
        canonicals: Canonicals = OFFICIAL,
        terminology: Terminology | None = None,
        asked: Strictness = USUAL,
    ) -> None:
        self.asked = asked
        self.canonicals = canonicals
        self.terminology = terminology or LocalTerminology(canonicals)
        self.profiles = Profiles(canonicals)
        self._quiet: dict[tuple[Level, Hashable], set[Any]] = {}
        self._quiet_until = 0.0

    def validate(
        self,
        resource: Json,
        profiles: Iterable[str] = (),
        *,
        inner_profiles: InnerProfiles | None = None,
        level: Level = "profiles",
        resolve: Resolve | None = None,
        source: bytes | None = None,
        seconds: float = MOST_SECONDS,
        pause: Callable[[], float] | None = None,
        has_structure: bool = False,
        terminology: Terminology | None = None,
        apart: Hashable = None,
        may_know_later: bool = False,
        asked: Strictness | None = None,
    ) -> list[Issue]:
        """Every issue, errors first, each with its FHIRPath; an empty list where all is well.

        `profiles` are those that the request or the settings ask for, besides those that the resource claims
        in `meta.profile`; `inner_profiles` says by type which are asked of the resources in entries and parameters.
        `resolve` finds resources that references name and that are not in the resource.
        `source` is the JSON or XML that the resource came in: with it each issue tells line and column.
        `pause` is called often and may stop the work for the seconds that it returns. `has_structure` says that
        the structure was found right already. `terminology` judges codes this time; where it knows more than the
        definitions, `apart` tells what, and `may_know_later` that it was not asked for all that it may know.
        `asked` is what is refused this time, instead of what always is.
        Never raises for what is in a resource.
        """
        issues = [] if has_structure else structure.validate(resource)
        type = resource.get("resourceType")
        if level != "structure" and isinstance(type, str) and definitions.is_resource_type(type):
            examination = Examination(
                self.canonicals,
                terminology or self.terminology,
                resolve,
                seconds,
                pause,
                self._lately_quiet(level, apart),
                is_strict=level == "profiles",
                may_know_later=may_know_later,
                strictness=self.asked if asked is None else asked,
            )
            self._examine(examination, resource, tuple(profiles), inner_profiles, level, bool(issues))
            issues = _ordered(issues, examination.issues)
        return issues if source is None else positions.placed(issues, source)

    @functools.cached_property
    def supported(self) -> Mapping[str, tuple[str, ...]]:
        """By resource type, the profiles of it that are known: those of the guide, of packages, and of one's own."""
        found: dict[str, set[str]] = {}
        for each in (*guide.definitions(), *self.canonicals.all("StructureDefinition")):
            type = each.get("type")
            is_profile = (
                each["resourceType"] == "StructureDefinition" and each.get("derivation") == "constraint"
            )
            if is_profile and isinstance(type, str) and definitions.is_resource_type(type):
                found.setdefault(type, set()).add(str(each["url"]))
        return {type: tuple(sorted(urls)) for type, urls in found.items()}

    @functools.cached_property
    def everywhere(self) -> Mapping[str, tuple[str, ...]]:
        """By resource type, the profiles to which guides hold every resource, whether it claims them or not
        (https://hl7.org/fhir/R4/implementationguide-definitions.html#ImplementationGuide.global)."""
        newest = {str(each["url"]): each for each in self.canonicals.all("ImplementationGuide")}
        found: dict[str, list[str]] = {}
        for one in newest.values():
            for each in one.get("global", ()):
                found.setdefault(str(each.get("type")), []).append(str(each.get("profile")))
        return {type: tuple(dict.fromkeys(profiles)) for type, profiles in found.items()}

    def _lately_quiet(self, level: Level, apart: Hashable) -> set[Any]:
        """Kept for a while only, since an outside terminology may come to know more."""
        now = time.monotonic()
        found = self._quiet.get((level, apart))
        if found is None or now > self._quiet_until or len(found) > _MOST_QUIET:
            if now > self._quiet_until or found is not None:
                self._quiet = {}
                self._quiet_until = now + _QUIET_SECONDS
            found = self._quiet[level, apart] = set()
        return found

    def _examine(
        self,
        examination: Examination,
        resource: Json,
        profiles: tuple[str, ...],
        inner_profiles: InnerProfiles | None,
        level: Level,
        is_faulty: bool,
    ) -> None:
        try:
            everywhere = self.everywhere if level == "profiles" else {}
            with_profiles = level == "profiles"
            may_be_active = with_profiles and strictness.may_be_active(resource)
            validation = _Validation(
                self, examination, with_profiles, inner_profiles, everywhere, may_be_active
            )
            validation.run(of_resource(resource), profiles)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as fault:
            # What has not the structure of its type cannot be looked at as one; else the fault is ours.
            severity: Literal["information", "error"] = "information" if is_faulty else "error"
            text = "The rest was not checked: " + (
                "first the structure must be right" if is_faulty else "the check itself has a fault"
            )
            code = "incomplete" if is_faulty else "exception"
            examination.tell(severity, code, f"{text} ({type(fault).__name__})", None)
        except TooCostlyError:
            text = "The rest was not checked: it would take longer than a validation may"
            examination.tell("error", "too-costly", text, None)
        except RecursionError:
            text = "The rest was not checked: profiles lead too deep into each other"
            examination.tell("error", "too-costly", text, None)


class _Validation:
    """One run."""

    def __init__(
        self,
        validator: Validator,
        examination: Examination,
        with_profiles: bool,
        inner_profiles: InnerProfiles | None,
        everywhere: Mapping[str, tuple[str, ...]],
        may_be_active: bool,
    ) -> None:
        self.examination = examination
        self.inner_profiles = inner_profiles
        self.everywhere = everywhere
        self.with_profiles = with_profiles
        self.may_be_active = may_be_active
        self.checking = Check(examination, validator.profiles)
        examination.conforms = self._conforms

    def _conforms(self, examination: Examination, item: Item, canonical: str) -> bool | None:
        return self.checking.conforms(Scope(item), item, canonical)

    def run(self, item: Item, profiles: tuple[str, ...], root: Item | None = None) -> None:
        """A resource and those within it."""
        scope = Scope(item, root)
        elements.walk(self.examination, scope, item, self._extension)
        self._own_rules(scope, item)
        if self.examination.strictness.refused:
            strictness.check(self.examination, item)
        if self.may_be_active:
            strictness.check_active(self.examination, item)
        if self.with_profiles:
            besides = self.everywhere.get(item.type, ())
            for canonical in dict.fromkeys((*profiles, *_claimed(item), *_vital_sign(item), *besides)):
                self._profile(scope, item, canonical, is_asked=canonical in profiles)
        for inner in elements.resources(item):
            is_contained = inner.property is not None and inner.property.name == "contained"
            asked = () if is_contained or self.inner_profiles is None else self.inner_profiles(inner.type)
            self.run(inner, asked, item if is_contained else None)

    def _own_rules(self, scope: Scope, item: Item) -> None:
        """What only some types ask."""
        own = OWN_RULES.get(item.type)
        if own is not None:
            own(self.examination, scope, item)

    def _extension(self, examination: Examination, scope: Scope, item: Item) -> None:
        extensions.check(self.checking, scope, item)

    def _profile(self, scope: Scope, item: Item, canonical: str, is_asked: bool) -> None:
        official = type_of(canonical)
        if official is not None and official != item.type:
            if not fhirpath.model.is_a(item.type, official):
                text = f"The profile {canonical} is of {official}; this is a {item.type}"
                self.examination.tell("error", "structure", text, item, profile=canonical)
            return
        if official is not None:
            return
        profile = self.checking.profiles.get(canonical)
        if profile is not None:
            self._against(scope, item, profile)
            return
        fault = self.checking.profiles.faults.get(canonical)
        if fault is not None:
            text = f"The profile {canonical} could not be read, so it was not checked: {fault}"
        else:
            text = f"The profile {canonical} is not known here, so it was not checked"
        severity: Literal["error", "warning"] = "error" if is_asked else "warning"
        below = "" if is_asked else ".meta.profile"
        self.examination.tell(severity, "not-found", text, item, below=below, profile=canonical)

    def _against(self, scope: Scope, item: Item, profile: Profile) -> None:
        """Against a profile and those that it imposes; of a document or message, its first entry may be meant."""
        if item.type == "Bundle" and profile.type != "Bundle":
            first = next(iter(elements.resources(item)), None)
            entry = None if first is None else first.parent
            if first is not None and first.type == profile.type and entry is not None and entry.index == 0:
                scope, item = Scope(first), first
        self.checking.profile(scope, item, profile)
        if profile.supported and not profile.url.startswith(CORE):
            self._note_absent(item, profile)
        for canonical in profile.imposed:
            imposed = self.checking.profiles.get(canonical)
            if imposed is None:
                text = f"{profile.title} imposes the profile {canonical}, which is not known here"
                self.examination.tell("warning", "not-found", text, item, profile=profile.url)
            elif imposed is not profile:
                self.checking.profile(scope, item, imposed)

    def _note_absent(self, item: Item, profile: Profile) -> None:
        """Say which elements that must be supported are not there, which is no fault (profiling.html#mustsupport)."""
        absent = [name for name in profile.supported if not _is_there(item.value, name)]
        if absent:
            text = f"{profile.title} asks to support what is not here: {wording.listed(absent)}"
            self.examination.tell("information", "informational", text, item, profile=profile.url)


def _is_there(value: Json, name: str) -> bool:
    if name.endswith("[x]"):
        start = name.removesuffix("[x]")
        return any(key.lstrip("_").startswith(start) for key in value)
    return name in value or f"_{name}" in value


# LOINC codes of vital signs, by the profile to which these must conform whether they claim it or not. The first of
# each is the code that the profile asks; a more special one stands beside it
# (https://hl7.org/fhir/R4/observation-vitalsigns.html).
_CODES_OF_VITAL_SIGNS = {
    "vitalspanel": ("85353-1",),
    "resprate": ("9279-1", "76170-0", "76171-8", "76172-6", "19840-8", "33438-3", "76270-8", "11291-2"),
    "heartrate": (
        *("8867-4", "60978-4", "73795-7", "73799-9", "76476-1", "76477-9", "8886-4", "8889-8", "8890-6"),
        *("8891-4", "8892-2", "8893-0", "40443-4", "55425-3", "68999-2", "11328-2", "69000-8"),
    ),
    "oxygensat": (
        *("2708-6", "59408-5", "19224-5", "20564-1", "2709-4", "2710-2", "2713-6", "51733-4", "59417-6"),
        *("89276-0", "97549-0"),
    ),
    "bodytemp": (
        *("8310-5", "8309-7", "8328-7", "8329-5", "8330-3", "8331-1", "8332-9", "8333-7", "8334-5"),
        *("60834-9", "60835-6", "60836-4", "60838-0", "60955-2", "61009-7", "75539-7", "75987-8", "76010-8"),
        *("76011-6", "76278-1"),
    ),
    "bodyheight": ("8302-2", "3137-7", "3138-5", "8306-3", "8308-9"),
    "headcircum": ("9843-4", "8287-5"),
    "bodyweight": ("29463-7", "3141-9", "3142-7", "75292-3", "79348-9", "8350-1", "8351-9"),
    "bmi": ("39156-5", "89270-3"),
    "bp": ("85354-9", "35094-2", "76534-7", "55284-4"),
}
_VITAL_SIGNS = {code: name for name, codes in _CODES_OF_VITAL_SIGNS.items() for code in codes}


def _vital_sign(item: Item) -> list[str]:
    if item.type != "Observation":
        return []
    codings = (item.value.get("code") or {}).get("coding", ())
    return [
        CORE + _VITAL_SIGNS[each["code"]]
        for each in codings
        if each.get("system") == "http://loinc.org" and each.get("code") in _VITAL_SIGNS
    ]


def _claimed(item: Item) -> list[str]:
    meta = item.value.get("meta")
    found = meta.get("profile", ()) if isinstance(meta, dict) else ()
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _ordered(structural: list[Issue], found: list[Issue]) -> list[Issue]:
    """All issues without repeats, the worst first; what the structure's faults have said is not said again."""
    seen: set[tuple[str | None, str, str | None]] = set()
    issues = []
    for issue in (*structural, *found):
        key = (issue.expression, issue.text, issue.profile)
        if key not in seen:
            seen.add(key)
            issues.append(issue)
    issues.sort(key=lambda issue: _ORDER[issue.severity])
    if len(found) < MAX_FAULTS and len(issues) <= 2 * MAX_FAULTS:
        return issues
    rest = Issue("information", "informational", f"Of more than {MAX_FAULTS} issues not all are listed")
    return [*issues[: 2 * MAX_FAULTS], rest]
