"""`python -m fhirhub`, which is `fhirhub`."""

from __future__ import annotations

from fhirhub.cli import main

main()
