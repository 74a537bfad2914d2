"""How codes are written that nobody lists: media types (https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1) and
languages (https://www.rfc-editor.org/rfc/rfc5646#section-2.1)."""

from __future__ import annotations

import re

_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_VALUE = r'(?:[!#-:<-~]+(?: [!#-:<-~]+)*|"[ !#-~]*")'

is_media_type = re.compile(rf"{_TOKEN}/{_TOKEN}(?:[ \t]*;[ \t]*{_TOKEN}={_VALUE})*").fullmatch
"""With its parameters, whose values may have what belongs in quotes, such as a URL or `variant=DICOM WADO-RS`."""

is_language = re.compile(
    r"(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8})+)*"
    r"(?:-[xX](?:-[A-Za-z0-9]{1,8})+)?|[xX](?:-[A-Za-z0-9]{1,8})+|[iI]-[A-Za-z0-9-]{2,}"
).fullmatch
