"""The validator measured: on the official examples, HL7's validator cases, and packages with their examples.

    python -m conformance.validation [--cases DIR] [--packages DIR] [--write]

`--cases` is a folder with `cases.jsonl`, a case a line: file, supporting, profile_source, expect, tx, messages.
`--manifest` is the manifest.json that the cases come from: it has the options that HL7's validator is given for each.
`--packages` is a folder of FHIR packages; their own examples are validated against them together.
"""

from __future__ import annotations

import argparse
import json
import random
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import validation as cost
from conformance import official
from fhirhub.errors import FhirError, Issue
from fhirhub.resources import document, packages, xml
from fhirhub.resources.canonicals import OFFICIAL, Canonicals
from fhirhub.resources.validation.examination import USUAL, Strictness
from fhirhub.resources.validation.validator import Validator
from tests.examples import official_examples
from tests.mutants import MUTATIONS, mutant

Json = dict[str, Any]

RESULTS = Path(__file__).parent / "RESULTS.md"
BEGIN, END = "<!-- validation -->", "<!-- end of validation -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=Path, help="a folder of validator cases with cases.jsonl")
    parser.add_argument("--manifest", type=Path, help="the manifest.json of these cases, for their options")
    parser.add_argument("--packages", type=Path, help="a folder of FHIR packages (.tgz)")
    parser.add_argument("--official", action="store_true", help="ask HL7's own validator of mutants too")
    parser.add_argument("--write", action="store_true", help="put the report into conformance/RESULTS.md")
    given = parser.parse_args()
    parts = [examples(), mutants(), costs()]
    if given.official:
        parts.append(beside_official())
    if given.cases is not None:
        parts.append(cases(given.cases, given.manifest))
    if given.packages is not None:
        parts.append(of_packages(sorted(given.packages.glob("*.tgz")), given.official))
    report = "\n".join(parts)
    print(report)
    if given.write:
        write(report)


