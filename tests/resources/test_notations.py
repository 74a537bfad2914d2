"""Media types and languages are told by one form, wherever they stand."""

from __future__ import annotations

import pytest

from fhirhub.resources import notations


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("application/pdf", True),
        ("text/plain; charset=utf-8", True),
        ("application/fhir+json;fhirVersion=4.0", True),
        ('multipart/form-data; boundary="a b"', True),
        ("application/xml; profile=http://example.org/x", True),
        ("application/dicom; variant=DICOM WADO-RS", True),
        ("pdf", False),
        ("text/", False),
        ("text/plain charset=utf-8", False),
        ("text/plain; charset", False),
        ("text/plain; a=b\r\nX-Evil: 1", False),
    ],
)
def test_media_types(text: str, is_one: bool) -> None:
    assert bool(notations.is_media_type(text)) == is_one


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        *(
            (text, True)
            for text in (
                "nl",
                "nl-NL",
                "zh-Hant-TW",
                "en-US-x-twain",
                "x-own",
                "i-klingon",
                "de-1996",
                "EN",
                "dut",
            )
        ),
        *(
            (text, False)
            for text in ("", "n", "nl_NL", "nl-", "nl-NL-", "dutch language", "x", "english", "xx")
        ),
    ],
)
def test_languages(text: str, is_one: bool) -> None:
    assert bool(notations.is_language(text)) == is_one
