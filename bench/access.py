"""What access costs: the reads and searches of the bench as one care worker asks them, beside the same with no
access at all, in turns within one run."""

from __future__ import annotations

import asyncio
import gc
import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.operations import Operation
from fhirhub import settings
from fhirhub.access import EVERYTHING, Access
from fhirhub.auth import scopes
from fhirhub.auth.policy import access_of, standing_of
from fhirhub.auth.principal import Principal
from fhirhub.repository import Repository, Tenant
from fhirhub.settings import Settings
from fhirhub.store import request as requests
from fhirhub.tenants import DEFAULT, open_tenants

PRACTICE = "Organization/praktijk-1"
DOCTOR = "Practitioner/huisarts-1-1"
ROUNDS = 5
MOST = 200
"""How many requests of each operation are asked in one round."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of one question without access and with it: the mean of all, each at its best."""

    operation: str
    without_ms: float
    with_ms: float

    @property
    def ratio(self) -> float:
        return self.with_ms / self.without_ms


def measure(url: str, secret_file: str, operations: Sequence[Operation]) -> list[Cost]:
    """The cost of those operations that read, through the repository, one question at a time."""
    # As the hub does when it begins to serve (`fhirhub/serving.py`): what is in memory by then costs no question.
    gc.freeze()
    return asyncio.run(_measure(settings.read({}, database=url, secret_file=secret_file), operations))


async def _measure(chosen: Settings, operations: Sequence[Operation]) -> list[Cost]:
    async with open_tenants(chosen) as opened:
        tenant = await opened.get(DEFAULT)
        assert tenant is not None
        plain = Repository(tenant, EVERYTHING)
        doctor = Repository(tenant, await _access(tenant, chosen, DOCTOR, PRACTICE, "huisarts"))
        found = []
        for operation in operations:
            if operation.together:
                continue
            asked = [_target(one) for one in operation.requests]
            owners = sorted({owner for one in asked for owner in re.findall(r"owner=([^&]+)", one)})
            if owners:
                # A work list is of those who work there.
                asking = {
                    owner: Repository(
                        tenant,
                        await _access(tenant, chosen, "Practitioner/nobody", owner, "wijkverpleegkundige"),
                    )
                    for owner in owners
                }
            else:
                asking = {"": doctor}
            seen = [
                (one, plain, repository)
                for one in asked[:MOST]
                for owner, repository in asking.items()
                if owner in one
                if await _ask(repository, one) == await _ask(plain, one) != 0
            ]
            best = [[1e9, 1e9] for _ in seen]
            for _ in range(ROUNDS):
                for times, (one, *both) in zip(best, seen, strict=True):
                    for way, repository in enumerate(both):
                        began = time.perf_counter()
                        await _ask(repository, one)
                        times[way] = min(times[way], time.perf_counter() - began)
            if seen:
                without, limited = (statistics.fmean(ways) * 1e3 for ways in zip(*best, strict=True))
                found.append(Cost(operation.name, without, limited))
        return found


async def _access(tenant: Tenant, chosen: Settings, person: str, organization: str, role: str) -> Access:
    asked = scopes.parse("user/*.rs").resources
    principal = Principal(
        "person", DEFAULT, "bench", "bench", asked, fhir_user=person, organization=organization, role=role
    )
    standing = await standing_of(tenant.database, tenant.number, person, organization)
    return access_of(principal, standing, tenant.parameters, chosen)


def _target(request: bytes) -> str:
    """`CarePlan/x` or `CarePlan?patient=x` of the request."""
    return request.split(b" ", 2)[1].decode().removeprefix("/fhir/")


async def _ask(repository: Repository, target: str) -> int:
    """How many resources come."""
    path, _, query = target.partition("?")
    type, _, id = path.partition("/")
    if id:
        return int(await repository.find(type, id) is not None)
    page = await repository.search(requests.parse(type, query, repository.parameters))
    return len(page.matches) + len(page.includes)
