"""Outliers of the log: what of many looks a privacy officer looks at first (RULES R24).

Nothing here says that somebody did wrong: who sees many patients may have covered for a colleague.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import NamedTuple

from fhirhub.resources.hours import DUTCH
from fhirhub.store.log import Looks

TIMES_THE_OTHERS = 3
"""From how many times as many patients as others in the role see somebody stands out."""
FEW_PATIENTS = 20
"""Patients in the whole period that are no reason to look."""
PREFIXES = frozenset(
    {"van", "von", "de", "der", "den", "ter", "ten", "te", "het", "t", "la", "le", "el", "en"}
)


class Bands(NamedTuple):
    """What is usual, as the settings say."""

    opens: time
    closes: time
    shift_roles: frozenset[str]
    patients: int
    """On one day."""
    refusals: int


class Outlier(NamedTuple):
    """Something to look at: who, what kind, how often, and about which patients (none where that is no matter)."""

    person: str
    role: str
    kind: str
    often: int
    patients: tuple[str, ...] = ()


def bands(hours: str, shift_roles: Iterable[str], patients: int, refusals: int) -> Bands:
    """The bands of these settings; hours such as `07:00-20:00`."""
    opens, _, closes = hours.partition("-")
    return Bands(
        time.fromisoformat(opens), time.fromisoformat(closes), frozenset(shift_roles), patients, refusals
    )


def outliers(
    looks: Sequence[Looks], names: Mapping[str, frozenset[str]], colleagues: Mapping[str, str], usual: Bands
) -> list[Outlier]:
    """What stands out, the most pressing kind first. `names` are the parts of family names of people and of patients
    (`Patient/x`); `colleagues` who of the patients works here, and as whom."""
    found = [
        *_emergencies(looks),
        *_acquainted(looks, names, colleagues),
        *_refusals(looks, usual),
        *_many_on_a_day(looks, usual),
        *_more_than_others(looks),
        *_out_of_hours(looks, usual),
    ]
    order = {kind: place for place, kind in enumerate(KINDS)}
    return sorted(found, key=lambda one: (order[one.kind], -one.often, one.person, one.role))


KINDS: Mapping[str, tuple[str, str]] = {
    "break-glass": (
        "opende dossiers in nood: {count} keer gekeken",
        "opened records in an emergency: looked {count} times",
    ),
    "same-name": (
        "keek bij iemand met dezelfde familienaam ({count} keer)",
        "looked at somebody of the same family name ({count} times)",
    ),
    "own-record": ("keek bij zichzelf ({count} keer)", "looked at the own record ({count} times)"),
    "colleague": ("keek bij een collega ({count} keer)", "looked at a colleague ({count} times)"),
    "refused": ("kreeg {count} keer een weigering", "was refused {count} times"),
    "many-on-a-day": ("zag {count} patiënten op één dag", "saw {count} patients on one day"),
    "more-than-others": (
        "zag {count} patiënten, veel meer dan anderen in deze rol",
        "saw {count} patients, many more than others in this role",
    ),
    "out-of-hours": ("keek {count} keer buiten werktijd", "looked {count} times outside working hours"),
}
"""By kind, what it is in Dutch and English."""
_ONE = (("1 times", "once"), ("1 patients ", "1 patient "), ("1 patiënten ", "1 patiënt "))


def described(one: Outlier, language: int) -> str:
    """What stands out, in Dutch (0) or English (1)."""
    told = KINDS[one.kind][language].format(count=one.often)
    if one.often == 1:
        for several, single in _ONE:
            told = told.replace(several, single)
    return told


def family(name: str) -> frozenset[str]:
    """The parts of a family name by which two may be the same, folded, without prefixes."""
    words = name.lower().replace("-", " ").replace("'", " ").split()
    return frozenset(word for word in words if word not in PREFIXES)


def _by_person(counts: Counter[tuple[str, str]], kind: str, least: int = 1) -> Iterator[Outlier]:
    for (person, role), count in counts.items():
        if count >= least:
            yield Outlier(person, role, kind, count)


def _emergencies(looks: Sequence[Looks]) -> Iterator[Outlier]:
    counts: Counter[tuple[str, str]] = Counter()
    whose: dict[tuple[str, str], set[str]] = {}
    for one in looks:
        if one.in_emergency and one.patient is not None:
            counts[one.person, one.role] += one.in_emergency
            whose.setdefault((one.person, one.role), set()).add(one.patient)
    for who, count in counts.items():
        yield Outlier(*who, "break-glass", count, tuple(sorted(whose[who])))


def _acquainted(
    looks: Sequence[Looks], names: Mapping[str, frozenset[str]], colleagues: Mapping[str, str]
) -> Iterator[Outlier]:
    """Who looked at relatives, or at people they work with."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for one in looks:
        if one.patient is None or not one.done:
            continue
        patient = f"Patient/{one.patient}"
        if patient in colleagues:
            kind = "own-record" if colleagues[patient] == one.person else "colleague"
            counts[one.person, one.role, kind, one.patient] += one.done
        elif names.get(one.person, frozenset()) & names.get(patient, frozenset()):
            counts[one.person, one.role, "same-name", one.patient] += one.done
    for (person, role, kind, whom), count in counts.items():
        yield Outlier(person, role, kind, count, (whom,))


def _refusals(looks: Sequence[Looks], usual: Bands) -> Iterator[Outlier]:
    counts: Counter[tuple[str, str]] = Counter()
    for one in looks:
        counts[one.person, one.role] += one.refused
    return _by_person(counts, "refused", max(1, usual.refusals))


def _many_on_a_day(looks: Sequence[Looks], usual: Bands) -> Iterator[Outlier]:
    days: dict[tuple[str, str, object], set[str]] = {}
    for one in looks:
        if one.patient is not None and one.done:
            days.setdefault((one.person, one.role, _local(one.hour).date()), set()).add(one.patient)
    most: Counter[tuple[str, str]] = Counter()
    for (person, role, _), patients in days.items():
        most[person, role] = max(most[person, role], len(patients))
    return _by_person(most, "many-on-a-day", usual.patients + 1)


def _more_than_others(looks: Sequence[Looks]) -> Iterator[Outlier]:
    whose: dict[tuple[str, str], set[str]] = {}
    for one in looks:
        if one.patient is not None and one.done:
            whose.setdefault((one.person, one.role), set()).add(one.patient)
    for (person, role), patients in whose.items():
        others = [len(seen) for (who, as_), seen in whose.items() if as_ == role and who != person]
        if not others or len(patients) <= FEW_PATIENTS:
            continue
        if len(patients) > TIMES_THE_OTHERS * statistics.median(others):
            yield Outlier(person, role, "more-than-others", len(patients))


def _out_of_hours(looks: Sequence[Looks], usual: Bands) -> Iterator[Outlier]:
    counts: Counter[tuple[str, str]] = Counter()
    for one in looks:
        if one.patient is None or not one.done or one.role in usual.shift_roles:
            continue
        local = _local(one.hour)
        if local.weekday() >= 5 or not usual.opens <= local.time() < usual.closes:
            counts[one.person, one.role] += one.done
    return _by_person(counts, "out-of-hours")


def _local(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * 3600, UTC).astimezone(DUTCH)
