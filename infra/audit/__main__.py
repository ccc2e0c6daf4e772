"""`make audit`: exit 0 if a running backend's table and queues are in order, 1 with a list if not.

It audits what `TASKS_TABLE_NAME`, `TASKS_QUEUE_URL` and the SDK's own variables point to, or else
the local stage that runs with `DATA_DIR`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from chalicelib.settings import InvalidSetting
from infra.audit.audit import VIOLATIONS_SHOWN_MAX, Tolerance, Verdict, audit
from infra.audit.reading import Located, Reader
from infra.audit.where import find_backend
from infra.local.supervisor.environment import NotRunning


def main(arguments: list[str] | None = None) -> int:
    """Audit, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("--accepted", type=Path, help="file of ids answered 202, one on each line")
    parser.add_argument("--skew-seconds", type=float, default=1.0, help="clocks may differ by this")
    parser.add_argument(
        "--overdue-seconds", type=float, default=300.0, help="the sweeper may be late by this"
    )
    options = parser.parse_args(arguments)
    try:
        find_backend()
        located = Located.from_environment(os.environ)
    except KeyError as missing:
        print(f"error: {missing.args[0]} is not set", file=sys.stderr)
        return 2
    except (NotRunning, InvalidSetting) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 2
    tolerance = Tolerance(
        skew=timedelta(seconds=options.skew_seconds),
        overdue=timedelta(seconds=options.overdue_seconds),
    )
    accepted = options.accepted.read_text().split() if options.accepted else ()
    verdict = audit(Reader(located), tolerance, accepted=accepted)
    print("\n".join(described(verdict)))
    return 0 if verdict.is_clean else 1


def described(verdict: Verdict) -> Iterator[str]:
    """Say what was found, the verdict last."""
    counts = ", ".join(f"{n} {status}" for status, n in sorted(verdict.statuses.items()))
    yield f"tasks: {verdict.statuses.total()} ({counts or 'none'})"
    if verdict.unreadable:
        yield f"tasks that cannot be read: {len(verdict.unreadable)}, each named below"
    yield (
        f"side items: {verdict.side_items}, of which nothing refers to {verdict.unreferenced} "
        "(make prune deletes those that are older than a day)"
    )
    if verdict.messages is not None:
        dead = verdict.messages.dead
        yield (
            f"messages: {verdict.messages.waiting} waiting, {verdict.messages.delivered} delivered "
            f"and not yet settled, {'not counted' if dead is None else dead} dead-lettered "
            "(counts only: whose they are cannot be seen without disturbing the queue)"
        )
    yield from verdict.violations
    if verdict.violations_in_all > VIOLATIONS_SHOWN_MAX:
        yield f"… and {verdict.violations_in_all - VIOLATIONS_SHOWN_MAX} more"
    yield "audit: clean" if verdict.is_clean else f"audit: {verdict.violations_in_all} violations"


if __name__ == "__main__":
    sys.exit(main())
