"""Writes `docs/scale.md` and its charts, from the simulation and the settings of a stage."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

from benchmarks.charts import line_chart
from benchmarks.simulation import API_SECONDS, Capacity, Second, simulate
from chalicelib.entrypoints.worker import WORKERS_MAX
from infra.local.settings import ROOT
from infra.stage import read_configuration, stage_spec

DOCUMENT: Final = ROOT / "docs" / "scale.md"
RATES: Final = (10, 1_000, 100_000)
_OWNERS: Final = {10: 1, 1_000: 10, 100_000: 1_000}
#: Executions that compute for so long, one after another on a processor.
_SECONDS: Final = 0.1
_DURATION: Final = 1_800
#: Twice the rate comes for this long, then half of it: a backlog builds up and is drained.
_BURST: Final = 300


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to set for a rate."""

    rate: int
    capacity: Capacity
    #: What is to be changed, where, and to what.
    changes: tuple[str, ...]


def pages() -> dict[str, str]:
    """Return every file by its name under `docs/`."""
    spec = stage_spec(read_configuration(ROOT), "prod")
    as_set = Capacity.of(spec, workers_max=WORKERS_MAX)
    plans = [plan(as_set, rate) for rate in RATES]
    files = {f"scale-{p.rate}.svg": _picture(as_set, p) for p in plans}
    files["scale.md"] = _page(as_set, plans)
    return files


def plan(as_set: Capacity, rate: int) -> Plan:
    """Work out what a rate needs: each limit a fifth above twice the rate that comes."""
    wanted = 2 * rate * 1.2
    limits = as_set.limits(seconds=_SECONDS, waits=False, owners=_OWNERS[rate])
    changed = {
        _CHANGES[name][0]: _rounded(getattr(as_set, _CHANGES[name][0]) * wanted / limit)
        for name, limit in limits.items()
        if limit < wanted and name in _CHANGES
    }
    workers = changed.get("workers_max", as_set.workers_max)
    executions = _rounded(workers + wanted * API_SECONDS)
    if executions > as_set.account_concurrency:
        changed["account_concurrency"] = executions
    capacity = dataclasses.replace(as_set, **changed)
    changes = [
        text.format(value=changed[field], queues=capacity.queues)
        for field, text in _CHANGES.values()
        if field in changed
    ]
    return Plan(rate=rate, capacity=capacity, changes=tuple(changes))


#: By limit: the field that lifts it, if it is a setting, and what to do.
_CHANGES: Final[dict[str, tuple[str, str]]] = {
    "throttle of the stage": (
        "requests_per_second",
        "`requests_per_second` of the stage in `.chalice/config.json`: {value:,.0f}, and twice that as burst",
    ),
    "API Gateway, the account's": (
        "gateway_requests",
        "API Gateway's account quota: {value:,.0f} requests/s (a support case), or submit in batches of 100",
    ),
    "API function, the account's concurrency": (
        "account_concurrency",
        "Lambda's concurrent executions of the account: {value:,.0f} (a support case)",
    ),
    "table, the account's write units": (
        "table_write_units",
        "DynamoDB's table quota: {value:,.0f} write units/s, and warm throughput set to it before the load comes",
    ),
    "index of open tasks, its shards": (
        "open_shards",
        "`OPEN_SHARDS` in `adapters/dynamodb/items.py`: {value:,.0f} (raising it is safe at any time)",
    ),
    "index by owner, its shards": (
        "owner_shards",
        "`OWNER_SHARDS` in `adapters/dynamodb/items.py`: {value:,.0f}, or more owners",
    ),
    "workers, the mapping's maximum": (
        "workers_max",
        "`WORKERS_MAX`: {value:,.0f}. A mapping takes 1,000 at most, and a queue 120,000 messages in flight: {queues} queues, each with a worker of its own",
    ),
}


