"""Compile the guide's FHIR Shorthand (https://hl7.org/fhir/uv/shorthand/) with SUSHI.

    python scripts/compile_guide.py            write what it makes
    python scripts/compile_guide.py --check    say whether what is there is what this makes: exit 0 or 1

`profiles/fsh-generated` is a FHIR package in a folder, with a file for each resource, for people, publishers, other
validators and `fhirhub packages add`.
`fhirhub/resources/guide.json` has them all, one to a line; the hub reads that.

SUSHI is installed from its lock into `.cache/sushi`, with a home of its own there, in which it finds R4's
definitions (`compile_definitions.py` has where they come from); it asks no registry. Where Node.js or one of
the two cannot be had, the exit code is 2.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts import compile_definitions

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "profiles"
GENERATED = SOURCE / "fsh-generated"
RESOURCES = GENERATED / "resources"
MANIFEST = GENERATED / "package.json"
ARTIFACT = ROOT / "fhirhub" / "resources" / "guide.json"
CACHE = ROOT / ".cache" / "sushi"
CORE = "hl7.fhir.r4.core#4.0.1"
NOWHERE = "http://127.0.0.1:9"
"""Where no registry is: the outcome must not depend on what one happens to hold today."""
EXPECTED = ("Failed to load automatically-provided", 'No "menu" property')
"""Warnings that mean nothing here: packages that the guide does not use, and pages that the hub makes itself."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if something differs")
    check = parser.parse_args().check
    made = compiled()
    if check:
        faults = differences(made)
        print("\n".join(faults) or f"{len(made)} resources are up to date")
        return 1 if faults else 0
    shutil.rmtree(GENERATED, ignore_errors=True)
    RESOURCES.mkdir(parents=True)
    for name, text in made.items():
        (RESOURCES / name).write_text(text, encoding="utf-8")
    MANIFEST.write_text(manifest(made), encoding="utf-8")
    ARTIFACT.write_text(artifact(made), encoding="utf-8")
    print(f"{len(made)} resources, {ARTIFACT.stat().st_size:,} bytes")
    return 0


def differences(made: dict[str, str]) -> list[str]:
    """What of the committed files is not what was made, in sentences."""
    there = {file.name: file.read_text(encoding="utf-8") for file in RESOURCES.glob("*.json")}
    faults = [f"{name} is missing" for name in made if name not in there]
    faults += [f"{name} is made of no source" for name in there if name not in made]
    faults += [f"{name} is out of date" for name in made if name in there and there[name] != made[name]]
    for file, text in ((ARTIFACT, artifact(made)), (MANIFEST, manifest(made))):
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            faults.append(f"{file.relative_to(ROOT)} is out of date")
    return faults


def compiled() -> dict[str, str]:
    """The text of each resource by its file name; ends the program with SUSHI's words where it finds a fault."""
    sushi = installed()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        shutil.copy(SOURCE / "sushi-config.yaml", work)
        shutil.copytree(SOURCE / "input", work / "input")
        environment = {**os.environ, "HOME": str(home()), "FPL_REGISTRY": NOWHERE, "NO_COLOR": "1"}
        done = subprocess.run(
            [str(sushi), "build", ".", "--log-level", "warn"],
            cwd=work,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        told = done.stdout + done.stderr
        files = sorted((work / "fsh-generated" / "resources").glob("*.json"))
        faults = [line for line in told.splitlines() if line.startswith(("error", "warn"))]
        faults = [line for line in faults if not any(known in line for known in EXPECTED)]
        if done.returncode != 0 or not files or faults:
            raise SystemExit("\n".join(faults) or told or "SUSHI made nothing")
        return {file.name: tidied(file.read_text(encoding="utf-8")) for file in files}


def tidied(text: str) -> str:
    """The resource without what SUSHI writes for HL7's publisher alone, which is no R4."""
    resource = json.loads(text)
    if resource["resourceType"] == "ImplementationGuide":
        for needless in ("page", "parameter"):
            resource["definition"].pop(needless, None)
    return json.dumps(resource, ensure_ascii=False, indent=2) + "\n"


def manifest(made: dict[str, str]) -> str:
    """The package.json of the guide as a FHIR package."""
    resources = [json.loads(text) for text in made.values()]
    (about,) = (each for each in resources if each["resourceType"] == "ImplementationGuide")
    content = {
        "name": about["packageId"],
        "version": about["version"],
        "canonical": about["url"].partition("/ImplementationGuide/")[0],
        "title": about["title"],
        "license": about["license"],
        "fhirVersions": about["fhirVersion"],
        "dependencies": {"hl7.fhir.r4.core": "4.0.1"},
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def artifact(made: dict[str, str]) -> str:
    """All resources as a JSON array, one to a line."""
    lines = [json.dumps(json.loads(made[name]), ensure_ascii=False, separators=(",", ":")) for name in made]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def installed() -> Path:
    """The program, installed from the lock."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        print("Node.js with npm is not here: sh scripts/apt_install.sh nodejs npm", file=sys.stderr)
        sys.exit(2)
    lock = (SOURCE / "package-lock.json").read_bytes()
    folder = CACHE / hashlib.sha256(lock).hexdigest()[:16]
    program = folder / "node_modules" / ".bin" / "sushi"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(SOURCE / name, folder / name)
        done = subprocess.run([npm, "ci", "--silent", "--ignore-scripts"], cwd=folder, check=False)
        if done.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            sys.exit(2)
    return program


def home() -> Path:
    """A home folder whose package cache holds R4's own StructureDefinitions."""
    folder = CACHE / "home"
    package = folder / ".fhir" / "packages" / CORE / "package"
    if not (package / "package.json").is_file():
        package.mkdir(parents=True, exist_ok=True)
        for resource in compile_definitions.definitions():
            if resource["resourceType"] != "StructureDefinition":
                continue  # value sets and code systems are named by URL, which SUSHI need not look up
            name = f"{resource['resourceType']}-{resource['id']}.json"
            (package / name).write_text(json.dumps(resource), encoding="utf-8")
        manifest = {"name": "hl7.fhir.r4.core", "version": "4.0.1", "fhirVersions": ["4.0.1"]}
        (package / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


if __name__ == "__main__":
    sys.exit(main())
