"""A tenant's own SearchParameter resources: taken note of in the transaction of their write, usable once every
resource is indexed by them (https://hl7.org/fhir/R4/searchparameter.html)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from fhirhub import errors, jobs, logs
from fhirhub.jobs import Job
from fhirhub.repository import Effect, Repository
from fhirhub.resources import definitions, document, fhirpath
from fhirhub.store import reindex, request
from fhirhub.store.database import Database
from fhirhub.store.index.parameters import Parameters, branches_of, rooted
from fhirhub.store.sql import Statement

Json = dict[str, Any]

NOTICE_SECONDS = 5.0
"""How long every process has to take note of a new parameter (they look each second) before what is stored
already is indexed by it; what is written from then on, its writer indexes."""

ANSWER_SECONDS = 1.5
"""How long the answer to its write waits, so that when it comes every process refuses searches by it."""

_CODE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
"""Codes that can stand in a query: a modifier begins with `:`, a chain with `.`, a descending sort with `-`."""


class TakeNote:
    """The rule that runs with each write of a SearchParameter."""

    types = frozenset({"SearchParameter"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        written = effect.after
        resource = None if written.body is None else document.parse(written.body)
        tenant = unit.tenant.number
        if resource is None or resource.get("status") == "retired" or not is_own(resource):
            await unit.transaction.execute(
                Statement(
                    "UPDATE custom_parameter SET state = 'gone' WHERE tenant = $1 AND id = $2",
                    (tenant, written.id),
                    ("int", "text"),
                )
            )
            return
        check(resource)
        await self._refuse_taken(unit, written.id, resource)
        assert written.body is not None
        await unit.transaction.execute(
            Statement(
                "INSERT INTO custom_parameter (tenant, id, state, body) VALUES ($1, $2, 'waiting', $3) "
                "ON CONFLICT (tenant, id) DO UPDATE SET state = 'waiting', body = excluded.body",
                (tenant, written.id, written.body.decode()),
                ("int", "text", "text"),
            )
        )
        content = {"parameter": written.id, "types": types_of(resource)}
        await jobs.enqueue(unit.transaction, tenant, reindex.KIND, content, NOTICE_SECONDS)

    async def _refuse_taken(self, unit: Repository, id: str, resource: Json) -> None:
        """Raises `duplicate` where another of the tenant's own has the same code on one of the same types."""
        tenant = unit.tenant.number
        # Of two that are written at once the second sees the first.
        await unit.transaction.lock_names(tenant, ["SearchParameter.code"])
        rows = await unit.transaction.fetch(
            Statement(
                "SELECT id FROM custom_parameter WHERE tenant = $1 AND id <> $2 AND state <> 'gone' ORDER BY id",
                (tenant, id),
                ("int", "text"),
            )
        )
        for (other_id,) in rows:
            # As it is now: the same transaction may have given it another code.
            found = await unit.find("SearchParameter", other_id)
            other = None if found is None or found.body is None else document.parse(found.body)
            if other is None or other.get("status") == "retired" or other.get("code") != resource.get("code"):
                continue
            types = sorted(set(types_of(resource)).intersection(types_of(other)))
            if types:
                raise errors.duplicate(
                    f"{types[0]} has a search parameter `{resource.get('code')}` already, "
                    f"SearchParameter/{other_id} ({other.get('url')}); choose another code, or change that one.",
                    "SearchParameter.code",
                )

    async def committed(self) -> None:
        await asyncio.sleep(ANSWER_SECONDS)


def is_own(resource: Json) -> bool:
    """Whether it is not one of R4's own, which are served without being stored."""
    return definitions.search_parameter(str(resource.get("url"))) is None


def types_of(resource: Json) -> list[str]:
    """The concrete resource types it is for."""
    bases = set(resource.get("base", ()))
    return [
        type
        for type in definitions.RESOURCE_TYPES
        if type in bases or any(definitions.is_subtype(type, base) for base in bases)
    ]


def check(resource: Json) -> None:
    """Raises `invalid` 422 for a parameter by which nothing could be indexed."""
    code = str(resource.get("code"))
    if code in request.RESULT_PARAMETERS:
        raise errors.invalid(
            f"`{code}` is a parameter of every search, about its result; choose another code.",
            "SearchParameter.code",
            422,
        )
    if not _CODE.fullmatch(code):
        raise errors.invalid(
            f"`{code[:80]}` cannot be a parameter's name in a URL: a code is of letters, digits, `-` and `_`, and "
            "does not begin with `-`.",
            "SearchParameter.code",
            422,
        )
    expression = resource.get("expression")
    if resource.get("type") not in ("composite", "special") and not expression:
        raise errors.invalid(
            "A search parameter needs an `expression`, a FHIRPath that says what it finds.",
            "SearchParameter.expression",
            422,
        )
    if resource.get("type") == "special":
        raise errors.not_supported(
            "A search parameter of type `special` has no meaning that a server could work out.", 422
        )
    if expression and not any(
        branches_of(rooted(expression, resource["base"]), type) for type in types_of(resource)
    ):
        raise errors.invalid(
            f"The expression finds nothing in {', '.join(resource['base'])}: it begins with one of these, such as "
            f"`{resource['base'][0]}.id`.",
            "SearchParameter.expression",
            422,
        )
    for type in types_of(resource):
        for code, known in definitions.search_parameters(type).items():
            if code == resource.get("code"):
                raise errors.duplicate(
                    f"{type} has a search parameter `{code}` already, {known.url}; choose another code.",
                    "SearchParameter.code",
                )
        if expression:
            try:
                fhirpath.select(expression, type)
            except errors.FhirError as failure:
                raise errors.invalid(str(failure), "SearchParameter.expression", 422) from failure


def handler(
    database: Database,
    parameters_of: Callable[[int], Awaitable[Parameters]],
    base_of: Callable[[int], Awaitable[str]],
) -> Callable[[Job], Awaitable[None]]:
    """What does the jobs of reindex.KIND: indexes by a parameter, then says that it is ready; or by all of them.

    `parameters_of(tenant)` gives the tenant's parameters as they stand in the database now, `base_of(tenant)`
    its base URL.
    """

    async def run(job: Job) -> None:
        if "parameter" not in job.content:
            count = await reindex.reindex(
                database, job.tenant, await parameters_of(job.tenant), base=await base_of(job.tenant)
            )
            logs.info("What was stored before is indexed anew", tenant=job.tenant, resources=count)
            return
        key = (job.tenant, job.content["parameter"])
        rows = await database.fetch(
            Statement(
                "SELECT body FROM custom_parameter WHERE tenant = $1 AND id = $2 AND state = 'waiting'",
                key,
                ("int", "text"),
            )
        )
        if not rows:
            return
        parameters = await parameters_of(job.tenant)
        await reindex.reindex(
            database, job.tenant, parameters, job.content["types"], base=await base_of(job.tenant)
        )
        # Only what was indexed is ready: a version written meanwhile has a job of its own.
        await database.execute(
            Statement(
                "UPDATE custom_parameter SET state = 'ready' WHERE tenant = $1 AND id = $2 AND body = $3",
                (*key, rows[0][0]),
                ("int", "text", "text"),
            )
        )

    return run
