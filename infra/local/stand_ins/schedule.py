"""Runs the scheduled function as EventBridge does, only more often.

`python -m infra.local.stand_ins.schedule NAME DATA_DIR`.
A run that fails is logged and the next one comes as scheduled.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import uuid
from collections.abc import Mapping
from typing import Any, Final

from infra.local.settings import REGION, function_timeout_seconds, sweep_interval_seconds
from infra.local.stand_ins.lambda_runtime.context import ACCOUNT_ID
from infra.local.stand_ins.lambda_runtime.invoker import Invoker
from infra.local.stand_ins.logs import part_logger
from infra.local.stand_ins.sqs_trigger import pause, stop_on_sigterm

RULE_ARN = f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/quantum-tasks-local-sweeper"

logger = part_logger("sweeper")


def scheduled_event(at: dt.datetime) -> dict[str, Any]:
    """Build a schedule's event (EventBridge guide, "Events from AWS services")."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT_ID,
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [RULE_ARN],
        "detail": {},
    }


class Schedule:
    """Invokes one function at an interval, never twice at once."""

    def __init__(self, invoker: Invoker, interval_seconds: float) -> None:
        """Take the function and the time from the end of one run to the beginning of the next."""
        self._invoker = invoker
        self._interval_seconds = interval_seconds
        self._stopping = False

    def stop(self) -> None:
        """Start no further run; the one in hand is finished. Safe in a signal handler."""
        self._stopping = True

    def run(self) -> None:
        """Run until stopped."""
        while not self._stopping:
            answer = self._invoker.invoke(scheduled_event(dt.datetime.now(dt.UTC)))
            if answer.error is not None:
                answer.log_error(logger)
            pause(self._interval_seconds, lambda: self._stopping)
        self._invoker.close()


#: As deployed: a run begins nothing unless a note and a send fit in, however slow both are.
SWEEPER_TIMEOUT_SECONDS: Final = 50.0


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Run the schedule of the sweeper function."""
    invoker = Invoker(
        environment.get("SWEEPER_HANDLER") or "app.sweeper",
        function_name="quantum-tasks-local-sweeper",
        timeout_seconds=max(SWEEPER_TIMEOUT_SECONDS, function_timeout_seconds(environment)),
    )
    schedule = Schedule(invoker, sweep_interval_seconds(environment))
    stop_on_sigterm(schedule.stop)
    schedule.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