def write(report: str) -> None:
    """Put the report between its marks, beside what others report."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.is_file() else "# What judges say\n"
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    RESULTS.write_text(f"{before.rstrip()}\n\n{BEGIN}\n{report}\n{END}\n{after.lstrip()}", encoding="utf-8")


def errors(issues: list[Issue]) -> list[Issue]:
    return [issue for issue in issues if issue.severity in ("error", "fatal")]


def examples() -> str:
    """Which official examples have errors, which of these a write would refuse by the usual settings, and why."""
    validator, seen, seconds, refused = Validator(), 0, 0.0, 0
    lines = []
    for name, data in official_examples(at_most=200_000):
        resource = document.parse(data)
        seen += 1
        begin = time.process_time()
        found = errors(validator.validate(resource))
        seconds += time.process_time() - begin
        if found:
            is_refused = bool(errors(validator.validate(resource, level="base")))
            refused += is_refused
            word = "yes" if is_refused else "no"
            lines.append(f"| {name} | {word} | {found[0].expression}: {_short(found[0].text)} |")
    return "\n".join(
        [
            "## Validation: the official examples\n",
            f"Of {seen} examples of up to 200 kB, `$validate` finds errors in {len(lines)}, for what is wrong in "
            f"them ({1000 * seconds / seen:.1f} ms each, definitions among them); a write refuses {refused} of "
            "these. What no clause of R4 forbids, such as a dead link in a narrative, and what only a profile asks "
            "is no reason to refuse one with `FHIRHUB_VALIDATION=base`.\n",
            "| example | refused on write | what is wrong |",
            "|---|---|---|",
            *lines,
            "",
        ]
    )


def _short(text: str) -> str:
    text = text.replace("|", "\\|").replace("\n", " ")
    return text if len(text) <= 160 else f"{text[:160]}..."


ENOUGH = 60
"""Mutants of a kind."""


def mutants() -> str:
    """By kind, how many mutants of the official examples get the verdict that they deserve."""
    validator = Validator()
    known: list[tuple[Json, set[tuple[str | None, str]]]] = []
    for _, data in official_examples(at_most=30_000):
        resource = document.parse(data)
        issues = validator.validate(resource)
        if not errors(issues):
            known.append((resource, {(each.expression, each.text) for each in issues}))
    lines, total, right = [], 0, 0
    for mutation in MUTATIONS:
        made = caught = 0
        chance = random.Random(mutation.name)
        for original, told in chance.sample(known, len(known)):
            changed = mutant(mutation, original, chance)
            if changed is None:
                continue
            made += 1
            caught += _is_right(validator.validate(changed), told, mutation.expected)
            if made == ENOUGH:
                break
        if made:
            lines.append(
                f"| {mutation.area} | {mutation.name} | {mutation.expected} | {made} | {caught} | {made - caught} |"
            )
        total, right = total + made, right + caught
    return "\n".join(
        [
            "## Validation: mutants of the official examples\n",
            f"{right} of {total} mutants get the verdict that they deserve. Each is a valid example with one "
            "change; what is no fault must stay valid. The kinds were written along with the validator: they show "
            "what it holds, and HL7's cases below what it misses.\n",
            "| of | mutant | deserves | made | so told | not so |",
            "|---|---|---|---|---|---|",
            *lines,
            "",
        ]
    )


def _is_right(issues: list[Issue], told: set[tuple[str | None, str]], expected: str) -> bool:
    if expected == "error" or errors(issues):
        return expected == "error" and bool(errors(issues))
    new = any(each.severity == "warning" and (each.expression, each.text) not in told for each in issues)
    return new or expected == "valid"


FEW = 3
"""Mutants of a kind for the official validator, which takes its time."""

# What defines others changes what the official validator knows as it reads it.
_DEFINING = frozenset({"StructureDefinition", "ValueSet", "CodeSystem", "SearchParameter", "ConceptMap"})


def beside_official() -> str:
    """Our verdict and that of HL7's own validator, offline, on the same mutants and their originals."""
    validator, chance = Validator(), random.Random("official")
    known = [document.parse(data) for _, data in official_examples(at_most=12_000)]
    known = [each for each in known if each["resourceType"] not in _DEFINING]
    chance.shuffle(known)
    made: dict[Path, tuple[str, Json]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, mutation in enumerate(MUTATIONS):
            found = 0
            for original in known:
                changed = None if found == FEW else mutant(mutation, original, chance)
                if changed is None or errors(validator.validate(original)):
                    continue
                for word, resource in (("mutant", changed), ("original", original)):
                    path = Path(folder) / f"{number}-{found}-{word}.json"
                    path.write_bytes(document.encode(resource))
                    name = f"{mutation.area}: {mutation.name}" if word == "mutant" else "the originals"
                    made[path] = name, resource
                found += 1
        told = official.verdicts(list(made), [])
    agreed = 0
    differing: dict[str, list[tuple[str, str]]] = {}
    for path, (name, resource) in made.items():
        ours = errors(validator.validate(resource))
        theirs = [each for each in told[path] if each.is_error]
        if bool(ours) == bool(theirs):
            agreed += 1
            continue
        word, text = ("ours alone", ours[0].text) if ours else ("official alone", theirs[0].text)
        differing.setdefault(name, []).append((word, text))
    lines = [
        f"| {name} | {len(given)} | {given[0][0]} | {_short(given[0][1])} |"
        for name, given in differing.items()
    ]
    head = (
        f"HL7's validator {official.VERSION}, offline, gives the same verdict on {agreed} of {len(made)} "
        "mutants and originals. Where it does not, with the first error of whoever has one:\n"
    )
    title = "## Validation: beside HL7's own validator\n"
    return "\n".join([title, head, "| of | number | error | such as |", "|---|---|---|---|", *lines, ""])


def costs() -> str:
    """What a CarePlan takes, as the bench measures it."""
    return "\n".join(["## Validation: what it costs\n", *cost.lines(), ""])


def cases(root: Path, manifest: Path | None) -> str:
    """The verdict of each case beside the official one: as the hub comes, and with the options of each case."""
    found = [json.loads(line) for line in (root / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
    head = (
        "Read twice: as the hub comes, and with what HL7's own run of a case asks its validator for, where the hub "
        "has that as a setting (FHIRHUB_VALIDATION_REFUSES, FHIRHUB_EXTENSION_DOMAINS, FHIRHUB_PROFILES).\n"
    )
    told = _cases(root, found, {}, "as the hub comes")
    if manifest is not None:
        tests = json.loads(manifest.read_text(encoding="utf-8"))["test-cases"]
        told += _cases(root, found, {each["name"]: each for each in tests}, "with the options of each case")
    return "\n".join(
        ["## Validation: HL7's validator cases\n", *([head] if manifest is not None else []), *told]
    )


def _cases(root: Path, cases: list[Json], options: dict[str, Json], how: str) -> list[str]:
    counts: Counter[tuple[str, str]] = Counter()
    missed: Counter[str] = Counter()
    for case in cases:
        found = errors(_verdict(root / "files", case, options.get(case["name"].removesuffix("/profile"))))
        verdict = "invalid" if found else "valid"
        counts[case["expect"], verdict] += 1
        if case["expect"] == "valid" and found:
            print(f"- false, {how}: {case['name']}: {found[0].expression}: {_short(found[0].text)}")
        elif case["expect"] == "invalid" and not found:
            missed[_missing(case)] += 1
            print(f"- missed, {how}: {case['name']}: {_short(' / '.join(case['messages'][:1]))}")
    false = counts["valid", "invalid"] / max(1, counts["valid", "valid"] + counts["valid", "invalid"])
    caught = counts["invalid", "invalid"] / max(1, counts["invalid", "valid"] + counts["invalid", "invalid"])
    return [
        f"{how[0].upper()}{how[1:]}: false alarms on {false:.1%} of the valid; {caught:.1%} of the invalid found.\n",
        "| official verdict | valid here | invalid here |",
        "|---|---|---|",
        *(
            f"| {expect} | {counts[expect, 'valid']} | {counts[expect, 'invalid']} |"
            for expect in ("valid", "invalid")
        ),
        "",
        f"Missed: {', '.join(f'{number} of {what}' for what, number in missed.most_common())}.",
        "",
    ]


_MISSED = (
    ("Wrong Display Name", "displays (a warning here)"),
    ("Unable to find a profile match", "references to what is not among the files"),
    ("could not be found so is not allowed here", "what an operator may refuse by a setting"),
    ("embedded HTML tag", "what an operator may refuse by a setting"),
    ("class attribute to indicate its source", "narratives of which the profile asks for a warning"),
)
"""What the errors of HL7's validator have in them where there is none here, and what the case then is about."""


def _missing(case: Json) -> str:
    """What a case is about that has no error here."""
    told = case["messages"][0] if case["messages"] else ""
    about = next((what for words, what in _MISSED if words in told), None)
    return about or ("terminology" if case["tx"] else f"the area `{case['module']}`")


def _verdict(files: Path, case: Json, options: Json | None = None) -> list[Issue]:
    asked = case["profile_source"]
    definitions: list[Json] = []
    profiles: list[str] = []
    for name in [*case["supporting"], *([asked] if asked else [])]:
        try:
            resource = _read(files / name, with_faults=True)
        except FhirError:
            continue  # what a case stands on may itself be wrong
        definitions += _definitions(resource)
        if name == asked:
            profiles = [resource["url"]]
    try:
        resource = _read(files / case["file"])
    except FhirError as fault:
        return list(fault.issues)
    validator = Validator(
        Canonicals(definitions, OFFICIAL), asked=USUAL if options is None else _asked(options)
    )
    return validator.validate(
        resource, dict.fromkeys(profiles), inner_profiles=_inner_profiles((options or {}).get("bundle-param"))
    )


def _asked(options: Json) -> Strictness:
    """What HL7's test run of a case asks (ValidationTests of org.hl7.fhir.validation): the rest where the case says so,
    and no unknown extensions throughout, but where definitions of R5, which are not at hand, belong to the case."""
    refused = {
        "unknown-extensions": "supporting5" not in options,
        "example-urls": options.get("examples") is False,
        "html-in-strings": options.get("security-checks") is True,
        "html-in-markdown": options.get("noHtmlInMarkdown") is True,
    }
    domain = options.get("allowed-extension-domain")
    return Strictness(
        frozenset(word for word, is_asked in refused.items() if is_asked), (domain,) if domain else ()
    )


def _inner_profiles(rule: Json | None) -> Callable[[str], tuple[str, ...]] | None:
    """The profile asked of an entry of a Bundle, by a type and its number among those of the type."""
    if rule is None:
        return None
    type, _, number = rule["rule"].partition(":")
    seen: Counter[str] = Counter()

    def asked(name: str) -> tuple[str, ...]:
        seen[name] += 1
        return (rule["profile"],) if name == type and seen[name] == int(number) + 1 else ()

    return asked


def _read(path: Path, with_faults: bool = False) -> Json:
    data = path.read_bytes()
    if path.suffix != ".xml":
        return document.parse(data)
    return xml.read(data).resource if with_faults else xml.from_xml(data)


def _definitions(resource: Json) -> Iterator[Json]:
    if resource.get("resourceType") == "Bundle":
        yield from (entry["resource"] for entry in resource.get("entry", ()) if "resource" in entry)
    yield resource


def of_packages(files: list[Path], with_official: bool) -> str:
    """The examples that packages bring, against the packages together; and what HL7's own validator says of each."""
    begin = time.process_time()
    read = [packages.read(file) for file in files]
    validator = Validator(packages.together(read))
    urls = [
        each.url for package in read for each in package.definitions if each.type == "StructureDefinition"
    ]
    unread = [url for url in urls if validator.profiles.get(url) is None]
    ready = time.process_time() - begin
    seen, lines = 0, []
    ours: dict[str, tuple[bytes, bool]] = {}
    for package in read:
        for data in package.examples:
            resource = document.decode(data)
            seen += 1
            found = errors(validator.validate(resource))
            ours[str(resource.get("id"))] = data, bool(found)
            if found:
                lines.append(f"| {resource.get('id')} | {found[0].expression}: {_short(found[0].text)} |")
    beside = _examples_beside_official(files, ours) if with_official else []
    return "\n".join(
        [
            "## Validation: packages and their examples\n",
            f"{len(urls)} profiles of {', '.join(file.name for file in files)} made ready in {ready:.1f} s; "
            f"not ready: {', '.join(unread) or 'none'}. Of {seen} examples, {len(lines)} are refused:\n",
            "| example | why |",
            "|---|---|",
            *lines,
            "",
            *beside,
        ]
    )


_WHY = (
    ("Wrong Display Name", "a display is another than the code system's: a warning here"),
    ("A definition for CodeSystem", "a code system that is nowhere to be had is unknown, not wrong"),
    ("mimetypes", "media types are known by their form here; offline HL7's validator knows none"),
    (
        "None of the codings provided",
        "a coding of the value set is there beside one of SNOMED CT, unknown offline",
    ),
)
"""What the errors of HL7's validator on such examples begin with or name, and why they are none here."""


def _examples_beside_official(files: list[Path], ours: dict[str, tuple[bytes, bool]]) -> list[str]:
    """The examples of which HL7's validator says something else, with why."""
    with tempfile.TemporaryDirectory() as folder:
        guide = Path(folder) / "guide"
        guide.mkdir()
        for file in files:
            with tarfile.open(file) as archive:
                for member in archive:
                    name = member.name.removeprefix("package/")
                    content = archive.extractfile(member)
                    if name.endswith(".json") and "/" not in name and name != "package.json" and content:
                        (guide / name).write_bytes(content.read())
        paths = {Path(folder) / f"{number}.json": id for number, id in enumerate(ours)}
        for path, id in paths.items():
            path.write_bytes(ours[id][0])
        told = official.verdicts(list(paths), [guide])
    refused = {id: [each.text for each in told[path] if each.is_error] for path, id in paths.items()}
    lines = []
    for id, texts in refused.items():
        if bool(texts) != ours[id][1]:
            # A wrong display makes it say too that the coding is not in the value set.
            known = [why for start, why in _WHY for text in texts if start in text]
            lines.append(f"| {id} | {_short(texts[0]) if texts else ''} | {known[0] if known else ''} |")
    return [
        f"HL7's validator {official.VERSION}, offline, refuses {sum(map(bool, refused.values()))} of them; where it "
        "says something else:\n",
        "| example | HL7's validator | why it is valid here |",
        "|---|---|---|",
        *lines,
        "",
    ]


if __name__ == "__main__":
    main()
