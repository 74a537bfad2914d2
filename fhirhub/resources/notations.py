"""How codes are written that nobody lists: media types (https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1) and
languages (https://www.rfc-editor.org/rfc/rfc5646#section-2.1)."""

from __future__ import annotations

import re

_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_VALUE = r'(?:[!#-:<-~]+(?: [!#-:<-~]+)*|"[ !#-~]*")'

is_media_type = re.compile(rf"{_TOKEN}/{_TOKEN}(?:[ \t]*;[ \t]*{_TOKEN}={_VALUE})*").fullmatch
"""With its parameters, whose values may have what belongs in quotes, such as a URL or `variant=DICOM WADO-RS`."""

_is_tag = re.compile(
    r"(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3})(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*"
    r"(?:-[xX](?:-[A-Za-z0-9]{1,8})+)?|[xX](?:-[A-Za-z0-9]{1,8})+|[iI]-[A-Za-z0-9-]{2,}"
).fullmatch

# The two-letter codes of ISO 639 by their first letter, with those that were withdrawn (iw, in, ji, jw, mo, sh), which
# tags may still have.
_SECOND_LETTERS = {
    "a": "abefkmnrsvyz",
    "b": "aeghimnors",
    "c": "aehorsuvy",
    "d": "aevz",
    "e": "elnostu",
    "f": "afijory",
    "g": "adlnuv",
    "h": "aeiortuyz",
    "i": "adegiknostuw",
    "j": "aivw",
    "k": "agijklmnorsuvwy",
    "l": "abginotuv",
    "m": "ghiklnorsty",
    "n": "abdeglnorvy",
    "o": "cjmrs",
    "p": "ailst",
    "q": "u",
    "r": "mnouw",
    "s": "acdeghiklmnoqrstuvw",
    "t": "aeghiklnorstwy",
    "u": "gkrz",
    "v": "eio",
    "w": "ao",
    "x": "h",
    "y": "io",
    "z": "ahu",
}


def is_language(tag: str) -> bool:
    """Whether it is a tag whose first part can be a language: of four letters or more none is registered."""
    if _is_tag(tag) is None:
        return False
    first = tag.partition("-")[0].lower()
    return len(first) != 2 or first[1] in _SECOND_LETTERS.get(first[0], "")
