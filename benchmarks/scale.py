"""Writes `docs/scale.md`: what limits a stage's throughput, and what to change for a rate.

A model, not a measurement: tasks are a fluid, and what a stage may use is limited by its settings
and by the quotas that AWS gives an account at first.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from chalicelib.adapters.dynamodb.items import OPEN_SHARDS, OWNER_SHARDS
from chalicelib.entrypoints.worker import WORKERS_MAX
from chalicelib.runtime_checks import MB_PER_VCPU
from infra.doctor.rules.throughput import OPEN_INDEX_WRITES, PARTITION_WRITES, WORKER_SECONDS
from infra.local.settings import ROOT
from infra.stage import StageSpec, read_configuration, stage_spec

#: The tasks a second that the page is about, and how many owners submit them.
OWNERS: Final = {10: 1, 1_000: 10, 100_000: 1_000}
#: Executions that compute for so long, one after another on a processor.
_SECONDS: Final = 0.1
#: The largest maximum concurrency of a mapping, and the messages in flight of a standard queue.
_MAPPING_CONCURRENCY: Final = 1_000
_IN_FLIGHT_MAX: Final = 120_000
#: Write units of a small task.
_TASK_WRITE_UNITS: Final = 6
#: What an API call takes of its function, in seconds.
_API_SECONDS: Final = 0.02


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """What of a stage's settings, and of its account's first quotas, limits its throughput."""

    requests_per_second: float
    workers_max: int
    vcpus: float
    open_shards: int = OPEN_SHARDS
    owner_shards: int = OWNER_SHARDS
    #: Lambda's concurrent executions of the account and region.
    account_concurrency: int = 1_000
    #: DynamoDB's write units of a table.
    table_write_units: int = 40_000
    #: API Gateway's requests/s.
    gateway_requests: int = 10_000

    @property
    def queues(self) -> int:
        """How many queues the workers need: a mapping invokes so many at most."""
        return math.ceil(self.workers_max / _MAPPING_CONCURRENCY)

    def limits(self, *, owners: int) -> dict[str, float]:
        """Return the tasks/s that each part takes."""
        workers = min(self.workers_max, self.account_concurrency)
        of_workers = self.account_concurrency - workers
        return {
            "throttle of the stage": self.requests_per_second,
            "API Gateway, the account's": self.gateway_requests,
            "API function, the account's concurrency": of_workers / _API_SECONDS,
            "table, the account's write units": self.table_write_units / _TASK_WRITE_UNITS,
            "index of open tasks, its shards": self.open_shards
            * PARTITION_WRITES
            / OPEN_INDEX_WRITES,
            "index by owner, its shards": owners * self.owner_shards * PARTITION_WRITES,
            "workers, the mapping's maximum": workers * self.vcpus / (_SECONDS + WORKER_SECONDS),
            "messages in flight": self.queues * _IN_FLIGHT_MAX / (_SECONDS + WORKER_SECONDS),
        }


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
        "`WORKERS_MAX`: {value:,.0f}. A mapping takes 1,000 at most, and a queue 120,000 messages in flight: {queues:.0f} of them, each with a worker of its own",
    ),
}


def page() -> str:
    """Return the page for the `prod` stage as it is configured."""
    spec = stage_spec(read_configuration(ROOT), "prod")
    as_set = Capacity(
        requests_per_second=spec.requests_per_second,
        workers_max=WORKERS_MAX,
        vcpus=spec.functions["worker"].memory_mb / MB_PER_VCPU,
    )
    sections = [_section(as_set, rate) for rate in OWNERS]
    return "\n".join([_head(as_set), _limits(as_set), *sections, _tail(spec)])


def changes(as_set: Capacity, rate: int) -> list[str]:
    """Say what to set for a rate: each limit a fifth above twice the rate that comes."""
    wanted = 2 * rate * 1.2
    changed = {
        _CHANGES[name][0]: _rounded(getattr(as_set, _CHANGES[name][0]) * wanted / limit)
        for name, limit in as_set.limits(owners=OWNERS[rate]).items()
        if limit < wanted and name in _CHANGES
    }
    workers = changed.get("workers_max", as_set.workers_max)
    executions = _rounded(workers + wanted * _API_SECONDS)
    if executions > as_set.account_concurrency:
        changed["account_concurrency"] = executions
    queues = msgspec.structs.replace(as_set, **changed).queues
    return [
        text.format(value=changed[field], queues=queues)
        for field, text in _CHANGES.values()
        if field in changed
    ]


def _rounded(value: float) -> int:
    """Return at least this, with two leading digits."""
    size: int = 10 ** max(0, len(str(int(value))) - 2)
    return -(-int(value + 1) // size) * size


def _head(as_set: Capacity) -> str:
    return f"""# How far it scales

