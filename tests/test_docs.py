"""The documents: what they name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_links_to_or_names_is_there(document: Path) -> None:
    text = document.read_text()
    linked = {link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link}
    missing = {link for link in linked if not (document.parent / link).exists()}
    named = set(re.findall(r"`((?:tests|fhirhub|bench|scripts|conformance|profiles)/[\w/.-]+)`", text))
    lacking = {name for name in named if not (ROOT / name).exists() and Path(name).name != "x.py"}
    assert missing | lacking == set()


def test_every_document_can_be_found_from_the_readme() -> None:
    found, waiting = set(), [ROOT / "README.md"]
    while waiting:
        document = waiting.pop()
        if document not in found and document.suffix == ".md":
            found.add(document)
            links = re.findall(r"\]\(([^)#]+)", document.read_text())
            waiting += [(document.parent / link).resolve() for link in links if "://" not in link]
    assert [path.name for path in DOCUMENTS if path not in found] == []
