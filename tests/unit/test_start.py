"""The garbage collector and the start of a function, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

from infra.local.settings import ROOT

PROGRAM = """
import gc, json
def collections():
    return sum(generation["collections"] for generation in gc.get_stats())
before = collections()
import app
after = collections()
found = {"collections": after - before}
found["is enabled"], found["frozen"] = gc.isenabled(), gc.get_freeze_count()
print(json.dumps(found))
"""
#: What a Lambda function of a deployed stage finds in its environment.
FUNCTION = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "dummy",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_NAME": "quantum-tasks",
    "STAGE": "prod",
    "TASKS_TABLE_NAME": "quantum-tasks",
    "TASKS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/quantum-tasks",
}
#: Few small ones, when it is on again; a start with it makes more than a hundred.
COLLECTIONS_MAX = 10
#: Far fewer than botocore's modules and clients alone make.
OBJECTS_MIN = 20_000


def test_the_collector_waits_for_the_end_of_the_start_and_passes_over_what_it_made() -> None:
    """It never runs in a start, runs afterwards, and does not go through what is kept for good."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=FUNCTION,
        capture_output=True,
        check=True,
        text=True,
    )
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found["collections"] < COLLECTIONS_MAX
    assert found["is enabled"]
    assert found["frozen"] > OBJECTS_MIN