Made by `make benchmark` (`benchmarks/scale.py`) from the settings of stage `prod` in `.chalice/config.json` and
`app.py`; a test fails if it is not what they make. It is a model: tasks are a fluid, quotas are those that AWS gives a
new account. Executions compute for {_SECONDS * 1000:.0f} ms here; `WORKERS_MAX` {as_set.workers_max}, {as_set.vcpus:.0f} processor each, {as_set.requests_per_second:,.0f} requests/s.
"""


def _limits(as_set: Capacity) -> str:
    by_rate = {rate: as_set.limits(owners=owners) for rate, owners in OWNERS.items()}
    titles = [f"at {rate:,}/s, {_owners(owners)}" for rate, owners in OWNERS.items()]
    lines = [
        "## What limits throughput\n",
        "Tasks/s that each part takes as configured; **bold** is below the rate. More than the workers do waits in the",
        "queue; more than the other parts take is refused with 429 and comes back as `Retry-After` says.\n",
        f"| part | {' | '.join(titles)} |",
        f"|---|{'---|' * len(OWNERS)}",
    ]
    for part in as_set.limits(owners=1):
        cells = [
            f"{limits[part]:,.0f}" if limits[part] >= rate else f"**{limits[part]:,.0f}**"
            for rate, limits in by_rate.items()
        ]
        lines.append(f"| {part} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _owners(owners: int) -> str:
    return "one owner" if owners == 1 else f"{owners:,} owners"


def _section(as_set: Capacity, rate: int) -> str:
    title = f"\n## At {rate:,} tasks/s\n"
    to_change = changes(as_set, rate)
    if not to_change:
        return f"{title}\nNothing has to be changed."
    lines = "\n".join(f"- {change}" for change in to_change)
    return f"{title}\nTo change, for twice the rate and a fifth:\n\n{lines}"


def _tail(spec: StageSpec) -> str:
    sweeper = spec.functions["sweeper"].settings
    checked = sweeper.sweep_tasks_max / 60
    return f"""
## What does not grow with the rate

- **The sweeper** checks {sweeper.sweep_tasks_max:,} tasks a run, {checked:.0f} a second, and only tasks that have waited for
  {sweeper.sweep_grace_seconds / 60:.0f} minutes. Where a backlog's wait is longer than that, it sends messages a second time: harmless,
  since a claim is conditional, and bounded by that number, but wasted. `SWEEP_GRACE_SECONDS` above the
  longest wait that is expected keeps it quiet; after an outage of the queue it sends the messages of a million
  tasks in {1_000_000 / checked / 3600:.1f} hours (`SWEEP_TASKS_MAX`).
- **Throttles** of a method answer 429 at once and cost nothing behind them; clients come back as `Retry-After` says.
- **The dead-letter queue** fills only by receives that failed: throttled invocations do not count where the
  mapping has a maximum concurrency.
- **A new on-demand table** takes 4,000 write units/s at once, so {4_000 // _TASK_WRITE_UNITS:,} tasks/s; it doubles within half an hour
  of its last peak. Warm throughput lifts that beforehand.

`make doctor` warns where the settings of a stage contradict its `requests_per_second`: an index that takes
less, a burst that holds less, or workers that could not keep up even with executions that take no time.
"""
