"""HL7's validator over our guide and over what a running hub serves, its verdict beside the hub's own.

The report is the section `official` of RESULTS.md. A difference must be explained in EXPLAINED, or be mended.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conformance import hub, official, results
from conformance.conftest import GIVEN
from conformance.official import Told
from fhirhub.resources import document
from scripts.compile_guide import RESOURCES
from tests.claims import profile_of
from tests.faulty import faulty

Json = dict[str, Any]

JSON, XML = "application/fhir+json", "application/fhir+xml"
KNOWN = Path(official.__file__).parent / "known"
TYPES = (
    *("Organization", "Practitioner", "PractitionerRole", "HealthcareService", "OrganizationAffiliation"),
    *(
        "Patient",
        "RelatedPerson",
        "Condition",
        "AllergyIntolerance",
        "MedicationStatement",
        "Goal",
        "CareTeam",
    ),
    *("CarePlan", "Task", "Consent", "Questionnaire", "QuestionnaireResponse", "Observation"),
    *("Communication", "Appointment"),
)
A_PAGE = 200
FAULTY = "our guide: examples with a fault each"

# Errors that only one of the two tells, with the reason why that is right: who tells, its words, the reason.
EXPLAINED: tuple[tuple[str, str, str], ...] = (
    (
        "official",
        r"None of the codings provided are in the value set .*snomed\.info",
        "a coding of the value set is there; without a terminology server the SNOMED CT coding beside it, which "
        "nl-core wants, makes HL7's validator say that none is",
    ),
    (
        "official",
        r"maximum value set .*mimetypes",
        "media types are known by their form here; offline HL7's validator knows none",
    ),
    (
        "official",
        r"subscriptions-backport/StructureDefinition/",
        "the guide of Subscriptions on R4 defines that extension; HL7's validator is not given it here",
    ),
    (
        "hub",
        r" may refer to .*; got a reference to ",
        "HL7's validator judges a reference by its target, and the target is not there to be read; the hub judges "
        "it by the type that it names too",
    ),
)

# Warnings of the official validator that are expected, in the order in which they are looked for.
EXPECTED = (
    (r"dom-6|should have narrative", "narrative is recommended; a server's data need none"),
    (
        r"could not be found, so the code cannot|Unable to check whether the code|Unable to validate code"
        r"|not fully defined|is only supported on the terminology server",
        "SNOMED CT, LOINC, UCUM, ICPC and Dutch code systems are unknown without a terminology server",
    ),
    (
        r"None of the codings provided are in the value set .*(?:snomed\.info|loinc\.org)",
        "a SNOMED CT or LOINC coding beside a coding of the value set is unknown offline",
    ),
    (
        r"multiple different potential matches",
        "HL7's terminology package has that code system in two versions",
    ),
    (r"The expression language .* is not supported", "what the measures of the guide count is said in words"),
    (r"UCUM Codes that contain human readable annotations", "`{score}` is UCUM's way to write a score"),
    (r"is not in the value set 'Vital Signs Units'", "UCUM is unknown offline, so its value sets are empty"),
)


@dataclass
class Judged:
    """A file, and what each of the two says is wrong with it."""

    group: str
    file: Path
    theirs: list[Told]
    ours: list[Told]

    @property
    def differs(self) -> bool:
        return _is_invalid(self.theirs) != _is_invalid(self.ours)


def _is_invalid(told: list[Told]) -> bool:
    return any(each.is_error for each in told)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A hub with the demo region: what it serves is the same on both databases."""
    if GIVEN:
        yield GIVEN
        return
    folder = tmp_path_factory.mktemp("official")
    with hub.running(f"sqlite://{folder / 'hub.db'}", folder) as base:
        yield base


def test_official_validator_finds_no_fault_that_the_hub_does_not_find(served: str, tmp_path: Path) -> None:
    groups = {
        "our guide: definitions": [file for file in _guide() if "url" in _read(file)],
        "our guide: examples": [file for file in _guide() if "url" not in _read(file)],
        FAULTY: list(_faulty(tmp_path)),
        "demo region, JSON, against our profiles": list(_in_json(served, tmp_path)),
        "demo region, XML, as Bundles": list(_in_xml(served, tmp_path)),
        "CapabilityStatement, JSON and XML": list(_capability(served, tmp_path)),
    }
    files = [file for group in groups.values() for file in group]
    try:
        verdicts = official.verdicts(files, [RESOURCES, KNOWN])
    except official.Missing as missing:
        results.write("official", f"## HL7's validator\n\nNot run: {missing}")
        pytest.skip(str(missing))
    judged = [
        Judged(name, file, verdicts[file], _by_hub(served, file))
        for name, group in groups.items()
        for file in group
    ]
    if not GIVEN:
        results.write("official", _report(judged))
    unexplained = [
        f"{each.file.name}: {who}: {told.expression}: {told.text}"
        for each in judged
        if each.differs
        for who, tellings in (("official", each.theirs), ("hub", each.ours))
        for told in tellings
        if told.is_error and _reason(who, told) is None
    ]
    assert unexplained == []
    refused = [
        f"{each.file.name}: {told.text}"
        for each in judged
        if each.group != FAULTY
        for told in each.theirs
        if told.is_error and _reason("official", told) is None
    ]
    assert refused == []
    assert [each.file.name for each in judged if each.group == FAULTY and not _is_invalid(each.ours)] == []


