"""What goes wrong in an expression, said in a sentence."""

from __future__ import annotations

from fhirhub.errors import FhirError, Issue


class FhirpathError(FhirError):
    """An expression that cannot be read or has no result: 400, unless a caller knows better."""

    def __init__(self, text: str, code: str = "invalid") -> None:
        super().__init__(400, [Issue("error", code, text)])
        self.text = text
