"""Files validated without a server or a database (https://hl7.org/fhir/R4/validation.html)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fhirhub.api import outcome, write
from fhirhub.errors import FhirError, Issue, informational
from fhirhub.resources.validation import positions
from fhirhub.resources.validation.validator import Validator

Json = dict[str, Any]

_LINES = (".ndjson", ".jsonl")
_FILE = "http://hl7.org/fhir/StructureDefinition/operationoutcome-file"


@dataclass(frozen=True, slots=True)
class Checked:
    """A file, or the resource on one line of it, with every issue."""

    file: str
    type: str
    issues: list[Issue]

    @property
    def is_right(self) -> bool:
        return not any(issue.severity in ("error", "fatal") for issue in self.issues)


def check(
    name: str, content: bytes, validator: Validator, profiles: Callable[[str], Iterable[str]]
) -> Iterator[Checked]:
    """The resources of a file, each validated; `profiles` gives those asked of a type."""
    if Path(name).suffix not in _LINES:
        yield _checked(name, content, validator, profiles)
        return
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            one = _checked(name, line, validator, profiles)
            yield replace(one, issues=[replace(issue, line=number) for issue in one.issues])


def _checked(
    name: str, content: bytes, validator: Validator, profiles: Callable[[str], Iterable[str]]
) -> Checked:
    kind = "xml" if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" else "json"
    try:
        resource, faults = write.parse_with_faults(content, kind)
    except FhirError as fault:
        return Checked(name, "", positions.placed(fault.issues, content))
    type = str(resource.get("resourceType", ""))
    if faults:
        besides = write.beside(faults, validator.validate(resource, tuple(profiles(type))))
        return Checked(name, type, positions.placed([*faults, *besides], content))
    return Checked(name, type, validator.validate(resource, tuple(profiles(type)), source=content))


# -- Telling ----------------------------------------------------------------------------------------


def as_text(checked: Checked) -> Iterator[str]:
    """A line for each issue, in the form that editors know: file, line, column, severity, message."""
    for issue in checked.issues:
        place = f"{checked.file}:{issue.line or 1}:{issue.column or 1}"
        about = [part for part in (issue.expression, issue.key, issue.profile) if part]
        yield f"{place}: {issue.severity}: {issue.text}" + (f" [{', '.join(about)}]" if about else "")
    if not checked.issues:
        yield f"{checked.file}: {checked.type} without faults"


def summary(checked: Sequence[Checked]) -> str:
    """What was found in all."""
    counts = Counter(issue.severity for each in checked for issue in each.issues)
    wrong = sum(not each.is_right for each in checked)
    errors = counts["error"] + counts["fatal"]
    return (
        f"{_number(len(checked), 'resource')}, {wrong} of them with errors: {_number(errors, 'error')}, "
        f"{_number(counts['warning'], 'warning')}, {_number(counts['information'], 'remark')}."
    )


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}" + ("" if count == 1 else "s")


def as_outcome(checked: Sequence[Checked]) -> Json:
    """An OperationOutcome; of several resources a Bundle of them."""
    outcomes = [_outcome(each) for each in checked]
    if len(outcomes) == 1:
        return outcomes[0]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": each} for each in outcomes],
    }


def _outcome(checked: Checked) -> Json:
    found = checked.issues
    if checked.is_right:
        found = [*found, informational(f"No faults found in this {checked.type}")]
    made = outcome.resource(found)
    return {
        "resourceType": made["resourceType"],
        "extension": [{"url": _FILE, "valueString": checked.file}],
        "issue": made["issue"],
    }
