"""A stand-in for the service: an API and functions that do what a test asks of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from chalice.app import Chalice, Request, Response

api = Chalice(app_name="fake")


def request() -> Request:
    """Give the request in hand."""
    assert api.current_request is not None
    return api.current_request


@api.route("/echo", methods=["POST"], content_types=["*/*"])
def echo() -> Response:
    """Give the request's body back."""
    body = request().raw_body
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
    return Response(text, headers={"Content-Type": "text/plain"})


@api.route("/things/{thing}", methods=["GET"])
def get_thing(thing: str) -> dict[str, Any]:
    """Give the path's part back."""
    return {"thing": thing, "stage": request().context["stage"]}


@api.route("/big/{size}", methods=["GET"])
def get_big(size: str) -> Response:
    """Answer with so many bytes."""
    return Response("x" * int(size), headers={"Content-Type": "text/plain"})


@api.route("/odd/{kind}", methods=["GET"])
def get_odd(kind: str) -> Response:
    """Answer with what HTTP does not have."""
    status = 999 if kind == "status" else 200
    name = "X Odd" if kind == "name" else "X-Odd"
    return Response("odd", status_code=status, headers={name: "a"})


@api.route("/slow/{seconds}", methods=["GET"])
def get_slow(seconds: str) -> dict[str, str]:
    """Answer late, and leave a mark when beginning."""
    Path(os.environ["FAKE_MARK"]).write_text("begun")
    threading.Event().wait(float(seconds))
    return {"waited": seconds}


def worker(event: dict[str, Any], context: Any) -> object:  # noqa: ANN401 - Lambda's signature
    """Do what each message's body says; leave a line per record in the file FAKE_RECORD."""
    note([{"record": item} for item in event["Records"]], context)
    bodies = [(item["messageId"], json.loads(item["body"])) for item in event["Records"]]
    for _, body in bodies:
        misbehave(body)
    for _, body in bodies:
        if "answer" in body:
            return body["answer"]
    failed = [message_id for message_id, body in bodies if "report" in body]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def sweeper(event: dict[str, Any], context: Any) -> None:  # noqa: ANN401 - Lambda's signature
    """Leave a line per run."""
    note([{"event": event}], context)


def note(lines: list[dict[str, Any]], context: Any) -> None:  # noqa: ANN401 - Lambda's context
    """Append to the record that the test reads."""
    about = {
        "pid": os.getpid(),
        "remaining_ms": context.get_remaining_time_in_millis(),
        "function": os.environ["AWS_LAMBDA_FUNCTION_NAME"],
    }
    with Path(os.environ["FAKE_RECORD"]).open("a") as record:
        record.writelines(json.dumps(line | about) + "\n" for line in lines)


def misbehave(body: dict[str, Any]) -> None:
    """Fail in the way that a message asks for."""
    if "print" in body:
        print(body["print"])
    if "raise" in body:
        raise RuntimeError(body["raise"])
    if "wait" in body:
        threading.Event().wait(body["wait"])
    if "exit" in body:
        os._exit(body["exit"])
    if "busy" in body:  # keeps the interpreter's lock from every other thread
        subprocess.run(["true"], check=True)
        sys.setswitchinterval(3600)
        while True:
            pass


not_a_function = object()