def _guide() -> list[Path]:
    return sorted(RESOURCES.glob("*.json"))


def _read(file: Path) -> Json:
    read: Json = json.loads(file.read_bytes())
    return read


def _faulty(folder: Path) -> Iterator[Path]:
    """Examples with a fault that their profile forbids."""
    folder = folder / "faulty"
    folder.mkdir()
    for name, resource in faulty():
        file = folder / f"{name}.json"
        file.write_bytes(document.encode(resource))
        yield file


def _in_json(base: str, folder: Path) -> Iterator[Path]:
    """Every resource of the region, claiming the profile of the guide that it keeps to."""
    folder = folder / "json"
    folder.mkdir()
    for type in TYPES:
        for page in _pages(f"{base}/{type}?_count={A_PAGE}"):
            for entry in page.get("entry", []):
                resource = entry["resource"]
                profile = profile_of(resource)
                if profile is not None:
                    resource["meta"]["profile"] = [profile]
                file = folder / f"{type}-{resource['id']}.json"
                file.write_bytes(document.encode(resource))
                yield file


def _pages(url: str | None) -> Iterator[Json]:
    while url is not None:
        page: Json = document.decode(_get(url, JSON))
        yield page
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)


def _in_xml(base: str, folder: Path) -> Iterator[Path]:
    """The first page of each type, byte for byte as the hub serves it."""
    folder = folder / "xml"
    folder.mkdir()
    for type in TYPES:
        file = folder / f"{type}.xml"
        file.write_bytes(_get(f"{base}/{type}?_count={A_PAGE}", XML))
        yield file


def _capability(base: str, folder: Path) -> Iterator[Path]:
    for suffix, accepted in (("json", JSON), ("xml", XML)):
        file = folder / f"metadata.{suffix}"
        file.write_bytes(_get(f"{base}/metadata", accepted))
        yield file


def _get(url: str, accepted: str) -> bytes:
    request = urllib.request.Request(url, headers={"Accept": accepted})
    with urllib.request.urlopen(request, timeout=120) as answer:
        read: bytes = answer.read()
        return read


def _by_hub(base: str, file: Path) -> list[Told]:
    """What the hub's `$validate` says of the same bytes."""
    is_json = file.suffix == ".json"
    type = _read(file)["resourceType"] if is_json else _type_of_xml(file)
    request = urllib.request.Request(
        f"{base}/{type}/$validate",
        data=file.read_bytes(),
        headers={"Content-Type": JSON if is_json else XML, "Accept": JSON},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        outcome = json.loads(answer.read())
    return [
        Told(issue["severity"], (issue.get("expression") or [""])[0], _text(issue))
        for issue in outcome["issue"]
    ]


def _type_of_xml(file: Path) -> str:
    found = re.search(rb"<([A-Z]\w+)", file.read_bytes()[:500])
    assert found is not None
    return found[1].decode()


def _text(issue: Json) -> str:
    return str(issue.get("details", {}).get("text") or issue.get("diagnostics", ""))


def _reason(who: str, told: Told) -> str | None:
    for teller, words, reason in EXPLAINED:
        if teller == who and re.search(words, told.text):
            return reason
    return None


def _report(judged: list[Judged]) -> str:
    rows = []
    for group in dict.fromkeys(each.group for each in judged):
        of = [each for each in judged if each.group == group]
        theirs = sum(_is_invalid(each.theirs) for each in of)
        ours = sum(_is_invalid(each.ours) for each in of)
        rows.append([group, str(len(of)), str(theirs), str(ours), str(sum(each.differs for each in of))])
    parts = [
        "## HL7's validator",
        f"HL7's validator {official.VERSION}, offline (no terminology server), and the hub's own `$validate` over "
        "the same bytes. An error makes a file invalid.",
        results.table(
            ["what", "files", "invalid by HL7's", "invalid by the hub", "verdicts that differ"], rows
        ),
        "### Differences",
        _differences(judged),
        "### Warnings of HL7's validator",
        _warnings(judged),
    ]
    return "\n\n".join(parts)


def _differences(judged: list[Judged]) -> str:
    counted: Counter[tuple[str, str, str]] = Counter()
    for each in judged:
        if each.differs:
            for who, tellings in (("official", each.theirs), ("hub", each.ours)):
                for told in tellings:
                    if told.is_error:
                        reason = _reason(who, told) or "not explained"
                        counted[who, _general(told.text), reason] += 1
    if not counted:
        return "None."
    rows = [[str(count), who, words, reason] for (who, words, reason), count in counted.most_common()]
    return results.table(["times", "who", "what", "why"], rows)


def _warnings(judged: list[Judged]) -> str:
    counted: Counter[tuple[str, str]] = Counter()
    for each in judged:
        for told in each.theirs:
            if told.severity == "warning":
                expected = next((why for words, why in EXPECTED if re.search(words, told.text)), None)
                counted["" if expected else _general(told.text), expected or "to be looked at"] += 1
    rows = [[str(count), words or "(several)", why] for (words, why), count in counted.most_common()]
    return results.table(["times", "what", "why"], rows) if rows else "None."


def _general(text: str) -> str:
    """The words without what differs from resource to resource."""
    return re.sub(r"\b\w*-?\d[\w.:+-]*", "#", text)[:240]
