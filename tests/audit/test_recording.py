"""What is done here stands in the log, with why it could be."""

from __future__ import annotations

import pytest

from tests.audit.watching import Watched, bundle, observation


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is recorded is the same on both."""
    return sqlite_url


async def test_a_read_is_logged_with_the_rule_that_let_it(there: Watched) -> None:
    (entry,) = await there.since(there.jan.read("Patient/anna"))
    assert entry.interaction == "read"
    assert (entry.action, entry.outcome, entry.patient, entry.type, entry.target) == (
        "R",
        "0",
        "anna",
        "Patient",
        "anna",
    )
    assert (entry.person, entry.role, entry.organization) == (
        "Practitioner/jan",
        "huisarts",
        "Organization/praktijk",
    )
    assert (entry.client, entry.rule) == ("app", "practice")


async def test_a_patient_reads_their_own(there: Watched) -> None:
    (entry,) = await there.since(there.anna.read("Patient/anna"))
    assert (entry.rule, entry.person) == ("self", "Patient/anna")


@pytest.mark.parametrize("id", ["bert", "nobody"])
async def test_a_refusal_stands_in_the_log_of_the_patient_asked_about(there: Watched, id: str) -> None:
    (entry,) = await there.since(there.anna.read(f"Patient/{id}"))
    assert (entry.outcome, entry.rule, entry.patient, entry.target) == ("4", "refused", id, id)


async def test_a_refused_resource_is_in_its_patients_log(there: Watched) -> None:
    made = await there.jan.create(observation("bert"))
    (entry,) = await there.since(there.anna.read(f"Observation/{made.json()['id']}"))
    assert (entry.outcome, entry.patient) == ("4", "bert")


async def test_a_search_is_logged_with_its_query_once_for_each_patient_seen(there: Watched) -> None:
    entries = await there.since(there.jan.read("Patient?birthdate=1950-01-02&_include=Patient:organization"))
    assert sorted((entry.patient or "", entry.query or "") for entry in entries) == [
        ("anna", "birthdate=1950-01-02&_include=Patient:organization"),
        ("bert", "birthdate=1950-01-02&_include=Patient:organization"),
    ]


async def test_a_search_that_finds_nobody_is_one_record(there: Watched) -> None:
    (entry,) = await there.since(there.jan.read("Patient?family=Niemand"))
    assert (entry.interaction, entry.patient, entry.query) == ("search-type", None, "family=Niemand")


async def test_a_write_is_logged_with_its_version(there: Watched) -> None:
    entries = await there.since(there.jan.create(observation("anna")))
    entry = next(one for one in entries if one.type == "Observation")
    assert (entry.interaction, entry.action, entry.version, entry.patient) == ("create", "C", 1, "anna")


async def test_a_write_that_fails_is_logged_without_a_version(there: Watched) -> None:
    (entry,) = await there.since(there.jan.create({**observation("anna"), "status": "no"}))
    assert (entry.action, entry.outcome, entry.version, entry.patient) == ("C", "4", None, "anna")
    log = (await there.anna.read("Patient/anna/$access-log")).text
    assert "Organisatie praktijk, probeerde een meting toe te voegen; dat is niet gelukt." in log


async def test_every_entry_of_a_transaction_is_logged_with_what_it_wrote(there: Watched) -> None:
    asked = bundle("transaction", ("GET", "Patient/anna", None), ("POST", "Observation", observation("anna")))
    entries = await there.since(there.jan.ask("POST", "", asked))
    assert sorted(entry.interaction for entry in entries) == ["create", "read"]


async def test_a_refused_transaction_is_logged_once_about_whom_it_was(there: Watched) -> None:
    asked = bundle(
        "transaction", ("POST", "Observation", observation("anna")), ("GET", "Patient/nobody", None)
    )
    (entry,) = await there.since(there.jan.ask("POST", "", asked))
    assert (entry.outcome, entry.patient) == ("4", "nobody")


async def test_entries_of_a_batch_are_logged_each(there: Watched) -> None:
    asked = bundle("batch", ("GET", "Patient/anna", None), ("GET", "Patient/nobody", None))
    entries = await there.since(there.jan.ask("POST", "", asked))
    assert sorted((entry.patient, entry.outcome) for entry in entries) == [("anna", "0"), ("nobody", "4")]


async def test_the_log_is_sound_after_all_that(there: Watched) -> None:
    for ask in (
        there.jan.read("Patient/anna"),
        there.anna.read("Patient/bert"),
        there.jan.create(observation("anna")),
    ):
        await ask
    found = await there.verify()
    assert found.records > 3
    assert found.faults == []
