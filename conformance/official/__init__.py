"""HL7's own validator, run offline (https://confluence.hl7.org/display/FHIR/Using+the+FHIR+Validator).

`verdicts` gives its issues for each file. It is fetched once, by Maven, into `.cache/official`, with a home of
its own there whose package cache holds R4 (as `scripts/compile_definitions.py` has it), HL7's terminology and
extensions. It asks no terminology server: SNOMED CT, LOINC and UCUM are unknown to it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts import compile_definitions

Json = dict[str, Any]

SOURCE = Path(__file__).parent
CACHE = SOURCE.parent.parent / ".cache" / "official"
VERSION = "6.5.18"
MEMORY = "-Xmx2g"
AT_ONCE = 1500
"""Files in one run: enough that ten seconds of starting do not matter, few enough for its memory."""

FILE = "http://hl7.org/fhir/StructureDefinition/operationoutcome-file"
LINE = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-line"

# What it looks for, and which package it is made from; the names must be these, whatever the content's version.
TERMINOLOGY = "hl7.terminology.r4@7.0.1"
EXTENSIONS = "hl7.fhir.uv.extensions.r4@5.3.0-ballot-tc1"
SHA256 = {
    TERMINOLOGY: "170c546f761fb51b3355788ca500206f6b772b21c57348c29205de85a6612baa",
    EXTENSIONS: "54f70616bbd444ba0259d5fc5a5c978d463971865f23dcef3103081f529ad213",
}
ALIASES = {
    "hl7.terminology.r4#6.2.0": TERMINOLOGY,
    "hl7.terminology#7.0.1": TERMINOLOGY,
    "hl7.fhir.uv.extensions.r4#5.2.0": EXTENSIONS,
    "hl7.fhir.uv.extensions#5.2.0": EXTENSIONS,
}
EMPTY = ("hl7.fhir.xver-extensions#0.1.0",)
CORE = "hl7.fhir.r4.core#4.0.1"


@dataclass(frozen=True)
class Told:
    """An issue of the official validator."""

    severity: str
    expression: str
    text: str

    @property
    def is_error(self) -> bool:
        """Whether it makes a resource invalid; that a busy machine was too slow for it is no verdict."""
        return self.severity in ("error", "fatal") and "took too long to process" not in self.text


class Missing(Exception):
    """What it cannot run without is not here, in a sentence that says what would help."""


def verdicts(files: Sequence[Path], guides: Iterable[Path]) -> Mapping[Path, list[Told]]:
    """The issues of each file, with the definitions in the folders of `guides` known to it."""
    java = shutil.which("java")
    if java is None:
        raise Missing("Java is not here: sh scripts/apt_install.sh default-jre-headless maven")
    libraries, home = _libraries(), _home()
    known = [option for guide in guides for option in ("-ig", str(guide))]
    found: dict[Path, list[Told]] = {}
    for start in range(0, len(files), AT_ONCE):
        part = files[start : start + AT_ONCE]
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "out.json"
            command = [java, MEMORY, f"-Duser.home={home}", "-cp", f"{libraries}/*"]
            command += ["org.hl7.fhir.validation.ValidatorCli", *map(str, part), "-version", "4.0.1"]
            command += ["-tx", "n/a", "-allow-example-urls", "true", *known, "-output", str(output)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if not output.is_file():
                raise RuntimeError((done.stdout + done.stderr)[-3000:])
            found |= _read(json.loads(output.read_text(encoding="utf-8")), part)
    return found


def _read(outcome: Json, files: Sequence[Path]) -> dict[Path, list[Told]]:
    if outcome["resourceType"] == "OperationOutcome":
        outcomes = [outcome]
    else:
        outcomes = [entry["resource"] for entry in outcome["entry"]]
    found: dict[Path, list[Told]] = {}
    for each in outcomes:
        named = [part["valueString"] for part in each.get("extension", []) if part["url"] == FILE]
        file = Path(named[0]) if named else files[0]
        found[file] = [
            Told(
                issue["severity"],
                (issue.get("expression") or issue.get("location") or [""])[0],
                issue.get("details", {}).get("text") or issue.get("diagnostics", ""),
            )
            for issue in each["issue"]
        ]
    return found


def _libraries() -> Path:
    """The folder of its jars."""
    maven = shutil.which("mvn")
    pom = SOURCE / "pom.xml"
    folder = CACHE / hashlib.sha256(pom.read_bytes()).hexdigest()[:16]
    if not (folder / "complete").is_file():
        if maven is None:
            raise Missing("Maven is not here: sh scripts/apt_install.sh default-jre-headless maven")
        folder.mkdir(parents=True, exist_ok=True)
        command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies"]
        command += [f"-DoutputDirectory={folder}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Missing(f"Maven could not fetch the validator: {(done.stdout + done.stderr)[-500:]}")
        (folder / "complete").touch()
    return folder


def _home() -> Path:
    """The home folder in whose package cache it finds what it wants."""
    home = CACHE / "home"
    cache = home / ".fhir" / "packages"
    if not (home / "complete").is_file():
        for alias, package in ALIASES.items():
            _package(cache, alias, _fetched(package))
        for alias in EMPTY:
            _package(cache, alias, {})
        core = {
            f"{each['resourceType']}-{each['id']}.json": json.dumps(each).encode()
            for each in compile_definitions.definitions()
        }
        _package(cache, CORE, core)
        (home / "complete").touch()
    return home


def _fetched(package: str) -> Mapping[str, bytes]:
    """The files of an npm package by name, fetched once and checked against its hash."""
    archive = CACHE / f"{package.replace('@', '-')}.tgz"
    if not archive.is_file():
        npm = shutil.which("npm")
        if npm is None:
            raise Missing("npm is not here: sh scripts/apt_install.sh nodejs npm")
        command = [npm, "pack", "--silent", package]
        done = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Missing(f"npm could not fetch {package}: {done.stderr[-500:]}")
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != SHA256[package]:
        raise Missing(f"{archive} has sha256 {found}, expected {SHA256[package]}")
    files: dict[str, bytes] = {}
    with tarfile.open(archive) as content:
        for member in content:
            name = member.name.removeprefix("package/")
            part = content.extractfile(member)
            if part is not None and "/" not in name and name.endswith(".json"):
                files[name] = part.read()
    return files


def _package(cache: Path, alias: str, files: Mapping[str, bytes]) -> None:
    """A package of the cache: its files, a manifest without dependencies, and the index."""
    name, _, version = alias.partition("#")
    folder = cache / alias / "package"
    folder.mkdir(parents=True, exist_ok=True)
    index: list[Json] = []
    kept = ("resourceType", "id", "url", "version", "kind", "type", "supplements", "content", "valueSet")
    for file, content in files.items():
        if file == "package.json" or file.startswith("."):
            continue
        resource = json.loads(content)
        if "resourceType" not in resource:
            continue
        (folder / file).write_bytes(content)
        entry = {key: resource[key] for key in kept if isinstance(resource.get(key), str)}
        index.append({"filename": file, **entry})
    manifest: Json = {
        "name": name,
        "version": version,
        "type": "Core" if alias == CORE else "IG",
        "fhirVersions": ["4.0.1"],
        "dependencies": {},
        "canonical": "http://hl7.org/fhir" if alias == CORE else "http://terminology.hl7.org",
        "url": "http://hl7.org/fhir/R4",
    }
    (folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / ".index.json").write_text(json.dumps({"index-version": 2, "files": index}), encoding="utf-8")
