"""The validator measured: on the official examples, HL7's validator cases, and packages with their examples.

    python -m conformance.validation [--cases DIR] [--packages DIR]

`--cases` is a folder with `cases.jsonl`, a case a line: file, supporting, profile_source, expect, tx, messages.
`--packages` is a folder of FHIR packages; their own examples are validated against them together.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhirhub.errors import FhirError, Issue
from fhirhub.resources import document, packages, xml
from fhirhub.resources.canonicals import OFFICIAL, Canonicals
from fhirhub.resources.validation.validator import Validator
from tests.examples import official_examples

Json = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=Path, help="a folder of validator cases with cases.jsonl")
    parser.add_argument("--packages", type=Path, help="a folder of FHIR packages (.tgz)")
    given = parser.parse_args()
    examples()
    if given.cases is not None:
        cases(given.cases)
    if given.packages is not None:
        of_packages(sorted(given.packages.glob("*.tgz")))


def errors(issues: list[Issue]) -> list[Issue]:
    return [issue for issue in issues if issue.severity in ("error", "fatal")]


def examples() -> None:
    """Which official examples are refused, and why."""
    validator, seen, seconds = Validator(), 0, 0.0
    print("## Official examples\n")
    for name, data in official_examples(at_most=200_000):
        resource = document.parse(data)
        seen += 1
        begin = time.perf_counter()
        found = errors(validator.validate(resource))
        seconds += time.perf_counter() - begin
        if found:
            print(f"- {name}: {found[0].expression}: {found[0].text[:200]}")
    print(f"\n{seen} examples, {1000 * seconds / seen:.2f} ms each\n")


def cases(root: Path) -> None:
    """The verdict of each case beside the official one."""
    counts: Counter[tuple[str, str]] = Counter()
    missed: list[str] = []
    print("## HL7's validator cases\n")
    for line in (root / "cases.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        found = errors(_verdict(root / "files", case))
        verdict = "invalid" if found else "valid"
        counts[case["expect"], verdict] += 1
        if case["expect"] == "valid" and found:
            print(f"- false: {case['name']}: {found[0].expression}: {found[0].text[:200]}")
        elif case["expect"] == "invalid" and not found:
            kind = "terminology" if case["tx"] else case["module"]
            missed.append(f"- missed ({kind}): {case['name']}: {' / '.join(case['messages'][:2])[:200]}")
    print("\n".join(missed))
    print("\n| official verdict | valid here | invalid here |\n|---|---|---|")
    for expect in ("valid", "invalid"):
        print(f"| {expect} | {counts[expect, 'valid']} | {counts[expect, 'invalid']} |")
    print()


def _verdict(files: Path, case: Json) -> list[Issue]:
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
    return Validator(Canonicals(definitions, OFFICIAL)).validate(resource, dict.fromkeys(profiles))


def _read(path: Path, with_faults: bool = False) -> Json:
    data = path.read_bytes()
    if path.suffix != ".xml":
        return document.parse(data)
    return xml.read(data).resource if with_faults else xml.from_xml(data)


def _definitions(resource: Json) -> Iterator[Json]:
    if resource.get("resourceType") == "Bundle":
        yield from (entry["resource"] for entry in resource.get("entry", ()) if "resource" in entry)
    yield resource


def of_packages(files: list[Path]) -> None:
    """The examples that packages bring, against the packages together."""
    begin = time.perf_counter()
    read = [packages.read(file) for file in files]
    validator = Validator(packages.together(read))
    definitions = [each.resource for package in read for each in package.definitions]
    definitions = [each for each in definitions if "derivation" in each]
    unread = [r["url"] for r in definitions if validator.profiles.get(r["url"]) is None]
    print(f"## Packages\n\n{len(definitions)} profiles made ready in {time.perf_counter() - begin:.1f} s")
    print(f"not made ready: {', '.join(unread) or 'none'}\n")
    seen = refused = 0
    for package in read:
        for example in package.examples:
            resource = document.decode(example)
            seen += 1
            found = errors(validator.validate(resource))
            refused += bool(found)
            if found:
                print(f"- {resource.get('id')}: {found[0].expression}: {found[0].text[:200]}")
    print(f"\n{seen} examples, {refused} refused")


if __name__ == "__main__":
    main()
