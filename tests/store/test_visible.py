"""An Access as SQL: what the rules say, on both databases."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhirhub.access import EVERYTHING, NOTHING, Access, Rule
from fhirhub.store.database import Database
from fhirhub.store.sql import Dialect, PostgresqlDialect, SqliteDialect
from fhirhub.store.visible import Visible, visible
from tests.store.finding import Hub, patient, plan, resource, to


def access(*rules: Rule) -> Access:
    return Access(frozenset(rules))


def test_an_unlimited_access_costs_nothing() -> None:
    seen = visible(EVERYTHING, SqliteDialect())
    assert (seen.condition("r"), seen.bind("SELECT 1", 2)) == ("", ("SELECT 1", ()))
    assert visible(access(Rule(), Rule(patients=frozenset({"a"}))), SqliteDialect()).unlimited


@pytest.mark.parametrize("dialect", [SqliteDialect(), PostgresqlDialect()])
def test_an_access_without_rules_sees_nothing(dialect: Dialect) -> None:
    assert visible(NOTHING, dialect).condition("r") == "1 = 0"


def test_one_patient_is_bound_as_a_plain_value_so_that_statements_can_be_grouped() -> None:
    def asked(*patients: str) -> Visible:
        return visible(access(Rule(patients=frozenset(patients))), PostgresqlDialect())

    sql, slots = asked("a").bind(asked("a").condition("r"), 4)
    assert sql == "(r.patient = $4)"
    assert asked("a").given(slots) == (("a",), ("text",))
    assert asked("a", "b").given(slots) == ((["a", "b"],), ("text[]",))
    assert asked("a").shape is asked("z").shape


rules = st.builds(
    Rule,
    types=st.frozensets(st.sampled_from(["Patient", "CarePlan", "Communication"]), max_size=2),
    patients=st.none() | st.frozensets(st.sampled_from(["a", "b", "c"]), max_size=3),
    ids=st.none() | st.frozensets(st.sampled_from(["a", "pa", "pb", "ab"]), max_size=2),
)
ABOUT = {
    ("Patient", "a"): {"a"},
    ("Patient", "b"): {"b"},
    ("CarePlan", "pa"): {"a"},
    ("CarePlan", "pb"): {"b"},
    ("CarePlan", "none"): set(),
    ("Communication", "ab"): {"a", "b"},
}


def allows(rule: Rule, type: str, id: str, about: set[str]) -> bool:
    return (
        (not rule.types or type in rule.types)
        and (rule.patients is None or (bool(about) and about <= rule.patients))
        and (rule.ids is None or id in rule.ids)
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_the_condition_lets_through_what_the_rules_allow(
    database: Database, data: st.DataObject
) -> None:
    hub = Hub(database)
    if not (await hub.page("Patient")).matches:
        await hub.put(
            patient("a"),
            patient("b"),
            plan("pa", "Patient/a"),
            plan("pb", "Patient/b"),
            plan("none", subject={"display": "niemand"}),
            resource(
                "Communication", "ab", status="completed", sender=to("Patient/a"), recipient=[to("Patient/b")]
            ),
        )
    given_access = Access(frozenset(data.draw(st.lists(rules, max_size=3))))
    expected = {
        f"{type}/{id}"
        for (type, id), about in ABOUT.items()
        if any(allows(rule, type, id, about) for rule in given_access.rules)
    }
    page = await hub.page("?_type=Patient,CarePlan,Communication", given_access)
    assert {f"{match.type}/{match.id}" for match in page.matches} == expected
