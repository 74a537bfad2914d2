"""The outside terminology server: asked for what is not known here, one host, no redirects, answers kept for a while.

https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fhirhub import errors, logs
from fhirhub.errors import FhirError
from fhirhub.resources import document

Json = dict[str, Any]

KEPT_SECONDS = 600.0
REST_SECONDS = 15.0
"""How long a server that failed is left alone."""
MOST_BYTES = 20_000_000
_KEPT = 2_000
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said: 200 with a resource, or a refusal."""

    status: int
    resource: Json


class Outside:
    """One terminology server by its base URL. Nothing but codes, systems and value sets is sent to it."""

    def __init__(self, base: str, timeout_seconds: float = 5.0) -> None:
        self.base = base.rstrip("/")
        self._parts = urlsplit(self.base)
        self._timeout_seconds = timeout_seconds
        self._kept: OrderedDict[tuple[str, bytes], tuple[float, Answer]] = OrderedDict()
        self._rest_until = 0.0
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def ask(self, operation: str, parameters: Json) -> Answer:
        """The answer to `ValueSet/$expand` and its like with these Parameters. Raises `transient` (503) where the
        server does not answer, or does not as a terminology server should."""
        body = document.encode(parameters)
        key = (operation, body)
        kept = self._kept.get(key)
        if kept is not None and kept[0] > time.monotonic():
            self._kept.move_to_end(key)
            return kept[1]
        if time.monotonic() < self._rest_until:
            raise self._down("it failed a moment ago")
        async with self._room:
            try:
                answer = await asyncio.to_thread(self._post, operation, body)
            except (OSError, ValueError, FhirError) as fault:
                self._rest_until = time.monotonic() + REST_SECONDS
                logs.warning(f"The terminology server {self.base} does not answer: {type(fault).__name__}")
                raise self._down(type(fault).__name__) from fault
        self._kept[key] = (time.monotonic() + KEPT_SECONDS, answer)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return answer

    def _down(self, why: str) -> FhirError:
        return errors.transient(
            f"This is not known here, and the terminology server {self.base} does not answer ({why}). Try again later."
        )

    def _post(self, operation: str, body: bytes) -> Answer:
        # Only a hub with such a server loads these: they are a good part of a quick start.
        import http.client
        import ssl

        host, port = self._parts.hostname or "", self._parts.port
        connection: http.client.HTTPConnection
        if self._parts.scheme == "https":
            connection = http.client.HTTPSConnection(
                host, port, timeout=self._timeout_seconds, context=ssl.create_default_context()
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=self._timeout_seconds)
        try:
            connection.request(
                "POST",
                f"{self._parts.path}/{operation}",
                body,
                {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"},
            )
            response = connection.getresponse()
            content = response.read(MOST_BYTES + 1)
        except http.client.HTTPException as fault:
            raise ValueError(type(fault).__name__) from fault
        finally:
            connection.close()
        # A redirect would lead to a host that nobody has allowed.
        if len(content) > MOST_BYTES or 300 <= response.status < 400 or response.status >= 500:
            raise ValueError(f"status {response.status}")
        if response.status in (401, 403):
            raise ValueError("it asks for a sign-in")
        found = document.parse(content)
        return Answer(response.status, found)
