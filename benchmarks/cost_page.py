"""Writes `docs/cost.md`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks import cost, prices
from benchmarks.cost import Units, counted, execution_per_million, like_qasmbench, per_million
from benchmarks.qasmbench import PACKED_BYTES
from infra.local.settings import ROOT
from infra.stage import StageSpec, read_configuration, stage_spec

_POLLS: Final = (0, 1, 3)
_BATCH: Final = 100
#: Qubits and gates of the simulated executions that are shown.
_SIMULATED: Final = ((5, 50), (15, 500), (20, 1_000), (24, 1_000), (24, 2_000))
_MOCK_SECONDS: Final = (0.1, 1.0, 10.0)


def page(root: Path = ROOT) -> str:
    """Return the page for the `prod` stage as it is configured."""
    spec = stage_spec(read_configuration(root), "prod")
    small, mixed = counted("Bell"), like_qasmbench()
    return "\n".join(
        [
            _head(spec),
            "## A million tasks, but for their executions\n",
            "A small circuit (a Bell pair), dollars by part:\n",
            _table(spec, small),
            f"\nCircuits of QASMBench's sizes ({len(PACKED_BYTES)} of 232, packed):\n",
            _table(spec, mixed),
            _lever(spec, small),
            _executions(spec),
            _idle(spec),
        ]
    )


def _head(spec: StageSpec) -> str:
    api, worker = spec.functions["api_handler"], spec.functions["worker"]
    return f"""# What it costs

Made by `make benchmark` (`benchmarks/cost_page.py`); a test fails if it is not what the code counts. Units
and log bytes are counted (`benchmarks/counts.json`), prices are AWS's list prices for us-east-1 of {prices.DATE},
without free tiers and without data transfer. Stage `prod`: {spec.architecture}, API {api.memory_mb:,} MB, worker {worker.memory_mb:,} MB.

Taken as given, since only a real account can tell: an API call is billed for {cost.API_SECONDS["submit"] * 1000:.0f} ms (a poll for
{cost.API_SECONDS["poll"] * 1000:.0f} ms), a task takes {cost.WORKER_SECONDS * 1000:.0f} ms of the worker in addition to its execution, and batches of
messages are full ({cost.BATCH}).
"""


def _table(spec: StageSpec, steps: Mapping[str, Units]) -> str:
    columns = {
        f"{polls} poll{'' if polls == 1 else 's'}": per_million(spec, steps, polls=polls)
        for polls in _POLLS
    }
    columns[f"batches of {_BATCH}, 1 poll"] = per_million(spec, steps, polls=1, batched=_BATCH)
    lines = [f"| part | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    for part in next(iter(columns.values())):
        cells = " | ".join(f"{column[part]:.2f}" for column in columns.values())
        lines.append(f"| {part} | {cells} |")
    totals = " | ".join(f"**{sum(column.values()):.2f}**" for column in columns.values())
    return "\n".join([*lines, f"| all | {totals} |"])


def _lever(spec: StageSpec, steps: Mapping[str, Units]) -> str:
    one = per_million(spec, steps, polls=1)
    many = sum(per_million(spec, steps, polls=3).values()) - sum(one.values())
    batched = sum(one.values()) - sum(per_million(spec, steps, polls=1, batched=_BATCH).values())
    second = execution_per_million(spec, 1.0, shared_by=1)
    poll = many / 2
    waiting = (
        spec.functions["api_handler"].memory_mb
        / 1024
        * prices.LAMBDA_GB_SECOND[spec.architecture]
        * 1e6
    )
    largest = max(one, key=lambda part: one[part])
    return f"""
## The biggest lever

For tasks that compute, the second of the worker: **${second:.2f} per million seconds of execution**, so a task of
one second costs more than all else around it. For tasks that do not, **{largest}** (${one[largest]:.2f} of
${sum(one.values()):.2f}): two polls more cost ${many:.2f}, submitting in batches of {_BATCH} saves ${batched:.2f}. A client that
waits as `Retry-After` says polls a task of a few seconds once or twice; one that asks every second pays
for each. A poll costs ${poll:.2f} a million. A request that waits (`Prefer: wait`) costs ${waiting:.2f} a million seconds of
the API's function and up to twelve reads in 2 s: for a task that ends within {poll / waiting:.1f} s it is cheaper than a poll.
"""


def _executions(spec: StageSpec) -> str:
    width = spec.functions["worker"].settings.execution_concurrency
    lines = [
        "## A million executions\n",
        "A simulation uses the processor, so nothing shares its time; its seconds are the estimate of",
        "`chalicelib/executors/cost.py`, the most that was measured. What only waits (the mock, a remote",
        f"device) shares its invocation with {width - 1} others.\n",
        "| execution | seconds | dollars |",
        "|---|---|---|",
    ]
    for qubits, gates in _SIMULATED:
        seconds = cost.simulated_seconds(qubits, gates)
        dollars = execution_per_million(spec, seconds, shared_by=1)
        lines.append(
            f"| simulated, {qubits} qubits, {gates:,} gates | {seconds:.4f} | {dollars:,.2f} |"
        )
    for seconds in _MOCK_SECONDS:
        dollars = execution_per_million(spec, seconds, shared_by=width)
        lines.append(f"| mock that waits | {seconds:g} | {dollars:,.2f} |")
    return "\n".join(lines)


def _idle(spec: StageSpec) -> str:
    template = (ROOT / "infra" / "templates" / "messaging.yaml").read_text()
    alarms = template.count("AWS::CloudWatch::Alarm")
    parts = cost.idle_per_month(spec, alarms=alarms, metrics=2)
    lines = [f"| {part} | {dollars:.2f} |" for part, dollars in parts.items()]
    return "\n".join(
        [
            "\n## A month in which nothing happens\n",
            "Not nothing: with a maximum concurrency set, Lambda keeps five pollers at the queue, and the",
            "sweeper looks every minute. (`sweeps` and `swept_tasks` are the metrics that an idle stage writes;",
            "the others are billed in hours in which there are tasks.)\n",
            "| part | dollars a month |",
            "|---|---|",
            *lines,
            f"| all | **{sum(parts.values()):.2f}** |",
            "\n`GET /health` is open and costs as much as any request: a loop on it at 5 requests/s, its own",
            f"throttle, is 13 million requests or ${13 * (3.5 + 0.2):.0f} a month.",
            "",
        ]
    )
