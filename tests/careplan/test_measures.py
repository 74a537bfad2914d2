"""Measures by practice, care group and region: who may have them, what they count, and that none of them is small."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, product

import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirhub.access import EVERYTHING
from fhirhub.auth import accounts
from fhirhub.careplan import measures
from fhirhub.careplan.measures import Place
from fhirhub.repository import Repository
from fhirhub.resources import guide
from fhirhub.store import counting
from tests.auth.builders import Hub, Json
from tests.careplan.people import person
from tests.careplan.resources import SHARED, code, member, organization, team, to, works

PERIOD = "periodStart=2026-01-01&periodEnd=2026-06-30"
TREATING = {"coding": [{"system": "http://snomed.info/sct", "code": "405623001"}]}


def patients(practice: str, count: int, complex: int, together: int) -> Iterator[Json]:
    """So many patients of a practice, some of them complex; of these some have all that is measured."""
    for number in range(count):
        id = f"{practice}-{number}"
        subject = to(f"Patient/{id}")
        registered = to(f"Organization/{practice}")
        yield {"resourceType": "Patient", "id": id, "generalPractitioner": [registered]}
        yield segment(id, "complex" if number < complex else "eenvoudig")
        if number >= together:
            continue
        nurse = member("PractitionerRole/rol-wil", TREATING)
        doctor = member(f"PractitionerRole/rol-{practice}", TREATING)
        relative = {"resourceType": "RelatedPerson", "id": f"naaste-{id}", "patient": subject}
        yield relative
        yield team(
            doctor, nurse, member(f"RelatedPerson/naaste-{id}", TREATING), id=id, subject=f"Patient/{id}"
        )
        yield {
            "resourceType": "CarePlan",
            "id": id,
            "status": "active",
            "intent": "plan",
            "category": [SHARED],
            "subject": subject,
            "careTeam": [to(f"CareTeam/{id}")],
        }
        yield {
            "resourceType": "Goal",
            "id": id,
            "lifecycleStatus": "active",
            "description": {"text": "Naar de markt"},
            "subject": subject,
            "expressedBy": subject,
        }
        for name, day, kind in (("mdo", "06-01", [code("document-type", "mdo")]), ("bezoek", "05-20", [])):
            yield {
                "resourceType": "Appointment",
                "id": f"{name}-{id}",
                "status": "fulfilled",
                **({"serviceType": kind} if kind else {}),
                "start": f"2026-{day}T10:00:00Z",
                "end": f"2026-{day}T10:30:00Z",
                "participant": [{"actor": subject, "status": "accepted"}],
            }
        yield {
            "resourceType": "QuestionnaireResponse",
            "id": id,
            "status": "completed",
            "questionnaire": "https://example.org/Questionnaire/voor-bezoek",
            "subject": subject,
            "authored": "2026-05-15",
        }


def segment(patient: str, chosen: str, day: str = "2026-01-10", **more: str) -> Json:
    return {
        "resourceType": "Observation",
        "id": f"segment-{patient}-{day}",
        "status": "final",
        "code": code("observation", "segment"),
        "subject": to(f"Patient/{patient}"),
        "effectiveDateTime": day,
        "valueCodeableConcept": code("plan-segment", chosen),
        **more,
    }


async def load(hub: Hub, *resources: Json) -> None:
    async def work(unit: Repository) -> None:
        for one in resources:
            await unit.update(one)

    await Repository(hub.realm.tenant, EVERYTHING).together(work)


@pytest_asyncio.fixture
async def region(hub: Hub) -> Hub:
    """Practices north and south of one care group, east of another; in the east few are complex."""
    joined = [
        {
            "resourceType": "OrganizationAffiliation",
            "id": f"{group}-{practice}",
            "organization": to(f"Organization/{group}"),
            "participatingOrganization": to(f"Organization/{practice}"),
            "code": [code("affiliation", "zorggroep")],
        }
        for group, practice in (("groep", "noord"), ("groep", "zuid"), ("andere", "oost"))
    ]
    await load(
        hub,
        *(organization(id, "Z3") for id in ("noord", "zuid", "oost")),
        *(organization(id, None) for id in ("groep", "andere")),
        organization("thuiszorg", "T2"),
        *(one for id in ("noord", "zuid", "oost") for one in works(id, id, "huisarts")),
        *works("wil", "thuiszorg", "wijkverpleegkundige"),
        *works("ans", "groep", "analist"),
        *joined,
        *patients("noord", 40, 25, 12),
        *patients("zuid", 31, 20, 10),
        *patients("oost", 14, 2, 1),
    )
    for name, at, role in (
        ("noord", "noord", "huisarts"),
        ("oost", "oost", "huisarts"),
        ("wil", "thuiszorg", "wijkverpleegkundige"),
        ("ans", "groep", "analist"),
    ):
        asked = {"username": name, "password": "geheim", "fhirUser": f"Practitioner/{name}"}
        await accounts.add(
            hub.realm, accounts.wanted({**asked, "role": role, "organization": f"Organization/{at}"})
        )
    await hub.register(
        client_id="app",
        client_name="Cijfers",
        redirect_uris=["https://app.example/done"],
        token_endpoint_auth_method="none",
        grant_types=["authorization_code"],
        scope="openid fhirUser user/*.rs",
    )
    return hub


def counts(group: Json) -> list[int | None]:
    return [one.get("count") for one in group["population"]]


def strata(report: Json, of: str) -> dict[str, list[int | None]]:
    for stratifier in report["group"][0].get("stratifier", ()):
        if stratifier["code"][0]["coding"][0]["code"] == of:
            return {one["value"]["text"]: counts(one) for one in stratifier["stratum"]}
    return {}


async def test_who_works_at_a_practice_has_each_measure_of_it(region: Hub) -> None:
    doctor = await person(region, "noord")
    found = {}
    for id in counting.MEASURES:
        report = await doctor.get(f"Measure/{id}/$evaluate-measure?{PERIOD}")
        assert report["reporter"]["reference"] == "Organization/noord"
        assert report["period"] == {"start": "2026-01-01", "end": "2026-06-30"}
        group = report["group"][0]
        found[id] = (counts(group), group.get("measureScore", {}).get("value"))
    assert found == {
        "shared-plan": ([40, 25, 12], 48.0),
        "last-meeting": ([25, 12], 29),
        "carer-involved": ([40, 25, 12], 48.0),
        "own-goals": ([40, 25, 12], 48.0),
        "adoption": ([40, 40, 12], 30.0),
        "response-before-visit": ([40, 12, None], None),
    }


async def test_an_analyst_has_region_and_care_groups_and_the_practices_of_the_own_one(region: Hub) -> None:
    analyst = await person(region, "ans")
    adoption = await analyst.get(f"Measure/$evaluate-measure?measure=Measure/adoption&{PERIOD}")
    assert "reporter" not in adoption
    assert counts(adoption["group"][0]) == [85, 85, 23]
    assert set(strata(adoption, "care-group")) == {"Organisatie groep", "Organisatie andere"}
    assert set(strata(adoption, "practice")) == {"Organisatie noord", "Organisatie zuid"}
    group = await analyst.get(f"Measure/adoption/$evaluate-measure?subject=Organization/groep&{PERIOD}")
    assert counts(group["group"][0])[0] == 71
    await analyst.get(f"Measure/adoption/$evaluate-measure?subject=Organization/oost&{PERIOD}", 403)


async def test_what_subtraction_would_tell_is_hidden_too(region: Hub) -> None:
    """In the east two are complex: the sum of the others, which with the region's would tell that, is not shown."""
    analyst = await person(region, "ans")
    report = await analyst.get(f"Measure/shared-plan/$evaluate-measure?{PERIOD}")
    assert counts(report["group"][0])[:2] == [85, 47]
    assert strata(report, "care-group") == {
        "Organisatie groep": [71, None, None],
        "Organisatie andere": [14, None, None],
    }
    assert strata(report, "practice") == {
        "Organisatie noord": [40, 25, 12],
        "Organisatie zuid": [31, None, None],
    }


