"""The store as one caller sees it: visible reads, valid writes.

A `Repository` is made for each request and carries the caller's Access; whoever holds it cannot see more.
Inside `together` the same class works on one database transaction: its writes are staged and sent in bulk,
and what it reads includes them. It is built up in five floors, each on the one before: `unit` (the transaction),
`reading`, `admission` (what may be written), `changes`, and `writing`, where it has its name.
"""

from fhirhub.repository.outcomes import Effect as Effect
from fhirhub.repository.outcomes import Indexed as Indexed
from fhirhub.repository.outcomes import Written as Written
from fhirhub.repository.outcomes import new_id as new_id
from fhirhub.repository.outcomes import now as now
from fhirhub.repository.refusals import forbidden as forbidden
from fhirhub.repository.refusals import gone as gone
from fhirhub.repository.refusals import stale as stale
from fhirhub.repository.refusals import unknown as unknown
from fhirhub.repository.tenant import Keys as Keys
from fhirhub.repository.tenant import Rule as Rule
from fhirhub.repository.tenant import Tenant as Tenant
from fhirhub.repository.trails import Agent as Agent
from fhirhub.repository.trails import Recorder as Recorder
from fhirhub.repository.trails import Refused as Refused
from fhirhub.repository.trails import Seen as Seen
from fhirhub.repository.trails import Trail as Trail
from fhirhub.repository.trails import Write as Write
from fhirhub.repository.writing import TRIES as TRIES
from fhirhub.repository.writing import Check as Check
from fhirhub.repository.writing import Repository as Repository
from fhirhub.store.versions import Stored as Stored
