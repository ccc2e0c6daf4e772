"""Submitting a task: one task for one key, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quantum_tasks.engine import calls
from quantum_tasks.engine.effects import Program
from quantum_tasks.engine.looking import Glance, Seen, see
from quantum_tasks.engine.retrying import RetryPolicy, exchange
from quantum_tasks.errors import QuantumTasksError
from quantum_tasks.values import TaskData


def submit(document: Mapping[str, Any], *, key: str, policy: RetryPolicy) -> Program[Seen]:
    """Submit a task; all tries have the same key, so the service keeps one task.

    Raises:
        QuantumTasksError: with the key in it. Submitting again with it is safe.
    """

    def kept(error: QuantumTasksError) -> Glance | None:
        data = kept_task(error, document)
        return None if data is None else Glance(data=data, wait_seconds=error.retry_after)

    request = calls.post_task(document, key=key)
    try:
        glance = yield from exchange(request, read=Glance.of, policy=policy, recover=kept)
        return (yield from see(glance))
    except QuantumTasksError as exc:
        exc.key = key
        raise
    except BaseException as interruption:
        interruption.add_note(f"The task may have been submitted. Its key finds it: {key}")
        raise


def kept_task(error: QuantumTasksError, document: Mapping[str, Any]) -> TaskData | None:
    """Return the task that a refusal says was kept: it will be executed, so it is not repeated."""
    if error.kept != "yes" or error.task_id is None:
        return None
    answer = {"task_id": error.task_id, "status": "pending", "correlation_id": error.correlation_id}
    return TaskData(
        id=error.task_id,
        status="pending",
        correlation_id=error.correlation_id,
        shots=document.get("shots"),
        seed=document.get("seed"),
        tags=document.get("tags", {}),
        document=answer,
    )
