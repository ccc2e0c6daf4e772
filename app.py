"""The Lambda functions. Each calls its entrypoint in `chalicelib`; no decision is made here."""

from __future__ import annotations

import gc

# Until everything stands, at the end of this file: a start leaves no garbage, and to search for
# some took 7% of its processor time.
gc.disable()

import importlib
import os
from pathlib import Path
from typing import Any, Final, cast

from chalice.app import Chalice, CloudWatchEvent, Rate, Response, SQSEvent

from chalicelib import composition
from chalicelib.entrypoints.http import batches, caller, checks, tasks
from chalicelib.entrypoints.http.cors import cors_config
from chalicelib.entrypoints.lambda_context import LambdaContext
from chalicelib.entrypoints.sweeper import handle_schedule
from chalicelib.entrypoints.worker import WORKERS_MAX, handle_batch

if "AWS_CHALICE_CLI_MODE" in os.environ and "QUANTUM_TASKS_PREPARED" not in os.environ:
    # A person's `chalice local`, `deploy` or `package`: before anything reads the environment.
    importlib.import_module("infra.chalice_commands").prepare(Path(__file__).resolve().parent)

#: Chalice's own check of the content type answers in its own words, so take everything.
ANY: Final = ["*/*"]
READ: Final = ["GET", "HEAD"]
#: `/health` is open: load balancers and operators ask it.
AUTHORIZER: Final = caller.authorizer()
#: Which other origin may call, if any.
CORS: Final = cors_config()
#: Carries the stage, so that the metrics of two stages' APIs do not mix. `STAGE` is a stage-level
#: variable in `.chalice/config.json`: only those are there when this is imported to package it.
NAME: Final = f"quantum-tasks-{os.environ.get('STAGE', caller.LOCAL_STAGE)}"
#: As `infra/templates/messaging.yaml` names it. A name, not an ARN: none is known when packaging.
QUEUE_NAME: Final = NAME
#: Executed all at once, so as many as `EXECUTION_CONCURRENCY`; `docs/executors.md` says why so few.
BATCH_SIZE: Final = 3

app: Final = Chalice(app_name=NAME)


@app.route("/tasks", methods=["POST"], content_types=ANY, authorizer=AUTHORIZER, cors=CORS)
def post_task() -> Response:
    """Submit a circuit."""
    return tasks.post_task(app.current_request)


@app.route("/tasks", methods=READ, content_types=ANY, authorizer=AUTHORIZER, cors=CORS)
def list_tasks() -> Response:
    """List the caller's tasks."""
    return tasks.list_tasks(app.current_request)


@app.route("/tasks/{task_id}", methods=READ, content_types=ANY, authorizer=AUTHORIZER, cors=CORS)
def get_task(task_id: str) -> Response:
    """Read a task."""
    return tasks.get_task(app.current_request, task_id)


@app.route(
    "/tasks/{task_id}/cancel", methods=["POST"], content_types=ANY, authorizer=AUTHORIZER, cors=CORS
)
def cancel_task(task_id: str) -> Response:
    """Cancel a task."""
    return tasks.cancel_task(app.current_request, task_id)


@app.route("/batches", methods=["POST"], content_types=ANY, authorizer=AUTHORIZER, cors=CORS)
def post_batch() -> Response:
    """Submit many circuits."""
    return batches.post_batch(app.current_request)


@app.route("/validations", methods=["POST"], content_types=ANY, authorizer=AUTHORIZER, cors=CORS)
def post_validation() -> Response:
    """Check a circuit without running it."""
    return checks.post_validation(app.current_request)


@app.route("/openapi.json", methods=READ, content_types=ANY, authorizer=AUTHORIZER, cors=CORS)
def get_description() -> Response:
    """Describe the API."""
    # What makes it is imported by the first request for it.
    from chalicelib.entrypoints.http import openapi  # noqa: PLC0415

    return openapi.get_description(app.current_request)


@app.route("/health", methods=READ, content_types=ANY, cors=CORS)
def get_health() -> Response:
    """Ask whether the service can work."""
    return checks.get_health(app.current_request)


@app.on_sqs_message(queue=QUEUE_NAME, batch_size=BATCH_SIZE, maximum_concurrency=WORKERS_MAX)
def worker(event: SQSEvent) -> dict[str, Any] | None:
    """Execute the tasks of one batch of messages."""
    return handle_batch(composition.get_service(), event.to_dict(), _context(event))


@app.schedule(Rate(1, unit=Rate.MINUTES))
def sweeper(event: CloudWatchEvent) -> dict[str, Any]:
    """Bring back what was lost."""
    return handle_schedule(composition.get_service(), _context(event))


def _context(event: SQSEvent | CloudWatchEvent) -> LambdaContext:
    """Return what Lambda passed; Chalice declares it as a dictionary, which it never is."""
    return cast("LambdaContext", event.context)


composition.warm_up()

# What stands is kept for good. Each full collection would go through it for 12 ms.
gc.freeze()
gc.enable()