def _rounded(value: float) -> int:
    """Return at least this, with two leading digits."""
    size: int = 10 ** max(0, len(str(int(value))) - 2)
    return -(-int(value + 1) // size) * size


def _arrivals(rate: int) -> Callable[[int], float]:
    return lambda at: 2.0 * rate if at < _BURST else 0.5 * rate


def _run(capacity: Capacity, rate: int) -> list[Second]:
    return simulate(
        capacity,
        _arrivals(rate),
        duration=_DURATION,
        seconds=_SECONDS,
        waits=False,
        owners=_OWNERS[rate],
    )


def _picture(as_set: Capacity, planned: Plan) -> str:
    lines = {
        name: [(second.at, second.backlog) for second in _run(capacity, planned.rate)[::10]]
        for name, capacity in (("as configured", as_set), ("as recommended", planned.capacity))
    }
    return line_chart(
        f"Backlog at {planned.rate:,} tasks/s, twice that in the first {_BURST // 60} minutes",
        lines,
        x_label="seconds",
        y_label="tasks waiting",
    )


def _page(as_set: Capacity, plans: list[Plan]) -> str:
    return "\n".join(
        [_head(as_set), _limits(as_set), *(_section(as_set, p) for p in plans), _tail(as_set)]
    )


def _head(as_set: Capacity) -> str:
    return f"""# How far it scales

Made by `make benchmark` (`benchmarks/scale.py`, the model is `benchmarks/simulation.py`) from the settings of
stage `prod` in `.chalice/config.json` and `app.py`; a test fails if it is not what they make. It is a model:
tasks are a fluid, quotas are those that AWS gives a new account. Executions compute for {_SECONDS * 1000:.0f} ms here;
`WORKERS_MAX` {as_set.workers_max}, {as_set.vcpus:.0f} processor each, {as_set.requests_per_second:,.0f} requests/s.
"""


def _limits(as_set: Capacity) -> str:
    by_rate = {
        rate: as_set.limits(seconds=_SECONDS, waits=False, owners=_OWNERS[rate]) for rate in RATES
    }
    lines = [
        "## What limits throughput\n",
        "Tasks/s that each part takes as configured; **bold** is below the rate.\n",
        f"| part | {' | '.join(f'at {rate:,}/s, {_owners(rate)}' for rate in RATES)} |",
        f"|---|{'---|' * len(RATES)}",
    ]
    for part in by_rate[RATES[0]]:
        cells = [
            f"{limits[part]:,.0f}" if limits[part] >= rate else f"**{limits[part]:,.0f}**"
            for rate, limits in by_rate.items()
        ]
        lines.append(f"| {part} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _owners(rate: int) -> str:
    return "one owner" if _OWNERS[rate] == 1 else f"{_OWNERS[rate]:,} owners"


def _section(as_set: Capacity, planned: Plan) -> str:
    lines = [
        f"\n## At {planned.rate:,} tasks/s\n",
        f"![Backlog](scale-{planned.rate}.svg)\n",
        "| | longest backlog | longest wait | refused with 429 | left after half an hour |",
        "|---|---|---|---|---|",
    ]
    for name, capacity in (("as configured", as_set), ("as recommended", planned.capacity)):
        series = _run(capacity, planned.rate)
        coming = sum(_arrivals(planned.rate)(second.at) for second in series)
        refused = sum(second.refused for second in series) / coming
        lines.append(
            f"| {name} | {max(s.backlog for s in series):,.0f} tasks | "
            f"{max(s.wait_seconds for s in series):,.0f} s | {refused:.0%} | {series[-1].backlog:,.0f} |"
        )
    if not planned.changes:
        return "\n".join([*lines, "\nNothing has to be changed."])
    return "\n".join(
        [
            *lines,
            "\nTo change, for twice the rate and a fifth:\n",
            *(f"- {c}" for c in planned.changes),
        ]
    )


def _tail(as_set: Capacity) -> str:
    drained = as_set.sweep_tasks_max / 60
    return f"""
## What does not grow with the rate

- **The sweeper** checks {as_set.sweep_tasks_max:,} tasks a run, {drained:.0f} a second, and only at tasks that have waited for
  {as_set.sweep_grace_seconds / 60:.0f} minutes. Where a backlog's wait is longer than that, it sends messages a second time: harmless,
  since a claim is conditional, and bounded by that number, but wasted. `SWEEP_GRACE_SECONDS` above the
  longest wait that is expected keeps it quiet; after an outage of the queue it brings back a million tasks
  in {1_000_000 / drained / 3600:.1f} hours (`SWEEP_TASKS_MAX`).
- **Throttles** of a method answer 429 at once and cost nothing behind them; clients come back as `Retry-After` says.
- **The dead-letter queue** fills only by receives that failed: throttled invocations do not count where the
  mapping has a maximum concurrency.
- **A new on-demand table** takes 4,000 write units/s at once, so {4_000 // 6:,} tasks/s; it doubles within half an hour
  of its last peak. Warm throughput lifts that beforehand.

`make doctor` warns where the settings of a stage contradict its `requests_per_second`: an index that takes
less, a burst that holds less, or workers that could not keep up even with executions that take no time.
"""
