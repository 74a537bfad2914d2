"""Whether a patient agreed, or objects, at a moment (RULES R13, R15, R17).

What Consents decide is kept as relations (`resources/consents.py`): here they are asked about one party, as the rules
of work do before somebody joins; what may be seen asks the same inside every SELECT (`store/visible.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from fhirhub.resources.relations import Kind
from fhirhub.store.database import Reader
from fhirhub.store.sql import Binder

Answer = Literal["agreed", "refused", "unknown"]


async def answer(
    reader: Reader, tenant: int, patient: str, actors: Sequence[str], now: int, *, provider: bool
) -> Answer:
    """What the patient says about a party, which goes by these names: an organisation, with the queue that it claims
    from; or a person, with role and organisation. An agreement without an actor covers care providers only."""
    binder = Binder()
    binder.bind(tenant, "int")
    where = [
        "x.tenant = $1",
        f"x.subject = {binder.bind(patient)}",
        f"x.kind IN ({int(Kind.DENY)}, {int(Kind.PERMIT)})",
        "x.type = ''",
    ]
    moment = binder.bind(now, "bigint")
    where.append(f"x.start <= {moment} AND x.until > {moment}")
    anybody = "x.actor = ''" if provider else f"x.actor = '' AND x.kind = {int(Kind.DENY)}"
    named = reader.dialect.any_of("x.actor", binder.bind(list(actors), "text[]"))
    where.append(f"({anybody} OR {named})")
    rows = await reader.fetch(
        binder.statement(f"SELECT max(x.weight) FROM relation x WHERE {' AND '.join(where)}")
    )
    weight = rows[0][0]
    if weight is None:
        return "unknown"
    return "refused" if int(weight) % 2 else "agreed"
