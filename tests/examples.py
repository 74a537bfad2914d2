"""The official R4 examples, from HL7's package on npm (https://hl7.org/fhir/R4/downloads.html)."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "hl7.fhir.r4.examples@4.0.1"
SHA256 = "dce87f1b5b9341867033f7d1f544fa1b5232503f6d62813887ac6b8a8b6cb682"
CACHE = Path(__file__).resolve().parent.parent / ".cache" / "examples"


def official_examples(at_most: int | None = None) -> Iterator[tuple[str, bytes]]:
    """Each example as (file name, JSON), definitions among them; without those of more than `at_most` bytes.

    There are 5,306, of 187 MB; the thirty largest make up two thirds of that. Skips the test where npm or the
    network is not there and the package is not in `.cache/`.
    """
    with tarfile.open(_package()) as archive:
        for member in archive:
            name = member.name.removeprefix("package/")
            if not name.endswith(".json") or name in ("package.json", ".index.json"):
                continue
            if at_most is not None and member.size > at_most:
                continue
            content = archive.extractfile(member)
            assert content is not None
            yield name, content.read()


@functools.cache
def _package() -> Path:
    path = CACHE / (PACKAGE.replace("@", "-") + ".tgz")
    if not path.is_file():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip(f"{PACKAGE} is not in {CACHE} and there is no npm to fetch it")
        # Fetched aside and moved into place, since several test runs may want it at once.
        fetched = CACHE / f"fetch-{os.getpid()}"
        fetched.mkdir(parents=True)
        try:
            done = subprocess.run(
                [npm, "pack", "--silent", PACKAGE], cwd=fetched, capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                pytest.skip(f"npm could not fetch {PACKAGE}: {done.stderr.strip()[-200:]}")
            (found,) = fetched.glob("*.tgz")
            found.rename(path)
        finally:
            shutil.rmtree(fetched)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == SHA256, f"{path} is not the package expected"
    return path
