"""The report of a run: `RESULTS.md` with the machine and every figure, and a plot of cost against size."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import access, audit, notifications, targets, validation

MAPPED = "with mapped files"


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of one column; `value` is requests per second unless the operation's name has a unit."""

    database: str
    size: int
    workers: int
    operation: str
    column: str
    value: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    count: int | None = None
    processor_ms: float | None = None
    """What one request took of the processors, in the hub and its database."""


@dataclass(frozen=True, slots=True)
class Share:
    """The hub beside a limit of the same run."""

    database: str
    size: int
    workers: int
    operation: str
    limit: str
    hub: float
    best: float
    unit: str

    @property
    def ratio(self) -> float:
        return self.hub / self.best

    @property
    def target(self) -> str:
        if self.unit == "ms":
            return f"<= {targets.TIMES_UNNEST:.0f}x" if self.database == "PostgreSQL" else "-"
        return f">= {targets.SHARES[self.database, self.operation]:.0%}"

    @property
    def is_met(self) -> bool:
        if self.unit == "ms":
            return self.database != "PostgreSQL" or self.ratio <= targets.TIMES_UNNEST
        return self.ratio >= targets.SHARES[self.database, self.operation]


@dataclass(frozen=True, slots=True)
class Limited:
    """What one question costs with a care worker's access, beside the same with none."""

    database: str
    size: int
    cost: access.Cost


@dataclass(frozen=True, slots=True)
class Logged:
    """What a read or search costs with the log, beside the same without."""

    database: str
    size: int
    cost: audit.Cost


@dataclass(frozen=True, slots=True)
class Notified:
    """How long after a write somebody is notified of it; or, where nobody is, how long it is answered after."""

    database: str
    size: int
    workers: int
    is_listened: bool
    latency: notifications.Latency


def write(
    output: Path,
    sizes: Sequence[int],
    workers: Sequence[int],
    cells: Sequence[Cell],
    shares: Sequence[Share],
    limited: Sequence[Limited],
    logged: Sequence[Logged],
    notified: Sequence[Notified],
    notes: Mapping[str, str],
    faults: Sequence[str],
) -> None:
    """Write the report and, beside it, the plot."""
    databases = list(dict.fromkeys(cell.database for cell in cells))
    lines = ["# What was measured", "", "Made by `make bench`; see `bench/` for how.", ""]
    lines += _machine(notes)
    lines += ["", "## Beside the limits", "", *_shares(shares)]
    for database in databases:
        lines += ["", f"## {database}", "", *_operations(database, sizes, workers, cells)]
    lines += ["", "## Processor time", "", *_processor(sizes, workers, databases, cells)]
    lines += ["", "## Bounded searches, one at a time", "", *_alone(sizes, databases, cells)]
    lines += ["", "## With access and without", "", *_limited(limited)]
    lines += ["", "## With the log and without", "", *_logged(logged)]
    lines += ["", "## Notifications", "", *_notified(notified)]
    lines += ["", "## Validation", "", *validation.lines()]
    lines += ["", "## Start and memory", "", *_resources(cells)]
    if faults:
        lines += ["", "## Not measured", "", *[f"- {fault}" for fault in faults]]
    plot = output.with_suffix(".svg")
    if _plot(plot, databases, cells):
        lines += [
            "",
            "## Cost against size",
            "",
            f"![Milliseconds of the processors for a request against size]({plot.name})",
        ]
    output.write_text("\n".join(lines) + "\n")


