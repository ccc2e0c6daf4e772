"""Celery on SQS with its DynamoDB backend, as a team would use it: what the drain is held against.

Runs in an environment of its own, which has Celery and none of the project's packages:
`python -m benchmarks.celery_peer ENDPOINT TASKS THREADS` submits so many tasks that do nothing,
lets one worker do them, and prints their rate. Each is acknowledged after it is done, with
`track_started` on: as many writes as here, but unconditional, without a history or fencing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

#: Longer than this, and it hangs.
SECONDS_MAX = 120.0
TASKS_MODULE = """
import os, time
from celery import Celery

host = os.environ["PEER_HOST"]
app = Celery("peer", broker=f"sqs://test:test@{host}//", backend=f"dynamodb://test:test@{host}/celery")
app.conf.update(
    broker_transport_options={
        "region": "us-east-1",
        "is_secure": False,
        "wait_time_seconds": 1,
        "polling_interval": 0,
        "visibility_timeout": 60,
    },
    task_default_queue="celery-peer",
    task_acks_late=True,
    task_track_started=True,
    worker_prefetch_multiplier=10,
    worker_hijack_root_logger=False,
)


@app.task
def nothing():
    with open(os.environ["PEER_DONE"], "ab", 0) as done:
        done.write(b"%d\\n" % time.monotonic_ns())
"""


def main() -> None:
    """Print the rate as JSON."""
    endpoint, count, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with tempfile.TemporaryDirectory() as directory:
        done = Path(directory, "done")
        done.touch()
        Path(directory, "peer_tasks.py").write_text(TASKS_MODULE)
        os.environ.update(
            PEER_HOST=urlsplit(endpoint).netloc,
            PEER_DONE=str(done),
            AWS_ENDPOINT_URL=endpoint,
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",  # noqa: S106 - a dummy
            AWS_DEFAULT_REGION="us-east-1",
        )
        sys.path.insert(0, directory)
        import peer_tasks  # type: ignore[import-not-found]  # noqa: PLC0415 - just written

        for _ in range(count):
            peer_tasks.nothing.delay()
        finished = _drain(directory, done, count, threads)
    seconds = (finished[-1] - finished[0]) / 1e9
    print(json.dumps({"rate": (len(finished) - 1) / seconds}))


def _drain(directory: str, done: Path, count: int, threads: int) -> list[int]:
    pool = ["-P", "solo"] if threads == 1 else ["-P", "threads", "-c", str(threads)]
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "peer_tasks", "worker", *pool, "-l", "ERROR"],
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        deadline = time.monotonic() + SECONDS_MAX
        while len(finished := done.read_bytes().splitlines()) < count:
            if time.monotonic() > deadline or worker.poll() is not None:
                raise RuntimeError(f"Celery has done {len(finished)} of {count} tasks")
            time.sleep(0.2)
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
    return sorted(map(int, finished))


if __name__ == "__main__":
    main()