async def test_no_other_figures_are_had(region: Hub) -> None:
    doctor, nurse = await person(region, "noord"), await person(region, "wil")
    asked = "Measure/adoption/$evaluate-measure"
    await nurse.get(f"{asked}?{PERIOD}", 403)
    await doctor.get(f"{asked}?subject=Organization/zuid&{PERIOD}", 403)
    for query in ("subject=Patient/noord-1", "reportType=subject-list", "practitioner=Practitioner/noord"):
        await doctor.get(f"{asked}?{query}&{PERIOD}", 422)
    await doctor.get(f"{asked}?periodStart=2026-01-15&periodEnd=2026-06-30", 400)
    lacking = await doctor.get(f"{asked}?periodStart=2026-01-01", 400)
    assert "in an address `periodEnd=2026-03-31`" in str(lacking)
    await doctor.get(f"{asked}?periodStart=2126-01-01&periodEnd=2126-06-30", 422)


async def test_only_measures_of_the_guide_are_evaluated(region: Hub) -> None:
    doctor = await person(region, "noord")
    refused = await doctor.get(f"Measure/$evaluate-measure?measure=Measure/eigen&{PERIOD}", 422)
    assert "Measure/shared-plan" in refused["issue"][0]["details"]["text"]
    by_url = guide.url("Measure", "adoption")
    assert (await doctor.get(f"Measure/$evaluate-measure?measure={by_url}&{PERIOD}"))[
        "measure"
    ] == f"{by_url}|0.1.0"


async def test_what_counts_is_what_was_so_at_the_end_of_the_period(region: Hub) -> None:
    """A later choice counts from then on, one in error never; who died is nobody's patient."""
    dead = {"id": "noord-24", "deceasedBoolean": True}
    registered = [to("Organization/noord")]
    await load(
        region,
        segment("noord-0", "eenvoudig", "2026-05-01"),
        segment("noord-1", "eenvoudig", "2026-05-01", status="entered-in-error"),
        {"resourceType": "Patient", "generalPractitioner": registered, **dead},
    )
    doctor = await person(region, "noord")
    first = await doctor.get(
        "Measure/own-goals/$evaluate-measure?periodStart=2026-01-01&periodEnd=2026-03-31"
    )
    second = await doctor.get(f"Measure/own-goals/$evaluate-measure?{PERIOD}")
    assert counts(first["group"][0]) == [39, 24, 12]
    # What was told of March and June would tell of the one of whom another segment was chosen.
    assert counts(second["group"][0]) == [39, None, None]


