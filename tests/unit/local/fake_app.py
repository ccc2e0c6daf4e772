"""A stand-in for the service: an API and functions that do what a test asks of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from chalice.app import Chalice, Response

api = Chalice(app_name="fake")
api.api.cors = False


@api.route("/echo", methods=["POST"], content_types=["*/*"])
def echo() -> Response:
    """Give the request's body back."""
    request = api.current_request
    body = request.raw_body.decode()
    return Response(body, headers={"Content-Type": "text/plain"})


@api.route("/things/{thing}", methods=["GET"])
def thing(thing: str) -> dict[str, Any]:
    """Give the path's part back."""
    return {"thing": thing, "stage": api.current_request.context["stage"]}


@api.route("/big/{size}", methods=["GET"])
def big(size: str) -> Response:
    """Answer with so many bytes."""
    return Response("x" * int(size), headers={"Content-Type": "text/plain"})


@api.route("/slow/{seconds}", methods=["GET"])
def slow(seconds: str) -> dict[str, str]:
    """Answer late."""
    Path(os.environ["FAKE_MARK"]).write_text("begun")
    time.sleep(float(seconds))
    return {"slept": seconds}


def worker(event: dict[str, Any], context: Any) -> object:  # noqa: ANN401 - Lambda's signature
    """Do what each message's body says; leave a line per record in the file FAKE_RECORD."""
    with Path(os.environ["FAKE_RECORD"]).open("a") as record:
        for item in event["Records"]:
            line = {"pid": os.getpid(), "record": item}
            line["remaining_ms"] = context.get_remaining_time_in_millis()
            record.write(json.dumps(line) + "\n")
    report: list[dict[str, object]] = []
    answers: list[object] = []
    for item in event["Records"]:
        do = json.loads(item["body"])
        if "raise" in do:
            raise RuntimeError(do["raise"])
        if "sleep" in do:
            time.sleep(do["sleep"])
        if "busy" in do:  # holds the interpreter's lock against every other thread
            subprocess.run(["sleep", "0"], check=True)
            sys.setswitchinterval(3600)
            while True:
                pass
        if "exit" in do:
            os._exit(do["exit"])
        if "report" in do:
            report.append({"itemIdentifier": item["messageId"]})
        if "answer" in do:
            answers.append(do["answer"])
    if answers:
        return answers[0]
    return {"batchItemFailures": report}


def sweeper(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401 - Lambda's signature
    """Leave a line per run."""
    with Path(os.environ["FAKE_RECORD"]).open("a") as record:
        record.write(json.dumps({"sweep": event}) + "\n")
