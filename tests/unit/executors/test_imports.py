"""What a function imports: executors cost the API and the sweeper nothing."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import json, sys
import app
from chalicelib import composition
composition.get_service()
print(json.dumps(sorted(sys.modules)))
"""
ENVIRONMENT = {
    "TASKS_TABLE_NAME": "t",
    "TASKS_QUEUE_URL": "http://127.0.0.1:9/0/q",
    "AWS_ACCESS_KEY_ID": "k",
    "AWS_SECRET_ACCESS_KEY": "s",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # the local stage talks to an emulator only
}


def test_a_service_is_built_without_any_executor() -> None:
    """Neither the simulator nor the analyser nor the scan is loaded before the first execution."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=ENVIRONMENT,
        capture_output=True,
        check=True,
        text=True,
    )
    loaded = set(json.loads(ended.stdout.splitlines()[-1]))
    assert "chalicelib.composition" in loaded
    heavy = {name for name in loaded if name.partition(".")[0] in ("numpy", "openqasm", "prism_q")}
    rooms = {name for name in loaded if name.startswith("chalicelib.executors.")}
    assert heavy == set()
    assert rooms == {"chalicelib.executors.first_use"}


PLAIN = """
import json, sys
from chalicelib.domain.task import TaskRequest
from chalicelib.executors.simulator import build
from tests.support.circuits import BELL, H2
for text in (BELL, H2 + "qreg q[2];\\ncreg c[2];\\nh q[0];\\ncx q[0],q[1];\\nmeasure q -> c;\\n"):
    build().execute(TaskRequest(circuit=text, shots=10, tags={}), time_limit_seconds=9)
print("openqasm" in sys.modules)
"""


def test_a_circuit_of_plain_statements_needs_no_parser() -> None:
    """Importing one takes longer than most circuits run."""
    ended = subprocess.run(
        [sys.executable, "-c", PLAIN], capture_output=True, check=True, text=True
    )
    assert ended.stdout == "False\n"