async def test_what_was_told_of_a_month_is_not_told_again_with_one_more(region: Hub) -> None:
    doctor = await person(region, "noord")
    asked = f"Measure/own-goals/$evaluate-measure?{PERIOD}"
    for _ in range(2):
        assert counts((await doctor.get(asked))["group"][0]) == [40, 25, 12]
    await load(region, segment("noord-30", "complex", "2026-02-01"))
    assert counts((await doctor.get(asked))["group"][0]) == [40, None, None]
    # Another measure has the same count of complex patients, and does not tell it either.
    assert counts((await doctor.get(asked.replace("own-goals", "carer-involved")))["group"][0])[1] is None
    await load(region, *(segment(f"noord-{number}", "eenvoudig", "2026-02-01") for number in range(12, 23)))
    assert counts((await doctor.get(asked))["group"][0])[1] == 15


# --- suppression ---

LEAF = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40)).map(
    lambda parts: (sum(parts), sum(parts[1:]), parts[2])
)


def tree(groups: list[list[tuple[int, ...]]]) -> Place:
    below = []
    for number, leaves in enumerate(groups):
        places = [Place(f"{number}-{index}", leaf) for index, leaf in enumerate(leaves)]
        below.append(Place(str(number), tuple(map(sum, zip(*leaves, strict=True))), below=places))
    return Place("", tuple(map(sum, zip(*(one.counts for one in below), strict=True))), below=below)


def derivable(known: list[list[int]], wanted: list[int]) -> bool:
    """Whether a sum of leaves follows from sums that are known, by elimination."""
    rows = [[Fraction(value) for value in row] for row in known]
    rest = [Fraction(value) for value in wanted]
    for column in range(len(wanted)):
        pivot = next((row for row in rows if row[column] != 0 and not any(row[:column])), None)
        for row in rows:
            if row is not pivot and pivot is not None and row[column] and not any(row[:column]):
                share = row[column] / pivot[column]
                row[:] = [one - share * other for one, other in zip(row, pivot, strict=True)]
        if rest[column]:
            if pivot is None:
                return False
            share = rest[column] / pivot[column]
            rest = [one - share * other for one, other in zip(rest, pivot, strict=True)]
    return True


@given(st.lists(st.lists(LEAF, min_size=1, max_size=4), min_size=1, max_size=3))
def test_no_small_figure_can_be_derived(groups: list[list[tuple[int, ...]]]) -> None:
    region = tree(groups)
    measures.hide(region)
    leaves = [leaf.name for leaf in region.leaves()]

    def sum_of(place: Place) -> list[int]:
        return [int(name in {leaf.name for leaf in place.leaves()}) for name in leaves]

    for level in range(3):
        shown = [place for place in region.all() if place.shown > level]
        for place in region.all():
            rest = place.counts[level - 1] - place.counts[level] if level else measures.SMALL
            small = min(place.counts[level], rest) < measures.SMALL
            if small:
                assert not derivable([sum_of(one) for one in shown], sum_of(place))
    assert all(value >= measures.SMALL for one in region.all() for value in islice(one.counts, one.shown))


@settings(max_examples=40)
@given(
    st.lists(st.lists(st.tuples(LEAF, LEAF), min_size=1, max_size=2), min_size=1, max_size=3),
)
def test_no_small_change_can_be_derived(groups: list[list[tuple[tuple[int, ...], tuple[int, ...]]]]) -> None:
    before, after = (tree([[leaf[time] for leaf in leaves] for leaves in groups]) for time in (0, 1))
    measures.hide(before)
    measures.hide(after, {level: [measures.shown(before, level)] for level in (1, 2)})
    leaves = [leaf.name for leaf in before.leaves()]

    def shown(region: Place, level: int) -> list[list[int]]:
        named = [{leaf.name for leaf in place.leaves()} for place in region.all() if place.shown > level]
        return [[int(name in one) for name in leaves] for one in named]

    for level in (1, 2):
        least: list[tuple[int, ...]] = []
        for wanted in sorted(product((0, 1), repeat=len(leaves)), key=sum):
            if not any(wanted) or any(all(a <= b for a, b in zip(one, wanted, strict=True)) for one in least):
                continue
            if all(derivable(shown(region, level), list(wanted)) for region in (before, after)):
                least.append(wanted)
                sums = [
                    sum(
                        leaf.counts[level]
                        for leaf, is_in in zip(region.leaves(), wanted, strict=True)
                        if is_in
                    )
                    for region in (before, after)
                ]
                assert not 0 < abs(sums[1] - sums[0]) < measures.SMALL
