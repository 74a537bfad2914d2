"""What the figures should reach: shares of a limit, and multiples of what peers gave on a machine of two cores.

The peers, measured once with 25,000 resources and 16 connections on PostgreSQL 15 or SQLite: HAPI 8.8.0
starter (Java 17) and Helios FHIR Server 0.2.7 (Rust). `--peer URL` measures any server anew beside the hub.
"""

from __future__ import annotations

# The better of the peers on that database, requests per second.
BEST_PEER = {
    "PostgreSQL": {
        "read": 9_480,
        "plans of a patient, by status": 810,
        "latest observations of a code, sorted, 5": 770,
        "patient by identifier": 1_810,
        "patients by name and birth date, 10": 300,
        "plans by patient.identifier (chain)": 600,
        "work list: owner and statuses, sorted, 20": 370,
        "plan with three includes": 1_750,
        "create CarePlan (2 kB)": 810,
        "transaction of 20 creates": 94,
        "transaction of 100 creates": 16,
        "load": 651,
    },
    "SQLite": {
        "read": 18_900,
        "plans of a patient, by status": 4_040,
        "latest observations of a code, sorted, 5": 1_890,
        "patient by identifier": 8_830,
        "patients by name and birth date, 10": 440,
        "plans by patient.identifier (chain)": 2_670,
        "work list: owner and statuses, sorted, 20": 660,
        "plan with three includes": 1_320,
        "create CarePlan (2 kB)": 907,
        "transaction of 20 creates": 70,
        "transaction of 100 creates": 16,
        "load": 1_471,
    },
}


def wanted(database: str, operation: str) -> float | None:
    """Requests per second that are to be reached with one worker for each core."""
    best = BEST_PEER[database].get(operation)
    if best is None:
        return None
    return best * (2 if database == "PostgreSQL" and operation != "read" else 1)


# Shares of the limit beside which the operation runs.
SHARES = {
    ("PostgreSQL", "read"): 1.0,
    ("SQLite", "read"): 0.35,
    ("PostgreSQL", "create CarePlan (2 kB)"): 0.6,
    ("SQLite", "create CarePlan (2 kB)"): 0.55,
}
ACCESS = 1.5
"""A question with a care worker's access, at most so many times the same with none."""
AUDIT = 1.25
"""A read or search that is logged, at most so many times the same without the log."""
NOTIFIED_P99_MS = 200
"""From when a write is due to its notification, at 100 writes a second."""
TIMES_UNNEST = 2.0
START_SECONDS = 1.0
VALIDATION_MICROSECONDS = 1000
WORKER_MEGABYTES = 150
BOUNDED_P99_MS = 10