def _machine(notes: Mapping[str, str]) -> list[str]:
    processor = platform.processor()
    memory = ""
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
        total = Path("/proc/meminfo").read_text().split(maxsplit=2)[1]
        memory = f", {int(total) / 1024 / 1024:.0f} GB"
    postgres = subprocess.run(
        ["psql", "--version"], capture_output=True, text=True, check=False
    ).stdout.split()
    rows = [
        ("machine", f"{os.cpu_count()} cores, {processor}{memory}; client, server and database share them"),
        ("system", f"{platform.system()} {platform.release()}"),
        (
            "versions",
            f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
            + (f", PostgreSQL {postgres[2]}" if len(postgres) > 2 else ""),
        ),
        ("when", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        (
            "traffic",
            "16 connections, each with one request under way; validation on, the log off but in its own table",
        ),
        ("limits", "raw ASGI under uvicorn with as many workers; the same rows, the same durability"),
        *notes.items(),
    ]
    return ["| | |", "|---|---|", *[f"| {name} | {text} |" for name, text in rows]]


def _shares(shares: Sequence[Share]) -> list[str]:
    lines = [
        "| database | resources | workers | operation | limit (rows) | hub | limit | ratio | target | |",
        "|---|--:|--:|---|---|--:|--:|--:|--:|---|",
    ]
    for one in shares:
        ratio = f"{one.ratio:.2f}x" if one.unit == "ms" else f"{one.ratio:.0%}"
        shown = [f"{_number(value)} {one.unit}" for value in (one.hub, one.best)]
        lines.append(
            f"| {one.database} | {one.size:,} | {one.workers} | {one.operation} | {one.limit} | {shown[0]} "
            f"| {shown[1]} | {ratio} | {one.target} | {'met' if one.is_met else '**not met**'} |"
        )
    return lines


def _limited(limited: Sequence[Limited]) -> list[str]:
    columns = list(dict.fromkeys((one.database, one.size) for one in limited))
    lines = [
        "The same question through the repository, one at a time and in turns: by a care worker of the practice or",
        "the owning organisation, beside no access at all. Ratio (ms with / without); the target is "
        f"<= {targets.ACCESS}x.",
        "",
        f"| operation | {' | '.join(f'{database}, {size:,}' for database, size in columns)} |",
        f"|---|{'--:|' * len(columns)}",
    ]
    for name in dict.fromkeys(one.cost.operation for one in limited):
        row = []
        for column in columns:
            costs = [
                one.cost
                for one in limited
                if (one.database, one.size) == column and one.cost.operation == name
            ]
            row += [f"{c.ratio:.2f}x ({c.with_ms:.2f} / {c.without_ms:.2f})" for c in costs] or ["-"]
        lines.append(f"| {name} | {' | '.join(row)} |")
    return lines


def _logged(logged: Sequence[Logged]) -> list[str]:
    lines = [
        "One worker that logs each request (`FHIRHUB_AUDIT=on`), beside one on the same database that logs none, in",
        "turns: milliseconds of the processors for a request, in the hub and its database. The target is "
        f"<= {targets.AUDIT}x. `later` is what",
        "each record takes besides when it is quiet: it is spread into the row by which it is found.",
        "",
        "| database | resources | operation | without | with | ratio | | later | requests/s without | with |",
        "|---|--:|---|--:|--:|--:|---|--:|--:|--:|",
    ]
    for one in logged:
        cost = one.cost
        lines.append(
            f"| {one.database} | {one.size:,} | {cost.operation} | {cost.without_ms:.3f} | {cost.with_ms:.3f} "
            f"| {cost.ratio:.2f}x | {'met' if cost.ratio <= targets.AUDIT else '**not met**'} "
            f"| {cost.later_ms:.3f} | {_number(cost.without_per_second)} | {_number(cost.with_per_second)} |"
        )
    return lines


def _notified(notified: Sequence[Notified]) -> list[str]:
    lines = [
        f"{notifications.A_SECOND} writes a second for {notifications.SECONDS} seconds, each sent when it is due, "
        "whether those before it were answered or not:",
        "milliseconds from when it was due until a receiver has its notification, by rest-hook; and, where nobody is",
        f"notified, until its answer. The target is p99 <= {targets.NOTIFIED_P99_MS} ms.",
        "",
        "| database | resources | workers | | p50 | p95 | p99 | | notifications | processor ms for a write |",
        "|---|--:|--:|---|--:|--:|--:|---|--:|--:|",
    ]
    for one in notified:
        latency = one.latency
        p50, p95, p99 = (latency.percentile(percent) for percent in (50, 95, 99))
        met = "met" if p99 <= targets.NOTIFIED_P99_MS else "**not met**"
        lines.append(
            f"| {one.database} | {one.size:,} | {one.workers} | {'notified' if one.is_listened else 'answered'} "
            f"| {_number(p50)} | {_number(p95)} | {_number(p99)} | {met if one.is_listened else ''} "
            f"| {latency.notifications or '-'} | {latency.processor_ms:.2f} |"
        )
    return lines


def _operations(
    database: str, sizes: Sequence[int], workers: Sequence[int], cells: Sequence[Cell]
) -> list[str]:
    own = [
        cell
        for cell in cells
        if (cell.database == database and cell.p50_ms is not None) or cell.operation == "load"
    ]
    own = [cell for cell in own if cell.database == database and not cell.operation.startswith("alone")]
    names = list(dict.fromkeys(cell.operation for cell in own if cell.operation != "load"))
    columns = [
        (size, count, column)
        for size in sizes
        for count in workers
        for column in ("hub", "peer")
        if any((cell.size, cell.workers, cell.column) == (size, count, column) for cell in own)
    ]
    titles = [
        f"{column}, {size:,}, {count} worker{'s' * (count > 1)}" if column == "hub" else f"peer, {size:,}"
        for size, count, column in columns
    ]
    lines = [
        "Requests per second (p50 / p99 ms); load in resources per second, one client, transactions of 25.",
        "`wanted` is for one worker per core: what it takes to be ahead of the better known peer.",
        "",
        f"| operation | {' | '.join(titles)} | wanted |",
        f"|---|{'--:|' * len(titles)}--:|",
    ]
    for name in [*names, "load"]:
        row = []
        for size, count, column in columns:
            found = next(
                (
                    cell
                    for cell in own
                    if (cell.operation, cell.size, cell.workers, cell.column) == (name, size, count, column)
                ),
                None,
            )
            if found is None:
                row.append("-")
            elif found.p50_ms is None or found.p99_ms is None:
                row.append(_number(found.value))
            else:
                row.append(f"{_number(found.value)} ({found.p50_ms:.1f} / {found.p99_ms:.1f})")
        wanted = targets.wanted(database, name)
        lines.append(f"| {name} | {' | '.join(row)} | {_number(wanted) if wanted else '-'} |")
    return lines


def _processor(
    sizes: Sequence[int], workers: Sequence[int], databases: Sequence[str], cells: Sequence[Cell]
) -> list[str]:
    columns = [(database, size, count) for database in databases for size in sizes for count in workers]
    titles = [f"{database}, {size:,}, {count}" for database, size, count in columns]
    lines = [
        "Milliseconds of the processors for one request, hub and PostgreSQL together, by database, resources"
        " and workers. It hardly depends on what else the machine does.",
        "",
        f"| operation | {' | '.join(titles)} |",
        f"|---|{'--:|' * len(titles)}",
    ]
    found = {
        (cell.operation, cell.database, cell.size, cell.workers): cell.processor_ms
        for cell in cells
        if cell.processor_ms is not None
    }
    for name in dict.fromkeys(key[0] for key in found):
        row = [found.get((name, *column)) for column in columns]
        lines.append(f"| {name} | {' | '.join('-' if ms is None else f'{ms:.3f}' for ms in row)} |")
    return lines


def _alone(sizes: Sequence[int], databases: Sequence[str], cells: Sequence[Cell]) -> list[str]:
    lines = [
        "One connection, whole requests (an upper bound of the database's time), p50 / p99 ms;"
        f" the target is p99 under {targets.BOUNDED_P99_MS} ms at a million resources.",
        "",
    ]
    columns = [(database, size) for database in databases for size in sizes]
    titles = [f"{database}, {size:,}" for database, size in columns]
    lines += [f"| search | {' | '.join(titles)} |", f"|---|{'--:|' * len(titles)}"]
    found = {
        (cell.operation, cell.database, cell.size): cell
        for cell in cells
        if cell.operation.startswith("alone: ")
    }
    for name in dict.fromkeys(operation for operation, _, _ in found):
        row = []
        for database, size in columns:
            cell = found.get((name, database, size))
            row.append(f"{cell.p50_ms:.2f} / {cell.p99_ms:.2f}" if cell else "-")
        lines.append(f"| {name.removeprefix('alone: ')} | {' | '.join(row)} |")
    return lines


def _resources(cells: Sequence[Cell]) -> list[str]:
    lines = ["| database | resources | workers | | | target |", "|---|--:|--:|---|--:|--:|"]
    for cell in cells:
        if cell.operation.endswith((", MB", ", s")):
            if cell.operation.startswith(MAPPED):
                target = "-"
            elif cell.operation.endswith("MB"):
                target = f"< {targets.WORKER_MEGABYTES}"
            else:
                target = f"< {targets.START_SECONDS}"
            lines.append(
                f"| {cell.database} | {cell.size:,} | {cell.workers} | {cell.operation} "
                f"| {_number(cell.value)} | {target} |"
            )
    return lines


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _plot(path: Path, databases: Sequence[str], cells: Sequence[Cell]) -> bool:
    """Milliseconds of the processors for a request, by size."""
    shown = [
        cell for cell in cells if cell.column == "hub" and cell.workers == 1 and cell.processor_ms is not None
    ]
    if not shown:
        return False
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "fhirhub"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        1, len(databases), figsize=(6 * len(databases), 5), sharey=True, squeeze=False
    )
    for axis, database in zip(axes[0], databases, strict=True):
        axis.set_prop_cycle(color=[pyplot.colormaps["tab20"](number) for number in range(20)])
        for name in dict.fromkeys(cell.operation for cell in shown):
            line = sorted(
                (c.size, c.processor_ms or 0.0)
                for c in shown
                if (c.database, c.operation) == (database, name)
            )
            axis.plot([size for size, _ in line], [cost for _, cost in line], marker="o", label=name)
        axis.set(title=database, xscale="log", yscale="log", xlabel="resources")
        axis.grid(True, which="both", alpha=0.3)
    axes[0][0].set_ylabel("ms of the processors for a request, hub and database")
    axes[0][-1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return True
