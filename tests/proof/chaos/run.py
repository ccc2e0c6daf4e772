"""One run: a stage of real processes, load and disturbances at once, silence, and the truth."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from infra.local.settings import ROOT
from infra.local.supervisor.supervisor import accepts_connections, free_port
from infra.waiting import wait_for
from tests.acceptance.tasks import TERMINAL
from tests.proof.chaos.disturbance import Disturber, Done, keep_running
from tests.proof.chaos.evidence import Evidence, collect, stored_tasks
from tests.proof.chaos.judge import GARBAGE, violations
from tests.proof.chaos.ledger import Ledger
from tests.proof.chaos.load import CLIENTS, Load
from tests.proof.chaos.plan import make_plan
from tests.proof.chaos.proxy import Proxy
from tools.local_stage import TABLE, Stage

#: One worker executes at once, others slowly, since only those can be killed half-way. One
#: simulates: its children are killed, stopped, and given circuits that fill their memory.
QUICK_WORKERS: Final = 1
SLOW_WORKERS: Final = 2
SIMULATING_WORKERS: Final = 1
SLOW: Final = {"MOCK_EXECUTION_SECONDS": "0.2", "MOCK_EXECUTION_SECONDS_MAX": "2"}
FAILING: Final = {"MOCK_PERMANENT_FAILURE_RATE": "0.05", "MOCK_TRANSIENT_FAILURE_RATE": "0.2"}
#: An empty variable is as good as none. Little memory, so that little fills it.
SIMULATING: Final = {
    **dict.fromkeys(FAILING, ""),
    "EXECUTOR": "simulator",
    "FUNCTION_TIMEOUT_SECONDS": "20",
    "EXECUTION_PROCESSOR_SECONDS_MAX": "1.5",
    "EXECUTION_AMPLITUDES_MAX": str(1 << 20),
    "EXECUTION_MEMORY_MB_MAX": "100",
}
STAGE_VARIABLES: Final = {
    "EXECUTOR": "mock",
    "SWEEP_INTERVAL_SECONDS": "5",
    "SWEEP_GRACE_SECONDS": "15",
    **FAILING,
}
#: Messages that cannot be read, among the others.
GARBAGE_MESSAGES: Final = 3
#: Two sweeps of a task are up to 120 s apart (stage `local`), and its last message may be lost.
QUIET_SECONDS_MAX: Final = 300.0
_LOOK_SECONDS: Final = 1.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much chaos."""

    seed: int
    seconds: float
    tasks: int
    #: How long a received message stays hidden; None leaves it to the stage (60 s). A killed
    #: worker's messages come back after it, so it bounds how soon all can be quiet.
    visibility_seconds: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened, and what was found."""

    scale: Scale
    done: Done
    ledger: Ledger
    evidence: Evidence
    audit: str
    audit_exit_code: int
    violations: list[str]
    seconds: float
    seconds_until_quiet: float


def run(data_dir: Path, scale: Scale) -> Outcome:
    """Do it all in a directory of its own, and leave nothing running."""
    stage = Stage(data_dir, **STAGE_VARIABLES)
    proxy = Proxy(stage.emulator_port)
    try:
        return _run(stage, proxy, scale)
    finally:
        proxy.close()
        stage.close()


def _run(stage: Stage, proxy: Proxy, scale: Scale) -> Outcome:
    began = time.monotonic()
    stage.start(workers=QUICK_WORKERS)
    if scale.visibility_seconds is not None:
        _set_visibility(stage, scale.visibility_seconds)
    ports = [stage.port, free_port()]
    ledger = Ledger()
    attached = threading.Event()
    with ThreadPoolExecutor(1 + SLOW_WORKERS + SIMULATING_WORKERS) as keepers:
        starts = [
            partial(
                stage.command, "api", PORT=str(ports[1]), AWS_ENDPOINT_URL_SQS=proxy.endpoint_url
            ),
            *[partial(stage.command, "worker", **SLOW)] * SLOW_WORKERS,
            *[partial(stage.command, "worker", **SIMULATING)] * SIMULATING_WORKERS,
        ]
        kept = [keepers.submit(keep_running, start, attached) for start in starts]
        try:
            wait_for(lambda: accepts_connections(ports[1]), "the second API to listen")
            disturber = Disturber(stage, proxy, make_plan(scale.seed, scale.seconds), scale.seed)
            _disturb(stage, ports, ledger, scale, disturber)
            calm_since = time.monotonic()
            wait_for(
                lambda: is_quiet(stage),
                "all tasks to have ended and the queue to be empty",
                seconds_max=QUIET_SECONDS_MAX,
                poll_seconds=_LOOK_SECONDS,
            )
            quiet = time.monotonic()
        finally:
            attached.set()
    _raise_errors(kept)
    # First, since reading the dead letters hides them.
    audit_exit_code, audit = _audited(stage, ledger.promised())
    evidence = collect(stage, stage.port, ledger.promised())
    found = list(violations(ledger, evidence, garbage=GARBAGE_MESSAGES))
    if audit_exit_code != 0:
        found.append(f"the audit is not clean:\n{audit}")
    stage.forget_ended()
    stage.stop()
    return Outcome(
        scale=scale,
        done=disturber.done,
        ledger=ledger,
        evidence=evidence,
        audit=audit,
        audit_exit_code=audit_exit_code,
        violations=found,
        seconds=time.monotonic() - began,
        seconds_until_quiet=quiet - calm_since,
    )


def _disturb(
    stage: Stage, ports: list[int], ledger: Ledger, scale: Scale, disturber: Disturber
) -> None:
    """Run load and disturbances at the same time, until both are through."""
    load = Load(ports, ledger, seed=scale.seed, tasks=scale.tasks, seconds=scale.seconds)
    watched = threading.Event()
    _send_garbage(stage)
    every_series = disturber.series()
    with ThreadPoolExecutor(1 + len(every_series) + CLIENTS) as pool:
        watcher = pool.submit(load.watch, watched)
        series = [pool.submit(one) for one in every_series]
        clients = [pool.submit(load.run_client) for _ in range(CLIENTS)]
        try:
            _raise_errors([*series, *clients])
        finally:
            disturber.stop()
            watched.set()
    _raise_errors([watcher])


def _raise_errors(futures: list[Future[None]]) -> None:
    for future in futures:
        future.result()


def _set_visibility(stage: Stage, seconds: int) -> None:
    sqs = stage.sqs
    url = sqs.get_queue_url(QueueName=TABLE)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(seconds)})


def _send_garbage(stage: Stage) -> None:
    sqs = stage.sqs
    url = sqs.get_queue_url(QueueName=TABLE)["QueueUrl"]
    for _ in range(GARBAGE_MESSAGES):
        sqs.send_message(QueueUrl=url, MessageBody=GARBAGE)


def is_quiet(stage: Stage) -> bool:
    """Whether nothing is left to do: no message, in flight or not, and no open task."""
    return stage.messages() == 0 and all(t.status in TERMINAL for t in stored_tasks(stage))


def _audited(stage: Stage, promised: Sequence[str]) -> tuple[int, str]:
    """Run `make audit`'s program on the stage."""
    accepted = stage.data_dir / "accepted.txt"
    accepted.write_text("\n".join(promised))
    audit = subprocess.run(
        [sys.executable, "-m", "infra.audit", "--accepted", str(accepted)],
        cwd=ROOT,
        env=stage.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return audit.returncode, (audit.stdout + audit.stderr).strip()
